"""Coverage is that of equation 14, by loops."""

import math

import numpy as np
import pytest

from latimer.coverage import LEAST, coverage


def by_loops(weights: list[list[float]], pieces: int) -> float:
    total = 0.0
    for i in range(pieces):
        looked = 0.0
        for row in weights:
            looked += row[i]
        total += math.log(min(max(looked, LEAST), 1.0))
    return total


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([[1.0, 0.0], [0.0, 1.0]], 0.0),
        ([[1.0, 0.0], [1.0, 0.5]], math.log(0.5)),  # what is looked at twice makes up for nothing
        ([[0.2, 0.3], [0.2, 0.3], [0.1, 0.3]], math.log(0.5) + math.log(0.9)),
        ([[1.0, 0.0]], math.log(LEAST)),
    ],
)
def test_by_hand(weights: list[list[float]], expected: float) -> None:
    assert coverage(np.array(weights)) == pytest.approx(expected)
    assert by_loops(weights, 2) == pytest.approx(expected)


@pytest.mark.parametrize(("target", "source"), [(1, 1), (3, 7), (9, 4), (0, 3), (2, 0)])
def test_by_loops(target: int, source: int) -> None:
    weights = np.random.default_rng(target).dirichlet(np.full(source + 1, 0.3), target).astype(np.float32)
    found = coverage(weights[:, :source])
    assert found == pytest.approx(by_loops(weights.tolist(), source), abs=1e-6)
    assert found <= 0
