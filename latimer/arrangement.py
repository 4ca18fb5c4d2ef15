"""A line as what search gets of it, and its translations put together from what search found.

A line is units, sentences of a length that training has seen (nearly always one); a unit can be translated
in several ways, and a way is parts (`latimer.protection`). The likeliest way of each unit is searched first,
the next only for those units in which it lost something.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from latimer.data.text import normalise
from latimer.guarding import cut
from latimer.protection import (
    SPAN,
    Known,
    Part,
    Spans,
    find,
    keeps,
    keeps_numbers,
    put_back,
    ranges,
    ways,
    whole_ways,
)
from latimer.tagging import strip


class Said(NamedTuple):
    """One translation of a part, or of what is made of parts."""

    text: str
    log_probability: float = 0.0
    tokens: int = 0  # the end counted
    flags: tuple[str, ...] = ()
    coverage: float = 0.0  # what a wish for it adds to the score


class Asked(NamedTuple):
    """A part to be searched."""

    part: Part
    first: bool  # the first of its line
    new: bool  # of the first way: nothing of its sentence was searched before
    whole: bool  # all of its sentence that is searched


Say = Callable[[Sequence[Asked]], list[list[Said]]]
"""Finds the translations of each part, the likeliest first, tags in their places."""


class Unit(NamedTuple):
    """A sentence with the space after it."""

    text: str
    space: str
    spans: Spans
    ways: list[list[Part]]


def arrange(text: str, count: Callable[[str], int], longest: int, known: Known = Known()) -> list[Unit]:  # noqa: B008
    """The units of a line, each of at most `longest` pieces by `count`; what says nothing stays as it is."""
    text = text.strip()
    if not normalise(text):
        return []
    units = []
    for part in cut(text, lambda some: count(SPAN.sub(_short, some)), longest, ranges(text)):
        core = part.rstrip()
        short = [
            way
            for way in ways(core, known)
            if all(not part.translated or count(part.text) <= longest for part in way)
        ]
        units.append(Unit(core, " " if core != part else "", find(core), short or [[Part(core, False)]]))
    return units


def arrange_whole(text: str, known: Known = Known()) -> list[Unit]:  # noqa: B008
    """A line as one unit however long it is: one of which is given how its translation begins."""
    text = text.strip()
    return [Unit(text, "", find(text), whole_ways(text, known))] if normalise(text) else []


def translated(lines: Sequence[Sequence[Unit]], say: Say, *, prefix: str = "") -> list[list[Said]]:
    """The translations of each line, the likeliest first; none where it has no units.

    A `prefix` is kept before all else: where it leaves no way to keep the spans they are lost, and the line
    is flagged.
    """
    prefix = strip(prefix)[0]
    courses = [[_Course(unit, prefix) for unit in line] for line in lines]
    waiting = [(course, place == 0) for line in courses for place, course in enumerate(line)]
    while waiting:
        found = iter(say([one for course, first in waiting for one in course.asked(first)]))
        waiting = [(course, first) for course, first in waiting if not course.take(found)]
    return [_line(line, [course.said for course in some]) for line, some in zip(lines, courses, strict=True)]


class _Course:
    """How far a unit has come: which way is to be tried, and what came of those before."""

    def __init__(self, unit: Unit, prefix: str) -> None:
        self.unit, self.prefix = unit, prefix
        self.tried = 0
        self.said: list[Said] = []
        self._spare: list[Said] = []  # what is taken if nothing better comes

    def asked(self, first: bool) -> Iterator[Asked]:
        """What is to be searched for the way that is next."""
        parts = [part for part in self.unit.ways[self.tried] if part.translated]
        for place, part in enumerate(parts):
            yield Asked(part, first and place == 0, self.tried == 0, len(parts) == 1)

    def take(self, found: Iterator[list[Said]]) -> bool:
        """Take what was found for that way; whether that is the end."""
        way, spans = self.unit.ways[self.tried], self.unit.spans
        self.tried += 1
        said = [
            one for one in _joined([_said(part, found) for part in way], [""] * len(way)) if self._begins(one)
        ]
        kept = [one for one in said if keeps(spans, one.text)]
        if kept and kept[0] == said[0] and keeps_numbers(spans, kept[0].text):
            self.said = kept
            return True
        if kept and kept[0] == said[0]:
            self._spare = self._spare or flagged(kept, "number")
        elif self.prefix and self.tried == len(self.unit.ways):
            self._spare = self._spare or flagged(said, "unprotected")
        self.said = self._spare or [Said(self.unit.text, flags=("untranslated",))]
        return self.tried == len(self.unit.ways)

    def _begins(self, one: Said) -> bool:
        if not self.prefix or "wishes" in one.flags:
            return True
        return strip(one.text)[0].startswith(self.prefix)  # a tag may stand before it


def _line(units: Sequence[Unit], chosen: list[list[Said]]) -> list[Said]:
    """The translations of a line, from those of its units."""
    said = _joined(chosen, [unit.space for unit in units])
    if len(units) < 2:
        return said
    whole = "".join(unit.text + unit.space for unit in units)
    spans = find(whole)  # units side by side may make a span, or unmake one
    return [one for one in said if keeps(spans, one.text)] or [Said(whole, flags=("untranslated",))]


def flagged(said: list[Said], flag: str) -> list[Said]:
    """Translations with one flag more."""
    return [one._replace(flags=(*one.flags, flag)) for one in said]


def _said(part: Part, found: Iterator[list[Said]]) -> list[Said]:
    """The translations of a part; none where what stands for a span is lost."""
    if not part.translated:
        return [Said(part.text if ranges(part.text) else _plain(part.text))]
    whole = ((one, put_back(part, one.text)) for one in next(found))
    return [one._replace(text=text) for one, text in whole if text is not None]


def _short(match: re.Match[str]) -> str:
    """What a span counts as: tags are taken out, and what stands in for the others is short."""
    return " " if match["tag"] else " x "


def _plain(text: str) -> str:
    """A stretch that is not translated, normalised but for single spaces at its ends."""
    inner = normalise(text)
    if not inner:
        return " " if text else ""
    return " " * text[0].isspace() + inner + " " * text[-1].isspace()


def _joined(rows: list[list[Said]], spaces: list[str]) -> list[Said]:
    """First with first, second with second; a row that has no more gives its last."""
    if len(rows) == 1:
        return rows[0]
    if not (rows and all(rows)):
        return []
    return [
        Said(
            "".join(one.text + space for one, space in zip(chosen, spaces, strict=True)),
            sum(one.log_probability for one in chosen),
            sum(one.tokens for one in chosen),
            tuple(dict.fromkeys(flag for one in chosen for flag in one.flags)),
            sum(one.coverage for one in chosen),
        )
        for rank in range(max(map(len, rows)))
        for chosen in [[row[min(rank, len(row) - 1)] for row in rows]]
    ]
