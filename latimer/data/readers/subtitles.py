"""SRT subtitles in two languages, paired by the time that they are shown."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from latimer.data.lines import LineFile
from latimer.data.readers.records import Fault

SHARE = 0.5
"""Two subtitles go together when they share this much of the shorter one's time."""

_TIMES = re.compile(
    r"\s*(\d{1,3}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})\s*-->\s*(\d{1,3}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})(\s.*)?"
)
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}")
_LINES = 50  # of one subtitle; what follows is left out
_GROUP = 8  # subtitles of a side that are joined; no sentence runs through more


class Cue(NamedTuple):
    """One subtitle: from when to when (milliseconds) it says what, in which line of the file."""

    begin: int
    end: int
    text: str
    line: int


def paired(first: LineFile, second: LineFile) -> Iterator[tuple[str, str, int] | Fault]:
    """Subtitles shown at the same time; what is one here and two there is joined.

    A subtitle without a counterpart is a fault without a message. `line` is that of the first file.
    """
    ours, theirs = _Ahead(cues(first)), _Ahead(cues(second))
    while ours.next is not None and theirs.next is not None:
        for side in (ours, theirs):
            if isinstance(side.next, Fault):
                yield side.take_fault()
                break
        else:
            one, other = ours.cue, theirs.cue
            if not _together(one, other):
                late = ours if one.end <= other.end else theirs
                yield Fault("a subtitle without a counterpart", late.take().line)
                continue
            left, right = [ours.take()], [theirs.take()]
            while len(left) < _GROUP and len(right) < _GROUP:
                if isinstance(ours.next, Cue) and _together(ours.next, right[-1]):
                    left.append(ours.take())
                elif isinstance(theirs.next, Cue) and _together(left[-1], theirs.next):
                    right.append(theirs.take())
                else:
                    break
            yield " ".join(cue.text for cue in left), " ".join(cue.text for cue in right), left[0].line
    for side in (ours, theirs):
        while side.next is not None:
            if isinstance(side.next, Fault):
                yield side.take_fault()
            else:
                yield Fault("a subtitle without a counterpart", side.take().line)


def cues(file: LineFile) -> Iterator[Cue | Fault]:
    """The subtitles of one file, without their markup."""
    times: re.Match[str] | None = None
    line, text = 0, list[str]()
    for row in file.lines():
        if row is None:
            yield Fault(file.unusable, file.count)
            continue
        row = row.removeprefix("\ufeff").strip()
        if found := _TIMES.fullmatch(row):
            if times:  # without an empty line before it: the number above was not said
                yield _cue(times, text[:-1] if text and text[-1].isdigit() else text, line)
            times, line, text = found, file.count, []
        elif times and row:
            if len(text) < _LINES:
                text.append(row)
        elif times:
            yield _cue(times, text, line)
            times = None
        elif row and not row.isdigit():
            message = f"{file.name}:{file.count}: text without a time in this SRT; mend the line above it."
            yield Fault("text without a time", file.count, message)
    if times:
        yield _cue(times, text, line)


def _cue(times: re.Match[str], text: list[str], line: int) -> Cue:
    begin, end = (_milliseconds(times.groups()[place : place + 4]) for place in (0, 4))
    return Cue(begin, max(begin, end), _MARKUP.sub("", " ".join(text)), line)


def _milliseconds(parts: tuple[str, ...]) -> int:
    hours, minutes, seconds = (int(part) for part in parts[:3])
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + int(parts[3].ljust(3, "0"))


def _together(one: Cue, other: Cue) -> bool:
    shared = min(one.end, other.end) - max(one.begin, other.begin)
    return shared > SHARE * min(one.end - one.begin, other.end - other.begin)


class _Ahead:
    """An iterator that shows what comes next."""

    def __init__(self, items: Iterator[Cue | Fault]) -> None:
        self._items = items
        self.next: Cue | Fault | None = next(items, None)

    @property
    def cue(self) -> Cue:
        assert isinstance(self.next, Cue)
        return self.next

    def take(self) -> Cue:
        taken, self.next = self.cue, next(self._items, None)
        return taken

    def take_fault(self) -> Fault:
        taken, self.next = self.next, next(self._items, None)
        assert isinstance(taken, Fault)
        return taken
