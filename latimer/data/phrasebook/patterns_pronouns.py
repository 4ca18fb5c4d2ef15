"""Object pronouns: clitics alone and in pairs, with modals, and standing for a noun said before."""

from random import Random

from latimer.data.phrasebook import french
from latimer.data.phrasebook.actions import (
    NONE,
    action,
    again,
    both,
    other_pronoun,
    place_for,
    somebody_else,
    someone,
    suits,
    time_for,
)
from latimer.data.phrasebook.clauses import Clause, english_question, french_question, sentence, statement
from latimer.data.phrasebook.lexicon import nouns, simple_verb, terms, verb
from latimer.data.phrasebook.phrases import OBJECTS, Text, name, object_phrase, place

_GIVING = {
    "give": ("donner", "present book flower key letter cake pen ball map doll ticket"),
    "show": ("montrer", "photo letter picture map drawing ring house garden"),
    "send": ("envoyer", "letter postcard message present book photo"),
    "lend": ("prêter", "car umbrella book bicycle camera dictionary pen hammer suitcase"),
    "offer": ("offrir", "present flower ring cake watch chocolate book"),
    "tell": ("raconter", "story dream secret"),
    "sell": ("vendre", "car house boat horse piano bicycle"),
    "explain": ("expliquer", "lesson rule problem exercise word plan"),
    "bring": ("apporter", "letter cake coffee newspaper soup flower"),
    "read": ("lire", "letter story poem article message"),
}
_TENSES = ("present", "past", "past", "future", "going_to")


def _giving(random: Random) -> tuple[Clause, frozenset[str]]:
    """Somebody gives, shows, lends ...; and what may be given so."""
    base = random.choice(tuple(_GIVING))
    infinitive, things = _GIVING[base]
    clause = Clause(someone(random), simple_verb(base, infinitive), random.choice(_TENSES))
    return clause, frozenset(things.split())


def give_to(random: Random) -> Text:
    """ "I gave the book to my sister."."""
    clause, things = _giving(random)
    thing = object_phrase(random, things, "dsm", clause.subject)
    whom = somebody_else(random, clause.subject)
    time = time_for(random, clause.tense, chance=0.35, clock=False, far=0.05)
    tail = Text(f"to {whom.english}", french.with_preposition("à", whom.french), whom.combinations)
    return sentence(*statement(clause._replace(object=thing, tail=both(tail, time))))


def give_it(random: Random) -> Text:
    """ "I gave it to her.", "He won't lend them to us.": two clitics in their order."""
    clause, _ = _giving(random)
    to_her, clitic = _to(other_pronoun(random, clause.subject).person[0])
    direct, le = random.choice((("it", "le"), ("it", "le"), ("them", "les")))
    negation = random.choice(("", "", "not", "never" if clause.tense == "present" else "not"))
    time = NONE if negation == "never" else time_for(random, clause.tense, chance=0.3, clock=False, far=0.0)
    clause = clause._replace(clitics=(le, clitic), pronouns=(direct, to_her), tail=time, negation=negation)
    return sentence(*statement(clause))


def _to(person: str) -> tuple[str, str]:
    """ "to her" and lui."""
    clitic = {"he": "lui", "she": "lui", "they": "leur"}.get(person, OBJECTS[person][1])
    return f"to {OBJECTS[person][0]}", clitic


def give_her_thing(random: Random) -> Text:
    """ "He gave her a ring.": the indirect object as a clitic alone."""
    clause, things = _giving(random)
    if clause.verb.english == "explain":
        return give_it(random)
    to_her, clitic = _to(other_pronoun(random, clause.subject).person[0])
    thing = object_phrase(random, things, "dss", clause.subject)
    time = time_for(random, clause.tense, chance=0.3, clock=False, far=0.05)
    clause = clause._replace(object=thing, clitics=(clitic,), pronouns=(to_her.removeprefix("to "), ""))
    return sentence(*statement(clause._replace(tail=time, negation=random.choice(("", "", "not")))))


