"""What search asks of arrays, against sorting everything."""

from typing import Any

import numpy as np
import pytest

from latimer.search.arrays import top


@pytest.mark.parametrize("size", [3, 81, 87, 88, 401, 7832, 7839])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_greatest_are_those_of_a_sorted_row(size: int, count: int) -> None:
    generator = np.random.default_rng(size)
    values = generator.permuted(np.tile(np.arange(size, dtype=np.float32), (50, 1)), axis=1)
    greatest, places = top(values, count)
    expected = np.argsort(-values, -1)[:, :count]
    assert (places == expected).all()
    assert (greatest == np.take_along_axis(values, expected, -1)).all()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 3, 30])
def test_of_equals_as_many_are_found_as_are_asked_for(kind: type[np.floating[Any]], count: int) -> None:
    """Each once, with its value, whichever of them."""
    values = np.random.default_rng(count).integers(0, 4, (30, 500)).astype(kind)
    values[0] = 0
    greatest, places = top(values, count)
    assert greatest.dtype == kind
    assert (greatest == -np.sort(-values, -1)[:, :count]).all()
    assert (greatest == np.take_along_axis(values, places, -1)).all()
    assert all(len(set(row)) == count for row in places.tolist())


def test_what_is_forbidden_may_be_among_few() -> None:
    values = np.full((2, 500), -np.inf, dtype=np.float32)
    values[0, 499], values[0, 3], values[1, 250] = 1.0, 2.0, 3.0
    greatest, places = top(values, 2)
    assert greatest.tolist() == [[2.0, 1.0], [3.0, -np.inf]]
    assert places[0].tolist() == [3, 499]
    assert places[1, 0] == 250
    assert places[1, 1] != 250
    for row in range(2):  # batched as one by one
        assert np.array_equal(top(values[row : row + 1], 2)[1][0], places[row])
