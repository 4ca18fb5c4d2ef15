"""Going on from a trained model: what it learns, what it keeps, and what it says of both."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from latimer import evaluate
from latimer.cli import info
from latimer.config import configure
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.preparation import held_out
from latimer.recipe import Trained, train
from latimer.training.log import Silent, Update
from latimer.translator import Translator

MODEL = {
    "model.encoder": "lstm-residual",
    "model.decoder": "lstm-parallel",
    "model.score": "scaled-dot",
    "model.width": 32,
    "model.dropout": 0.0,
    "data.vocabulary": 310,
}
TRAINING = {
    "training.batch": 300,
    "training.validations": 1,
    "training.rate": 0.01,
    "training.precision": "float32",
}


class Watcher(Silent):
    """Remembers notes; stops after a number of updates as Ctrl-C would."""

    def __init__(self, stop_at: int = 0) -> None:
        self.notes: list[str] = []
        self.updates, self.stop_at = 0, stop_at

    def note(self, text: str) -> None:
        self.notes.append(text)

    def preparing(self, what: str, share: float) -> None:
        pass

    def updated(self, update: Update) -> None:
        import signal

        self.updates += 1
        if self.updates == self.stop_at:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def base(pairs_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learned its little language; read only, please."""
    into = tmp_path_factory.mktemp("base") / "model"
    train(configure({**MODEL, **TRAINING, "training.steps": 160}), str(pairs_file), into=into)
    return into


