"""Nests: what search selects from."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from latimer import state
from latimer.shapes import Tensor
from latimer.state import map_nest, repeat, select


class Inner(NamedTuple):
    cells: tuple[Tensor, ...]
    nothing: None


class Outer(NamedTuple):
    words: Tensor
    inner: Inner


@pytest.fixture
def nest() -> Outer:
    rows = torch.arange(3)
    return Outer(rows * 10, Inner((torch.stack([rows, rows + 0.5], 1), rows[:, None, None] - 7), None))


def leaves(nest: Any) -> list[list[Any]]:
    return [nest.words.tolist(), *(cell.tolist() for cell in nest.inner.cells)]


def test_select_takes_rows_of_every_tensor_and_keeps_the_kinds(nest: Outer) -> None:
    chosen = select(nest, torch.tensor([2, 0, 2, 2]))
    assert type(chosen) is Outer
    assert type(chosen.inner) is Inner
    assert type(chosen.inner.cells) is tuple
    assert chosen.inner.nothing is None
    for before, after in zip(leaves(nest), leaves(chosen), strict=True):
        assert after == [before[2], before[0], before[2], before[2]]


def test_repeat_puts_copies_side_by_side(nest: Outer) -> None:
    for before, after in zip(leaves(nest), leaves(repeat(nest, 2)), strict=True):
        assert after == [before[0], before[0], before[1], before[1], before[2], before[2]]
    assert leaves(repeat(nest, 1)) == leaves(nest)


def test_nothing_stays_nothing() -> None:
    assert select(None, torch.tensor([0])) is None
    assert repeat(None, 3) is None
    assert map_nest(lambda tensor: tensor, ()) == ()


def test_select_of_no_rows_leaves_the_other_axes(nest: Outer) -> None:
    chosen = select(nest, torch.tensor([], dtype=torch.long))
    assert [tuple(part.shape) for part in (chosen.words, *chosen.inner.cells)] == [(0,), (0, 2), (0, 1, 1)]


def test_the_nest_itself_is_left_alone(nest: Outer) -> None:
    before = leaves(nest)
    select(nest, torch.tensor([1])).words.add_(1)
    repeat(nest, 2).inner.cells[0].zero_()
    map_nest(lambda tensor: tensor * 0, nest)
    assert leaves(nest) == before


def test_nests_of_numpys_arrays_are_nests_too(nest: Outer) -> None:
    plain = map_nest(lambda tensor: tensor.numpy(), nest)
    rows = [2, 0, 2, 2]
    assert leaves(select(plain, np.array(rows))) == leaves(select(nest, torch.tensor(rows)))
    assert leaves(repeat(plain, 3)) == leaves(repeat(nest, 3))
    select(plain, np.array([1])).words[:] = 7
    repeat(plain, 2).words[:] = 7
    assert leaves(plain) == leaves(nest)


def test_a_nest_is_made_again_from_its_leaves(nest: Outer) -> None:
    found = state.leaves(nest)
    assert [leaf.tolist() for leaf in found] == leaves(nest)
    doubled = state.with_leaves(nest, [leaf * 2 for leaf in found])
    assert type(doubled) is Outer
    assert leaves(doubled) == leaves(map_nest(lambda leaf: leaf * 2, nest))
    assert state.leaves(None) == state.leaves(()) == []
