"""Sentences that describe: adjectives in both places, comparison, superlative, trades, hunger and pain."""

from random import Random

from latimer.data.phrasebook import english, french
from latimer.data.phrasebook.actions import NONE, both, someone, time_for, times
from latimer.data.phrasebook.clauses import Clause, english_question, french_question, sentence, statement
from latimer.data.phrasebook.lexicon import (
    Adjective,
    Noun,
    adjectives,
    adjectives_for,
    nouns_of,
    simple_verb,
    terms,
    verb,
)
from latimer.data.phrasebook.phrases import PERSONS, SINGLE, Phrase, Text, name, person_phrase, phrase, texts

BE = simple_verb("be", "être", stative=True)
NATIONS = {"French", "English", "Italian", "Spanish", "German"}
_MOODS = terms(
    "happy,tired,pleased,sad,ill,angry,worried,ready,busy,free,polite,shy,serious,patient,brave,lazy,rich,"
    "poor,famous,strong,elegant,nervous,jealous,careful,intelligent,young,tall,kind,"
    "nice,curious,funny,active,"
    "French,English,Italian,Spanish,German"
)
_LASTING = NATIONS | set(terms("famous,tall,young,intelligent,kind,rich,poor,funny,brave,nice"))
_COLOURS = {"red", "green", "blue", "white", "black", "grey", "yellow", "brown", "pink"}
_PLAIN = (
    _COLOURS | NATIONS | set(terms("magnificent,delicious,broken,open,closed,brand-new,new,ready,free,empty"))
)
_TOO = set(
    terms(
        "expensive,long,short,heavy,hot,cold,salty,sweet,big,small,slow,tired,sad,difficult,complicated,"
        "narrow,old,dirty,wet,nervous,shy,lazy,worried,high,low,young,serious,curious"
    )
)
_VERY = texts("very = très; really = vraiment")
_MORE = texts("very = très; too = trop; a little = un peu")
_THINGS = frozenset(
    terms(
        "thing building clothing vehicle furniture room instrument food readable place "
        "fruit study watchable river "
        "mountain street bridge"
    )
)
_OPPOSED = [
    *(
        set(terms(group))
        for group in (
            *(
                "big,small",
                "tall,small",
                "fat,small",
                "old,new,young,modern,brand-new",
                "good,bad",
                "long,short",
            ),
            *("beautiful,pretty,magnificent,elegant", "hot,cold,warm", "easy,difficult,simple,complicated"),
            *("fast,slow", "open,closed", "heavy,light", "clean,dirty", "dry,wet", "narrow,wide", "high,low"),
            *("rich,poor", "happy,sad", "empty,full", "fresh,ripe", "broken,useful", "dangerous,useful"),
            *("interesting,useful", "delicious,bad", "delicious,good", "brand-new,dirty", "brand-new,broken"),
        )
    ),
    NATIONS,
    _COLOURS,
]


def clash(one: Adjective, two: Adjective) -> bool:
    """Whether two adjectives contradict or repeat each other."""
    both_of = {one.english, two.english}
    return one.french == two.french or any(both_of <= group for group in _OPPOSED)


def degree_for(random: Random, adjective: Adjective) -> Text:
    """very, too, a little, or nothing, as the adjective allows."""
    if adjective.english in _PLAIN or random.random() < 0.45:
        return NONE
    return random.choice(_MORE if adjective.english in _TOO else _VERY)


def predicate(who: Phrase, adjective: Adjective) -> Text:
    """The adjective agreed with what it is said of."""
    found = frozenset[tuple[str, str, str]]()
    if who.lemma not in ("", "name"):
        found = frozenset({("adjective", adjective.english, who.lemma)})
    return Text(adjective.english, french.agree(adjective.french, *french.agreement(who.person[1])), found)


def is_so(who: Phrase, tense: str, tail: Text, negation: str = "") -> Clause:
    """Somebody or something is so."""
    return Clause(who, BE, tense, negation=negation, tail=tail)


def finish(random: Random, clause: Clause, question: float) -> Text:
    """The clause as a statement or, with the chance ``question``, as a question."""
    found = frozenset(c for c in clause.combinations if c[0] != "subject")
    if random.random() < question and clause.subject.person[0] != "I" and not clause.negation:
        return sentence(english_question(clause), french_question(clause), found)
    said = statement(clause)
    return sentence(said.english, said.french, found)


