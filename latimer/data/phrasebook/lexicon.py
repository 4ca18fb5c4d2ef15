"""The typed lexicon: which words there are, what they are, and what they can be said of."""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from latimer.data.phrasebook.french_nouns import gender


class Noun(NamedTuple):
    """An English noun, its one French translation, and the classes that decide where it makes sense."""

    english: str
    french: str
    classes: frozenset[str]

    @property
    def mass(self) -> bool:
        """Whether it is measured and not counted: bread, water."""
        return "mass" in self.classes

    @property
    def feminine(self) -> bool:
        """Grammatical gender in French."""
        return gender(self.french) == "f"


class Adjective(NamedTuple):
    """An English adjective, its French lemma, and the noun classes (or nouns) it can be said of."""

    english: str
    french: str
    classes: frozenset[str]


class Verb(NamedTuple):
    """A verb with the classes of its subjects and objects.

    ``english`` may hold {} where the object stands inside (put {} on). ``french`` is an infinitive,
    after + the words that follow it, of which the last may be à or de: "avoir+besoin de".
    ``determiners``: s some or a, d the, m my, n a number, t this, g in general. ``places`` as "at:market".
    """

    english: str
    french: str
    subjects: frozenset[str]
    objects: frozenset[str]
    determiners: str
    places: tuple[str, ...]
    stative: bool

    @property
    def infinitive(self) -> str:
        """The French infinitive alone."""
        return self.french.partition("+")[0]

    @property
    def particle(self) -> str:
        """The French words after the verb, without its preposition: "besoin", "la cuisine"."""
        return self._rest[0]

    @property
    def preposition(self) -> str:
        """à, de or nothing: what leads to the object in French."""
        return self._rest[1]

    @property
    def _rest(self) -> tuple[str, str]:
        rest = self.french.partition("+")[2]
        head, _, last = rest.rpartition(" ")
        return (head, last) if last in ("à", "de") else (rest, "")


def terms(text: str) -> tuple[str, ...]:
    """The terms of a list written as one string, with commas or, where there is none, with spaces."""
    return tuple(text.split(",") if "," in text else text.split())


@cache
def rows(name: str) -> list[list[str]]:
    """The rows of a word list beside this file, split at tabs; a line that begins with # is a comment."""
    text = files("latimer.data.phrasebook").joinpath(name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


@cache
def nouns() -> dict[str, Noun]:
    """English lemma to noun."""
    table = {}
    for row in rows("nouns.tsv"):
        french, _, english, classes = (row + [""] * 2)[:4]
        if english != "-":
            table[english] = Noun(english, french, frozenset(classes.split()))
    return table


@cache
def nouns_of(classes: frozenset[str]) -> tuple[Noun, ...]:
    """The nouns that belong to any of the classes, or whose lemma stands among them (a _ for a space)."""
    return tuple(
        noun
        for noun in nouns().values()
        if noun.classes & classes or noun.english.replace(" ", "_") in classes
    )


@cache
def adjectives() -> dict[str, Adjective]:
    """English adjective to entry."""
    table = {}
    for row in rows("adjectives.tsv"):
        french, english, classes = (row + [""] * 2)[:3]
        table[english] = Adjective(english, french, frozenset(classes.split()))
    return table


@cache
def adjectives_for(noun: Noun) -> tuple[Adjective, ...]:
    """The adjectives that can be said of the noun."""
    own = noun.classes | {noun.english.replace(" ", "_")}
    return tuple(adjective for adjective in adjectives().values() if adjective.classes & own)


@cache
def verbs() -> tuple[Verb, ...]:
    """All verbs with frames; one verb may have several."""
    table = []
    for row in rows("verbs.tsv"):
        english, french, subjects, objects, determiners, places, flags = (row + [""] * 6)[:7]
        table.append(
            Verb(
                english,
                french,
                frozenset(subjects.split()),
                frozenset(objects.replace("-", "").split()),
                determiners.replace("-", ""),
                tuple(places.split()),
                "st" in flags.split(),
            )
        )
    return tuple(table)


def verb(english: str) -> Verb:
    """The first frame of an English verb."""
    return next(entry for entry in verbs() if entry.english == english)


def simple_verb(english: str, french: str, *, stative: bool = False) -> Verb:
    """A verb outside the list, for a pattern that says itself what may stand around it."""
    return Verb(english, french, frozenset({"person"}), frozenset(), "", (), stative)
