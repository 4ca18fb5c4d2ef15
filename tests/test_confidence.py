"""A confidence rises with the probability, is a share, and means what it meant on the data of its fit."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.confidence import Calibration, fit

CALIBRATIONS = st.builds(Calibration, st.floats(-5, 5), st.floats(0, 5))


@given(CALIBRATIONS, st.lists(st.floats(-1000, 0), min_size=2, max_size=2), st.integers(1, 99))
def test_what_is_likelier_is_no_less_sure(found: Calibration, means: list[float], pieces: int) -> None:
    less, more = (found.confidence(mean * pieces, pieces) for mean in sorted(means))
    assert 0 <= less <= more <= 1


@given(st.floats(-15, -0.001), st.integers(1, 99))
def test_without_a_fit_it_is_the_probability_of_a_piece(mean: float, pieces: int) -> None:
    assert Calibration().confidence(mean * pieces, pieces) == pytest.approx(math.exp(mean))


def test_of_no_guess_one_is_sure() -> None:
    assert Calibration(-3.0, 0.5).confidence(0.0, 0) == 1.0


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (-0.5, 1.2), (0.4, 0.8), (-2.0, 0.3), (1.5, 2.5)])
def test_a_fit_finds_what_the_data_were_made_by(a: float, b: float) -> None:
    random = np.random.default_rng(0)
    means = -random.uniform(0.02, 1.5, size=4000)
    odds = [a + b * math.log(math.exp(mean) / (1 - math.exp(mean))) for mean in means]
    expected = np.array([1 / (1 + math.exp(-one)) for one in odds])
    found = fit(means.tolist(), random.beta(8 * expected, 8 * (1 - expected)).tolist())
    assert found == pytest.approx((a, b), abs=0.08)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-30, 0), st.floats(0, 1)), max_size=40),
    st.floats(-0.05, 0.05),
    st.floats(-0.05, 0.05),
)
def test_nothing_beside_a_fit_is_better(
    data: list[tuple[float, float]], more_a: float, more_b: float
) -> None:
    means, wanted = [mean for mean, _ in data], [chrf for _, chrf in data]

    def loss(a: float, b: float) -> float:
        total = (a**2 + (b - 1) ** 2) / 2
        for mean, chrf in data:
            # As the module says, no m is smaller than -20, nor closer to 0 than a millionth.
            mean = min(max(mean, -20.0), -1e-6)
            odds = a + b * (mean - math.log(-math.expm1(mean)))
            total += np.logaddexp(0, odds) - chrf * odds
        return total

    a, b = fit(means, wanted)
    if b > 0:
        assert loss(a, b) <= loss(a + more_a, b + more_b) + 1e-3


def test_few_sentences_change_little_and_a_score_that_misleads_tells_nothing() -> None:
    assert fit([], []) == (0.0, 1.0)
    assert fit([-0.5], [0.0]) == pytest.approx((0, 1), abs=0.7)
    means = np.linspace(-3, -0.1, 400)
    found = fit(means.tolist(), (0.4 - 0.1 * means).tolist())
    assert found.b == 0
    assert found.confidence(-0.1, 1) == pytest.approx(0.4 + 0.1 * 1.55, abs=0.01)
