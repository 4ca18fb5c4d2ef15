"""The command as a user meets it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click.testing
import pytest

from latimer.cli.compare import command
from latimer.compare import measure
from latimer.errors import Mistake


@pytest.fixture(scope="module", autouse=True)
def _quick_speeds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ROUNDS", "UPDATES", "SINGLES", "TOGETHER"):
            patch.setattr(measure, name, 1)
        yield


def call(*words: str | Path) -> click.testing.Result:
    """What it prints; a mistake is raised."""
    done = click.testing.CliRunner().invoke(command, list(map(str, words)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="module")
def words(pairs_file: Path, small_settings: dict[str, Any]) -> list[str]:
    """A comparison that takes a second, but for the folder."""
    settings = {name: value for name, value in small_settings.items() if name != "training.steps"}
    given = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return [
        str(pairs_file),
        "--models",
        "lstm,lstm-dot",
        "--updates",
        "4",
        "--seeds",
        "1",
        "--beam",
        "1",
        *given,
    ]


def test_it_prints_the_answer_and_where_the_page_is(words: list[str], tmp_path: Path) -> None:
    into = tmp_path / "comparison"
    sentence = "my dog hears you."
    done = call(*words, "--into", into, "--sentence", sentence)
    report = json.loads((into / "report.json").read_text(encoding="utf-8"))
    assert report["result"] in done.stdout
    assert str(into / "report.html") in done.stdout
    assert "lstm-dot" in done.stdout
    assert "1 of 2: lstm, seed 1" in done.stderr
    assert "\x1b" not in done.output
    assert [one["source"] for one in report["sentences"]] == [sentence]
    assert report["budget"] == {"updates": 4}
    page = (into / "report.html").read_text(encoding="utf-8")
    assert sentence in page
    assert "The sentences are the first" not in page

    told = call(*words, "--into", into, "--quiet", "--json")
    again = json.loads(told.stdout)
    assert told.stderr == ""
    assert again["models"] == report["models"]
    assert [one["source"] for one in again["sentences"]] != [sentence], "what is shown may change"

    rerun = call("--again", into / "manifest.json", "--into", tmp_path / "again", "--quiet", "--json")
    scores = [[model[metric] for model in again["models"]] for metric in ("BLEU", "chrF2++")]
    assert scores == [
        [model[metric] for model in json.loads(rerun.stdout)["models"]] for metric in ("BLEU", "chrF2++")
    ]


def test_help_imports_no_torch() -> None:
    probe = (
        "import sys; from latimer.cli.compare import command\n"
        "try: command(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'numpy', 'sacrebleu'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    assert "--again" in done.stdout


def test_mistakes(words: list[str], tmp_path: Path) -> None:
    corpus, *rest = words
    calls: list[tuple[list[str], str]] = [
        ([corpus], "Say what to compare"),
        (rest, "Say what to compare"),
        ([*words, "--minutes", "3"], "can't both say"),
        ([*words, "--set", "training.steps=3"], "training.steps is given by --set and by an option"),
        ([*words, "--set", "training.seed=3"], "--seeds"),
        ([*words, "--seeds", "0"], "--seeds must be at least 1"),
        ([corpus, "--models", "lstm,lstm", "--minutes", "3"], "the same model"),
        ([corpus, "--models", "lstm,nothing", "--minutes", "3"], "'nothing'"),
        ([corpus, "--models", "lstm,conv"], "--minutes, --updates or --tokens"),
        (["nowhere.tsv", *rest], "nowhere.tsv does not exist"),
        ([*words, "--again", corpus], "leave the rest away"),
        (["--again", corpus], "no manifest"),
    ]
    for given, needle in calls:
        with pytest.raises(Mistake) as raised:
            call(*given, "--into", tmp_path / "nothing")
        assert needle in str(raised.value), given
    assert not (tmp_path / "nothing").exists()


def test_a_model_that_cannot_be_is_refused_before_anything_is_written(
    words: list[str], tmp_path: Path
) -> None:
    into = tmp_path / "comparison"
    wrong = ["lstm,convv+lstm" if word == "lstm,lstm-dot" else word for word in words]
    with pytest.raises(Mistake, match=r"'convv'.*'conv'"):
        call(*wrong, "--into", into)
    assert not into.exists()
