"""Two clauses in one sentence: coordination, reasons, times, conditions, opinions, purposes."""

from random import Random

from latimer.data.phrasebook import french
from latimer.data.phrasebook.actions import (
    NONE,
    action,
    again,
    somebody_else,
    someone,
    suits,
    times,
)
from latimer.data.phrasebook.clauses import Clause, sentence, statement
from latimer.data.phrasebook.lexicon import adjectives, simple_verb, terms, verb
from latimer.data.phrasebook.patterns_places import sky
from latimer.data.phrasebook.patterns_qualities import NEEDS, is_so, need, predicate
from latimer.data.phrasebook.phrases import MEN, WOMEN, Combination, Phrase, Text, name, texts

_COMMA = Text(",", ",")


def glue(*parts: Text) -> Text:
    """Texts joined by spaces, a comma staying with the word before it; que and si elide."""
    text_english, text_french, found = "", "", frozenset[Combination]()
    for part in parts:
        found |= part.combinations
        text_english += part.english if part.english.startswith(",") else f" {part.english}"
        if part.french.startswith(",") or not text_french:
            text_french += part.french
        else:
            text_french = french.elide(text_french, part.french)
    return Text(text_english.strip(), text_french.strip(), found)


def lowered(text: Text) -> Text:
    """A sentence as a clause: no full stop and, but for a name or I, no capital."""

    def lower(words: str) -> str:
        words = words.removesuffix(".")
        first = words.replace("'", " ").replace(",", " ").split(" ")[0]
        return words if first == "I" or first in (*MEN, *WOMEN) else words[0].lower() + words[1:]

    return Text(lower(text.english), lower(text.french), text.combinations)


def act(
    random: Random, tense: str, who: Phrase | None = None, when: float = 0.2, places: float = 0.25
) -> Clause:
    """Something planned that somebody does."""
    return action(
        random, (tense,), who=who, when=when, places=places, adverbs=0.05, adjectives=0.15, planned=True
    )


def and_but(random: Random) -> Text:
    """ "The nurse waited for the bus but the driver didn't come."."""
    tense = random.choice(("present", "past", "past", "future", "used_to"))
    one = act(random, tense)
    two = act(random, tense, somebody_else(random, one.subject))
    joint = random.choice(texts("and = et; but = mais; while = tandis que"))
    if joint.english == "while" and tense in ("future", "used_to"):
        joint = Text("and", "et")
    if joint.english == "but":
        two = two._replace(negation=random.choice(("", "not")), adverb=NONE)
    return sentence(*glue(statement(one), joint, statement(two)))


def same_person(random: Random) -> Text:
    """ "My aunt bought some bread and she went out."."""
    tense = random.choice(("present", "past", "past", "future"))
    one = act(random, tense)
    two = act(random, tense, one.subject)._replace(subject=again(one.subject))
    if one.verb.english == two.verb.english:
        return same_person(random)
    joint = random.choice(texts("and = et; but = mais"))
    if joint.english == "but":
        two = two._replace(negation="not", adverb=NONE)
        return sentence(*glue(statement(one), joint, statement(two)))
    if random.random() < 0.5:
        return sentence(*glue(statement(one), _COMMA, Text("then", "puis"), statement(two)))
    return sentence(*glue(statement(one), joint, statement(two)))


# What one does, and why: the states that explain it.
_REASONS = (
    ("eat,order,buy,go shopping,prepare,cook,have lunch", "hungry"),
    ("drink,buy,order", "thirsty"),
    ("sleep,rest,go to bed,stay,sit down,come home,fall asleep", "tired,ill,sleepy"),
    ("put {} on,close,stay,come home,drink", "cold"),
    ("sing,dance,laugh,smile,invite,play,have fun", "happy,pleased"),
    ("cry,leave,go out,stay", "sad,angry,worried"),
    ("hide,call,phone,wait,run,close", "afraid,worried"),
    ("follow,open,listen to,learn,travel,read,visit", "curious"),
    (
        "go for a walk,dance,work,cycle,go out,travel,swim,come home,do the housework",
        "not:busy,tired,ill,lazy",
    ),
    ("answer,phone,wait for,help,have lunch,play chess,watch,go sailing", "not:busy,tired,angry,worried"),
)


def _of(said: Text) -> frozenset[Combination]:
    """The combinations of a description: all but subject and verb, which is be."""
    return frozenset(found for found in said.combinations if found[0] != "subject")


def state(who: Phrase, tense: str, word: str, negation: str = "") -> Text:
    """How somebody is or was: "he was tired", "il avait faim"."""
    if word in NEEDS:
        return need(who, tense, word, negation=negation)
    said = statement(is_so(who, tense, predicate(who, adjectives()[word]), negation))
    return Text(said.english, said.french, _of(said))


