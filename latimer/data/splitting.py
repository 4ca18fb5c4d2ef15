"""Words are cut into pieces another way each time they are seen: subword regularisation for BPE.

BPE-dropout (Provilkov et al. 2020, "BPE-dropout: simple and effective subword regularization", section 3)
leaves out merges at random while a text is encoded. Here the ids are there already, so it goes the other way:
each piece falls with a small probability into the two that it was merged of, and these may fall again. A
model that sees the same pairs many times learns what long pieces are made of, and not the pairs by heart.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latimer.data.store import Side
from latimer.data.tokenizer import SPECIALS, Tokenizer

Rows = NDArray[np.int64]

DEEPEST = 4  # falls of a piece, one after the other


class Splitter:
    """Splits pieces of one vocabulary."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    @cached_property
    def halves(self) -> NDArray[np.int64]:
        """The two pieces of each, V x 2."""
        pieces = self._tokenizer.pieces(range(self._tokenizer.size))
        return np.array(halves(pieces, SPECIALS + len(self._tokenizer.tags)), dtype=np.int64)

    def split(self, side: Side, rows: Rows, share: float, chance: np.random.Generator) -> Side:
        """The sentences of these rows, each piece of them split with probability `share`."""
        lengths = side.offsets[rows + 1] - side.offsets[rows]
        before = side.offsets[rows] - (np.cumsum(lengths) - lengths)
        ids = side.ids[np.repeat(before, lengths) + np.arange(lengths.sum())].astype(np.int64)
        owners, new = np.repeat(np.arange(len(rows)), lengths), np.ones(len(ids), dtype=np.bool_)
        for _ in range(DEEPEST):
            falls = new & (chance.random(len(ids)) < share) & (self.halves[ids, 0] > 0)
            places = np.arange(len(ids)) + np.cumsum(falls) - falls  # of each piece, or of its first half
            two, fallen = 1 + falls, ids[falls]
            ids, owners, new = np.repeat(ids, two), np.repeat(owners, two), np.repeat(falls, two)
            ids[places[falls]], ids[places[falls] + 1] = self.halves[fallen].T
        ends = np.cumsum(np.bincount(owners, minlength=len(rows)))
        return Side(ids.astype(np.uint32), np.concatenate([[0], ends]).astype(np.int64))


def halves(pieces: Sequence[str], specials: int = SPECIALS) -> list[tuple[int, int]]:
    """For each piece the ids of the two that it is made of, zeros where it is made of none.

    `pieces` are in the order of their merges; letters come last, but were there before any. Where a piece can
    be cut in several ways, the one is taken whose halves were both known first. The first `specials` stay.
    """
    known = {
        piece: number
        for number, piece in enumerate(pieces)
        if number >= specials and not (piece.startswith("<0x") and len(piece) == 6)
    }
    found = []
    for number, piece in enumerate(pieces):
        ways = [
            (max(0 if len(half) == 1 else known[half] for half in both), known[both[0]], known[both[1]])
            for both in ((piece[:at], piece[at:]) for at in range(1, len(piece)))
            if known.get(piece) == number and both[0] in known and both[1] in known
        ]
        _, one, other = min(ways, default=(0, 0, 0))
        found.append((one, other))
    return found
