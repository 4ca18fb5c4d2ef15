"""Sentences about what people do: statements, negation, modals, orders, and talk between friends."""

from random import Random

from latimer.data.phrasebook import french
from latimer.data.phrasebook.actions import (
    ALL_TENSES,
    NONE,
    PLAIN_TENSES,
    action,
    both,
    other_pronoun,
    place_for,
    someone,
    time_for,
)
from latimer.data.phrasebook.clauses import (
    Clause,
    english_question,
    french_group,
    french_question,
    infinitive,
    sentence,
    statement,
    subjunctive,
)
from latimer.data.phrasebook.lexicon import simple_verb, terms, verb
from latimer.data.phrasebook.phrases import FAMILIAR, OBJECTS, PERSONS, Text, name, texts

_PLEASE = (NONE, Text(", please", ", s'il vous plaît"))


def plain(random: Random) -> Text:
    """ "My aunt bought a red coat yesterday."."""
    return sentence(*statement(action(random, ALL_TENSES)))


def time_first(random: Random) -> Text:
    """ "Tomorrow, we're going to clean the kitchen."."""
    tense = random.choice(("past", "past", "future", "going_to", "present", "used_to"))
    clause = action(random, (tense,), when=0.0, adverbs=0.0, planned=tense == "present")
    time, said = time_for(random, tense, clock=False), statement(clause)
    return sentence(f"{time.english}, {said.english}", f"{time.french}, {said.french}", said.combinations)


def negative(random: Random) -> Text:
    """ "I don't know this street.", "She never eats meat.", "He no longer works here."."""
    clause = action(random, ("present", "present", "past", "past", "future", "conditional"), adverbs=0.0)
    kinds = ["not", "not", "not"]
    if clause.tense in ("present", "future"):
        kinds += ["never", "no longer"]
    negation = random.choice(kinds)
    if negation != "not":
        clause = clause._replace(tail=place_for(random, clause.verb, 0.3))
    return sentence(*statement(clause._replace(negation=negation)))


_NOTHING = terms("eat,buy,see,hear,find,order,read,write,understand,drink,sell,forget,choose,break,receive")
_NOBODY = terms("see,know,invite,hear,help,recognise,meet,wait for,thank,follow,call")


def nothing(random: Random) -> Text:
    """ "He didn't buy anything at the market.", "We don't know anyone."."""
    kind = random.choice(("nothing", "nobody"))
    what = verb(random.choice(_NOTHING if kind == "nothing" else _NOBODY))
    tense = "present" if what.stative else random.choice(("present", "past", "past", "future"))
    tail = place_for(random, what, 0.5)
    if tense != "present":
        tail = both(tail, time_for(random, tense, chance=0.4, far=0.0))
    return sentence(*statement(Clause(someone(random), what, tense, negation=kind, tail=tail)))


def not_yet(random: Random) -> Text:
    """ "I haven't finished my work yet."."""
    clause = action(random, ("perfect",), when=0.0)
    tail = both(clause.tail, Text("yet", ""))
    return sentence(*statement(clause._replace(negation="not", adverb=Text("", "encore"), tail=tail)))


_DENIABLE = ("can", "must", "should", "want to")


def modal(random: Random) -> Text:
    """ "I want to buy a new car.", "You mustn't open this door."."""
    clause = action(random, ("future",), when=0.0, adverbs=0.0, planned=True)
    kind = random.choice(
        (*_DENIABLE, "want to", "would like to", "wanted to", "had to", "will be able to", "like to")
    )
    negation = "not" if kind in _DENIABLE and random.random() < 0.3 else ""
    when = NONE
    if kind == "had to":
        when = time_for(random, "past", chance=0.35, clock=False, far=0.0)
    elif kind not in ("wanted to", "like to"):
        when = time_for(random, "future", chance=0.35, clock=False, far=0.05)
    return sentence(*statement(clause._replace(modal=kind, negation=negation, tail=both(clause.tail, when))))


