"""Questions: est-ce que for yes or no, inversion after a question word."""

from random import Random

from latimer.data.phrasebook import french
from latimer.data.phrasebook.actions import (
    NONE,
    PLAIN_TENSES,
    action,
    asked_of,
    both,
    place_for,
    some_verb,
    suits,
    time_for,
)
from latimer.data.phrasebook.clauses import Clause, english_question, french_question, sentence, statement
from latimer.data.phrasebook.lexicon import nouns_of, terms, verb
from latimer.data.phrasebook.phrases import PERSONS, Phrase, Text, phrase


def _asked(clause: Clause, words: tuple[str, str] = ("", "")) -> Text:
    english_text = english_question(clause, words[0])
    return sentence(english_text, french_question(clause, words[1]), clause.combinations)


def yes_no(random: Random) -> Text:
    """ "Do you know this street?" with est-ce que."""
    tense = random.choice((*PLAIN_TENSES, "perfect"))
    what = some_verb(random, stative=tense in ("present", "past"), planned=tense == "future")
    who = asked_of(random)
    return _asked(action(random, (tense,), who=who if suits(who, what) else PERSONS["you"], verb=what))


_WHERE = terms(
    "buy,work,find,wait,sleep,have lunch,have dinner,lose,learn,rest,repair,swim,run,play cards,read,hide,"
    "meet,see,study,train"
)


def wh_question(random: Random) -> Text:
    """ "Where does the baker buy his flour?": the question word with inversion."""
    kind = random.choice(("where", "where", "why", "why", "when", "what time"))
    tense = random.choice(("present", "present", "past", "past", "future"))
    what = (
        verb(random.choice(_WHERE))
        if kind == "where"
        else some_verb(random, stative=False, planned=kind != "why")
    )
    if kind == "why" and tense == "present" and random.random() < 0.3:
        what = some_verb(random, stative=True)
    who = asked_of(random)
    if not suits(who, what):
        who = PERSONS["you"]
    clause = action(random, (tense,), who=who, verb=what, places=0.0, when=0.0, adverbs=0.0)
    if kind in ("why", "where") and tense != "present":
        clause = clause._replace(tail=time_for(random, tense, chance=0.4, clock=False))
    elif kind != "where":
        clause = clause._replace(tail=place_for(random, what, 0.4))
    word = {"where": "où", "why": "pourquoi", "when": "quand", "what time": "à quelle heure"}[kind]
    return _asked(clause, (kind, word))


_WHAT = terms("eat,buy,see,hear,find,order,read,write,drink,sell,forget,look for,wear,choose,bring,receive")


def what_question(random: Random) -> Text:
    """ "What do you eat?" (Que mangez-vous ?), "What is Paul reading?" (Qu'est-ce que Paul lit ?)."""
    what = verb(random.choice(_WHAT))
    tense = random.choice(("present", "progressive", "past", "future"))
    who = asked_of(random)
    if not suits(who, what):
        who = PERSONS["you"]
    tail = both(place_for(random, what, 0.4), time_for(random, tense, chance=0.4, far=0.0))
    clause = Clause(who, what, tense, tail=tail)
    if who.pronoun:
        return _asked(clause, ("what", "que"))
    said = statement(clause)
    asked = english_question(clause, "what")
    return sentence(asked, french.elide("qu'est-ce que", said.french) + " ?", said.combinations)


def who_question(random: Random) -> Text:
    """ "Who closed the window?" (Qui a fermé la fenêtre ?)."""
    clause = action(random, ("past", "past", "present", "future"), who=PERSONS["he"], adverbs=0.0)
    who = Phrase("who", "qui", ("he", "il"), ("his", "son"), lemma="name")
    said = statement(clause._replace(subject=who))
    return sentence(said.english + "?", said.french + " ?", said.combinations)


_TOGETHER = terms(
    "have lunch,have dinner,travel,work,dance,play cards,play chess,go out,go for a walk,go shopping"
)


def with_whom(random: Random) -> Text:
    """ "Who did you have lunch with?" (Avec qui avez-vous déjeuné ?)."""
    tense = random.choice(("present", "past", "past", "future"))
    time = time_for(random, tense, chance=0.5, clock=False)
    clause = Clause(asked_of(random), verb(random.choice(_TOGETHER)), tense, tail=time)
    bare = english_question(clause._replace(tail=NONE), "who").removesuffix("?")
    asked = " ".join(word for word in (bare, "with", time.english) if word) + "?"
    return sentence(asked, french_question(clause, "avec qui"), clause.combinations)


def want_question(random: Random) -> Text:
    """ "Would you like to visit the castle tomorrow?" with est-ce que."""
    clause = action(random, ("future",), who=asked_of(random), when=0.4, adverbs=0.0, planned=True)
    return _asked(clause._replace(modal=random.choice(("want to", "would like to"))))


_COUNTED = (
    ("have", "brother sister cousin child dog cat cow key question idea problem horse"),
    ("buy", "fruit clothing readable ticket vegetable"),
    ("read", "readable"),
    ("eat", "fruit cake biscuit egg sandwich"),
    ("see", "animal star tourist"),
    ("write", "letter postcard novel poem article"),
    ("receive", "letter present message"),
    ("invite", "guest child student"),
    ("forget", "word name"),
    ("sell", "car house horse boat"),
    ("draw", "house tree boat flower"),
)


def how_many(random: Random) -> Text:
    """ "How many letters did you write?": combien de, and the participle agrees with what is counted."""
    base, classes = random.choice(_COUNTED)
    noun = random.choice(nouns_of(frozenset(classes.split())))
    what, who = verb(base), asked_of(random)
    if not suits(who, what):
        who = PERSONS["you"]
    tense = "present" if what.stative else random.choice(("past", "past", "future"))
    many = phrase("", noun, plural=True)
    counted = french.with_preposition("combien de", french.noun_phrase("", noun.french, plural=True))
    tail = NONE if what.stative else time_for(random, tense, chance=0.4, clock=False)
    clause = Clause(who, what, tense, tail=tail)
    asked = french_question(clause, counted)
    if tense == "past":
        agreed = french.participle(what.infinitive, noun.feminine, True)
        asked = asked.replace(f" {french.participle(what.infinitive)}", f" {agreed}", 1)
    found = clause.combinations | {("object", base, noun.english)}
    return sentence(english_question(clause, f"how many {many.english}"), asked, found)
