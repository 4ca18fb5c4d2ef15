"""Random actions: a verb with a fitting subject, object, place and time."""

from functools import cache
from random import Random

from latimer.data.phrasebook import english, french
from latimer.data.phrasebook.clauses import Clause
from latimer.data.phrasebook.lexicon import Verb, nouns, rows, terms, verbs
from latimer.data.phrasebook.phrases import (
    PERSONS,
    Phrase,
    Text,
    name,
    object_phrase,
    person_phrase,
    place,
    subject,
    texts,
)

NONE = Text("", "")
_TIME_GROUPS = {
    "present": "habit",
    "progressive": "now",
    "past": "past",
    "past_progressive": "past",
    "future": "future",
    "going_to": "future",
    "used_to": "before",
}
_FREQUENCY = texts("often = souvent; always = toujours; sometimes = parfois; rarely = rarement")
PLAIN_TENSES = ("present", "present", "progressive", "past", "past", "past", "future", "going_to")
ALL_TENSES = (*PLAIN_TENSES, "used_to", "past_progressive", "conditional", "perfect")
# Nobody plans these: no order, wish, promise or daily routine speaks of them.
UNPLANNED = frozenset(
    terms(
        "lose,forget,break,fall,find,miss,get lost,discover,receive,recognise,hear,see,understand,dream of,"
        "cry,obey,fall asleep,know,hate,like,prefer,have,need,be afraid of,remember,save,laugh,breathe,"
        "believe,wake up,keep"
    )
)
# These may take as long ago as last year; the others happened yesterday or this morning.
_LASTING = frozenset(
    terms(
        "buy,sell,build,paint,visit,travel,work,learn,study,meet,write,leave,come back,discover,photograph,"
        "receive,camp,ski,stay,choose,see,live,go,arrive,become,plant,draw,invite,repair,be born,die"
    )
)
_AHEAD = ("future", "conditional", "going_to")
_FOR_WOMEN, _FOR_MEN = {"dress", "skirt"}, {"tie", "suit"}


@cache
def times(group: str) -> tuple[Text, ...]:
    """The time expressions of a group of ``times.tsv``."""
    return tuple(Text(row[1], row[2]) for row in rows("times.tsv") if row[0] == group)


def time_for(
    random: Random, tense: str, *, chance: float = 1.0, clock: bool = True, far: float = 0.15
) -> Text:
    """A time that fits the tense, or nothing; with ``clock`` sometimes "at half past eight"."""
    if tense not in _TIME_GROUPS or random.random() >= chance:
        return NONE
    if clock and tense in ("present", "past", "future", "going_to") and random.random() < 0.14:
        return clock_time(random)
    group = _TIME_GROUPS[tense]
    if group in ("habit", "past", "future") and random.random() < far:
        group += "_far"
    return random.choice(times(group))


def clock_time(random: Random) -> Text:
    """ "at half past eight", "à huit heures et demie"."""
    hour, minute = random.choice((*range(1, 11), 12)), random.choice((0, 0, 15, 30, 45, 10, 20))
    minute = 0 if hour == 12 else minute
    return Text(f"at {english.clock(hour, minute)}", f"à {french.clock(hour, minute)}")


def both(*parts: Text) -> Text:
    """Texts, one after the other, with single spaces."""
    return Text(
        " ".join(part.english for part in parts if part.english),
        " ".join(part.french for part in parts if part.french),
        frozenset().union(*(part.combinations for part in parts)),
    )


def place_for(random: Random, what: Verb, chance: float) -> Text:
    """A place where the verb happens, or nothing."""
    if not what.places or random.random() >= chance:
        return NONE
    return place(random.choice(what.places))


def suits(who: Phrase, what: Verb) -> bool:
    """Whether the subject may do it: pronouns and names may do all, a noun what its classes allow."""
    if who.lemma in ("", "name"):
        return what.english != "shave" or who.person[0] != "she"
    noun = nouns()[who.lemma]
    return bool((noun.classes | {noun.english}) & what.subjects)


@cache
def _choice_of(stative: bool, planned: bool) -> tuple[Verb, ...]:
    return tuple(
        v
        for v in verbs()
        if (stative or not v.stative) and not (planned and (v.english in UNPLANNED or v.stative))
    )


def some_verb(random: Random, *, stative: bool = True, planned: bool = False) -> Verb:
    """Any verb; ``stative`` allows know, like and their kind, ``planned`` only what one can decide to do."""
    return random.choice(_choice_of(stative, planned))


def action(
    random: Random,
    tenses: tuple[str, ...] = PLAIN_TENSES,
    *,
    who: Phrase | None = None,
    verb: Verb | None = None,
    places: float = 0.3,
    when: float = 0.4,
    adverbs: float = 0.12,
    adjectives: float = 0.2,
    planned: bool = False,
) -> Clause:
    """A clause that makes sense; the figures are the chances of a place, a time and a frequency adverb."""
    tense = random.choice(tenses)
    what = verb
    if what is None:
        stative = tense in ("present", "past")
        what = some_verb(random, stative=stative, planned=planned or tense in _AHEAD)
        while who is not None and not suits(who, what):
            what = some_verb(random, stative=stative, planned=planned)
    if who is None:
        who = subject(random, what.subjects)
        while not suits(who, what):
            who = subject(random, what.subjects)
    thing = object_for(random, what, who, adjectives) if what.objects else None
    where = place_for(random, what, places)
    far = 0.4 if what.english in _LASTING else 0.0
    time = time_for(random, tense, chance=0.0 if what.stative else when, far=far)
    adverb = NONE
    if tense == "present" and not what.stative and random.random() < adverbs:
        adverb, time = random.choice(_FREQUENCY), NONE
    elif tense == "perfect":
        adverb = Text("already", "déjà")
    return Clause(who, what, tense, thing, adverb=adverb, tail=both(where, time))


def object_for(random: Random, what: Verb, who: Phrase, adjectives: float = 0.2) -> Phrase:
    """An object that the verb allows and that becomes its subject."""
    while True:
        thing = object_phrase(random, what.objects, what.determiners, who, chance=adjectives)
        if what.english in ("wear", "put {} on", "try {} on", "put"):
            woman = who.person[0] == "she"
            alone = thing.person[0] == "they" and who.person[0] not in ("we", "they")
            if thing.lemma in (_FOR_MEN if woman else _FOR_WOMEN) or alone:
                continue
        if thing.lemma != who.lemma or not thing.lemma:
            return thing


def someone(random: Random) -> Phrase:
    """Any person: pronoun, name or noun."""
    return subject(random, frozenset({"person"}))


def somebody_else(random: Random, who: Phrase) -> Phrase:
    """A person by name or noun, and not the one given."""
    while True:
        person = name(random) if random.random() < 0.4 else person_phrase(random, frozenset({"person"}))
        if person.lemma != who.lemma or (person.english != who.english and person.lemma == "name"):
            return person


def asked_of(random: Random) -> Phrase:
    """Whom a question may be about: nobody asks about himself."""
    who = someone(random)
    return PERSONS["you"] if who.person[0] == "I" else who


def other_pronoun(random: Random, who: Phrase) -> Phrase:
    """A pronoun for somebody else than the subject."""
    while True:
        other = random.choice(tuple(PERSONS.values()))
        pair = {other.person[0], who.person[0]}
        if len(pair) == 2 and pair != {"I", "we"}:
            return other


def again(who: Phrase) -> Phrase:
    """The pronoun that takes the place of a subject said before."""
    return who if who.pronoun else Phrase(who.person[0], who.person[1], who.person, who.own)
