"""The long sentences: lists, errands, days told in order, several people at once."""

from random import Random

from latimer.data.phrasebook import english, french
from latimer.data.phrasebook.actions import (
    NONE,
    action,
    again,
    both,
    object_for,
    somebody_else,
    someone,
    suits,
    time_for,
    times,
)
from latimer.data.phrasebook.clauses import Clause, sentence, statement
from latimer.data.phrasebook.lexicon import simple_verb, terms, verb, verbs
from latimer.data.phrasebook.patterns_clauses import act, because, glue, if_will, lowered, slow, state
from latimer.data.phrasebook.patterns_relative import with_clause
from latimer.data.phrasebook.phrases import Phrase, Text, name, nouns_of_human, phrase, place, texts


def listed(items: list[Text]) -> Text:
    """ "a, b and c"."""
    if len(items) == 1:
        return items[0]
    found = frozenset().union(*(item.combinations for item in items))
    return Text(
        f"{', '.join(item.english for item in items[:-1])} and {items[-1].english}",
        f"{', '.join(item.french for item in items[:-1])} et {items[-1].french}",
        found,
    )


_LISTS = (
    ("buy", "food", "sn", "at:market"),
    ("buy", "food drink", "sn", "at:supermarket"),
    ("see", "animal", "sn", "at:zoo"),
    ("buy", "clothing pairwear", "s", "at:market"),
    ("order", "cooked pizza salad wine beer coffee ice_cream", "s", "at:restaurant"),
    ("draw", "animal tree house flower boat", "sn", "in:classroom"),
    ("plant", "rose tree tomato potato carrot flower", "sn", "in:garden"),
    ("find", "jewel box letter toy photo mirror", "sn", "in:attic"),
    ("sell", "fruit vegetable cheese egg flower chicken honey", "s", "at:market"),
    ("put", "clothing readable camera umbrella", "m", "in:suitcase"),
)


def shopping(random: Random, *, who: Phrase | None = None, tense: str = "", lead: bool = True) -> Text:
    """ "At the market, my mother bought two kilos of apples, some bread and a chicken."."""
    base, classes, determiners, spec = random.choice(_LISTS if lead else _LISTS[:2])
    what = simple_verb(base, "mettre") if base == "put" else verb(base)
    what = what._replace(objects=frozenset(classes.split()), determiners=determiners)
    who = who or someone(random)
    if not suits(who, what):
        who = name(random)
    tense = tense or random.choice(("past", "past", "future"))
    items: dict[str, Text] = {}
    for _ in range(random.choice((2, 3, 3, 4, 4, 5))):
        thing = object_for(random, what, who)
        found = thing.combinations | {("object", base, thing.lemma)}
        items.setdefault(thing.lemma, Text(thing.english, thing.french, found))
    if len(items) < 2:
        return shopping(random, who=who, tense=tense, lead=lead)
    things, where = listed(list(items.values())), place(spec)
    if base == "put":
        said = statement(Clause(who, what, tense, tail=both(things, where)))
        return sentence(*said)
    said = statement(Clause(who, what, tense, tail=things))
    first = random.choice((where, time_for(random, tense, clock=False, far=0.05)))
    if lead and random.random() < 0.6:
        return sentence(
            f"{first.english}, {said.english}", f"{first.french}, {said.french}", said.combinations
        )
    return sentence(*statement(Clause(who, what, tense, tail=both(things, where))))


_MORNING = terms("wake up,get up,have a wash,get dressed,drink,eat,put {} on,go out,take")
_DAYTIME = terms(
    "work,buy,meet,have lunch,write,clean,repair,wait for,go shopping,phone,visit,"
    "feed,wash,learn,go for a walk,play,"
    "lose,find,study,swim,order,close,help,send,do the housework,paint,plant,photograph,speak to,cut,thank"
)
_EVENING = terms(
    "come home,prepare,have dinner,watch,read,listen to,rest,play cards,"
    "do the washing-up,go to bed,fall asleep"
)
_HOURS = {
    "get up": (6, 7, 8),
    "wake up": (5, 6, 7),
    "go to bed": (9, 10, 11),
    "have lunch": (1, 2),
    "come home": (5, 6),
    "have dinner": (7, 8),
}