@pytest.fixture(scope="module")
def news(pairs_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sentences about dogs and boats, in which a dog is called another name."""
    lines = pairs_file.read_text(encoding="utf-8").splitlines(keepends=True)
    path = tmp_path_factory.mktemp("news") / "news.en-fr.tsv"
    about = [line.replace("chien", "toutou") for line in lines if "dog" in line or "boat" in line]
    path.write_text("".join(about), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tuned(base: Path, news: Path, pairs_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    settings = {**TRAINING, "training.steps": 60}
    into = tmp_path_factory.mktemp("tuned") / "model"
    return train(configure(settings), str(news), into=into, from_model=base, replay=str(pairs_file))


def test_it_learns_the_new(base: Path, news: Path, tmp_path: Path) -> None:
    settings = configure({**TRAINING, "training.steps": 60})
    tuned = train(settings, str(news), into=tmp_path / "model", from_model=base, reporter=Silent())
    assert Translator.load(base).translate(["I see your dog."]) == ["je vois ton chien."]
    assert tuned.translator.translate(["I see your dog."]) == ["je vois ton toutou."]


def test_with_old_pairs_it_keeps_the_old(base: Path, tuned: Trained) -> None:
    plain = ["I want my boat.", "you hear this friend.", "she see the book."]
    for translator in (Translator.load(base), tuned.translator):
        assert translator.translate(plain) == [
            "je veux mon bateau.",
            "tu entends ce ami.",
            "elle vois le livre.",
        ]


def test_vocabulary_and_architecture_are_the_old_ones(base: Path, tuned: Trained) -> None:
    folder = tuned.folder
    assert (folder.path / "shared.model").read_bytes() == (base / "shared.model").read_bytes()
    ours, theirs = folder.record["config"], ModelFolder(base).record["config"]
    changed = {name for name in ours if ours[name] != theirs[name]}
    assert all(name.startswith("training.") or name in ("model.dropout", "data.seed") for name in changed)


def test_the_usual_rate_is_calmer(base: Path, news: Path, tmp_path: Path) -> None:
    settings = {"training.steps": 1, "training.batch": 300}
    tuned = train(configure(settings), str(news), into=tmp_path / "tuned", from_model=base, reporter=Silent())
    fresh = train(configure({**MODEL, **settings}), str(news), into=tmp_path / "new", reporter=Silent())
    rates = [run.folder.record["config"]["training.rate"] for run in (tuned, fresh)]
    assert rates[0] == pytest.approx(0.3 * rates[1])


def test_it_says_what_changed_on_both(base: Path, tuned: Trained) -> None:
    change = tuned.folder.record["change"]
    assert set(change) == {
        f"{name} on {kind}" for name in ("BLEU", "chrF2++") for kind in ("new pairs", "old pairs")
    }
    new = change["BLEU on new pairs"]
    assert new["after"] > new["before"]
    assert 0 < new["p_value"] <= 1
    assert new["signature"].startswith("nrefs:1|")
    assert new["sentences"] == tuned.folder.record["held"][0]
    old = held_out(tuned.folder)[new["sentences"] :]
    texts = Translator.load(base).translate([source for source, _ in old])
    before = evaluate.bleu(texts, [[target] for _, target in old]).value
    assert change["BLEU on old pairs"]["before"] == pytest.approx(before, abs=0.01)
    assert before != pytest.approx(new["before"], abs=1), "or nothing is told apart here"
    card = (tuned.folder.path / "README.md").read_text(encoding="utf-8")
    assert f"It goes on from the model in {tuned.folder.record['from_model']}" in card


def test_info_tells_where_it_came_from(tuned: Trained) -> None:
    done = CliRunner().invoke(info.command, [str(tuned.folder.path)])
    assert f"goes on from  {tuned.folder.record['from_model']}, with " in done.stdout
    assert re.search(r"BLEU on new pairs  [\d.]+ before, [\d.]+ after \(p = [\d.e-]+\)", done.stdout)


def test_as_many_old_pairs_as_new_ones(base: Path, news: Path, pairs_file: Path, tmp_path: Path) -> None:
    settings = configure({**TRAINING, "training.steps": 1})
    alone = train(settings, str(news), into=tmp_path / "alone", from_model=base, reporter=Silent())
    both = train(
        settings,
        str(news),
        into=tmp_path / "both",
        from_model=base,
        replay=str(pairs_file),
        reporter=Silent(),
    )
    assert both.folder.record["data"]["pairs"] == 2 * alone.folder.record["data"]["pairs"]
    assert alone.folder.record["held"][1] == 0
    assert both.folder.record["held"][1] > 0


def test_stopped_it_goes_on_to_the_same_bytes(base: Path, news: Path, tmp_path: Path) -> None:
    settings = configure({**TRAINING, "training.steps": 40, "training.validations": 2})
    whole = train(settings, str(news), into=tmp_path / "whole", from_model=base, reporter=Silent())
    train(settings, str(news), into=tmp_path / "parts", from_model=base, reporter=Watcher(stop_at=1))
    parts = train(settings, str(news), into=tmp_path / "parts", from_model=base, reporter=Silent())
    files = [(run.folder.path / "model.safetensors").read_bytes() for run in (whole, parts)]
    assert len({sha256(file).digest() for file in files}) == 1
    assert parts.folder.record["change"] == whole.folder.record["change"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"source_language": "fr", "target_language": "en"}, "translates en to fr, not fr to en"),
        ({"from_model": "nowhere"}, "nowhere holds no model"),
        ({"from_model": None, "replay": ["old.tsv"]}, "--replay goes with --from-model"),
    ],
)
def test_mistakes_are_told(
    base: Path, pairs_file: Path, tmp_path: Path, given: dict[str, Any], told: str
) -> None:
    plain = tmp_path / "pairs.tsv"
    plain.write_bytes(pairs_file.read_bytes())
    with pytest.raises(Mistake, match=told):
        train(
            configure({"training.steps": 1}),
            str(plain),
            into=tmp_path / "model",
            reporter=Silent(),
            **{"from_model": base, **given},
        )
    assert not (tmp_path / "model" / "config.json").exists()


def test_another_base_is_another_run(base: Path, news: Path, tuned: Trained) -> None:
    with pytest.raises(Mistake, match=r"from_model is .* there and None here"):
        train(
            configure({**TRAINING, "training.steps": 60}),
            str(news),
            into=tuned.folder.path,
            reporter=Silent(),
        )
