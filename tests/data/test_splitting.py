"""Split pieces say the same; they fall as often as asked, into what they were merged of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.data.batches import Position, TokenBatches
from latimer.data.splitting import Splitter, halves
from latimer.data.store import TokenStore
from latimer.data.tokenizer import SPECIALS, Tokenizer

LINES = [
    "The old gardener planted seven apple trees behind the house.",
    "Le vieux jardinier a planté sept pommiers derrière la maison.",
    "Ses petits-enfants l’aidaient, <unk> ▁ \uf8fe et riaient.",
    "猫坐在垫子上。 قطة على السجادة",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.learn(LINES * 30, 480)


def store_of(tokenizer: Tokenizer) -> TokenStore:
    ids = [tokenizer.encode(line) for line in LINES]
    return TokenStore.of(zip(ids, ids[::-1], strict=True))


def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    rows=st.lists(st.integers(0, len(LINES) - 1), max_size=6),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_the_text_stays(tokenizer: Tokenizer, rows: list[int], share: float, seed: int) -> None:
    store, splitter = store_of(tokenizer), Splitter(tokenizer)
    split = splitter.split(store.sources, np.array(rows, dtype=np.int64), share, chance(seed))
    sentences = [split.ids[a:b].tolist() for a, b in zip(split.offsets, split.offsets[1:], strict=False)]
    assert [tokenizer.decode(sentence) for sentence in sentences] == [LINES[row] for row in rows]
    assert all(SPECIALS <= number < tokenizer.size for sentence in sentences for number in sentence)
    if share == 0:
        assert sentences == [store.source(row).tolist() for row in rows]


def test_halves_are_those_of_the_merges() -> None:
    pieces = ["<pad>", "<s>", "</s>", "<unk>", "<0x61>", "bc", "ab", "abc", "abcbc", "a", "b", "c"]
    found = {
        piece: tuple(pieces[number] for number in both)
        for piece, both in zip(pieces, halves(pieces), strict=True)
        if both != (0, 0)
    }
    # "abc" is "a" + "bc" ("bc" was merged before "ab"), and no byte and no special symbol falls.
    assert found == {"bc": ("b", "c"), "ab": ("a", "b"), "abc": ("a", "bc"), "abcbc": ("abc", "bc")}


def test_nearly_all_long_pieces_can_fall(tokenizer: Tokenizer) -> None:
    names = tokenizer.pieces(range(tokenizer.size))
    long = [number for number, name in enumerate(names) if number >= SPECIALS + 256 and len(name) > 1]
    parts = Splitter(tokenizer).halves
    assert len(long) > 100
    for number in long:
        one, other = parts[number]
        assert one, names[number]
        assert names[one] + names[other] == names[number]


def test_each_piece_falls_as_often_as_asked() -> None:
    """Of ab, which is a and b: sentences of one piece."""
    splitter = Splitter.__new__(Splitter)
    splitter.halves = np.array([[0, 0]] * 4 + [[5, 6], [0, 0], [0, 0]])
    store = TokenStore.of([([4], [4])] * 10_000)
    split = splitter.split(store.sources, np.arange(10_000), 0.2, chance(1))
    assert np.diff(split.offsets).mean() == pytest.approx(1.2, abs=0.02)
    assert {tuple(split.ids[a:b]) for a, b in zip(split.offsets, split.offsets[1:], strict=False)} == {
        (4,),
        (5, 6),
    }


def test_halves_may_fall_again() -> None:
    """abcd is ab and cd, and these are letters: all of it at once, in order."""
    splitter = Splitter.__new__(Splitter)
    splitter.halves = np.array([[0, 0]] * 4 + [[5, 6], [7, 8], [9, 10]] + [[0, 0]] * 4)
    store = TokenStore.of([([4, 7, 4], [4]), ([10], [4])])
    split = splitter.split(store.sources, np.array([1, 0, 0]), 1.0, chance(1))
    assert split.ids.tolist() == [10, *[7, 8, 9, 10, 7, 7, 8, 9, 10] * 2]
    assert split.offsets.tolist() == [0, 1, 10, 19]


def test_batches_are_split_and_follow_from_seed_and_position(tokenizer: Tokenizer) -> None:
    store, splitter = store_of(tokenizer), Splitter(tokenizer)

    def batches(seed: int, share: float, start: Position = Position()) -> list[tuple[list[int], str]]:  # noqa: B008
        made = TokenBatches(store, 200, seed=seed, splitters=(splitter, splitter))
        made.splitting = share
        stream, found = made.stream(start), []
        for _ in range(6):
            position, batch = next(stream)
            assert batch.source_mask.sum() >= sum(store.source_lengths[batch.rows.numpy()]) + len(batch.rows)
            for row, source, outputs in zip(batch.rows, batch.source, batch.outputs, strict=True):
                assert tokenizer.decode(source.tolist()) == LINES[row]
                assert tokenizer.decode(outputs.tolist()) == LINES[len(LINES) - 1 - int(row)]
            found.append((list(position), str(batch)))
        return found

    whole = batches(3, 0.3)
    assert batches(3, 0.3) == whole
    assert batches(3, 0.3, Position(*whole[2][0]))[:3] == whole[3:]
    assert len({told for _, told in whole}) == len(whole)
    assert batches(3, 0.0) != whole
    plain = TokenBatches(store, 200, seed=3).stream()
    assert batches(3, 0.0) == [
        (list(position), str(batch)) for position, batch in (next(plain) for _ in range(6))
    ]
