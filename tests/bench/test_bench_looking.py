"""The bench of looking: what it times, and that it can read a browser."""

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.looking import cost, paint
from latimer.visualize import Candidate, Look

if TYPE_CHECKING:
    from latimer.recipe import Trained


def test_every_way_is_timed(trained: "Trained") -> None:
    spent = cost(trained.translator, ["she wants my boat.", "I see your dog."])
    assert 0 < spent.plain < 60
    assert spent.plain < 2 * spent.maps
    assert spent.maps / 2 < 2 * spent.forced, "a look and more"


def test_a_page_is_painted() -> None:
    pytest.importorskip("playwright", reason="playwright drives the browser")
    if not shutil.which("chromium"):
        pytest.skip("no Chromium to open the page in")
    shown = paint([Look(["a", "b"], [Candidate(["c"], [np.full((1, 2), 0.5)])])] * 3)
    assert 0.01 < shown.size < 0.1
    assert 0 < shown.first_paint < 60_000
    assert shown.loaded > 0
