"""Relative clauses: qui, que, dont, où."""

from random import Random

from latimer.data.phrasebook import english, french
from latimer.data.phrasebook.actions import both, place_for, someone, suits, time_for
from latimer.data.phrasebook.clauses import Clause, sentence, statement
from latimer.data.phrasebook.lexicon import Noun, adjectives_for, nouns_of, simple_verb, terms, verb
from latimer.data.phrasebook.patterns_clauses import act, glue
from latimer.data.phrasebook.patterns_places import beside, location
from latimer.data.phrasebook.patterns_qualities import degree_for, predicate
from latimer.data.phrasebook.phrases import Phrase, Text, name, phrase, texts


def _text(thing: Phrase) -> Text:
    return Text(thing.english, thing.french, thing.combinations)


def _who(model: Phrase) -> Phrase:
    return Phrase("who", "qui", model.person, model.own, lemma="name")


def _human(random: Random, article: str) -> Phrase:
    noun = random.choice(nouns_of(frozenset({"general", "worker"})))
    return phrase(article, noun, plural=random.random() < 0.2)


def who_clause(random: Random, who: Phrase) -> Text:
    """A relative clause about somebody: "who lives near the station", "whose mother is a nurse"."""
    kind = random.random()
    if kind < 0.3:
        spot = location(random) if random.random() < 0.5 else beside(random)[1]
        inner = Clause(_who(who), simple_verb("live", "habiter"), tail=spot)
        said = statement(inner)
        return Text(said.english, said.french)
    if kind < 0.5:
        relation = random.choice(
            [n for n in nouns_of(frozenset({"kin"})) if n.english not in ("husband", "wife")]
        )
        trades = [n for n in nouns_of(frozenset({"worker"})) if n.feminine == relation.feminine]
        job = random.choice(trades)
        his = french.noun_phrase("le", relation.french)
        return Text(
            f"whose {relation.english} is {english.a_or_an(job.english)}", f"dont {his} est {job.french}"
        )
    clause = act(random, random.choice(("present", "past")), who, when=0.15)
    said = statement(clause._replace(subject=_who(who)))
    return Text(said.english, said.french, clause.combinations)


def with_clause(random: Random, who: Phrase) -> Phrase:
    """Somebody together with a relative clause, ready to be a subject."""
    inside = who_clause(random, who)
    return who._replace(
        english=f"{who.english} {inside.english}",
        french=f"{who.french} {inside.french}",
        combinations=who.combinations | inside.combinations,
    )


def relative_who(random: Random) -> Text:
    """ "The girl who lives near the station plays the violin."."""
    who = _human(random, "the")
    outer = act(random, random.choice(("present", "past", "future")), who, when=0.3)
    if random.random() < 0.25:
        outer = outer._replace(negation="not") if not outer.adverb.english else outer
    return sentence(*statement(outer._replace(subject=with_clause(random, who))))


_LEADS = (("know", "present"), ("see", "past"), ("meet", "past"), ("look for", "progressive"))


def know_who(random: Random) -> Text:
    """ "I know a man who repairs clocks."."""
    who, (base, tense) = _human(random, "a"), random.choice(_LEADS)
    lead = Clause(someone(random), verb(base), tense, who)
    if random.random() < 0.3:
        lead = lead._replace(tail=place_for(random, lead.verb, 1.0))
        return sentence(*glue(statement(lead._replace(tail=Text("", ""))), who_clause(random, who)))
    return sentence(*glue(statement(lead), who_clause(random, who)))


_DONE = {
    "buy": "clothing readable portable vehicle furniture",
    "read": "readable",
    "write": "writable",
    "sell": "vehicle furniture building instrument",
    "find": "portable pet jewel",
    "see": "building animal picture",
    "choose": "clothing readable present",
    "repair": "device vehicle",
    "wear": "clothing",
    "eat": "fruit cake tart soup omelette",
    "paint": "portrait picture wall house",
    "receive": "letter present postcard message",
    "wash": "clothing",
    "look for": "portable pet",
}


def _so(random: Random, thing: Phrase, noun: Noun) -> Text:
    """What the thing is: "is red", "était très cher"."""
    adjective = random.choice(adjectives_for(noun))
    words = both(degree_for(random, adjective), predicate(thing, adjective))
    tense = random.choice(("present", "present", "past"))
    french_tense = "present" if tense == "present" else "imparfait"
    return Text(
        f"{english.conjugate('be', tense, thing.person[0])} {words.english}",
        f"{french.conjugate('être', french_tense, thing.person[1])} {words.french}",
        words.combinations,
    )


