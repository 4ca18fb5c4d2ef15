"""Every pair once, the same for the same seed, from any position, within the budget."""

from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.data.batches import Batch, Position, TokenBatches, collate, in_order
from latimer.data.store import TokenStore
from latimer.data.tokenizer import BOS, EOS, PAD
from latimer.errors import Mistake


def store_of(lengths: list[tuple[int, int]]) -> TokenStore:
    return TokenStore.of(
        ([4 + row % 50] * source, [5 + row % 50] * target) for row, (source, target) in enumerate(lengths)
    )


def random_store(pairs: int, seed: int = 0) -> TokenStore:
    chance = np.random.default_rng(seed)
    target = chance.gamma(5.0, 3.0, pairs).astype(int)
    source = np.maximum(target + chance.normal(0, 2, pairs).astype(int), 0)
    return store_of(list(zip(source.tolist(), target.tolist(), strict=True)))


def test_a_batch_by_hand() -> None:
    store = TokenStore.of([([10, 11], [20, 21, 22]), ([], [30]), ([12], [])])
    batch = collate(store, [2, 0, 1])
    assert batch.source.tolist() == [[12, EOS, PAD], [10, 11, EOS], [EOS, PAD, PAD]]
    assert batch.source_mask.tolist() == [[True, True, False], [True] * 3, [True, False, False]]
    assert batch.inputs.tolist() == [[BOS, PAD, PAD, PAD], [BOS, 20, 21, 22], [BOS, 30, PAD, PAD]]
    assert batch.outputs.tolist() == [[EOS, PAD, PAD, PAD], [20, 21, 22, EOS], [30, EOS, PAD, PAD]]
    assert batch.target_mask.sum(dim=1).tolist() == [1, 4, 2]
    assert batch.rows.tolist() == [2, 0, 1]
    assert batch.tokens == 7
    assert batch.source.dtype == torch.int64


lengths = st.tuples(st.integers(0, 40), st.integers(0, 40))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    pairs=st.lists(lengths, min_size=1, max_size=60),
    tokens=st.integers(1, 200),
    seed=st.integers(0, 3),
    pool=st.integers(1, 80),
)
def test_each_pair_once_and_within_the_budget(
    pairs: list[tuple[int, int]], tokens: int, seed: int, pool: int
) -> None:
    batches = TokenBatches(store_of(pairs), tokens, seed=seed, pool=pool).epoch(1)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(pairs)))
    for rows in batches:
        width = 1 + max(max(pairs[row]) for row in rows)
        assert len(rows) == 1 or width * len(rows) <= tokens


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    pairs=st.lists(lengths, min_size=1, max_size=40),
    rows=st.lists(st.integers(0, 39), min_size=1, max_size=9),
)
def test_a_batch_holds_its_rows(pairs: list[tuple[int, int]], rows: list[int]) -> None:
    store = store_of(pairs)
    rows = [row % len(pairs) for row in rows]
    batch = collate(store, rows)
    for place, row in enumerate(rows):
        source, target = store.source(row).tolist(), store.target(row).tolist()
        assert batch.source[place][batch.source_mask[place]].tolist() == [*source, EOS]
        assert batch.inputs[place][batch.target_mask[place]].tolist() == [BOS, *target]
        assert batch.outputs[place][batch.target_mask[place]].tolist() == [*target, EOS]
    assert (batch.source[~batch.source_mask] == PAD).all()
    assert (batch.inputs[~batch.target_mask] == PAD).all()
    assert (batch.outputs[~batch.target_mask] == PAD).all()
    assert batch.tokens == int(batch.target_mask.sum())


def same(one: Batch, other: Batch) -> bool:
    return one.tokens == other.tokens and all(
        torch.equal(a, b) for a, b in zip(one[:6], other[:6], strict=True)
    )


def test_the_stream_goes_on_from_every_position() -> None:
    batches = TokenBatches(random_store(60), 120, seed=3, pool=25)
    whole = list(islice(batches.stream(), 40))
    assert whole[-1][0].epoch >= 1
    for done, (position, _) in enumerate(whole[:-1], start=1):
        rest = list(
            islice(TokenBatches(batches.store, 120, seed=3, pool=25).stream(position), len(whole) - done)
        )
        assert [after for after, _ in rest] == [after for after, _ in whole[done:]]
        assert all(same(one, other) for (_, one), (_, other) in zip(rest, whole[done:], strict=True))


def test_positions_count_through_epochs() -> None:
    batches = TokenBatches(random_store(40), 100, seed=0)
    count = len(batches.epoch(0))
    positions = [position for position, _ in islice(batches.stream(), count + 1)]
    assert positions[0] == Position(0, 1)
    assert positions[count - 1] == Position(1, 0)
    assert positions[count] == Position(1, 1)


def test_seed_and_epoch_decide_and_nothing_else() -> None:
    store = random_store(300)

    def plan(seed: int, epoch: int) -> list[list[int]]:
        torch.manual_seed(1)
        return [rows.tolist() for rows in TokenBatches(store, 300, seed=seed).epoch(epoch)]

    state = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
    assert plan(1, 1) == plan(1, 1)
    assert plan(1, 1) != plan(1, 2)
    assert plan(1, 1) != plan(2, 1)
    assert state == np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]


def test_batches_of_an_epoch_do_not_come_by_length() -> None:
    store = random_store(2000)
    first = [int(store.target_lengths[rows].max()) for rows in TokenBatches(store, 500, seed=0).epoch(0)]
    rising = sum(one <= other for one, other in pairwise(first)) / len(first)
    assert 0.3 < rising < 0.7


def test_little_padding() -> None:
    store = random_store(29_000)
    batches = [collate(store, rows) for rows in TokenBatches(store, 2048, seed=0).epoch(0)]
    real_target = sum(batch.tokens for batch in batches)
    real_source = sum(int(batch.source_mask.sum()) for batch in batches)
    assert 1 - real_target / sum(batch.outputs.numel() for batch in batches) < 0.01
    assert 1 - real_source / sum(batch.source.numel() for batch in batches) < 0.05


def test_in_order_gives_every_pair_once_the_shortest_first() -> None:
    store = random_store(200)
    batches = list(in_order(store, 200))
    rows = torch.cat([batch.rows for batch in batches]).tolist()
    assert sorted(rows) == list(range(200))
    longest = [batch.outputs.shape[1] for batch in batches]
    assert longest == sorted(longest)
    assert not list(in_order(TokenStore.of([]), 100))


def test_nothing_to_train_on_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="no sentence pair"):
        TokenBatches(TokenStore.of([]), 100, seed=0)
    with pytest.raises(ValueError, match="positive"):
        TokenBatches(store_of([(1, 1)]), 0, seed=0)


def test_to_a_device_keeps_everything() -> None:
    batch = collate(random_store(5), range(5))
    assert same(batch.to("cpu"), batch)
    assert batch.to("meta").outputs.device.type == "meta"
    assert batch.to("meta").tokens == batch.tokens