_SEEING = terms("see,help,call,invite,know,thank,follow,wait for,look for,recognise,hear,meet,listen to")


def see_them(random: Random) -> Text:
    """ "I saw her at the market.", "Paul doesn't know them."."""
    what, who = verb(random.choice(_SEEING)), someone(random)
    tense = "present" if what.stative else random.choice(_TENSES)
    whom = other_pronoun(random, who).person[0]
    if whom == "we" and tense == "past":
        whom = "he" if who.person[0] != "he" else "she"  # "nous a vus" would not show in the English
    me, clitic = OBJECTS[whom]
    negation = random.choice(("", "", "not", "never" if tense == "present" else "not"))
    time = time_for(random, tense, chance=0.0 if what.stative else 0.4, far=0.05)
    tail = NONE if negation == "never" else both(place_for(random, what, 0.3), time)
    clause = Clause(who, what, tense, clitics=(clitic,), pronouns=(me, ""), negation=negation, tail=tail)
    if random.random() < 0.2 and who.person[0] != "I":
        clause = clause._replace(negation="")
        return sentence(english_question(clause), french_question(clause), clause.combinations)
    return sentence(*statement(clause))


def modal_pronoun(random: Random) -> Text:
    """ "I can't help you.", "He wants to see her."."""
    what, who = (
        verb(random.choice(terms("see,help,call,invite,thank,follow,wait for,meet"))),
        someone(random),
    )
    me, clitic = OBJECTS[other_pronoun(random, who).person[0]]
    kind = random.choice(("can", "must", "should", "want to", "would like to", "will be able to"))
    negation = random.choice(("", "not")) if kind in ("can", "want to", "must") else ""
    time = time_for(random, "future", chance=0.4, clock=False, far=0.05)
    clause = Clause(who, what, modal=kind, clitics=(clitic,), pronouns=(me, ""), negation=negation, tail=time)
    return sentence(*statement(clause))


_GETTING = terms("buy,find,choose,receive,borrow,write,draw,paint,repair")
_GOODS = frozenset(terms("clothing readable portable bicycle flower pet"))


def antecedent(random: Random) -> Text:
    """ "I found a key but I lost it at the beach.": the pronoun's gender is that of the noun before it."""
    what = verb(random.choice(_GETTING))
    if what.english in ("buy", "find", "borrow"):
        what = what._replace(objects=_GOODS, determiners="ssn", places=())
    who = someone(random)
    if not suits(who, what):
        who = name(random)
    first = action(random, ("past",), who=who, verb=what, places=0.2, when=0.2)
    thing = first.object
    assert thing is not None
    noun = nouns()[thing.lemma]
    if noun.mass or not noun.classes & {"clothing", "pairwear", "portable", "picture", "flower", "readable"}:
        return antecedent(random)
    friend = somebody_else(random, who)
    base, infinitive, spot = random.choice(
        (
            ("forget", "oublier", "at:hotel"),
            ("forget", "oublier", "at:restaurant"),
            ("lose", "perdre", "at:beach"),
            ("lose", "perdre", "at:station"),
            ("lose", "perdre", "at:cinema"),
            ("show", "montrer", ""),
            ("give", "donner", ""),
            ("give", "donner", ""),
            ("sell", "vendre", ""),
        )
    )
    to_friend = Text(f"to {friend.english}", french.with_preposition("à", friend.french), friend.combinations)
    joint = Text("but", "mais") if spot else random.choice((Text("and", "et"), Text(", then", ", puis")))
    second = Clause(
        again(who),
        simple_verb(base, infinitive),
        "past",
        clitics=(thing.clitic,),
        pronouns=(thing.object_pronoun, ""),
        tail=place(spot) if spot else to_friend,
        feminine_object=noun.feminine,
    )
    one, two = statement(first), statement(second)
    text_english = f"{one.english} {joint.english} {two.english}".replace(" ,", ",")
    text_french = f"{one.french} {joint.french} {two.french}".replace(" ,", ",")
    return sentence(text_english, text_french, one.combinations | two.combinations)
