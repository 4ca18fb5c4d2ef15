"""What pieces looked at as what words looked at, and as links. Arrays of NumPy; no torch, no model."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latimer.alignment import SYMMETRIES, Links, symmetrise

Weights = NDArray[np.floating[Any]]
Words = NDArray[np.int64]


def word_weights(weights: Weights, source_words: Words, target_words: Words, *, shifted: bool) -> Weights:
    """From H T+1 S+1 between pieces to H T S between words; what looked at the end of the source is left out.

    `source_words` and `target_words` say which word each piece belongs to, as `Tokenizer.word_of` does.
    """
    rows = weights[:, 1:] if shifted else weights[:, :-1]
    return between_words(rows[:, :, :-1], source_words, target_words)


def between_words(weights: Weights, source_words: Words, target_words: Words) -> Weights:
    """From ... T S between pieces: summed over a source word's pieces, averaged over a target word's."""
    _, sources = np.unique(source_words, return_index=True)
    _, targets, sizes = np.unique(target_words, return_index=True, return_counts=True)
    summed = np.add.reduceat(weights, sources, axis=-1)
    return np.add.reduceat(summed, targets, axis=-2) / sizes[:, None]


def linked(weights: Weights, how: str = SYMMETRIES[-1]) -> Links:
    """Links out of T S, read from both sides, which become one as in `symmetrise`.

    Each target word is linked with the source word that it looked at most, and each source word with the
    target word that looked at it most.
    """
    looking = frozenset((int(source), target) for target, source in enumerate(weights.argmax(1)))
    looked_at = frozenset((source, int(target)) for source, target in enumerate(weights.argmax(0)))
    return symmetrise(looking, looked_at, how)


def one_head(weights: Weights, head: int | None) -> Weights:
    """T S of H T S: that of a head, or the mean of all."""
    return weights.mean(0) if head is None else weights[head]