def _step(random: Random, who: Phrase, base: str, tense: str) -> Clause | None:
    what = random.choice([v for v in verbs() if v.english == base] or [verb("work")])
    if not suits(who, what) or (base in ("lose", "find") and tense != "past"):
        return None
    clause = action(random, (tense,), who=who, verb=what, when=0.0, adverbs=0.0, places=0.4, adjectives=0.25)
    if base in _HOURS and random.random() < 0.5:
        hour, minute = random.choice(_HOURS[base]), random.choice((0, 0, 15, 30))
        clause = clause._replace(
            tail=Text(f"at {english.clock(hour, minute)}", f"à {french.clock(hour, minute)}")
        )
    return clause


def steps(
    random: Random, who: Phrase, tense: str, count: int, *, mornings: int = 3, evenings: int = 3
) -> list[Text]:
    """What somebody does in a day, in order; a noun or name is said once, a pronoun with each verb."""
    chosen: list[str] = []
    for group, share in ((_MORNING, mornings), (_DAYTIME, 6), (_EVENING, evenings)):
        part = random.sample(group, share)
        chosen += part if group is _DAYTIME else sorted(part, key=group.index)
    kept = sorted(random.sample(range(len(chosen)), min(count, len(chosen))))
    clauses = [c for c in (_step(random, who, chosen[index], tense) for index in kept) if c is not None]
    said = []
    for index, clause in enumerate(clauses):
        silent = index > 0 and not who.pronoun
        text = statement(clause._replace(subject=who._replace(english="", french="")) if silent else clause)
        words = text.english.strip()
        words = words.removeprefix("will ") if silent else words
        said.append(Text(words, text.french.strip(), clause.combinations))
    return said


def _lead(random: Random, tense: str) -> Text:
    return random.choice(times({"past": "past", "future": "future", "present": "habit"}[tense]))


def day(random: Random) -> Text:
    """ "Yesterday, Paul got up at seven o'clock, bought some bread and went to bed."."""
    who, tense = someone(random), random.choice(("past", "past", "past", "future", "present"))
    told = steps(random, who, tense, random.choice((2, 3, 3, 4, 4, 5, 5, 6)))
    if len(told) < 2:
        return day(random)
    whole, lead = listed(told), _lead(random, tense)
    if "ago" in lead.english or random.random() < 0.2:
        return sentence(*whole)
    return sentence(f"{lead.english}, {whole.english}", f"{lead.french}, {whole.french}", whole.combinations)


def neighbours_day(random: Random) -> Text:
    """ "The man who lives near the park got up at six, worked in the garden and read the newspaper."."""
    who = phrase("the", random.choice(nouns_of_human()), plural=random.random() < 0.15)
    tense = random.choice(("past", "past", "future", "present"))
    told = steps(random, who, tense, random.choice((2, 3, 3, 4)))
    if len(told) < 2:
        return neighbours_day(random)
    holder, whole = with_clause(random, who), listed(told)
    text_english = holder.english + whole.english.removeprefix(who.english)
    text_french = holder.french + whole.french.removeprefix(who.french)
    return sentence(text_english, text_french, whole.combinations | holder.combinations)


