"""Vectors for pieces before any training: what stands in the same sentence pairs points the same way.

Cross-language latent semantic analysis (Littman, Dumais and Landauer 1998). Give a matrix a row for every
piece of either language and a column for every sentence pair. Its largest singular vectors make a space in
which "dog" lies beside "chien", since the two stand in the same pairs. That takes seconds, and a model whose
embeddings begin there does not have to find the dictionary by descending a gradient.
"""

from contextlib import suppress
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from latimer.data.store import Side, TokenStore

TOKENS = 2_000_000  # as many tell enough
PART = 10_000  # pairs that are looked at together
SPARE, ROUNDS = 16, 3  # of the search for singular vectors: columns beside those wanted, and repetitions
CHANCE = 0.1  # share that is random, or pieces of the same pairs could not be told apart


class Vectors(NamedTuple):
    """A row of length 1 for each piece; with a joint vocabulary both are the same tensor."""

    source: Tensor  # V E
    target: Tensor  # V E


class _Bags(NamedTuple):
    """A sparse matrix: row i has weights[k] in column columns[k], starts[i] <= k < starts[i + 1]."""

    columns: Tensor
    starts: Tensor
    weights: Tensor

    def times(self, dense: Tensor) -> Tensor:
        """The product with a dense matrix."""
        bags = self.starts[:-1]
        return F.embedding_bag(self.columns, dense, bags, mode="sum", per_sample_weights=self.weights)


def vectors_of(store: TokenStore, sizes: tuple[int, int], width: int, *, joint: bool, seed: int) -> Vectors:
    """The vectors of the pieces of both vocabularies, of `sizes` pieces, `width` numbers each.

    `joint`: the vocabularies are one. A piece that the pairs don't hold gets a random vector. Of large
    corpora pairs of `TOKENS` tokens in all are looked at, evenly spread.
    """
    rows = sizes[0] if joint else sum(sizes)
    tokens = len(store.sources.ids) + len(store.targets.ids)
    number = len(store) * min(tokens, TOKENS) // max(1, tokens)
    pairs = np.linspace(0, len(store) - 1, number, dtype=np.int64)
    pieces = [
        _occurrences(store.sources, pairs, 0),
        _occurrences(store.targets, pairs, 0 if joint else sizes[0]),
    ]
    # Each piece once a pair, by pieces: row * pairs + column is one number to sort by.
    cells = np.unique(np.concatenate([row * len(pairs) + column for row, column in pieces]))
    chance = torch.Generator().manual_seed(seed)
    meaning = _singular_vectors(cells // len(pairs), cells % len(pairs), rows, len(pairs), width, chance)
    noise = torch.randn(rows, width, generator=chance)
    known = torch.zeros(rows, 1, dtype=torch.bool)
    known[cells // len(pairs)] = True
    share = torch.where(known, CHANCE, 1.0)
    vectors = (1 - share).sqrt() * F.normalize(meaning) + share.sqrt() * F.normalize(noise)
    vectors = F.normalize(vectors)
    return Vectors(vectors, vectors) if joint else Vectors(vectors[: sizes[0]], vectors[sizes[0] :])


def _occurrences(
    side: Side, pairs: NDArray[np.int64], first: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The piece (numbered from `first`) and the place in `pairs` of each token of the chosen pairs."""
    lengths = np.diff(side.offsets)[pairs]
    columns = np.repeat(np.arange(len(pairs)), lengths)
    within = np.arange(len(columns)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return side.ids[side.offsets[pairs][columns] + within].astype(np.int64) + first, columns


def _singular_vectors(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    height: int,
    breadth: int,
    width: int,
    chance: torch.Generator,
) -> Tensor:
    """Row vectors from the `width` largest singular vectors but the first, each times the root of its value.

    What the first says of a piece is how common it is: it would make all common pieces alike.

    Halko, Martinsson and Tropp 2011, "Finding structure with randomness", algorithm 4.4: multiply random
    columns by M M^T a few times, and little but the largest singular vectors is left of them. `height` by
    `breadth` is the size of M, `rows` (sorted) and `columns` where it is not zero. Rare pieces weigh more
    (their inverse document frequency), long pairs and frequent pieces less.
    """
    frequency = np.bincount(rows, minlength=height)
    weights = np.log(1 + breadth / np.maximum(frequency, 1))[rows]
    weights /= np.sqrt(np.bincount(columns, weights**2, minlength=breadth))[columns]
    weights /= np.bincount(rows, weights**2, minlength=height)[rows] ** 0.25
    order = np.argsort(columns, kind="stable")
    parts = []  # of the matrix, each with its transpose: what a part sees of all directions is large
    for first in range(0, breadth, PART):
        low, high = np.searchsorted(columns, (first, first + PART), sorter=order)
        across, down = order[low:high], np.sort(order[low:high])
        size = min(PART, breadth - first)
        part = _bags(rows[down], columns[down] - first, weights[down], height)
        parts.append((part, _bags(columns[across] - first, rows[across], weights[across], size)))

    most = min(1 + width + SPARE, height, breadth)
    basis = torch.randn(height, most, generator=chance)
    for _ in range(ROUNDS):
        product = torch.zeros(height, most)
        for matrix, transposed in parts:
            product += matrix.times(transposed.times(basis))
        basis = torch.linalg.qr(product).Q
    gram = torch.zeros(most, most)
    for _, transposed in parts:
        seen = transposed.times(basis)
        gram += seen.T @ seen
    squares, turn = _eigen(gram)
    largest = (basis @ turn * squares.clamp(min=0).sqrt().sqrt()).flip(1)[:, 1 : width + 1]
    # The singular vectors are axes of very different size; turned at random, no axis of the model is special.
    rotation = torch.linalg.qr(torch.randn(width, width, generator=chance)).Q
    return largest @ rotation[: largest.shape[1]]


def _eigen(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues, the smallest first, and eigenvectors of a symmetric matrix.

    Where few pieces leave most directions empty, LAPACK may give up in single precision, or give NaN.
    """
    with suppress(torch.linalg.LinAlgError):  # type: ignore[attr-defined]
        values, vectors = torch.linalg.eigh(gram)
        if vectors.isfinite().all():
            return values, vectors
    values, vectors = torch.linalg.eigh(gram.double())
    return values.float(), vectors.float()


def _bags(
    rows: NDArray[np.int64], columns: NDArray[np.int64], weights: NDArray[np.float64], height: int
) -> _Bags:
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=height))])
    return _Bags(
        torch.from_numpy(columns), torch.from_numpy(starts), torch.from_numpy(weights.astype(np.float32))
    )
