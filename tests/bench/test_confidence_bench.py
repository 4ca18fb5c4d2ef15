"""The error of a confidence is its distance from what it promised."""

import pytest

from bench.confidence import error, row
from latimer.recipe import Trained


def test_the_error_is_the_distance_within_groups() -> None:
    even = [place / 100 for place in range(100)]
    assert error(even, even) == 0
    assert error(even, [one / 2 for one in even]) == pytest.approx(sum(even) / 200)
    # Too high as often as too low, and as much, in each group: right on average.
    assert error(even, [one + (-1) ** place / 9 for place, one in enumerate(even)]) == pytest.approx(0)
    assert error(even, even[::-1]) > 0.4


def test_a_model_has_a_row(trained: Trained) -> None:
    pairs = [("she wants my boat.", "elle veut mon bateau."), ("you hear the friend.", "tu entends l'ami.")]
    found = row(str(trained.folder.path), pairs)
    assert found[1] == "2"
    assert found[4:6] == found[6:8], "without a calibration it is the probability"