def tired_day(random: Random) -> Text:
    """ "Marie worked at the office, bought some bread and went to bed at nine because she was tired."."""
    who, tense = someone(random), random.choice(("past", "past", "present"))
    told = steps(random, who, tense, random.choice((2, 3, 4)), evenings=0)
    end = action(
        random,
        (tense,),
        who=who,
        verb=verb(random.choice(("go to bed", "come home", "rest", "sleep"))),
        when=0.0,
    )
    if not told:
        return tired_day(random)
    whole = listed(told)
    reason = state(again(who), tense, random.choice(("tired", "ill", "sleepy", "cold", "sad")))
    last = statement(end._replace(subject=again(who)))
    joint = random.choice((Text(", then", ", puis"), Text(", but", ", mais")))
    if joint.english == ", but":
        last = statement(end._replace(subject=again(who), verb=verb("sleep"), negation="not", tail=NONE))
        reason = state(again(who), tense, random.choice(("worried", "cold", "sad", "afraid", "angry")))
    text = glue(whole, joint, last, Text("because", "parce que"), reason)
    lead = _lead(random, tense)
    if random.random() < 0.5 or "ago" in lead.english:
        return sentence(*text)
    return sentence(f"{lead.english}, {text.english}", f"{lead.french}, {text.french}", text.combinations)


def _differ(one: Phrase, two: Phrase) -> bool:
    """Two names, or two persons called by different nouns."""
    return one.english != two.english and (one.lemma != two.lemma or one.lemma == "name")


def _several(random: Random, count: int) -> list[Phrase]:
    found: list[Phrase] = []
    first = someone(random)
    while len(found) < count:
        who = somebody_else(random, first)
        if all(_differ(who, other) for other in found):
            found.append(who)
    return found


def everybody(random: Random) -> Text:
    """ "When the postman arrived, my mother was reading, my uncle was cooking and Paul was dancing."."""
    people = _several(random, random.choice((3, 3, 4, 4)))
    kind = random.random()
    if kind < 0.4:
        told = listed([statement(slow(random, who)) for who in people[1:]])
        come = verb(random.choice(("arrive", "come home", "come back", "fall", "wake up")))
        first = statement(action(random, ("past",), who=people[0], verb=come, when=0.0, places=0.4))
        return sentence(*glue(Text("when", "quand"), first, Text(",", ","), told))
    tense = random.choice(("past", "future", "present"))
    told = listed([statement(act(random, tense, who, when=0.0, places=0.4)) for who in people])
    lead = _lead(random, tense)
    return sentence(f"{lead.english}, {told.english}", f"{lead.french}, {told.french}", told.combinations)


def errands(random: Random) -> Text:
    """ "My aunt bought some eggs and a melon at the market, then she came home and prepared the meal."."""
    who, tense = someone(random), random.choice(("past", "past", "future"))
    first = lowered_list(random, who, tense)
    told = steps(random, again(who), tense, random.choice((2, 3, 4)), mornings=0)
    if len(told) < 2:
        return errands(random)
    joint = random.choice(texts("then = puis; after that = après cela"))
    return sentence(*glue(first, Text(",", ","), joint, listed(told)))


def lowered_list(random: Random, who: Phrase, tense: str) -> Text:
    """A shopping list as a clause."""
    return lowered(shopping(random, who=who, tense=tense, lead=False))


_SAYING = (
    ("think", "penser"),
    ("say", "dire"),
    ("believe", "croire"),
    ("know", "savoir"),
    ("hope", "espérer"),
)


def thinks_that_if(random: Random) -> Text:
    """ "My father says that if it rains tomorrow, we'll stay at the hotel and he'll read."."""
    who, say = someone(random), random.choice(_SAYING)
    lead = statement(Clause(who, simple_verb(*say, stative=True)))
    inner = lowered(if_will(random, other_reason=0.0))
    more = statement(act(random, "future", somebody_else(random, who), when=0.0, places=0.4))
    text = glue(lead, Text("that", "que"), inner)
    if random.random() < 0.6:
        text = glue(text, Text("and", "et"), more)
    return sentence(*text)


def because_and(random: Random) -> Text:
    """ "I didn't go out because I was tired, but Anne and her brother danced ..."."""
    one = because(random)
    told = statement(
        act(
            random,
            random.choice(("past", "past", "present")),
            somebody_else(random, someone(random)),
            when=0.3,
        )
    )
    whole = Text(one.english.removesuffix("."), one.french.removesuffix("."), one.combinations)
    return sentence(*glue(whole, Text(", but", ", mais"), told))
