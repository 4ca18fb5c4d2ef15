"""Runs of lines whose targets slipped by one: where each begins, ends, and which way it goes.

A small dictionary is read off the corpus (the Dice coefficient of words that stand in the same pairs). In a
run a source fits the target of its neighbour better than its own; the run is the stretch with the largest
sum of differences (Kadane's algorithm), less `COST` a line so that chance makes none.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

SAMPLE = 10_000  # pairs that the dictionary is read off
WORDS = 25  # of a side that are looked at
BEST = 3  # translations that are kept of a word
COST = 0.15
LEAST = 3.0  # sum of differences that makes a run
UNSURE = 2.0  # from here on it may be one
EDGE = 2  # pairs on either side of a run of which nobody knows whether they belong to it
_WORD = re.compile(r"[^\W_]+")


class Shift(NamedTuple):
    """From `first` to `last` target i + offset fits source i; places in the sequence, both in the run.

    `gain` is the sum of differences.
    """

    first: int
    last: int
    offset: int
    gain: float


class Dictionary:
    """The words that most often stand opposite each word."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        together: dict[str, Counter[str]] = defaultdict(Counter)
        ours, theirs = Counter[str](), Counter[str]()
        step = max(1, len(pairs) // SAMPLE)
        for source, target in pairs[::step]:
            left, right = _words(source), _words(target)
            ours.update(left)
            theirs.update(right)
            for word in left:
                together[word].update(right)
        self._best: dict[str, frozenset[str]] = {}
        for word, counts in together.items():
            if ours[word] < 2:
                continue
            scored = sorted(
                (
                    (2 * count / (ours[word] + theirs[other]), other)
                    for other, count in counts.items()
                    if count > 1
                ),
                reverse=True,
            )
            if found := [other for score, other in scored[:BEST] if score > 0.05]:
                self._best[word] = frozenset(found)

    def known(self, source: frozenset[str]) -> list[frozenset[str]]:
        """The translations of each word of a source that the dictionary has."""
        return [self._best[word] for word in source & self._best.keys()]


def _fit(known: Sequence[frozenset[str]], target: frozenset[str]) -> float:
    """The share of the known words of a source that have a translation in the target."""
    hits = 0
    for words in known:
        if not words.isdisjoint(target):
            hits += 1
    return hits / max(2, len(known))


def find_shifts(
    pairs: Sequence[tuple[str, str]], dictionary: Dictionary | None = None, *, least: float = LEAST
) -> list[Shift]:
    """The runs of both directions that gain at least that much, in order."""
    dictionary = dictionary or Dictionary(pairs)
    sources = [dictionary.known(_words(source)) for source, _ in pairs]
    targets = [_words(target) for _, target in pairs]
    own = [_fit(*both) for both in zip(sources, targets, strict=True)]
    found: list[Shift] = []
    for offset in (1, -1):
        best, total, begun = 0.0, 0.0, 0
        end = -1
        for place in range(len(pairs)):
            other = place + offset
            if total <= 0 and own[place] + COST >= 1:
                continue  # nothing fits so much better: no run begins here
            gain = _fit(sources[place], targets[other]) - own[place] if 0 <= other < len(pairs) else -1
            if total <= 0:
                total, best, begun, end = 0.0, 0.0, place, place
            total += gain - COST
            if total > best:
                best, end = total, place
            closes = total <= 0 or total < best - LEAST or place + 1 == len(pairs)
            if closes:
                if best >= least:
                    found.append(Shift(begun, end, offset, best))
                total = 0.0
    return sorted(found)


def realigned(pairs: Sequence[tuple[str, str]], dictionary: Dictionary) -> list[int | None]:
    """The place of each source's target, with runs moved back; None in those not sure, and beside any."""
    places: list[int | None] = list(range(len(pairs)))
    shifts = find_shifts(pairs, dictionary, least=UNSURE)
    for shift in shifts:
        for place in range(max(0, shift.first - EDGE), min(len(pairs), shift.last + 1 + EDGE)):
            places[place] = None
    for shift in shifts:
        if shift.gain >= LEAST:
            for place in range(shift.first, shift.last + 1):
                places[place] = place + shift.offset
    return places


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold())[:WORDS])