def because(random: Random) -> Text:
    """ "Paul stayed in bed because he was ill.", "We didn't dance because we were tired."."""
    tense = random.choice(("present", "past", "past"))
    acts, reasons = random.choice(_REASONS)
    base, negation = random.choice(acts.split(",")), "not" if reasons.startswith("not:") else ""
    what = verb(base)
    who = someone(random)
    if not suits(who, what):
        who = name(random)
    if base == "buy" and reasons == "thirsty":
        what = what._replace(objects=frozenset({"drink"}), determiners="s")
    elif base == "order" and reasons == "thirsty":
        what = what._replace(objects=frozenset(terms("coffee beer wine")), determiners="s")
    elif base == "drink" and reasons == "cold":
        what = what._replace(objects=frozenset({"hot"}))
    elif base in ("close", "open"):
        what = what._replace(objects=frozenset({"door", "window"}))
    one = action(random, (tense,), who=who, verb=what, adverbs=0.0, when=0.35, places=0.35)
    one = one._replace(negation=negation)
    if random.random() < 0.22 and base in ("stay", "close", "go for a walk", "go out", "cycle", "put {} on"):
        reason = sky(random, tense)
    else:
        reason = state(again(who), tense, random.choice(reasons.removeprefix("not:").split(",")))
    return sentence(*glue(statement(one), Text("because", "parce que"), reason))


_COMING = terms("arrive,come home,leave,wake up,come back,finish,have lunch,get up,go out,receive,find")
_WHEN = texts("when = quand; when = quand; as soon as = dès que")


def when_future(random: Random) -> Text:
    """ "When you arrive, we'll have dinner.": the future after quand."""
    who, base = someone(random), verb(random.choice(_COMING))
    first = action(random, ("future",), who=who, verb=base, when=0.0, places=0.2)
    second = act(random, "future", who if random.random() < 0.4 else somebody_else(random, who), when=0.0)
    if second.subject == who:
        second = second._replace(subject=again(who))
    time = Text(
        statement(first._replace(tense="present")).english, statement(first).french, first.combinations
    )
    if second.verb.english == base.english:
        return when_future(random)
    joint = random.choice(_WHEN)
    if random.random() < 0.5 or second.subject == again(who):
        return sentence(*glue(joint, time, _COMMA, statement(second)))
    return sentence(*glue(statement(second), joint, time))


_SUDDEN = terms("arrive,come home,call,see,hear,fall,come back,find,wake up,leave,meet,lose,break")
_SLOW = terms(
    "read,write,clean,wash,repair,watch,listen to,learn,study,paint,draw,play,feed,"
    "work,sleep,walk,swim,travel,dance,"
    "go shopping,do the housework,do the washing-up,play chess,play cards,rest,"
    "get dressed,go for a walk,have lunch,"
    "have dinner,wait,prepare,drink,eat,look for,wait for"
)


def slow(random: Random, who: Phrase, tense: str = "past_progressive") -> Clause:
    """Something that takes its time."""
    what = verb(random.choice(_SLOW))
    while not suits(who, what):
        what = verb(random.choice(_SLOW))
    return action(random, (tense,), who=who, verb=what, when=0.0, places=0.4)


def when_past(random: Random) -> Text:
    """ "I was reading a book when the postman arrived."."""
    one = slow(random, someone(random))
    base = verb(random.choice(_SUDDEN))
    who = somebody_else(random, one.subject)
    while not suits(who, base):
        who = somebody_else(random, one.subject)
    two = action(random, ("past",), who=who, verb=base, when=0.0, places=0.3)
    joint = random.choice(texts("when = quand; when = quand; while = pendant que"))
    if joint.english == "while":
        return sentence(*glue(statement(two), joint, statement(one)))
    if random.random() < 0.3:
        return sentence(*glue(joint, statement(two), _COMMA, statement(one)))
    return sentence(*glue(statement(one), joint, statement(two)))


_IF_SKY = texts(
    "it rains = il pleut; it snows = il neige; the weather is fine = il fait beau; it's hot = il fait chaud; "
    "the weather is bad = il fait mauvais; it's cold = il fait froid; it's sunny = il y a du soleil"
)
_OUTSIDE = terms("go for a walk,cycle,swim,go sailing,go out,have lunch,run,play,camp,travel,work,rest")
_INSIDE = terms("stay,come home,read,play cards,play chess,watch,rest,clean,go to bed,write,sleep,listen to")


