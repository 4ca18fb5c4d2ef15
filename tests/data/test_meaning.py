import math

import numpy as np
import pytest
import torch

from latimer.data import meaning
from latimer.data.meaning import vectors_of
from latimer.data.store import TokenStore

DICTIONARY = {word: 20 + word for word in range(4, 16)}  # of a language in which every word has its other one
SIZE = 40


def corpus(pairs: int, *, joint: bool = True) -> TokenStore:
    """Sentences of five words, and their translations word by word, the other way round."""
    chance = np.random.default_rng(0)
    rows = []
    for _ in range(pairs):
        source = chance.choice(list(DICTIONARY), size=5, replace=False).tolist()
        target = [DICTIONARY[word] for word in reversed(source)]
        rows.append((source, target if joint else [word - 20 for word in target]))
    return TokenStore.of(rows)


def test_a_word_lies_beside_its_translation() -> None:
    vectors = vectors_of(corpus(300), (SIZE, SIZE), 16, joint=True, seed=1).source
    alike = vectors @ vectors.T
    for word, translation in DICTIONARY.items():
        assert alike[word].topk(2).indices.tolist() == [word, translation]


def test_two_vocabularies_share_one_space() -> None:
    store = corpus(300, joint=False)
    source, target = vectors_of(store, (16, 20), 12, joint=False, seed=1)
    assert source.shape == (16, 12)
    assert target.shape == (20, 12)
    words = list(DICTIONARY)
    assert (source[words] @ target[words].T).argmax(1).tolist() == list(range(len(words)))


def test_every_row_has_length_one_and_unknown_pieces_are_not_alike() -> None:
    vectors = vectors_of(corpus(300), (SIZE, SIZE), 64, joint=True, seed=1).source
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(SIZE))
    unknown = vectors[[0, 1, 2, 3, 16, 17, 18, 19]]
    assert ((unknown @ unknown.T).fill_diagonal_(0).abs() < 0.6).all()


def test_pieces_of_the_same_pairs_can_be_told_apart() -> None:
    store = TokenStore.of([([5, 6], [7])] * 3 + [([8], [9])] * 3)
    vectors = vectors_of(store, (10, 10), 8, joint=True, seed=1).source
    assert 0.7 < vectors[5] @ vectors[6] < 0.999


@pytest.mark.parametrize("seed", range(0, 50, 5))
def test_a_few_pieces_in_many_pairs_have_vectors(seed: int) -> None:
    """They have far fewer directions than are wanted; LAPACK stumbles over the empty ones."""
    chance = np.random.default_rng(seed)
    rows = []
    for _ in range(150 + seed * 7):
        source = [4 + int(chance.integers(2)), 6 + int(chance.integers(2)), 8]
        rows.append((source, [piece + 50 for piece in source]))
    vectors = vectors_of(TokenStore.of(rows), (444, 444), 256, joint=True, seed=1).source
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(444))


def test_common_pieces_are_not_alike() -> None:
    """Two articles stand in every other pair: one of them or the other, and a full stop in all."""
    chance = np.random.default_rng(0)
    rows = []
    for _ in range(200):
        article, noun = int(chance.integers(2)), int(chance.integers(4, 20))
        rows.append(([20 + article, noun, 30], [22 + article, noun + 30, 31]))
    vectors = vectors_of(TokenStore.of(rows), (60, 60), 16, joint=True, seed=1).source
    assert vectors[20] @ vectors[22] > 0.7
    assert vectors[20] @ vectors[21] < 0.2
    assert vectors[20] @ vectors[30] < 0.4


def test_the_seed_decides() -> None:
    one, same, other = (
        vectors_of(corpus(50), (SIZE, SIZE), 8, joint=True, seed=seed).source for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.allclose(one, other)


def test_large_corpora_are_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "TOKENS", 6)
    rows = [([4 + place], [30]) for place in range(5)]
    vectors = vectors_of(TokenStore.of(rows), (SIZE, SIZE), 4, joint=True, seed=1).source
    monkeypatch.setattr(meaning, "TOKENS", 100)
    few = TokenStore.of([rows[0], rows[2], rows[4]])
    assert torch.equal(vectors, vectors_of(few, (SIZE, SIZE), 4, joint=True, seed=1).source)


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = vectors_of(corpus(50), (SIZE, SIZE), 8, joint=True, seed=1).source
    monkeypatch.setattr(meaning, "PART", 7)
    torch.testing.assert_close(
        vectors_of(corpus(50), (SIZE, SIZE), 8, joint=True, seed=1).source, whole, rtol=1e-3, atol=1e-3
    )


def test_the_space_is_that_of_the_singular_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy's own decomposition of the whole matrix, filled cell by cell."""
    monkeypatch.setattr(meaning, "CHANCE", 0.0)
    pairs = corpus(60)
    # A piece that stands twice in a pair counts once.
    repeated = [(pairs.source(row).tolist() * 2, pairs.target(row).tolist()[:2] * 3) for row in range(60)]
    store = TokenStore.of(repeated)
    matrix = np.zeros((SIZE, len(store)))
    for column in range(len(store)):
        for piece in {*store.source(column).tolist(), *store.target(column).tolist()}:
            matrix[piece, column] = 1
    known = matrix.any(1)
    for piece in np.flatnonzero(known):
        matrix[piece] *= math.log(1 + len(store) / matrix[piece].sum())
    matrix /= np.linalg.norm(matrix, axis=0)
    matrix[known] /= np.sqrt(np.linalg.norm(matrix[known], axis=1))[:, None]
    left, values, _ = np.linalg.svd(matrix, full_matrices=False)
    wanted = (left * np.sqrt(values))[known, 1:]  # the first is left out
    wanted /= np.linalg.norm(wanted, axis=1)[:, None]
    found = vectors_of(store, (SIZE, SIZE), SIZE, joint=True, seed=1).source[torch.from_numpy(known)]
    np.testing.assert_allclose((found @ found.T).numpy(), wanted @ wanted.T, atol=1e-3)
