"""The example runs, and shows what is there to be seen: a word looked at from its end."""

import sys
from pathlib import Path

import numpy as np
import pytest

from examples import any_attention


def test_it_learns_to_look_from_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "attention.html"
    monkeypatch.setattr(sys, "argv", ["any_attention.py", str(page)])
    any_attention.main()
    shown = capsys.readouterr().out
    assert shown.startswith("b a c k w a r d → d r a w k c a b\n")
    assert "██" in shown
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_both_heads_are_drawn_as_they_are() -> None:
    model = any_attention.train()
    seen = any_attention.look(model, "sentence")
    assert seen.text == "e c n e t n e s"
    assert list(seen.arrays()) == ["cross.0.0", "cross.0.1"]
    assert seen.weights().argmax(1).tolist() == list(range(7, -1, -1))
    np.testing.assert_allclose(seen.layers()[0].sum(-1), 1, atol=1e-5)


def test_it_knows_nothing_else_of_latimer() -> None:
    text = Path(any_attention.__file__).read_text(encoding="utf-8")
    imports = [line for line in text.splitlines() if line.startswith(("import", "from"))]
    assert [line for line in imports if "latimer" in line] == [
        "from latimer.visualize import Candidate, Look"
    ]