def if_will(random: Random, *, other_reason: float = 0.45) -> Text:
    """ "If it rains tomorrow, we'll stay at the hotel."."""
    who = someone(random)
    if random.random() >= other_reason:
        condition = random.choice(_IF_SKY)
        nice = condition.english in ("the weather is fine", "it's hot", "it's sunny")
        base = verb(random.choice(_OUTSIDE if nice else _INSIDE))
        negation = ""
        if random.random() < 0.25:
            base, negation = verb(random.choice(_INSIDE if nice else _OUTSIDE)), "not"
        day = random.choice(
            (NONE, *times("future")[:3], Text("on Saturday", "samedi"), Text("on Sunday", "dimanche"))
        )
        condition = glue(condition, day) if day.english else condition
        if not suits(who, base):
            who = name(random)
        second = action(random, ("future",), who=who, verb=base, when=0.0)._replace(negation=negation)
    else:
        base = verb(random.choice(terms("find,sell,lose,finish,miss,work,help,buy,phone")))
        first = action(random, ("present",), who=who, verb=base, when=0.0, adverbs=0.0, places=0.0)
        condition = statement(first._replace(negation=random.choice(("", "", "not"))))
        other = again(who) if random.random() < 0.5 else somebody_else(random, who)
        second = act(random, "future", other, when=0.0)
        if second.verb.english == base.english:
            return if_will(random)
        return sentence(*glue(Text("if", "si"), condition, _COMMA, statement(second)))
    if random.random() < 0.6:
        return sentence(*glue(Text("if", "si"), condition, _COMMA, statement(second)))
    return sentence(*glue(statement(second), Text("if", "si"), condition))


# What one might have, and what one would then do.
_WISHES = (
    ("garden", "plant,have lunch,rest,go for a walk,read"),
    ("house", "invite,clean,rest,paint"),
    ("car", "travel,drive,visit,go out,leave,take"),
    ("boat", "go sailing,travel,sell,leave"),
    ("horse", "go for a walk,travel,leave"),
    ("dog", "go for a walk,run"),
    ("piano", "play,learn,sell"),
    ("bicycle", "cycle,leave,repair"),
    ("camera", "photograph,travel,visit"),
    ("dictionary", "translate,study,write,correct"),
    ("computer", "write,work,study,translate"),
    ("guitar", "play,sing,learn"),
)
_FREE = terms(
    "read,travel,cook,learn,go for a walk,visit,paint,swim,play chess,rest,write,"
    "help,invite,go sailing,ski,clean,"
    "go shopping,repair,dance,watch,listen to,cycle,phone,camp,go out"
)


def if_would(random: Random) -> Text:
    """ "If I had a garden, I'd plant some roses.": imparfait and conditionnel."""
    who, kind = someone(random), random.random()
    if kind < 0.5:
        lemma, acts = random.choice(_WISHES)
        having = verb("have")._replace(objects=frozenset({lemma}), determiners="s")
        first = action(random, ("past",), who=who, verb=having, adverbs=0.0, adjectives=0.4)
        while first.object is not None and first.object.person[0] == "they":
            first = action(random, ("past",), who=who, verb=having, adverbs=0.0, adjectives=0.4)
        condition, wishes = statement(first), terms(acts)
    elif kind < 0.75:
        condition = state(who, "past", random.choice(("rich", "young", "free", "famous")))
        wishes = (*_FREE, "buy", "build", "sell")
    else:
        word, english_words = (
            "avoir+le temps",
            statement(Clause(who, verb("have"), "past", tail=Text("time", ""))),
        )
        having_time = simple_verb("have", word, stative=True)
        condition = Text(
            english_words.english, statement(Clause(who, having_time, "past")).french, who.combinations
        )
        wishes = _FREE
    what = verb(random.choice(wishes))
    if kind < 0.5 and what.english == "play":
        what = what._replace(objects=frozenset({lemma}))
    if not suits(who, what):
        return if_would(random)
    second = action(random, ("conditional",), who=who, verb=what, when=0.0)._replace(subject=again(who))
    return sentence(*glue(Text("if", "si"), condition, _COMMA, statement(second)))


_OPINIONS = (
    ("think", "penser"),
    ("believe", "croire"),
    ("know", "savoir"),
    ("hope", "espérer"),
    ("say", "dire"),
)


_STATES = "tired,ill,happy,busy,sad,angry,worried,hungry,thirsty,afraid,cold,rich,free"


def that_clause(random: Random) -> Text:
    """ "I think that the train is late.", "She says that Paul will come."."""
    who, say = someone(random), random.choice(_OPINIONS)
    lead = statement(Clause(who, simple_verb(*say, stative=True)))
    other = somebody_else(random, who) if random.random() < 0.6 else again(who)
    tense = "future" if say[0] == "hope" else random.choice(("present", "future", "past"))
    if random.random() < 0.65:
        inner = act(random, tense, other, when=0.35)
        inner = inner._replace(negation=random.choice(("", "", "not")) if not inner.adverb.english else "")
        said = statement(inner)
    else:
        states = "happy,rich,free,pleased" if say[0] == "hope" else _STATES
        word = random.choice(terms(states))
        negation = "" if say[0] == "hope" else random.choice(("", "", "not"))
        said = state(other, tense, word, negation)
    return sentence(*glue(lead, Text("that", "que"), said))
