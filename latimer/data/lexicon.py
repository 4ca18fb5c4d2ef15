"""Which target pieces may follow from each source piece, learned from sentence pairs alone in seconds.

IBM model 1 (Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.1): every
target piece of a pair comes from one of its source pieces, wherever they stand, or from the end of it.
Expectation maximisation finds t(target | source) by asking again and again which came from which.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.data.store import Side, TokenStore

CELLS = 8_000_000  # pairs of a source and a target token that are looked at
ROUNDS = 4  # of maximisation
EACH, COMMON = 48, 1_200  # pieces for one of the source, and for every sentence
LEAST = 0.3  # times that a piece of the source has to have become it, as far as is known


class Lexicon(NamedTuple):
    """Target pieces that may be said, given the source's."""

    likely: NDArray[np.int32]  # V K: of each source piece itself, what it is likeliest to become, and `eos`
    always: NDArray[np.int32]  # whatever the source is: the commonest, and `eos`, in order


class Table(NamedTuple):
    """What is known of N source and target tokens that stood in one sentence pair at least."""

    codes: NDArray[np.int64]  # N: source * targets + target, in order
    counts: NDArray[np.float64]  # N: how often one became the other, as far as is known
    chances: NDArray[np.float64]  # N: t(target | source)


def translations(store: TokenStore, sizes: tuple[int, int], *, eos: int, cells: int) -> Table:
    """What became what, after ROUNDS of maximisation; `sizes` are those of both vocabularies.

    Of large corpora as many pairs, evenly spread, are looked at as make so many `cells`.
    """
    sources, targets = sizes
    there = int(((store.source_lengths.astype(np.int64) + 1) * store.target_lengths).sum())
    number = len(store) * min(there, cells) // max(1, there)
    source, target, place = _cells(store, np.linspace(0, len(store) - 1, number, dtype=np.int64), eos)
    source *= targets
    source += target
    del target
    codes, entry = np.unique(source, return_inverse=True)
    del source
    entry, place = entry.astype(np.int32), place.astype(np.int32)  # there are millions
    row = codes // targets
    counts = np.ones(len(codes))
    for _ in range(ROUNDS):
        given = (counts / np.bincount(row, counts, sources)[row])[entry]
        given /= np.bincount(place, given)[place]
        counts = np.bincount(entry, given, len(codes)).astype(np.float64)
    return Table(codes, counts, counts / np.bincount(row, counts, sources)[row])


def lexicon_of(
    store: TokenStore, pieces: tuple[Sequence[str], Sequence[str]], *, eos: int, unknown: int
) -> Lexicon:
    """Of every source piece EACH target pieces, and the one that is spelled the same: names are copied.

    `pieces` are those of both vocabularies.
    """
    sources, targets = map(len, pieces)
    frequency = np.bincount(store.targets.ids, minlength=targets)
    commonest = np.argsort(-frequency, kind="stable")[: min(COMMON, np.count_nonzero(frequency))]
    table = translations(store, (sources, targets), eos=eos, cells=CELLS)
    row, counts = table.codes // targets, table.counts
    order = np.lexsort((-counts, row))  # by source pieces, the likeliest first
    rank = np.arange(len(order)) - np.searchsorted(row, row)
    likely = np.full((sources, 1 + EACH), eos, dtype=np.int32)
    kept = (rank < EACH) & (counts[order] > LEAST)
    likely[row[kept], 1 + rank[kept]] = (table.codes % targets)[order][kept]
    spelled = {piece: number for number, piece in enumerate(pieces[1])}
    likely[:, 0] = [spelled.get(piece, eos) for piece in pieces[0]]
    return Lexicon(likely, np.union1d(commonest, [eos, unknown]).astype(np.int32))


def _cells(
    store: TokenStore, pairs: NDArray[np.int64], eos: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Each target token with each source token of its pair, or the end: both, and which target it is."""
    source, begins, sizes = _tokens(store.sources, pairs, eos)
    target, _, lengths = _tokens(store.targets, pairs, None)
    repeats = np.repeat(sizes, lengths)  # of each target token
    place = np.repeat(np.arange(len(target)), repeats)
    within = np.arange(len(place)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return source[np.repeat(begins, lengths)[place] + within], target[place], place


def _tokens(
    side: Side, pairs: NDArray[np.int64], end: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Some sentences end to end, each with an `end` if one is told; where each begins, and its size."""
    lengths = np.diff(side.offsets)[pairs]
    sizes = lengths + (end is not None)
    begins = np.cumsum(sizes) - sizes
    within = np.arange(sizes.sum()) - np.repeat(begins, sizes)
    real = within < np.repeat(lengths, sizes)
    found = np.full(len(within), -1 if end is None else end, dtype=np.int64)
    found[real] = side.ids[(np.repeat(side.offsets[pairs], sizes) + within)[real]]
    return found, begins, sizes