def feeling(random: Random, *, question: float = 0.25) -> Text:
    """ "She's very happy today.", "My uncle was tired."."""
    who, mood = someone(random), adjectives()[random.choice(_MOODS)]
    tense, time = random.choice(("present", "present", "past", "future")), NONE
    if mood.english in _LASTING:
        tense = (
            random.choice(("present", "past")) if mood.english in ("famous", "young", "rich") else "present"
        )
    else:
        time = time_for(random, {"present": "progressive"}.get(tense, tense), chance=0.4, clock=False)
    degree = degree_for(random, mood)
    negation = random.choice(("", "", "not", "never" if tense == "present" and not time.english else ""))
    if (negation and degree.english == "a little") or (mood.english in NATIONS and negation == "never"):
        negation = ""
    return finish(random, is_so(who, tense, both(degree, predicate(who, mood), time), negation), question)


def _described(random: Random) -> tuple[Noun, Adjective]:
    noun = random.choice([n for n in nouns_of(_THINGS) if adjectives_for(n)])
    return noun, random.choice(adjectives_for(noun))


def quality(random: Random) -> Text:
    """ "The green boots are dry.", "This exercise isn't easy."."""
    noun, adjective = _described(random)
    determiner = random.choice(("the", "the", "this", "own"))
    if noun.classes & {"place", "nature", "town"} and determiner == "own":
        determiner = "the"
    own = random.choice(tuple(PERSONS.values())).own
    plural = "pairwear" in noun.classes or (
        not (noun.mass or noun.classes & SINGLE) and random.random() < 0.25
    )
    other = random.choice(adjectives_for(noun))
    first = (other,) if random.random() < 0.25 and not clash(other, adjective) else ()
    what = phrase(determiner, noun, first, plural=plural, own=own)
    degree = degree_for(random, adjective)
    fading = adjective.english in ("new", "dry", "hot", "open", "cold", "clean", "fresh")
    negation = random.choice(("", "", "", "not", "no longer" if fading else ""))
    if degree.english == "a little":
        negation = ""
    tense = random.choice(("present", "present", "present", "past"))
    return finish(random, is_so(what, tense, both(degree, predicate(what, adjective)), negation), 0.2)


_PAINTABLE = frozenset(terms("building clothing vehicle furniture pet instrument livestock carry town"))
_GET = (
    ("buy", "acheter"),
    ("have", "avoir"),
    ("see", "voir"),
    ("want", "vouloir"),
    ("look for", "chercher"),
    ("find", "trouver"),
)
_KEEP = (("sell", "vendre"), ("look for", "chercher"), ("clean", "nettoyer"), ("show", "montrer"))


def two_adjectives(random: Random) -> Text:
    """ "It's a beautiful white house.", "They have a small black dog."."""
    while True:
        noun = random.choice(nouns_of(_PAINTABLE))
        before = [a for a in adjectives_for(noun) if a.french in french.PREPOSED]
        after = [a for a in adjectives_for(noun) if a.french not in french.PREPOSED]
        if before and after:
            one, two = random.choice(before), random.choice(after)
            if not clash(one, two):
                break
    if random.random() < 0.35:
        thing = phrase("a", noun, (one, two))
        lead = random.choice((("it's", "c'est"), ("it's", "c'est"), ("it isn't", "ce n'est pas")))
        lead = random.choice((lead, ("it was", "c'était")))
        return sentence(f"{lead[0]} {thing.english}", f"{lead[1]} {thing.french}", thing.combinations)
    who, own = someone(random), random.random() < 0.3 and not noun.classes & {"town", "building"}
    thing = phrase(
        "own" if own else "a", noun, (one, two), own=who.own, plural=not own and random.random() < 0.2
    )
    base = random.choice(_KEEP[:3] if own else _GET)
    what = simple_verb(*base, stative=base[0] in ("have", "want"))
    tense = "present" if what.stative else random.choice(("past", "future", "going_to", "progressive"))
    if base[0] in ("find", "see"):
        tense = "past"
    if base[0] == "clean" and "animal" in noun.classes:
        return two_adjectives(random)
    time = time_for(random, tense, chance=0.0 if what.stative else 0.3, clock=False, far=0.3)
    return sentence(*statement(Clause(who, what, tense, thing, tail=time)))


def trade(random: Random) -> Text:
    """ "My cousin is a dentist.", "He wants to become an engineer."."""
    men = frozenset(terms("brother uncle cousin son nephew husband neighbour friend"))
    who = random.choice(
        (PERSONS["I"], PERSONS["he"], PERSONS["you"], person_phrase(random, men), name(random))
    )
    if who.person[1] not in ("je", "il", "vous"):
        who = PERSONS["he"]
    noun = random.choice([n for n in nouns_of(frozenset({"worker"})) if not n.feminine])
    text = Text(english.a_or_an(noun.english), noun.french)
    kind = random.choice(("be", "want to", "become"))
    if kind == "be":
        negation = random.choice(("", "", "not", "no longer"))
        return finish(random, is_so(who, random.choice(("present", "past")), text, negation), 0.2)
    modal = "want to" if kind == "want to" else ""
    return finish(random, Clause(who, simple_verb("become", "devenir"), "past", tail=text, modal=modal), 0.1)


