"""Tags in a sentence: taken out before it is translated, and put around what translates their words.

    strip("a <b>black</b> dog")                         "a black dog", and two tags that are a pair
    place("un chien noir", tags, words of both, weights)     "un chien <b>noir</b>"

The weights say which word of the source each word of the translation looks at. A pair stands around the
stretch whose words look most at what it stood around; what has no partner stands between the words that
translate its neighbours. Whatever the weights, all tags come out once, each pair around what was in it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from latimer.data.text import normalise

TAG = re.compile(r"</?[A-Za-z0-9](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_NAME = re.compile(r"</?([^\s/>]+)")
# Letters of scripts without spaces are words of their own.
_WORD = re.compile(
    r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+|\S"
)

Words = Sequence[tuple[int, int]]  # where each begins and ends, spaces not counted


class Tag(NamedTuple):
    """A tag, and where it stood."""

    raw: str
    at: int  # so many characters, spaces not counted, stand before it
    mate: int  # the number of the tag that is its partner; its own where it has none
    spaces: tuple[bool, bool]  # whether one stood before it, and after


def mates(tags: Sequence[str]) -> list[int]:
    """Of each tag the number of its partner; its own where it has none, or would cross a pair."""
    found = list(range(len(tags)))
    stack: list[int] = []
    for number, tag in enumerate(tags):
        name = _name(tag)
        if not tag.startswith("</"):
            if not tag.endswith("/>"):
                stack.append(number)
            continue
        for depth in reversed(range(len(stack))):
            if _name(tags[stack[depth]]) == name:
                found[number], found[stack[depth]] = stack[depth], number
                del stack[depth:]
                break
    return found


def structure(tags: Sequence[str]) -> Counter[tuple[str, str]]:
    """The pairs, and those alone: what is the same after tags have moved with their words."""
    return Counter(
        (tag, tags[mate]) for number, (tag, mate) in enumerate(zip(tags, mates(tags), strict=True))
    )


def strip(text: str) -> tuple[str, tuple[Tag, ...]]:
    """The text without tags, normalised, and the tags. A tag without a partner parts words: a space stays."""
    matches = list(TAG.finditer(text))
    partners = mates([match[0] for match in matches])
    pieces, tags, at, seen = [], [], 0, 0
    for number, match in enumerate(matches):
        between = text[at : match.start()]
        pieces.append(between)
        seen += _size(normalise(between))
        at = match.end()
        spaces = (text[: match.start()][-1:].isspace(), text[at : at + 1].isspace())
        tags.append(Tag(match[0], seen, partners[number], spaces))
        pieces.append(" " if partners[number] == number else "")
    return normalise("".join([*pieces, text[at:]])), tuple(tags)


def words(text: str) -> list[tuple[int, int]]:
    """Where words begin and end, spaces not counted; a mark of punctuation is one."""
    found, spaces, at = [], 0, 0
    for match in _WORD.finditer(text):
        spaces += match.start() - at
        at = match.end()
        found.append((match.start() - spaces, at - spaces))
    return found


def diagonal(target: Words, source: Words) -> Float[np.ndarray, "T S"]:
    """Weights for whoever knows no better: words at the same share of their sentences look at each other."""
    here, there = (
        (np.array(some, dtype=float).reshape(-1, 2).mean(1) / (some[-1][1] if some else 1))
        for some in (target, source)
    )
    nearness: NDArray[Any] = 1 - abs(here[:, None] - there)
    return nearness


def place(text: str, tags: Sequence[Tag], source: Words, weights: Float[np.ndarray, "T S"]) -> str:
    """The translation with the tags. `source` is the words of the text that the tags stood in."""
    here, whole = words(text), (0, source[-1][1] if source else 0)
    for looks in (weights, diagonal(here, source)):
        placing = _Placing(tags, source, here, looks)
        placing.fill(0, len(tags), whole, 0, len(here))
        found = placing.written(text)
        # What closes nothing can come to close what is never closed: such as that keep their order.
        if structure(TAG.findall(found)) == structure([tag.raw for tag in tags]):
            break
    return found


class _Placing:
    """What stands before and after the space in front of each word of the translation, and at its end."""

    def __init__(self, tags: Sequence[Tag], source: Words, target: Words, weights: NDArray[Any]) -> None:
        self.tags, self.source, self.target, self.weights = tags, source, target, weights
        self.before: list[list[str]] = [[] for _ in range(len(target) + 1)]
        self.after: list[list[str]] = [[] for _ in range(len(target) + 1)]
        self.joined: set[int] = set()  # words whose space a tag stands for

    def fill(self, first: int, last: int, range_: tuple[int, int], low: int, high: int) -> None:
        """Place tags that stood in a range of the source, `first` to `last`, among the words low to high."""
        children = list(self._children(first, last))
        begun = len(self.after[low])
        taken: list[tuple[int, int]] = []
        left = []
        for number, mate in children:
            found = self._stretch(number, mate, low, high, taken) if mate > number else None
            if found is None:
                left.append((number, mate))
                continue
            start, end = found
            taken.append(found)
            self.after[start].append(self.tags[number].raw)
            self.fill(number + 1, mate, (self.tags[number].at, self.tags[mate].at), start, end)
            self.before[end].append(self.tags[mate].raw)
        for number, mate in left:
            at = self._point(self.tags[number].at, range_, low, high)
            at = next((end for start, end in taken if start < at < end), at)
            raw = "".join(tag.raw for tag in self.tags[number : mate + 1])
            before, after = self.tags[number].spaces[0], self.tags[mate].spaces[1]
            if low == high or at == low:
                self.after[low].insert(begun, raw + " " * (after and low < high))
                begun += 1
            elif at == high or any(start == at for start, _ in taken):
                self.before[at].append(" " * before + raw)
            else:
                self.after[at].append(raw + " " * after)
                if not (before or after):
                    self.joined.add(at)

    def written(self, text: str) -> str:
        pieces: list[str] = []
        at = 0
        for number, (start, end) in enumerate([*self.target, (-1, -1)]):
            pieces += self.before[number]
            space = at
            while at < len(text) and text[at].isspace():
                at += 1
            if number not in self.joined:
                pieces.append(text[space:at])
            pieces += self.after[number]
            if start < 0:
                break
            pieces.append(text[at : at + end - start])
            at += end - start
        return "".join(pieces)

    def _children(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Pairs, and tags alone, that stand in no other pair."""
        number = first
        while number < last:
            mate = max(number, self.tags[number].mate)
            yield number, mate
            number = mate + 1

    def _stretch(
        self, number: int, mate: int, low: int, high: int, taken: Sequence[tuple[int, int]]
    ) -> tuple[int, int] | None:
        """The free words that look most at what the pair stood around; None where there are none."""
        start, end = self.tags[number].at, self.tags[mate].at
        inside = np.array([left < end and right > start for left, right in self.source], dtype=bool)
        if not inside.any():
            return None
        rows = self.weights[low:high]
        most = rows.max(1, initial=1e-9)
        gains = (_most(rows[:, inside]) - _most(rows[:, ~inside])) / most
        for one, other in taken:
            gains[one - low : other - low] = -np.inf
        best, found = -np.inf, None
        total, begin = -np.inf, 0
        for step, gain in enumerate(gains.tolist()):
            if total <= 0:
                total, begin = 0.0, step
            total += gain
            if total > best:
                best, found = total, (low + begin, low + step + 1)
        return found

    def _point(self, at: int, range_: tuple[int, int], low: int, high: int) -> int:
        """Before which word something stands that parted two words of the source."""
        inside = [n for n, (left, right) in enumerate(self.source) if left < range_[1] and right > range_[0]]
        left = [number for number in inside if self.source[number][0] < at]
        right = [number for number in inside if self.source[number][0] >= at]
        if low == high or not left:
            return low
        if not right:
            return high
        one, other = (low + int(self.weights[low:high, n].argmax()) for n in (left[-1], right[0]))
        return max(one, other) if one != other else one + 1


def _most(weights: NDArray[Any]) -> NDArray[Any]:
    return weights.max(1) if weights.shape[1] else np.zeros(len(weights))


def _name(tag: str) -> str:
    return _NAME.match(tag)[1]  # type: ignore[index]


def _size(text: str) -> int:
    return len(text) - text.count(" ")
