"""Pairs scored by models: the model's own cross-entropy, whatever stands beside; and cleaning by it."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import click.testing
import numpy as np
import pytest
from numpy.typing import NDArray

from latimer.cli.clean import command
from latimer.data.corpus import Corpus
from latimer.doctor import clean as cleaning
from latimer.doctor.clean import clean
from latimer.doctor.fitting import UNFIT, Fit, usual_threshold
from latimer.errors import Mistake
from latimer.recipe import Trained
from latimer.scoring import Scorer, cross_entropies
from latimer.translator import Translator

PAIRS = [
    ("I see a dog.", "je vois un chien."),
    ("you want my boat.", "tu veux mon bateau."),
    ("he", "il il il il il il"),
    ("she hears the dog.", "elle entends le livre ce mon ami."),
]


class Halves:
    """A score that a person can follow, and that counts how often it was asked."""

    def __init__(self, stop: int = 99) -> None:
        self.asked: list[Sequence[tuple[str, str]]] = []
        self._stop = stop

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        if len(self.asked) == self._stop:
            raise KeyboardInterrupt
        self.asked.append(pairs)
        return np.array([len(target) / 2 for _, target in pairs])


def test_a_score_is_the_models_own_for_that_translation(trained: Trained) -> None:
    translator = Translator.load(trained.folder.path)
    found = cross_entropies(translator, PAIRS)
    for place, (source, target) in enumerate(PAIRS):
        assert np.allclose(found[place], cross_entropies(translator, [(source, target)])[0], atol=1e-5)
        told = translator.look(source, target=target).candidates[0]
        pieces = len(translator.tokenizers.target.encode(target)) + 1
        assert np.allclose(found[place], -(told.log_probability or 0) / pieces, atol=1e-5)
    assert cross_entropies(translator, []).shape == (0,)


def test_two_models_are_asked_in_both_directions(trained: Trained) -> None:
    translator = Translator.load(trained.folder.path)
    onward = cross_entropies(translator, PAIRS)
    back = cross_entropies(translator, [pair[::-1] for pair in PAIRS])
    assert (Scorer(translator)(PAIRS) == onward).all()
    assert np.allclose(Scorer(translator, translator)(PAIRS), abs(onward - back) + (onward + back) / 2)
    with pytest.raises(Mistake, match="goes back"):
        Scorer.load(str(trained.folder.path), str(trained.folder.path))


def test_a_model_of_several_directions_does_not_score(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latimer.scoring.tags", lambda _: ["<to:fr>", "<to:de>"])
    with pytest.raises(Mistake, match="several target languages"):
        Scorer.load(str(trained.folder.path))


def test_the_usual_threshold_is_far_from_most() -> None:
    scores = np.random.default_rng(0).normal(2, 0.5, 5000)
    assert usual_threshold(scores) == pytest.approx(3.5, abs=0.06)
    assert usual_threshold(np.append(scores, np.full(500, 90.0))) < 4, "what is far off moves it little"


def written(path: Path, pairs: list[tuple[str, str]]) -> Corpus:
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")
    return Corpus.open(str(path))


def test_unfit_pairs_are_dropped_with_their_score_and_no_other(tmp_path: Path) -> None:
    pairs = [(f"good day number {word}", f"jour {word}" + "x" * (word == "six") * 30) for word in NUMBERS]
    pairs += [pairs[0], ("...", "!")]
    score = Halves()
    done = clean(written(tmp_path / "a.tsv", pairs), tmp_path / "b.tsv", fit=Fit(score, "halves", 15.0))
    assert done.reasons == {UNFIT: 1, "duplicate": 1, "AlphabetRatioFilter": 1}
    assert done.threshold == 15
    asked = [pair for some in score.asked for pair in some]
    assert asked == pairs[:6], "what is dropped anyway is not scored"
    aside = (tmp_path / "b.tsv.dropped.tsv").read_text(encoding="utf-8").splitlines()
    assert aside[0] == f"6\t{UNFIT}\t{pairs[5][0]}\t{pairs[5][1]}\t19.00"
    assert all(len(line.split("\t")) == 4 for line in aside[1:])
    kept = (tmp_path / "b.tsv").read_text(encoding="utf-8").splitlines()
    assert kept == [f"{source}\t{target}" for source, target in pairs[:5]]


NUMBERS = ["one", "two", "three", "four", "five", "six"]


def test_scoring_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(f"source {a} and {b}", f"cible {b} {a}") for a in NUMBERS for b in NUMBERS]
    monkeypatch.setattr(cleaning, "CHUNK", 6)
    corpus = written(tmp_path / "a.tsv", pairs)
    clean(corpus, tmp_path / "whole.tsv", fit=Fit(Halves(), "halves"))
    with pytest.raises(KeyboardInterrupt):
        clean(corpus, tmp_path / "b.tsv", fit=Fit(Halves(stop=4), "halves"))
    again = Halves()
    done = clean(corpus, tmp_path / "b.tsv", fit=Fit(again, "halves"))
    assert len(again.asked) == 2
    assert done.threshold is not None
    for name in ("", ".dropped.tsv"):
        assert (
            Path(f"{tmp_path}/b.tsv{name}").read_bytes() == Path(f"{tmp_path}/whole.tsv{name}").read_bytes()
        )
    with pytest.raises(KeyboardInterrupt):
        clean(corpus, tmp_path / "c.tsv", fit=Fit(Halves(stop=4), "halves"))
    other = Halves()
    clean(corpus, tmp_path / "c.tsv", fit=Fit(other, "another model"))
    assert len(other.asked) == 6, "what another model said is not used"


def test_the_command_says_the_threshold(tmp_path: Path, trained: Trained, pairs_file: Path) -> None:
    shutil.copy(pairs_file, tmp_path / "a.en-fr.tsv")
    runner, call = (
        click.testing.CliRunner(),
        [str(tmp_path / "a.en-fr.tsv"), "--into", str(tmp_path / "b.tsv")],
    )
    words = [*call, "--model", str(trained.folder.path), "--quiet"]
    told = json.loads(runner.invoke(command, [*words, "--threshold", "20", "--json"]).output)
    assert told["threshold"] == 20
    assert told["kept"] == 240
    told = json.loads(runner.invoke(command, [*words, "--json"]).output)
    assert 0 < told["threshold"] < 20
    assert told["kept"] + told["reasons"].get(UNFIT, 0) == 240
    lines = pairs_file.read_text(encoding="utf-8").splitlines()
    loaded = [(source, target) for line in lines for source, target in [line.split("\t")]]
    scores = Scorer.load(str(trained.folder.path))(loaded)
    middle = float(np.median(scores))
    shown = runner.invoke(command, [*words, "--threshold", str(middle)]).output
    assert f"over {middle:.2f} nats" in shown
    assert "120 of 240 pairs kept" in shown
    with pytest.raises(Mistake, match="go with --model"):
        runner.invoke(command, [*call, "--threshold", "3"], catch_exceptions=False)
