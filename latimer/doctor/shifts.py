"""Runs of lines whose targets slipped by one: where each begins, ends, and which way it goes.

A small dictionary is read off the corpus (the Dice coefficient of words that stand in the same pairs). In a
run a source fits the target of its neighbour better than its own; the run is the stretch with the largest
sum of differences (Kadane's algorithm), less `COST` a line so that chance makes none.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.doctor.texts import Rows, Texts, once_each, rows_of, texts_of

SAMPLE = 10_000  # pairs that the dictionary is read off
WORDS = 25  # of a side that are looked at
BEST = 3  # translations that are kept of a word
COST = 0.15
LEAST = 3.0  # sum of differences that makes a run
UNSURE = 2.0  # from here on it may be one
EDGE = 2  # pairs on either side of a run of which nobody knows whether they belong to it
_BLOCK = 256  # pairs, so that the table of their words stays in a processor's cache
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
    """The words that most often stand opposite each word; `first`: the one of them, and its coefficient."""

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
        self.first: dict[str, tuple[str, float]] = {}
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
                self.first[word] = found[0], scored[0][0]

    def best(self, word: str) -> frozenset[str]:
        """Its translations, none where it has none."""
        return self._best.get(word, frozenset())


def find_shifts(
    pairs: Sequence[tuple[str, str]], dictionary: Dictionary | None = None, *, least: float = LEAST
) -> list[Shift]:
    """The runs of both directions that gain at least that much, in order."""
    texts, rows = rows_of(pairs)
    return shifts_in(texts_of(texts), rows, dictionary or Dictionary(pairs), least=least)


def shifts_in(texts: Texts, rows: Rows, dictionary: Dictionary, *, least: float = LEAST) -> list[Shift]:
    """`find_shifts` among gathered texts."""
    if not rows.size:
        return []
    back, own, on = fits(texts, rows, dictionary)
    return sorted([*_runs(own, on, 1, least), *_runs(own, back, -1, least)])


def _runs(own: NDArray[np.float64], other: NDArray[np.float64], offset: int, least: float) -> list[Shift]:
    gains = other - own - COST
    gains[-1 if offset > 0 else 0] = -1 - COST  # there is no neighbour
    # A run begins only where the neighbour's target fits so much better.
    starts = np.flatnonzero((gains > 0) & (own + COST < 1)).tolist()
    steps, found, place = gains.tolist(), list[Shift](), -1
    for begun in starts:
        if begun <= place:
            continue
        best = total = 0.0
        end = begun
        for place in range(begun, len(steps)):
            total += steps[place]
            if total > best:
                best, end = total, place
            if total <= 0 or total < best - LEAST:
                break
        if best >= least:
            found.append(Shift(begun, end, offset, best))
    return found


def fits(texts: Texts, rows: Rows, dictionary: Dictionary) -> NDArray[np.float64]:
    """The share of each source's known words with a translation in the targets before, opposite and after.

    3 x N. Where there is no such target the share is 0.
    """
    names, ids, owners = words_in(texts)
    pairs = rows.shape[1]
    place, ours = np.zeros(len(texts.texts), dtype=np.int64), np.zeros(len(texts.texts), dtype=np.bool_)
    place[rows] = np.arange(pairs)
    ours[rows[0]] = True
    translations, known, columns = _opposite(names, dictionary)

    theirs = ~ours[owners] & (columns[ids] >= 0)
    target_rows, target_columns = place[owners[theirs]], columns[ids[theirs]]
    order = np.argsort(target_rows, kind="stable")
    target_rows, target_columns = target_rows[order], target_columns[order]
    spoken = ours[owners] & (known[ids] >= 0)
    keys = once_each(place[owners[spoken]] * len(translations) + known[ids[spoken]])
    source_rows, words = np.divmod(keys, len(translations))

    width = int(columns.max(initial=-1)) + 2
    hits, table = np.zeros((3, pairs)), np.zeros((_BLOCK + 2) * width, dtype=np.uint8)
    for first in range(0, pairs, _BLOCK):
        last = min(pairs, first + _BLOCK)
        some = slice(*np.searchsorted(target_rows, (first - 1, last + 1)))
        spots = (target_rows[some] - first + 1) * width + target_columns[some]
        table[spots] = 1
        some = slice(*np.searchsorted(source_rows, (first, last)))
        inside, wanted = source_rows[some] - first, translations[words[some]]
        for neighbour in range(3):
            beside = table[neighbour * width :]
            met = beside[inside * width + wanted[:, 0]]
            for column in range(1, BEST):
                met |= beside[inside * width + wanted[:, column]]
            hits[neighbour, first:last] = np.bincount(inside, met, minlength=last - first)
        table[spots] = 0
    return hits / np.maximum(2, np.bincount(source_rows, minlength=pairs))


def words_in(texts: Texts, *, most: int = WORDS) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """The words that there are; those of the texts, the first `most` of each, by number; whose each is."""
    parts = [[word] if word.isalnum() else _WORD.findall(word) for word in texts.words]
    names = list(dict.fromkeys(chain.from_iterable(parts)))
    index = {name: place for place, name in enumerate(names)}
    flat = np.array([index[word] for part in parts for word in part], dtype=np.int64)
    sizes = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    starts, counts = (np.cumsum(sizes) - sizes)[texts.ids], sizes[texts.ids]
    owners = np.repeat(texts.owners, counts)
    begun = np.cumsum(counts) - counts
    ids = flat[np.arange(len(owners)) + np.repeat(starts - begun, counts)]
    of_text = np.bincount(owners, minlength=len(texts.texts))
    first = np.arange(len(owners)) - (np.cumsum(of_text) - of_text)[owners] < most
    return names, ids[first], owners[first]


def _opposite(
    names: Sequence[str], dictionary: Dictionary
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """BEST columns for each word that the dictionary knows; each word's row there, and its own column.

    -1 where it has none; the last of the columns stands for translations that no text has.
    """
    found = [(place, best) for place, name in enumerate(names) if (best := dictionary.best(name))]
    used = {word for _, best in found for word in best}
    columns = np.full(len(names), -1, dtype=np.int64)
    index: dict[str, int] = {}
    for place, name in enumerate(names):
        if name in used:
            columns[place] = index[name] = len(index)
    translations = np.full((max(1, len(found)), BEST), len(index), dtype=np.int64)
    known = np.full(len(names), -1, dtype=np.int64)
    for row, (place, best) in enumerate(found):
        known[place] = row
        for column, word in enumerate(best):
            translations[row, column] = index.get(word, len(index))
    return translations, known, columns


def realigned(texts: Texts, rows: Rows, dictionary: Dictionary) -> list[int | None]:
    """The place of each source's target, with runs moved back; None in those not sure, and beside any."""
    pairs = rows.shape[1]
    places: list[int | None] = list(range(pairs))
    shifts = shifts_in(texts, rows, dictionary, least=UNSURE)
    for shift in shifts:
        for place in range(max(0, shift.first - EDGE), min(pairs, shift.last + 1 + EDGE)):
            places[place] = None
    for shift in shifts:
        if shift.gain >= LEAST:
            for place in range(shift.first, shift.last + 1):
                places[place] = place + shift.offset
    return places


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold())[:WORDS])
