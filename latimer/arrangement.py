"""A line as what search gets of it, and its translations put together from what search found.

A line is units, sentences of a length that training has seen (nearly always one); a unit can be translated
in several ways, and a way is parts (`latimer.protection`). The parts of all ways are searched at once.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from latimer.data.text import normalise
from latimer.guarding import cut, has_letters
from latimer.protection import Part, Spans, find, keeps, keeps_numbers, put_back, ranges, ways


class Said(NamedTuple):
    """One translation of a part, or of what is made of parts."""

    text: str
    log_probability: float = 0.0
    tokens: int = 0  # the end counted
    flags: tuple[str, ...] = ()


class Unit(NamedTuple):
    """A sentence with the space after it."""

    text: str
    space: str
    spans: Spans
    ways: list[list[Part]]


def arrange(
    text: str, count: Callable[[str], int], longest: int, says: Callable[[str], bool] = has_letters
) -> list[Unit]:
    """The units of a line, each of at most `longest` pieces by `count`; what says nothing stays as it is."""
    text = text.strip()
    if not normalise(text):
        return []
    units = []
    for part in cut(text, count, longest, ranges(text)):
        core = part.rstrip()
        short = [
            way
            for way in ways(core, says)
            if all(not part.translated or count(part.text) <= longest for part in way)
        ]
        units.append(Unit(core, " " if core != part else "", find(core), short or [[Part(core, False)]]))
    return units


def parts(units: list[Unit]) -> Iterator[str]:
    """What of a line is to be searched, in the order in which `assemble` wants it back."""
    for unit in units:
        yield from (part.text for way in unit.ways for part in way if part.translated)


def assemble(units: list[Unit], found: Iterator[list[Said]]) -> list[Said]:
    """The translations of a line, the likeliest of each part first."""
    chosen = [_choose(unit, found) for unit in units]
    said = _joined(chosen, [unit.space for unit in units])
    if len(units) < 2:
        return said
    whole = "".join(unit.text + unit.space for unit in units)
    spans = find(whole)  # units side by side may make a span, or unmake one
    return [one for one in said if keeps(spans, one.text)] or [Said(whole, flags=("untranslated",))]


def _choose(unit: Unit, found: Iterator[list[Said]]) -> list[Said]:
    """The first way that keeps the spans and the long numbers, else the spans, else the sentence itself."""
    kept: list[list[Said]] = []
    for way in unit.ways:
        said = _joined([_said(part, found) for part in way], [""] * len(way))
        if said and keeps(unit.spans, said[0].text):
            kept.append([one for one in said if keeps(unit.spans, one.text)])
    for said in kept:
        if keeps_numbers(unit.spans, said[0].text):
            return said
    if kept:
        return [one._replace(flags=(*one.flags, "number")) for one in kept[0]]
    return [Said(unit.text, flags=("untranslated",))]


def _said(part: Part, found: Iterator[list[Said]]) -> list[Said]:
    """The translations of a part; none where what stands for a span is lost."""
    if not part.translated:
        return [Said(part.text if ranges(part.text) else _plain(part.text))]
    whole = ((one, put_back(part, one.text)) for one in next(found))
    return [one._replace(text=text) for one, text in whole if text is not None]


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
        )
        for rank in range(max(map(len, rows)))
        for chosen in [[row[min(rank, len(row) - 1)] for row in rows]]
    ]