NEEDS = {
    "hungry": "faim",
    "thirsty": "soif",
    "afraid": "peur",
    "sleepy": "sommeil",
    "cold": "froid",
    "hot": "chaud",
}
_IDIOMS = {**NEEDS, "right": "raison", "wrong": "tort", "lucky": "de la chance"}


def need(
    who: Phrase, tense: str, word: str, *, negation: str = "", tail: Text = NONE, degree: Text = NONE
) -> Text:
    """ "I'm very hungry": "j'ai très faim": avoir where English has be."""
    particle = "de chance" if negation and word == "lucky" else _IDIOMS[word]
    said = statement(is_so(who, tense, both(degree, Text(word, ""), tail), negation))
    having = statement(Clause(who, verb("have"), tense, negation=negation))
    return Text(
        said.english,
        " ".join(w for w in (having.french, degree.french, particle, tail.french) if w),
        who.combinations,
    )


def idiom(random: Random) -> Text:
    """ "I'm hungry.", "Was she right?"."""
    who, word = someone(random), random.choice(tuple(_IDIOMS))
    tense = random.choice(("present", "present", "past", "future"))
    no_longer = "no longer" if word in NEEDS and tense != "future" else ""
    negation = random.choice(("", "", "not", "never" if tense == "present" else "", no_longer))
    degree = Text("very", "très") if word in NEEDS and not negation and random.random() < 0.4 else NONE
    time = time_for(random, {"present": "progressive"}.get(tense, tense), chance=0.35, clock=False, far=0.0)
    time = NONE if negation == "never" else time
    said = need(who, tense, word, negation=negation, tail=time, degree=degree)
    if random.random() < 0.25 and who.person[0] != "I" and not negation:
        asked = english_question(is_so(who, tense, both(degree, Text(word, ""), time)))
        return sentence(asked, french.elide("est-ce que", said.french) + " ?", said.combinations)
    return sentence(*said)


_PAINS = texts(
    "head = à la tête; back = au dos; leg = à la jambe; arm = au bras; knee = au genou; foot = au pied; "
    "throat = à la gorge; hand = à la main; ear = à l'oreille; stomach = au ventre"
)


def pain(random: Random) -> Text:
    """ "My head hurts.", "Paul's knee was hurting yesterday."."""
    who = random.choice(
        (PERSONS["I"], PERSONS["he"], PERSONS["she"], name(random), person_phrase(random, frozenset({"kin"})))
    )
    if who.person[0] == "they":
        who = PERSONS["I"]
    body, tense = random.choice(_PAINS), random.choice(("present", "present", "past"))
    owner = f"{who.english}'s" if who.lemma else who.own[0]
    time = random.choice(times("past" if tense == "past" else "now")) if random.random() < 0.4 else NONE
    having = statement(
        Clause(who, verb("have"), tense, tail=both(Text("", f"mal {body.french}"), time))
    ).french
    hurts = Text("hurts" if tense == "present" and not time.english else "is hurting", "")
    verb_word = hurts.english if tense == "present" else "was hurting"
    return sentence(" ".join(w for w in (owner, body.english, verb_word, time.english) if w), having)


_OWNED = frozenset(terms("clothing portable furniture vehicle building pet pairwear"))


def owned(random: Random) -> Text:
    """ "Paul's car is very old.", "My uncle's dog isn't black.": de in French."""
    owner = name(random) if random.random() < 0.7 else person_phrase(random, frozenset({"kin", "fellow"}))
    noun = random.choice([n for n in nouns_of(_OWNED) if adjectives_for(n)])
    adjective = random.choice(adjectives_for(noun))
    plural = "pairwear" in noun.classes
    mark = "'" if owner.person[0] == "they" else "'s"
    of_whom = french.with_preposition("de", owner.french)
    thing = phrase("the", noun, plural=plural)._replace(
        english=f"{owner.english}{mark} {english.noun_phrase('', noun.english, plural=plural)}",
        french=f"{french.noun_phrase('le', noun.french, plural=plural)} {of_whom}",
    )
    tail = both(degree_for(random, adjective), predicate(thing, adjective))
    negation = "" if "a little" in tail.english else random.choice(("", "", "not"))
    return finish(random, is_so(thing, random.choice(("present", "present", "past")), tail, negation), 0.2)
