"""Purposes and concessions: infinitives after prepositions, bien que, pour que."""

from random import Random

from latimer.data.phrasebook import english, french
from latimer.data.phrasebook.actions import action, again, somebody_else, someone, suits
from latimer.data.phrasebook.clauses import infinitive, sentence, statement, subjunctive
from latimer.data.phrasebook.lexicon import adjectives, verb
from latimer.data.phrasebook.patterns_clauses import glue
from latimer.data.phrasebook.patterns_qualities import is_so, predicate
from latimer.data.phrasebook.phrases import Text, texts

_COMMA = Text(",", ",")
_PURPOSES = texts(
    "before = avant de; before = avant de; without = sans; in order to = pour; in order to = pour"
)
_ENDS = {
    "in order to": (
        "go out,go shopping,take,run,travel,come home,get up,save,leave,phone,wait,cycle,arrive",
        "buy,visit,help,see,meet,work,swim,wait for,rest,learn,look for,watch,have lunch,feed,play,thank",
    ),
    "before": (
        "have a wash,get dressed,eat,drink,phone,close,wash,clean,read,wait,have lunch,"
        "write,buy,do the housework",
        "go out,leave,work,go to bed,have dinner,sleep,prepare,travel,watch,come home,go shopping,rest",
    ),
    "without": (
        "leave,go out,come home,buy,sell,open,take,read,cross,walk,work,listen to,watch,eat",
        "wait for,see,thank,pay,phone,smile,wait,laugh,understand,help,find,hurry,fall,forget,rest",
    ),
}


def infinitive_after(random: Random) -> Text:
    """ "I had a wash before going to bed.", "She left without thanking the waiter."."""
    joint, who = random.choice(_PURPOSES), someone(random)
    first, second = (verb(random.choice(group.split(","))) for group in _ENDS[joint.english])
    if not (suits(who, first) and suits(who, second)):
        return infinitive_after(random)
    tense = random.choice(("past", "past", "future", "present"))
    one = action(random, (tense,), who=who, verb=first, when=0.0)
    two = infinitive(action(random, ("future",), who=who, verb=second, when=0.0))
    word = two.english.split(" ")[0]
    moved = two.english if joint.english == "in order to" else english.ing(word) + two.english[len(word) :]
    return sentence(*glue(statement(one), joint, Text(moved, two.french, two.combinations)))


def although(random: Random) -> Text:
    """ "Although he's rich, he works every day.": bien que with the subjunctive."""
    who = someone(random)
    word, acts = random.choice(
        (
            ("tired", "work,go out,dance,swim,clean,run,help,read,do the housework"),
            ("ill", "work,go out,travel,smoke,swim,laugh,write"),
            ("rich", "work,cycle,do the housework,camp,repair,cook"),
            ("busy", "help,phone,go for a walk,listen to,wait for,answer,have lunch"),
            ("young", "work,travel,drive,play chess,help,cook"),
            ("sad", "smile,laugh,sing,dance,play"),
            ("poor", "travel,help,laugh,smile,invite"),
        )
    )
    what = verb(random.choice(acts.split(",")))
    if not suits(who, what):
        return although(random)
    being = is_so(who, "present", predicate(who, adjectives()[word]))
    condition = Text(statement(being).english, subjunctive(being))
    second = action(random, ("present",), who=who, verb=what, when=0.3, adverbs=0.2)._replace(
        subject=again(who)
    )
    return sentence(*glue(Text("although", "bien que"), condition, _COMMA, statement(second)))


# A favour, and what it lets somebody do.
_FAVOURS = (
    ("turn {} on", "lamp", "read,write,study,draw"),
    ("close", "window door", "sleep,rest,work,study,read"),
    ("open", "door", "go out,come home,leave"),
    ("repair", "car bicycle", "travel,leave,come back"),
    ("buy", "piano guitar violin", "learn,play"),
    ("buy", "dictionary computer", "study,translate,write"),
    ("explain", "lesson exercise rule", "understand,succeed,learn"),
    ("clean", "bedroom living_room flat", "sleep,rest,work"),
    ("work", "", "travel,study,rest,visit"),
    ("prepare", "meal soup cake", "have dinner,eat,have lunch"),
    ("turn {} off", "radio lamp", "sleep,study,rest"),
)


def so_that(random: Random) -> Text:
    """ "He closes the window so that the child can sleep": pour que with the subjunctive."""
    base, things, ends = random.choice(_FAVOURS)
    first, second = verb(base), verb(random.choice(ends.split(",")))
    first = first._replace(objects=frozenset(things.split()), determiners="d") if things else first
    who = someone(random)
    other = somebody_else(random, who)
    if not (suits(who, first) and suits(other, second)):
        return so_that(random)
    one = action(
        random,
        (random.choice(("present", "future", "going_to")),),
        who=who,
        verb=first,
        when=0.0,
        adverbs=0.0,
    )
    two = action(random, ("future",), who=other, verb=second, when=0.0, places=0.2)
    if "person" not in first.subjects and first.english == "repair" and one.object is None:
        return so_that(random)
    words = infinitive(two)
    able = french.modal_group(other.person[1], "pouvoir", "subjonctif", second.infinitive)
    rest = words.french.removeprefix(french.infinitive_clause(second.infinitive, other.person[1]))
    end = Text(f"{other.english} can {words.english}", f"{other.french} {able}{rest}", two.combinations)
    return sentence(*glue(statement(one), Text("so that", "pour que"), end))