def done(random: Random, noun: Noun, thing: Phrase, base: str, tense: str) -> Text:
    """ "that my sister bought": que, and the participle agrees with the thing."""
    who = someone(random)
    if not suits(who, verb(base)):
        who = name(random)
    clause = Clause(who, verb(base), tense)
    if tense == "past":
        said = french.verb_group(
            who.person[1],
            verb(base).infinitive,
            "passe_compose",
            clitics=(thing.clitic,),
            feminine_object=noun.feminine,
        )
        # The clitic made the participle agree; here que stands in its place.
        said = said.removeprefix("l'").removeprefix("les ").removeprefix("la ").removeprefix("le ")
    else:
        said = french.verb_group(who.person[1], verb(base).infinitive, "present")
    inner = Text(statement(clause).english, french.elide(who.french, said), clause.combinations)
    time = time_for(random, tense, chance=0.4, clock=False, far=0.2)
    return glue(Text("that", "que"), both(inner, time))


def relative_that(random: Random) -> Text:
    """ "The dress that my sister bought is red."."""
    base = random.choice(tuple(_DONE))
    noun = random.choice(nouns_of(frozenset(_DONE[base].split())))
    if not adjectives_for(noun):
        return relative_that(random)
    thing = phrase(
        "the", noun, plural="pairwear" in noun.classes or (not noun.mass and random.random() < 0.25)
    )
    tense = "progressive" if base in ("look for", "read", "write", "repair", "wash", "wear") else "past"
    tense = random.choice(("past", tense)) if base != "look for" else tense
    found = frozenset({("object", base, noun.english)})
    inside = done(random, noun, thing, base, tense)
    so = _so(random, thing, noun)
    if random.random() < 0.25:
        who = someone(random)
        lead = random.choice((("like", "aimer"), ("have", "avoir"), ("see", "voir")))
        clause = Clause(who, simple_verb(*lead, stative=True), "present", thing._replace(lemma="name"))
        return sentence(*glue(statement(clause), inside, Text("", "", found)))
    return sentence(*glue(_text(thing), inside, so, Text("", "", found)))


_ABOUT = (
    (
        "need",
        "avoir+besoin",
        "key dictionary umbrella map camera suitcase bicycle computer phone hammer rope",
    ),
    ("dream of", "rêver", "house car garden boat castle horse dress"),
    (
        "talk about",
        "parler",
        "book film problem trip girl boy story restaurant town song teacher hotel village",
    ),
)


def relative_dont(random: Random) -> Text:
    """ "The book that I need is expensive.": dont for de."""
    base, infinitive, lemmas = random.choice(_ABOUT)
    noun = random.choice(nouns_of(frozenset(lemmas.split())))
    if not adjectives_for(noun):
        return relative_dont(random)
    thing = phrase("the", noun)
    tense = random.choice(("past", "progressive")) if base == "talk about" else "present"
    inner = statement(Clause(someone(random), simple_verb(base, infinitive, stative=base == "need"), tense))
    found = inner.combinations | {("object", base, noun.english)}
    inside = Text(f"that {inner.english}", f"dont {inner.french}", found)
    if random.random() < 0.3:
        lead = random.choice(texts("this is = voici; that's = c'est; here is = voilà"))
        return sentence(*glue(lead, _text(thing), inside))
    return sentence(*glue(_text(thing), inside, _so(random, thing, noun)))


_WHERE = (
    ("live", "habiter", "present used_to"),
    ("work", "travailler", "present past used_to"),
    ("have dinner", "dîner", "past"),
    ("learn French", "apprendre+le français", "past"),
    ("stay", "rester", "past"),
    ("have lunch", "déjeuner", "past present"),
    ("sleep", "dormir", "past"),
)
_HOMES = frozenset(
    terms("house street village town hotel school hospital factory office library restaurant castle")
)


def relative_where(random: Random) -> Text:
    """ "This is the house where my grandfather was born."."""
    noun, (base, infinitive, tenses) = random.choice(nouns_of(_HOMES)), random.choice(_WHERE)
    inner = Clause(someone(random), simple_verb(base, infinitive), random.choice(tenses.split()))
    if noun.english == "country":
        return relative_where(random)
    if noun.english in ("house", "village", "town", "hospital") and random.random() < 0.3:
        inner = Clause(inner.subject, simple_verb("be born", "naître"), "past")
    thing = phrase("the", noun)
    where = glue(_text(thing), Text("where", "où"), statement(inner))
    if random.random() < 0.5 or not adjectives_for(noun):
        return sentence(*glue(random.choice(texts("this is = voici; that's = c'est")), where))
    return sentence(*glue(where, _so(random, thing, noun)))
