"""Batches by token budget from pools sorted by length: (seed, epoch) decides them, and any position resumes.

Width: a pair's positions, the longer of source and target with its EOS. A batch costs its widest pair times
its number of pairs; a batch holds as many pairs as cost no more than the budget, and always one.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy.typing import NDArray
from torch import Tensor

from latimer.data.splitting import Splitter
from latimer.data.store import Side, TokenStore
from latimer.data.tokenizer import BOS, EOS, PAD
from latimer.errors import Mistake

Rows = NDArray[np.int64]


class Batch(NamedTuple):
    """B sentence pairs, padded with PAD; masks are True on real positions.

    source: the sentence, EOS. inputs: BOS, the sentence. outputs: the sentence, EOS. rows: each pair's place
    in the store. tokens: the real positions of outputs, over which a loss is averaged.
    """

    source: Int[Tensor, "B S"]
    source_mask: Bool[Tensor, "B S"]
    inputs: Int[Tensor, "B T"]
    outputs: Int[Tensor, "B T"]
    target_mask: Bool[Tensor, "B T"]
    rows: Int[Tensor, "B"]
    tokens: int

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        return Batch(
            source=self.source.to(device),
            source_mask=self.source_mask.to(device),
            inputs=self.inputs.to(device),
            outputs=self.outputs.to(device),
            target_mask=self.target_mask.to(device),
            rows=self.rows.to(device),
            tokens=self.tokens,
        )


class Position(NamedTuple):
    """A place in the endless stream of batches: `batch` is the next to be read in `epoch`."""

    epoch: int = 0
    batch: int = 0


class TokenBatches:
    """Batches of a store, of at most `tokens` padded positions on either side (see the module).

    With splitters, one a side, the share `splitting` of the pieces is split, which adds a few positions.
    """

    splitting = 0.0

    def __init__(
        self,
        store: TokenStore,
        tokens: int,
        *,
        seed: int,
        pool: int = 100_000,
        splitters: tuple[Splitter, Splitter] | None = None,
    ) -> None:
        if not len(store):
            raise Mistake("there is no sentence pair to train on; every pair of the corpus was left out.")
        if tokens < 1 or pool < 1:
            raise ValueError(f"tokens and pool must be positive, not {tokens} and {pool}")
        self.store = store
        self.tokens = tokens
        self.seed = seed
        self.pool = pool
        self.splitters = splitters

    def epoch(self, number: int) -> list[Rows]:
        """The rows of each batch of an epoch: every pair once, in an order that (seed, number) decides."""
        chance = np.random.default_rng([self.seed, number])
        order = chance.permutation(len(self.store))
        batches: list[Rows] = []
        for start in range(0, len(order), self.pool):
            batches += _cut(self.store, order[start : start + self.pool], self.tokens)
        return [batches[place] for place in chance.permutation(len(batches))]

    def stream(self, start: Position = Position()) -> Iterator[tuple[Position, Batch]]:  # noqa: B008
        """Batches without end from `start`, each with the position to go on from once it has been used."""
        first = start.batch
        for number in count(start.epoch):
            rows = self.epoch(number)
            for batch in range(first, len(rows)):
                after = Position(number, batch + 1) if batch + 1 < len(rows) else Position(number + 1, 0)
                yield after, self._batch(rows[batch], Position(number, batch))
            first = 0

    def _batch(self, rows: Rows, position: Position) -> Batch:
        if self.splitters is None or not self.splitting:
            return collate(self.store, rows)
        chance = np.random.default_rng([self.seed, *position, 1])
        sides = [
            splitter.split(side, rows, self.splitting, chance)
            for splitter, side in zip(self.splitters, (self.store.sources, self.store.targets), strict=True)
        ]
        split = collate(TokenStore(*sides), np.arange(len(rows)))
        return split._replace(rows=torch.from_numpy(rows.copy()))


def in_order(store: TokenStore, tokens: int) -> Iterator[Batch]:
    """Every pair once, the shortest first: for measuring, where order does not matter and padding costs."""
    for rows in _cut(store, np.arange(len(store)), tokens):
        yield collate(store, rows)


def collate(store: TokenStore, rows: Sequence[int] | Rows) -> Batch:
    """The given rows of the store as one batch, in their order."""
    chosen = np.asarray(rows, dtype=np.int64)
    source, source_mask = _padded(store.sources, chosen)
    outputs, target_mask = _padded(store.targets, chosen)
    inputs = np.full_like(outputs, BOS)
    # The token before each output; where a short sentence ended, EOS must not come in.
    inputs[:, 1:] = np.where(target_mask[:, 1:], outputs[:, :-1], PAD)
    return Batch(
        source=torch.from_numpy(source),
        source_mask=torch.from_numpy(source_mask),
        inputs=torch.from_numpy(inputs),
        outputs=torch.from_numpy(outputs),
        target_mask=torch.from_numpy(target_mask),
        rows=torch.from_numpy(chosen.copy()),
        tokens=int(target_mask.sum()),
    )


def _padded(side: Side, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Sentences with EOS in a rectangle (B, longest + 1), and the mask of what is real."""
    starts = side.offsets[rows]
    lengths = side.offsets[rows + 1] - starts
    columns = np.arange(int(lengths.max(initial=0)) + 1)
    words = columns < lengths[:, None]
    grid = np.full(words.shape, PAD, dtype=np.int64)
    grid[words] = side.ids[(starts[:, None] + columns)[words]]
    grid[np.arange(len(rows)), lengths] = EOS
    return grid, columns <= lengths[:, None]


def _cut(store: TokenStore, rows: Rows, tokens: int) -> list[Rows]:
    """Sort rows by length and cut them into batches whose cost is within the budget."""
    source, target = store.source_lengths[rows], store.target_lengths[rows]
    # Target length first; inside one target length the source goes up, in the next down, so that a batch that
    # spans two of them meets sources of about one length.
    order = np.lexsort((np.where(target % 2, -source, source), target))
    rows = rows[order]
    widths = np.maximum(source, target)[order].astype(np.int64) + 1
    batches, start = [], 0
    while start < len(rows):
        # More pairs than this cannot fit: each costs at least as much as the first.
        window = widths[start : start + max(tokens // int(widths[start]), 1)]
        costs = np.maximum.accumulate(window) * np.arange(1, len(window) + 1)
        size = max(int(np.searchsorted(costs, tokens, side="right")), 1)
        batches.append(rows[start : start + size])
        start += size
    return batches