def request(random: Random) -> Text:
    """ "Could you open the window, please?": inversion."""
    clause = action(random, ("future",), who=PERSONS["you"], when=0.0, adverbs=0.0, planned=True)
    clause = clause._replace(modal=random.choice(("can", "could", "could")))
    tail = random.choice(_PLEASE)
    asked, french_asked = english_question(clause), french_group(clause, inverted=True)
    return sentence(f"{asked[:-1]}{tail.english}?", f"{french_asked}{tail.french} ?", clause.combinations)


def have_to(random: Random) -> Text:
    """ "I have to leave tomorrow.": il faut que with the subjunctive."""
    clause = action(random, ("future",), when=0.5, adverbs=0.0, planned=True)
    words = infinitive(clause)
    has = "has" if clause.subject.person[0] in ("he", "she") else "have"
    said = f"{clause.subject.english} {has} to {words.english}"
    return sentence(said, french.elide("il faut que", subjunctive(clause)), clause.combinations)


def want_someone_to(random: Random) -> Text:
    """ "My mother wants me to clean my room.": vouloir que with the subjunctive."""
    who = someone(random)
    other = other_pronoun(random, who)
    clause = action(random, ("future",), who=other, when=0.3, adverbs=0.0, planned=True)
    tense, wish = random.choice((("present", "want"), ("conditional", "like")))
    lead = statement(Clause(who, simple_verb(wish, "vouloir", stative=True), tense))
    words = infinitive(clause)
    return sentence(
        f"{lead.english} {OBJECTS[other.person[0]][0]} to {words.english}",
        f"{lead.french} {french.elide('que', subjunctive(clause))}",
        words.combinations | lead.combinations,
    )


def command(random: Random) -> Text:
    """ "Close the door, please.", "Don't forget your umbrella.", "Let's go out.", "Paul, sit down."."""
    kind = random.choice(("vous", "vous", "nous", "tu", "not", "not"))
    who = {"nous": PERSONS["we"], "tu": FAMILIAR}.get(kind, PERSONS["you"])
    clause = action(random, ("future",), who=who, when=0.0, adverbs=0.0, planned=True)
    if kind == "not" and random.random() < 0.3:
        what = verb(
            random.choice(("forget", "lose", "break", "miss", "fall", "be afraid of", "fall asleep", "cry"))
        )
        clause = action(random, ("future",), who=who, verb=what, when=0.0)
    negation = "not" if kind == "not" else ""
    clause = clause._replace(negation=negation)
    words, bare = infinitive(clause), clause.verb._replace(french=clause.verb.infinitive)
    without = clause._replace(object=None, tail=NONE, verb=bare, tense="present")
    rest = french_group(clause._replace(tense="present")).removeprefix(french_group(without))
    form = french.imperative(who.person[1], bare.french, negation="pas" if negation else None)
    if kind == "not":
        return sentence(f"don't {words.english}", form + rest, words.combinations)
    if kind == "nous":
        return sentence(f"let's {words.english}", form + rest, words.combinations)
    if kind == "tu":
        friend = name(random).english
        return sentence(f"{friend}, {words.english}", f"{friend}, {form}{rest}", words.combinations)
    polite = random.choice(_PLEASE)
    return sentence(words.english + polite.english, form + rest + polite.french, words.combinations)


_DEAR = texts("Mum = maman; Dad = papa; my dear = mon cher; my friend = mon ami; Grandma = mamie")


def familiar(random: Random) -> Text:
    """ "Paul, do you want to dance?": a first name or a dear one makes it tu."""
    friend = name(random).english
    call = random.choice((Text(friend, friend), Text(friend, friend), random.choice(_DEAR)))
    clause = action(random, (*PLAIN_TENSES, "perfect"), who=FAMILIAR, adverbs=0.1)
    if random.random() < 0.3:
        clause = action(random, ("future",), who=FAMILIAR, when=0.0, planned=True)._replace(modal="want to")
    front = random.random() < 0.5
    if random.random() < 0.75:
        asked, french_asked = english_question(clause), french_question(clause)
        if front:
            return sentence(f"{call.english}, {asked}", f"{call.french}, {french_asked}", clause.combinations)
        return sentence(
            f"{asked[:-1]}, {call.english}?", f"{french_asked[:-2]}, {call.french} ?", clause.combinations
        )
    said = statement(clause)
    return sentence(f"{said.english}, {call.english}", f"{said.french}, {call.french}", said.combinations)
