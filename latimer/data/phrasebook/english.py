"""A small English grammar: verb forms, noun phrases, numbers, clock times, dates, prices."""

from functools import cache
from importlib.resources import files

TENSES = (
    "present",
    "progressive",
    "past",
    "past_progressive",
    "perfect",
    "future",
    "going_to",
    "conditional",
    "used_to",
)
_THIRD = ("he", "she", "it")
_BE = {"I": ("am", "was"), "he": ("is", "was"), "she": ("is", "was"), "it": ("is", "was")}
# Verbs of more than one syllable or of an odd spelling that double their last letter all the same.
_DOUBLING = {"travel", "prefer", "forget", "begin", "control"}
_NOT_DOUBLING = {"visit", "open", "answer", "enter", "listen", "order", "offer", "remember", "finish"}
_PLURALS = {
    "man": "men",
    "woman": "women",
    "child": "children",
    "foot": "feet",
    "tooth": "teeth",
    "mouse": "mice",
    "goose": "geese",
    "person": "people",
    "sheep": "sheep",
    "fish": "fish",
    "knife": "knives",
    "wife": "wives",
    "wolf": "wolves",
    "leaf": "leaves",
    "loaf": "loaves",
    "scarf": "scarves",
    "shelf": "shelves",
    "life": "lives",
    "thief": "thieves",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "hero": "heroes",
}
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth"}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@cache
def _irregular() -> dict[str, tuple[str, str]]:
    text = files("latimer.data.phrasebook").joinpath("english_verbs.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return {verb: (past, participle) for verb, past, participle in rows}


def _doubles(verb: str) -> bool:
    """Whether the last consonant doubles before -ing and -ed: stop, travel; not visit, rain, show."""
    if verb in _DOUBLING:
        return True
    vowels = sum(letter in "aeiouy" for letter in verb)
    return (
        len(verb) > 2
        and verb[-1] not in "aeiouwxy"
        and verb[-2] in "aeiou"
        and vowels == 1
        and verb not in _NOT_DOUBLING
    )


def _parts(verb: str) -> tuple[str, str]:
    """The word that is inflected, and the rest with its space: "get up" gives ("get", " up")."""
    word, space, rest = verb.partition(" ")
    return word, space + rest


def third_person(verb: str) -> str:
    """ "goes", "carries", "gets up"."""
    word, rest = _parts(verb)
    if word in ("be", "have"):
        return {"be": "is", "have": "has"}[word] + rest
    return _with_s(word) + rest


def _with_s(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")) or word in ("go", "do"):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def past(verb: str) -> str:
    """The simple past (of be: "was")."""
    word, rest = _parts(verb)
    return (_irregular()[word][0] if word in _irregular() else _with_ed(word)) + rest


def past_participle(verb: str) -> str:
    """ "given", "opened", "got up"."""
    word, rest = _parts(verb)
    return (_irregular()[word][1] if word in _irregular() else _with_ed(word)) + rest


def _with_ed(word: str) -> str:
    if word.endswith("e"):
        return word + "d"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ied"
    return word + (word[-1] if _doubles(word) else "") + "ed"


def ing(verb: str) -> str:
    """ "making", "running", "getting up", "lying"."""
    word, rest = _parts(verb)
    if word.endswith("ie"):
        word = word[:-2] + "ying"
    elif word.endswith("e") and not word.endswith("ee") and word != "be":
        word = word[:-1] + "ing"
    else:
        word += (word[-1] if _doubles(word) else "") + "ing"
    return word + rest


def be(subject: str, *, past: bool = False) -> str:
    """am, is, are, was or were."""
    return _BE.get(subject, ("are", "were"))[past]


def conjugate(verb: str, tense: str, subject: str) -> str:
    """The verb without its subject (I you he she it we they), without contractions.

    ValueError for an unknown tense.
    """
    third = subject in _THIRD
    match tense:
        case "present":
            word, rest = _parts(verb)
            return be(subject) + rest if word == "be" else third_person(verb) if third else verb
        case "progressive":
            return f"{be(subject)} {ing(verb)}"
        case "past":
            word, rest = _parts(verb)
            return be(subject, past=True) + rest if word == "be" else past(verb)
        case "past_progressive":
            return f"{be(subject, past=True)} {ing(verb)}"
        case "perfect":
            return f"{'has' if third else 'have'} {past_participle(verb)}"
        case "future":
            return f"will {verb}"
        case "going_to":
            return f"{be(subject)} going to {verb}"
        case "conditional":
            return f"would {verb}"
        case "used_to":
            return f"used to {verb}"
    raise ValueError(f"no English tense: {tense!r}")


def a_or_an(phrase: str) -> str:
    """ "an apple", "a university", "an hour", "a house"."""
    word = phrase.casefold()
    if word.startswith(("hour", "honest", "heir", "honour")):
        return f"an {phrase}"
    if word.startswith(("uni", "use", "euro", "one ", "once")) and not word.startswith("unin"):
        return f"a {phrase}"
    return f"{'an' if word[0] in 'aeiou' else 'a'} {phrase}"


def plural(noun: str) -> str:
    """The plural; of a compound, that of its last word (but "glasses of water")."""
    head, of, tail = noun.partition(" of ")
    first, _, last = head.rpartition(" ")
    first = first + " " if first else ""
    if last in _PLURALS:
        last = _PLURALS[last]
    elif last.endswith(("man",)) and last not in ("german", "human"):
        last = last[:-3] + "men"
    elif last.endswith("day"):
        last += "s"
    else:
        last = _with_s(last)
    return first + last + of + tail


plural_of = plural  # noun_phrase has a keyword of the same name


def noun_phrase(determiner: str, noun: str, adjectives: tuple[str, ...] = (), *, plural: bool = False) -> str:
    """Determiner (a, the, this, my, some, a number word, "" ...), adjectives, noun: "an old house".

    "a" falls away in the plural, "this" and "that" become "these" and "those"; a number makes a plural.
    """
    counted = determiner in _ONES[2:] or determiner.split("-")[0] in _TENS[2:]
    plural = plural or counted
    words = " ".join((*adjectives, plural_of(noun) if plural else noun))
    if determiner == "a":
        return words if plural else a_or_an(words)
    if plural:
        determiner = {"this": "these", "that": "those"}.get(determiner, determiner)
    return f"{determiner} {words}" if determiner else words


def number(n: int) -> str:
    """0 to 9999 in words: "two hundred and one". ValueError outside."""
    if not 0 <= n <= 9999:
        raise ValueError(f"number between 0 and 9999, not {n}")
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10] + (f"-{_ONES[n % 10]}" if n % 10 else "")
    unit, name = (1000, "thousand") if n >= 1000 else (100, "hundred")
    high, rest = divmod(n, unit)
    words = f"{_ONES[high]} {name}"
    if not rest:
        return words
    return f"{words} and {number(rest)}" if rest < 100 else f"{words} {number(rest)}"


def ordinal(n: int) -> str:
    """1 to 99: "first", "twenty-first", "thirtieth"."""
    if n in _ORDINALS:
        return _ORDINALS[n]
    if n < 20:
        return _ONES[n] + "th"
    tens, rest = _TENS[n // 10], n % 10
    return f"{tens}-{ordinal(rest)}" if rest else tens[:-1] + "ieth"


def clock(hour: int, minute: int) -> str:
    """The time as spoken on a 12-hour face: "half past eight", "a quarter to nine", "noon"."""
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise ValueError(f"no time of day: {hour}:{minute:02}")

    def name(h: int) -> str:
        h %= 24
        return "midnight" if h == 0 else "noon" if h == 12 else _ONES[h % 12]

    match minute:
        case 0:
            return name(hour) if hour in (0, 12) else f"{name(hour)} o'clock"
        case 15:
            return f"a quarter past {name(hour)}"
        case 30:
            return f"half past {name(hour)}"
        case 45:
            return f"a quarter to {name(hour + 1)}"
        case 35 | 40 | 50 | 55:
            return f"{number(60 - minute)} to {name(hour + 1)}"
    unit = "" if minute % 5 == 0 else " minute" if minute == 1 else " minutes"
    return f"{number(minute)}{unit} past {name(hour)}"


def date(day: int, month: int) -> str:
    """ "the first of May"."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise ValueError(f"no day of the year: {day}/{month}")
    return f"the {ordinal(day)} of {MONTHS[month - 1]}"


def price(euros: int, cents: int = 0) -> str:
    """ "three euros fifty", "one euro", "twenty cents"."""
    if euros == 0 and cents:
        return "one cent" if cents == 1 else f"{number(cents)} cents"
    words = f"{number(euros)} euro{'' if euros == 1 else 's'}"
    return f"{words} {number(cents)}" if cents else words
