"""IBM model 1 against itself written slowly, and what a list always holds."""

from collections import defaultdict

import numpy as np
import pytest

from latimer.data import lexicon
from latimer.data.lexicon import lexicon_of
from latimer.data.store import TokenStore

EOS, UNKNOWN, FIRST = 2, 3, 4
SOURCE = ["<pad>", "<s>", "</s>", "<unk>", *"abcdefgh"]
TARGET = ["<pad>", "<s>", "</s>", "<unk>", *"hijklmnopq"]


def pairs(count: int = 300) -> TokenStore:
    """Source piece n is target piece n + 1, in another order, and 4 stands anywhere."""
    chance = np.random.default_rng(0)
    rows = []
    for _ in range(count):
        source = chance.integers(FIRST, len(SOURCE), chance.integers(0, 6)).tolist()
        target = [piece + 1 for piece in source] + [FIRST] * int(chance.integers(0, 3))
        rows.append((source, chance.permutation(target).tolist()))
    return TokenStore.of(rows)


def by_hand(store: TokenStore) -> dict[int, dict[int, float]]:
    """The expected number of times that each target piece came of each source piece."""
    sentences = [
        ([*store.source(row).tolist(), EOS], store.target(row).tolist()) for row in range(len(store))
    ]
    share: dict[tuple[int, int], float] = defaultdict(lambda: 1.0)
    for _ in range(lexicon.ROUNDS):
        present = {(one, other) for source, target in sentences for one in source for other in target}
        total: dict[int, float] = defaultdict(float)
        for one, other in present:
            total[one] += share[one, other]
        chance = {(one, other): share[one, other] / total[one] for one, other in present}
        share = defaultdict(float)
        for source, target in sentences:
            for other in target:
                whole = sum(chance[one, other] for one in source)
                for one in source:
                    share[one, other] += chance[one, other] / whole
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for (one, other), times in share.items():
        found[one][other] = times
    return found


def test_the_likeliest_are_those_of_model_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "EACH", 3)
    monkeypatch.setattr(lexicon, "LEAST", 1.0)
    store = pairs()
    likely, _ = lexicon_of(store, (SOURCE, TARGET), eos=EOS, unknown=UNKNOWN)
    expected = by_hand(store)
    assert set(expected) == {EOS, *range(FIRST, len(SOURCE))}
    for piece, times in expected.items():
        order = sorted(times, key=lambda other: -times[other])[:3]
        kept = [other for other in order if times[other] > lexicon.LEAST]
        assert likely[piece, 1:].tolist() == kept + [EOS] * (3 - len(kept))
        assert piece == EOS or kept[0] == piece + 1
    assert (likely[[0, 1, 3], 1:] == EOS).all(), "pieces that the pairs don't hold"
    assert any((row == EOS).any() for row in likely[FIRST:, 1:]), "what is less than once is left out"


def test_a_piece_may_be_copied() -> None:
    likely, _ = lexicon_of(pairs(), (SOURCE, TARGET), eos=EOS, unknown=UNKNOWN)
    assert TARGET[likely[SOURCE.index("h"), 0]] == "h"
    assert likely[SOURCE.index("a"), 0] == EOS


def test_the_commonest_the_end_and_what_is_unknown_may_always_be_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = pairs()
    often = np.bincount(store.targets.ids, minlength=len(TARGET))
    for common in (0, 2, 100):
        monkeypatch.setattr(lexicon, "COMMON", common)
        _, always = lexicon_of(store, (SOURCE, TARGET), eos=EOS, unknown=UNKNOWN)
        found = [piece for piece in np.argsort(-often, kind="stable")[:common].tolist() if often[piece]]
        assert always.tolist() == sorted({EOS, UNKNOWN, *found})


def test_of_a_large_corpus_some_pairs_are_looked_at_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lexicon_of(pairs(), (SOURCE, TARGET), eos=EOS, unknown=UNKNOWN)
    again = lexicon_of(pairs(), (SOURCE, TARGET), eos=EOS, unknown=UNKNOWN)
    assert all((one == other).all() for one, other in zip(whole, again, strict=True))
    seen: list[int] = []
    cells = lexicon._cells

    def looked(store: TokenStore, pairs: np.ndarray, eos: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        seen.extend(pairs.tolist())
        found = cells(store, pairs, eos)
        assert len(found[0]) < 1200
        return found

    monkeypatch.setattr(lexicon, "CELLS", 1000)
    monkeypatch.setattr(lexicon, "_cells", looked)
    likely, _ = lexicon_of(pairs(), (SOURCE, TARGET), eos=EOS, unknown=UNKNOWN)
    assert (seen[0], seen[-1]) == (0, 299)
    assert max(np.diff(seen)) - min(np.diff(seen)) <= 1
    assert [likely[piece, 1] for piece in range(FIRST, len(SOURCE))] == list(
        range(FIRST + 1, len(SOURCE) + 1)
    )
