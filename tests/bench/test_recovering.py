"""What damage costs and cleaning gives back: how the damage is done, and what is made of the counts."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench import recovering
from bench.recovering import CORPORA, damaged, recovery
from latimer.evaluate import Counted
from latimer.recipe import Trained

PAIRS = [(f"sentence number {n} of all", f"la phrase {n} de toutes") for n in range(3000)]


def counted(*rows: float) -> Counted:
    """A metric whose value is the mean of its rows."""
    return Counted(
        "mean", np.array([[row, 1.0] for row in rows]), lambda s: float(s[0] / s[1]), lambda *_: ""
    )


def test_the_asked_share_is_damaged_half_of_it_in_slipped_runs() -> None:
    found = damaged(PAIRS, 0.4)
    changed = [place for place, pair in enumerate(found) if pair != PAIRS[place]]
    slipped = {
        place
        for place in changed
        for near in (place - 1, (place + 1) % len(PAIRS))
        if found[place] == (PAIRS[place][0], PAIRS[near][1])
    }
    assert len(found) == len(PAIRS)
    assert len(changed) == pytest.approx(1200, abs=recovering.RUNS[0])
    assert len(slipped) == pytest.approx(600, abs=recovering.RUNS[0])
    assert found == damaged(PAIRS, 0.4)
    assert found != damaged(PAIRS, 0.4, seed=1)


def test_the_share_given_back_is_of_the_loss_between_means_of_seeds() -> None:
    found = recovery(
        {
            "original": [counted(60, 20), counted(60, 60)],
            "damaged": [counted(20, 20), counted(10, 10)],
            "cleaned": [counted(40, 45)],
        }
    )
    assert [found.bleu[name][0] for name in CORPORA] == [50, 15, 42.5]
    assert found.share[0] == pytest.approx(27.5 / 35)
    assert found.bleu["original"][1:] == (40, 60), "only the one sentence or only the other may be drawn"
    assert found.share[1:] == pytest.approx((25 / 45, 30 / 25))
    same = recovery({name: [counted(30, 30)] for name in CORPORA})
    assert np.isnan(same.share[0]), "nothing was lost"


def test_the_same_command_goes_on_with_what_is_missing(
    trained: Trained, pairs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def train(_config: object, corpus: str, **_rest: object) -> Trained:
        asked.append(Path(corpus).stem)
        return trained

    monkeypatch.setattr(recovering, "train", train)
    work, told = tmp_path / "work", tmp_path / "told.json"
    words = [str(pairs_file), "--dev", str(pairs_file), "--into", str(work), "--pairs", "240"]
    words += ["--share", "0.2", "--beam", "1", "--seeds", "2", "--json", str(told)]
    recovering.main(words)
    assert asked == [name for name in CORPORA for _ in range(2)]
    first = json.loads(told.read_text())
    assert first["sizes"]["original"] == first["sizes"]["damaged"] == 240
    assert first["asked"]["share"] == "0.2"
    scores = {tuple(first["bleu"][name]) for name in CORPORA}
    assert len(scores) == 1, "one model, one score"
    (work / "damaged-1.txt").unlink()
    recovering.main(words)
    assert asked[6:] == ["damaged"]
