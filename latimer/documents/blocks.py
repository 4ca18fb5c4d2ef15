"""Blocks of a document: where a run of text stands in it, what tags are in it, and how it is written again.

A format's scanner gives blocks; here they become segments, are translated, and are spliced back. A block of
which every segment comes back unchanged keeps its own bytes, so that a document of which nothing is
translated comes back equal.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from latimer.documents.inline import PLACEHOLDER, Tag, repaired
from latimer.documents.sentences import LIMIT, sentences, trimmed, wide

Translate = Callable[[list[str]], list[str]]
"""Segments to as many translations, in order; see latimer.documents.inline for the placeholders in them."""

_MOST_TAGS = 100  # in a sentence; one with more is no sentence, and is cut at them
_LINES = re.compile(r"[^\S\n\r]*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")


class Block:
    """One run of text with tags, from `start` to `end` of its document; `add` and `tag` fill it.

    `write` escapes text for the document; `finish` sees the whole block written. `flows`: a line's end is no
    more than a space.
    """

    def __init__(
        self,
        start: int,
        end: int = 0,
        *,
        write: Callable[[str], str] = str,
        finish: Callable[[str], str] = str,
        flows: bool = False,
    ) -> None:
        self.start, self.end = start, end
        self.write, self.finish, self.flows = write, finish, flows
        self.text = ""
        self.tags: list[Tag] = []

    def add(self, text: str) -> None:
        """Text as a reader sees it. What looks like a placeholder becomes a tag that holds it."""
        at = 0
        for match in PLACEHOLDER.finditer(text):
            self.text += text[at : match.start()]
            self.tag(self.write(match.group()), "alone")
            at = match.end()
        self.text += text[at:]

    def tag(self, raw: str, kind: str, name: str = "") -> None:
        """A tag that comes next."""
        self.tags.append(Tag(len(self.text), raw, kind, name))


class _Unit(NamedTuple):
    """A segment: text[start:end] with the tags numbered first to last."""

    start: int
    end: int
    first: int
    last: int
    segment: str
    numbers: dict[int, int]  # of a tag, the number of its placeholder


def translate_blocks(text: str, blocks: Sequence[Block], translate: Translate, limit: int = LIMIT) -> str:
    """The document with its blocks translated, everything else as it was."""
    units = [_units(block, limit) for block in blocks]
    asked = [unit.segment for some in units for unit in some if _has_words(unit.segment)]
    answered = translate(asked) if asked else []
    if len(answered) != len(asked):
        raise ValueError(f"{len(asked)} segments were to be translated, {len(answered)} came back")
    answers = iter(answered)
    pieces, at = [], 0
    for block, some in zip(blocks, units, strict=True):
        found = [next(answers) if _has_words(unit.segment) else unit.segment for unit in some]
        if all(unit.segment == answer for unit, answer in zip(some, found, strict=True)):
            continue
        pieces += [text[at : block.start], block.finish(_written(block, some, found))]
        at = block.end
    return "".join([*pieces, text[at:]])


def _has_words(segment: str) -> bool:
    return any(character.isalpha() for character in PLACEHOLDER.sub("", segment))


def _mates(tags: Sequence[Tag]) -> dict[int, int]:
    """Of each paired tag the number of its partner; crossing and lonely ones have none."""
    mates: dict[int, int] = {}
    stack: list[int] = []
    for number, tag in enumerate(tags):
        if tag.kind == "open":
            stack.append(number)
        elif tag.kind == "close":
            for depth in range(len(stack) - 1, max(-1, len(stack) - 50), -1):
                if tags[stack[depth]].name == tag.name:
                    mates[number], mates[stack[depth]] = stack[depth], number
                    del stack[depth:]
                    break
    return mates


def _units(block: Block, limit: int) -> list[_Unit]:
    text, tags = block.text, block.tags
    mates = _mates(tags)
    shown = re.sub(r"[\n\r\f\t\v]", " ", text) if block.flows else text
    units: list[_Unit] = []
    first = 0
    for start, end in sentences(shown, limit):
        while first < len(tags) and tags[first].position < start and tags[first].kind != "open":
            first += 1
        last = first
        while last < len(tags) and (
            tags[last].position < end or (tags[last].position == end and tags[last].kind == "close")
        ):
            last += 1
        for one in _cut_at_tags(text, tags, mates, start, end, first, last):
            segment, numbers = _segment(block, mates, *one)
            units.append(_Unit(*one, segment, numbers))
        first = last
    return units


def _cut_at_tags(
    text: str, tags: Sequence[Tag], mates: dict[int, int], start: int, end: int, first: int, last: int
) -> list[tuple[int, int, int, int]]:
    """The sentence, cut at tags whose partner stands in another; tags at its ends are left outside."""
    pieces: list[tuple[int, int, int, int]] = []
    waiting = [(start, end, first, last)]
    while waiting:
        start, end, first, last = waiting.pop()
        start, end = trimmed(text, start, end)
        if start >= end:
            continue
        first, last = _inner(tags, mates, start, end, first, last)
        for number in range(first, last):
            lonely = tags[number].kind != "alone" and not first <= mates.get(number, -1) < last
            if lonely or last - first > _MOST_TAGS:
                at = min(max(tags[number].position, start), end)
                waiting += [(at, end, number + 1, last), (start, at, first, number)]
                break
        else:
            pieces.append((start, end, first, last))
    return pieces


def _inner(
    tags: Sequence[Tag], mates: dict[int, int], start: int, end: int, first: int, last: int
) -> tuple[int, int]:
    """The tags from `first` to `last` without those at the ends that need not move with the words."""
    while first < last:
        here, there = tags[first], tags[last - 1]
        inside = first <= mates.get(first, -1) < last
        if here.position <= start and (not inside or tags[mates[first]].position <= start):
            first += 1
        elif there.position >= end and not (
            first <= mates.get(last - 1, -1) < last and tags[mates[last - 1]].position < end
        ):
            last -= 1
        elif here.position <= start and there.position >= end and mates.get(first) == last - 1:
            first, last = first + 1, last - 1
        else:
            break
    return first, last


def _segment(
    block: Block, mates: dict[int, int], start: int, end: int, first: int, last: int
) -> tuple[str, dict[int, int]]:
    """What is handed over for these words and tags, and the number of each tag in it."""
    numbers: dict[int, int] = {}
    pieces, at, count = [], start, 0
    for number in range(first, last):
        tag = block.tags[number]
        to = min(max(tag.position, at), end)
        pieces.append(block.text[at:to])
        at = to
        if tag.kind == "close":
            numbers[number] = numbers[mates[number]]
            pieces.append(f"</{numbers[number]}>")
        else:
            numbers[number], count = count, count + 1
            pieces.append(f"<{numbers[number]}/>" if tag.kind == "alone" else f"<{numbers[number]}>")
    segment = "".join([*pieces, block.text[at:end]])
    return (re.sub(r"[ \t\n\r\f\v]+", " ", segment) if block.flows else segment), numbers


def _written(block: Block, units: Sequence[_Unit], answers: Sequence[str]) -> str:
    pieces: list[str] = []
    at, number, before = 0, 0, ""
    for unit, answer in zip(units, answers, strict=True):
        if answer != unit.segment:
            answer = _LINES.sub(" ", answer).strip()
        gap = list(_between(block, at, unit.start, number, unit.first))
        after = PLACEHOLDER.sub("", answer)
        pieces += _joined(block, at, unit.start, before, after, gap)
        for part in repaired(unit.segment, answer):
            if isinstance(part, str):
                pieces.append(block.write(part))
            else:
                pieces.append(_raw(block, unit, *part))
        at, number, before = unit.end, unit.last, after
    pieces += _between(block, at, len(block.text), number, len(block.tags))
    return "".join(pieces)


def _raw(block: Block, unit: _Unit, number: int, kind: str) -> str:
    """What the placeholder stands for."""
    return next(
        block.tags[tag].raw
        for tag, its in unit.numbers.items()
        if its == number and block.tags[tag].kind == kind
    )


def _between(block: Block, start: int, end: int, first: int, last: int) -> Iterator[str]:
    """Text and tags that stay as they are."""
    at = start
    for tag in block.tags[first:last]:
        to = min(max(tag.position, at), end)
        yield block.write(block.text[at:to])
        yield tag.raw
        at = to
    yield block.write(block.text[at:end])


def _joined(block: Block, start: int, end: int, before: str, after: str, gap: list[str]) -> list[str]:
    """The space between two sentences, where the new script wants another than the old one."""
    if not (before and after and start):
        return gap
    space = block.text[start:end]
    was_wide = wide(block.text[start - 1]) or wide(block.text[end])
    is_wide = wide(before[-1]) and wide(after[0])
    if was_wide and not space and not (wide(before[-1]) or wide(after[0])):
        return [*gap, " "]
    if not was_wide and is_wide and space == " ":
        return ["" if piece == " " else piece for piece in gap]
    return gap
