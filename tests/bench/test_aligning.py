"""The bench of linkers: what is trained on what, what is scored, and that nothing is done twice."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import aligning, whole
from latimer.aligner import Aligner, with_gold
from latimer.alignment import read_links, score_links
from latimer.data.corpus import Corpus
from latimer.recipe import Trained

LINES = [
    ("I see a dog.", "je vois un chien."),
    ("he", "il"),
    ("you want my old boat.", "tu veux mon bateau."),
]
LINKS = ["0-0 1-1 2-2 3-3", "0-0", "0-0 1-1 2-2 3p3 4-3"]


@pytest.fixture
def corpus(tmp_path: Path) -> list[str]:
    """The arguments that name it."""
    path, gold = tmp_path / "pairs.tsv", tmp_path / "links"
    path.write_text("".join(f"{one}\t{other}\n" for one, other in LINES))
    gold.write_text("".join(f"{line}\n" for line in LINKS))
    told = [str(path), "--from", "en", "--to", "fr", "--validation", str(path), "--trial", str(path)]
    return [*told, "--gold", str(gold), "--models", "lstm", "conv", "--minutes", "7", "--guided", "2"]


def test_each_model_is_trained_both_ways_and_further_and_scored_once(
    corpus: list[str],
    trained: Trained,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[tuple[str, Any]] = []

    def copied(config: Any, pairs: str, *, into: Path, **rest: Any) -> Trained:
        asked.append((into.relative_to(tmp_path).as_posix(), (config, pairs, rest)))
        shutil.copytree(trained.folder.path, into)
        return trained

    monkeypatch.setattr(whole, "train", copied)
    monkeypatch.setattr("latimer.linking.UPDATES", 5)
    arguments = [*corpus, "--into", str(tmp_path / "runs"), "--lessons", "2"]
    aligning.main(arguments)
    parts = ("there", "back", "guided", "not_guided")
    assert [name for name, _ in asked] == [
        f"runs/{model}/{part}" for model in ("lstm", "conv") for part in parts
    ]
    there, back, guided, plain = (told for _, told in asked[:4])
    assert (there[0].model.encoder, asked[4][1][0].model.encoder) == ("lstm", "conv")
    assert there[0] == back[0]
    assert (there[0].training.minutes, guided[0].training.minutes) == (7, 2)
    assert (there[2]["source_language"], back[2]["source_language"]) == ("en", "fr")
    assert guided[0] == plain[0]
    assert guided[2]["from_model"] == plain[2]["from_model"] == tmp_path / "runs/lstm/there"
    assert plain[2]["guide"] is None
    sample = Path(guided[1]).read_text().splitlines()
    assert len(guided[2]["guide"].read_text().splitlines()) == len(sample) == 2

    told = json.loads((tmp_path / "runs/lstm/aligning.json").read_text())
    opened = Corpus.open(corpus[0], source_language="en", target_language="fr")
    pairs, gold = with_gold(opened, corpus[corpus.index("--gold") + 1])
    linked = Aligner.load(tmp_path / "runs/lstm/there")
    assert linked.linker is not None
    assert told["linker"]["there"] == score_links(linked.align(pairs), gold).error_rate
    turned = [read_links(line).reversed() for line in LINKS]
    linked = Aligner.load(tmp_path / "runs/lstm/back")
    found = linked.align([pair[::-1] for pair in pairs])
    assert told["linker"]["back"] == score_links(found, turned).error_rate

    printed = capsys.readouterr().out
    assert f"{100 * told['attention']['both']:.1f}" in printed
    aligning.main(arguments)
    assert capsys.readouterr().out == printed
    assert len(asked) == 8


def test_what_was_stopped_is_not_compared(
    corpus: list[str], trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = trained._replace(progress=replace(trained.progress, finished=False))
    monkeypatch.setattr(whole, "train", lambda *given, **named: stopped)
    with pytest.raises(KeyboardInterrupt):
        aligning.main([*corpus, "--into", str(tmp_path / "runs")])
    assert not list(tmp_path.rglob("aligning.json"))
