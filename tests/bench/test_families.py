"""The bench of families: what is trained on what, what the table says, and that nothing is done twice."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import families, whole
from bench.families import Place, Reached
from latimer.recipe import Trained


@pytest.fixture
def arguments(pairs_file: Path, tmp_path: Path) -> list[str]:
    told = [str(pairs_file), "--from", "en", "--to", "fr", "--validation", str(pairs_file)]
    told += ["--pairs", "60", "7", "--minutes", "0.5", "2", "--models", "conv", "transformer"]
    return [*told, "--into", str(tmp_path / "runs")]


def test_every_place_of_the_table_is_trained_once_with_what_it_says(
    arguments: list[str],
    pairs_file: Path,
    trained: Trained,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: dict[str, tuple[Any, str, dict[str, Any]]] = {}

    def copied(config: Any, pairs: str, *, into: Path, **rest: Any) -> Trained:
        asked[into.relative_to(tmp_path / "runs").as_posix()] = (config, pairs, rest)
        if not into.exists():
            shutil.copytree(trained.folder.path, into)
        return trained

    monkeypatch.setattr(whole, "train", copied)
    families.main(arguments)
    assert list(asked) == [
        f"{pairs}-{minutes}/{model}"
        for pairs in (60, 7)
        for minutes in ("0.5", "2")
        for model in ("conv", "transformer", "auto")
    ]
    config, path, rest = asked["7-0.5/conv"]
    assert (config.model.encoder, config.training.minutes) == ("conv", 0.5)
    assert asked["60-2/auto"][0].model.encoder == "auto"
    assert rest == {"validation": str(pairs_file)}
    some, all_lines = Path(path).read_text().splitlines(), pairs_file.read_text().splitlines()
    assert some == all_lines[: 7 * 34 : 34]
    assert len(Path(asked["60-2/auto"][1]).read_text().splitlines()) == 60
    drawn = (tmp_path / "runs/7.svg").read_text()
    assert all(drawn.count(f"<title>{model}: ") == 2 for model in ("conv", "transformer", "auto"))

    printed = capsys.readouterr().out
    families.main(arguments)
    assert capsys.readouterr().out == printed


def test_the_table_says_what_is_best_and_what_the_default_lacks() -> None:
    found = {
        Place(5_000, 5.0, "conv"): Reached("conv", 20.0),
        Place(5_000, 5.0, "auto"): Reached("lstm-parallel", 19.44),
        Place(5_000, 20.0, "conv"): Reached("conv", 21.0),
        Place(5_000, 20.0, "auto"): Reached("lstm-parallel", 22.0),
    }
    assert families.table(found).splitlines()[2:] == [
        "| 5,000 | 5 | **20.0** | 19.4 (lstm-parallel) | 0.6 |",
        "| 5,000 | 20 | 21.0 | **22.0** (lstm-parallel) | 0.0 |",
    ]


def test_what_was_stopped_is_no_figure(
    arguments: list[str], trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = trained._replace(progress=replace(trained.progress, finished=False))
    monkeypatch.setattr(whole, "train", lambda *given, **named: stopped)
    with pytest.raises(KeyboardInterrupt):
        families.main(arguments)
