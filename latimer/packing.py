"""Sentences in rectangles: which are searched together, and how they are padded."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Int

from latimer.data.tokenizer import EOS, PAD


def padded(rows: Sequence[Sequence[int]]) -> tuple[Int[np.ndarray, "B S"], Bool[np.ndarray, "B S"]]:
    """Sentences, each with its EOS, in a rectangle, and the mask of what is real."""
    lengths = np.array([len(row) + 1 for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    source = np.full(mask.shape, PAD)
    for place, row in enumerate(rows):
        source[place, : len(row) + 1] = [*row, EOS]
    return source, mask


def batches(rows: Sequence[Sequence[int]], positions: int) -> Iterator[list[int]]:
    """Indices of the rows that are not empty, the longest first, at most `positions` a batch, padded."""
    order = sorted((index for index, row in enumerate(rows) if row), key=lambda index: -len(rows[index]))
    while order:
        size = max(1, positions // (len(rows[order[0]]) + 1))
        yield order[:size]
        order = order[size:]
