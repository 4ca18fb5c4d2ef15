"""From a corpus to a folder, and back to the same folder."""

import hashlib
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from latimer.config import configure
from latimer.data.text import normalise
from latimer.errors import Mistake
from latimer.recipe import Trained, train
from latimer.training import trainer as trainer_module
from latimer.training.log import Silent, Update, Validation


class Watcher(Silent):
    """Remembers notes, and stops a run after a number of updates as Ctrl-C would."""

    def __init__(self, stop_at: int = 0) -> None:
        self.notes: list[str] = []
        self.updates = 0
        self.stop_at = stop_at

    def note(self, text: str) -> None:
        self.notes.append(text)

    def preparing(self, what: str, share: float) -> None:
        pass

    def updated(self, update: Update) -> None:
        self.updates += 1

    def validated(self, update: int, validation: Validation, *, best: bool) -> None:
        if self.stop_at and update >= self.stop_at:
            signal.raise_signal(signal.SIGINT)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_finished_folder_says_how_it_was_made(trained: Trained, pairs_file: Path) -> None:
    record = trained.folder.record
    assert (record["source_language"], record["target_language"]) == ("en", "fr")
    assert record["corpus"] == [str(pairs_file)]
    assert record["data"]["sha256"] == {str(pairs_file): digest(pairs_file)}
    held, left = record["data"]["validation_pairs"], record["data"]["pairs"]
    assert held == 50
    assert 100 < left <= 240 - held
    assert record["config"]["training.steps"] == 24
    assert record["training"]["finished"] is True
    assert record["training"]["updates"] == trained.progress.update == 24
    assert record["versions"].keys() >= {"latimer", "torch", "sentencepiece"}
    card = (trained.folder.path / "README.md").read_text(encoding="utf-8")
    for fact in ("# en to fr", "library_name: latimer", '- "fr"', f"{left:,} sentence pairs", "24 updates"):
        assert fact in card
    rows = [json.loads(line) for line in (trained.folder.training / "metrics.jsonl").read_text().splitlines()]
    assert [row["update"] for row in rows if row["event"] == "validation"] == [8, 16, 24]


def test_validation_pairs_are_not_trained_on(trained: Trained, pairs_file: Path) -> None:
    from latimer.data.store import TokenStore

    tokenizers = trained.folder.load_tokenizers()
    store = TokenStore.open(trained.folder.training / "tokens")
    seen = {tokenizers.source.decode(store.source(row).tolist()) for row in range(len(store))}
    lines = (trained.folder.training / "validation.tsv").read_text(encoding="utf-8").splitlines()
    held = {line.split("\t")[0] for line in lines}
    every = {normalise(line.split("\t")[0]) for line in pairs_file.read_text(encoding="utf-8").splitlines()}
    assert not held & seen
    assert held | seen <= every
    assert len(store) == trained.folder.record["data"]["pairs"]


def test_the_same_call_on_a_finished_run_says_so_and_stops(
    trained: Trained, pairs_file: Path, small_settings: dict[str, Any]
) -> None:
    before = {path: digest(path) for path in trained.folder.path.rglob("*") if path.is_file()}
    watcher = Watcher()
    again = train(configure(small_settings), str(pairs_file), into=trained.folder.path, reporter=watcher)
    assert watcher.notes == [f"{trained.folder.path} is finished: 24 updates. Nothing to do."]
    assert watcher.updates == 0
    assert again.progress == trained.progress
    assert {path: digest(path) for path in trained.folder.path.rglob("*") if path.is_file()} == before


def test_another_configuration_names_the_keys(
    trained: Trained, pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    other = configure({**small_settings, "model.width": 32, "training.seed": 5})
    into = trained.folder.path
    with pytest.raises(Mistake) as raised:
        train(other, str(pairs_file), into=into)
    assert "model.width is 16 there and 32 here; training.seed is 1 there and 5 here" in str(raised.value)
    assert "model.score" not in str(raised.value)
    with pytest.raises(Mistake, match=r"\(corpus is .* there and .* here\)"):
        train(configure(small_settings), [str(pairs_file), str(pairs_file)], into=into)
    with pytest.raises(Mistake, match=r"\(validation is \[\] there"):
        train(configure(small_settings), str(pairs_file), into=into, validation=str(pairs_file))
    with pytest.raises(Mistake, match="source_language is 'en' there and 'fr' here"):
        train(
            configure(small_settings), str(pairs_file), into=into, source_language="fr", target_language="en"
        )
    same = train(configure(small_settings), [str(pairs_file)], into=into, target_language="fr")
    assert same.progress.finished


def test_a_stopped_run_goes_on_to_the_same_bytes(
    trained: Trained, pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    config, into = configure(small_settings), tmp_path / "model"
    watcher = Watcher(stop_at=8)
    stopped = train(config, str(pairs_file), into=into, reporter=watcher)
    assert (stopped.progress.finished, stopped.progress.update) == (False, 8)
    assert stopped.folder.record["training"]["finished"] is False
    assert "stopped before its end" in (into / "README.md").read_text(encoding="utf-8")
    assert stopped.translator.translate(["she"]) is not None, "what is there can be used"
    again = Watcher()
    ended = train(config, str(pairs_file), into=into, reporter=again)
    assert ended.progress == trained.progress
    assert any("goes on after update 8" in note for note in again.notes)
    assert not any("Learning subwords" in note for note in again.notes), "what was done is not done again"
    for name in ("model.safetensors", "shared.model", "training/state.safetensors"):
        assert digest(into / name) == digest(trained.folder.path / name), name
    assert "stopped before its end" not in (into / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("stage", ["write_record", "write_card"])
def test_a_run_killed_while_it_was_written_down_is_written_down(
    trained: Trained,
    pairs_file: Path,
    small_settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
) -> None:
    from latimer.folder import ModelFolder

    config, into = configure({**small_settings, "training.steps": 2}), tmp_path / "model"
    real = getattr(ModelFolder, stage)

    def die(self: ModelFolder, content: Any) -> None:
        if isinstance(content, str) or "training" in content:
            raise KeyboardInterrupt
        real(self, content)

    monkeypatch.setattr(ModelFolder, stage, die)
    with pytest.raises(KeyboardInterrupt):
        train(config, str(pairs_file), into=into)
    monkeypatch.undo()
    assert train(config, str(pairs_file), into=into).folder.record["training"]["finished"] is True
    assert "2 updates" in (into / "README.md").read_text(encoding="utf-8")


def test_a_run_killed_before_it_was_prepared_begins_again(
    trained: Trained,
    pairs_file: Path,
    small_settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from latimer.folder import ModelFolder

    config, into = configure(small_settings), tmp_path / "model"

    def die(self: ModelFolder, record: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ModelFolder, "write_record", die)
    with pytest.raises(KeyboardInterrupt):
        train(config, str(pairs_file), into=into)
    monkeypatch.undo()
    train(config, str(pairs_file), into=into)
    assert digest(into / "model.safetensors") == digest(trained.folder.path / "model.safetensors")


def test_languages_turn_the_corpus_around(
    pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    config = configure({**small_settings, "training.steps": 1, "data.joint": False})
    found = train(
        config, str(pairs_file), into=tmp_path / "model", source_language="fr", target_language="en"
    )
    record = found.folder.record
    assert (record["source_language"], record["target_language"]) == ("fr", "en")
    held = (found.folder.training / "validation.tsv").read_text(encoding="utf-8").splitlines()
    assert {line.split("\t")[0].split()[0] for line in held} <= {"je", "tu", "elle", "il"}
    tokenizers = found.folder.load_tokenizers()
    assert not tokenizers.joint
    assert len(tokenizers.source.encode("entends")) < len(tokenizers.target.encode("entends"))
    with pytest.raises(Mistake, match="change --from and --to"):
        train(config, str(pairs_file), into=tmp_path / "other", source_language="de")
    assert not (tmp_path / "other" / "config.json").exists()


def test_corpora_of_different_directions_are_a_mistake(
    pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    other = tmp_path / "other.de-fr.tsv"
    other.write_text("eins\tun\n" * 9, encoding="utf-8")
    with pytest.raises(Mistake, match=r"different directions: .* is en-fr and .* is de-fr"):
        train(configure(small_settings), [str(pairs_file), str(other)], into=tmp_path / "model")


def test_validation_may_be_given_and_long_pairs_are_told(
    pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    held = tmp_path / "held.en-fr.tsv"
    held.write_text("she sees\telle voit\nshe\telle\n", encoding="utf-8")
    corpus = tmp_path / "more.en-fr.tsv"
    long = " ".join(["boat"] * 300)
    corpus.write_text(
        f"{long}\t{long}\n\tnothing\n" + pairs_file.read_text(encoding="utf-8"), encoding="utf-8"
    )
    watcher = Watcher()
    config = configure({**small_settings, "training.steps": 1})
    found = train(config, str(corpus), into=tmp_path / "model", validation=str(held), reporter=watcher)
    data = found.folder.record["data"]
    assert (data["pairs"], data["too_long"], data["validation_pairs"]) == (240, 1, 2)
    assert data["skipped"] == {str(corpus): {"an empty side": 1}}
    assert any("Left out 1 pairs longer than 160 pieces" in note for note in watcher.notes)
    assert any(note.startswith("Skipped 1 pair: an empty side") for note in watcher.notes)


def test_a_missing_corpus_makes_no_folder(small_settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"none\.tsv does not exist"):
        train(configure(small_settings), str(tmp_path / "none.tsv"), into=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_losses_that_are_no_numbers_leave_a_model_that_can_be_used(
    pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = trainer_module.batch_loss
    calls = 0

    def poisoned(model: Any, batch: Any, smoothing: float, *, candidates: int = 0) -> Any:
        nonlocal calls
        calls += smoothing > 0
        return real(model, batch, smoothing) * (float("nan") if calls > 10 and smoothing > 0 else 1.0)

    monkeypatch.setattr(trainer_module, "batch_loss", poisoned)
    with pytest.raises(Mistake, match="5 times in a row"):
        train(configure(small_settings), str(pairs_file), into=tmp_path / "model")
    from latimer.translator import Translator

    assert Translator.load(tmp_path / "model").translate(["she"]) is not None


def test_what_a_killed_run_left_half_written_is_swept_away(
    pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    into, settings = tmp_path / "model", configure(small_settings)
    train(settings, str(pairs_file), into=into, reporter=Watcher(stop_at=1))
    for left in (into / ".config.json.123.part", into / "training" / ".state.safetensors.123.part"):
        left.write_bytes(b"{")
    assert train(settings, str(pairs_file), into=into, reporter=Silent()).progress.finished
    assert not list(into.rglob("*.part"))


@pytest.mark.parametrize(("epochs", "share"), [(12, 0.0), (24, 0.1)])
def test_long_runs_split_pieces_and_say_so(
    epochs: int, share: float, pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    settings = {**small_settings, "training.splitting": -1}
    settings |= {"training.steps": None, "training.epochs": float(epochs), "training.batch": 3000}
    trained = train(configure(settings), str(pairs_file), into=tmp_path / "model", reporter=Silent())
    assert trained.folder.record["config"]["training.splitting"] == share
    assert trained.folder.record["asked"]["training.splitting"] == -1
    again = train(configure(settings), str(pairs_file), into=tmp_path / "model", reporter=Watcher())
    assert again.progress == trained.progress


def test_a_share_that_is_asked_for_is_split(
    pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    models = set()
    for share in (0.0, 0.5):
        settings = {**small_settings, "training.splitting": share, "training.steps": 3}
        trained = train(configure(settings), str(pairs_file), into=tmp_path / str(share), reporter=Silent())
        models.add(digest(trained.folder.path / "model.safetensors"))
        assert trained.folder.record["config"]["training.splitting"] == share
    assert len(models) == 2


def test_validation_whose_sides_are_exchanged_is_refused(
    small_settings: dict[str, Any], pairs_file: Path, tmp_path: Path
) -> None:
    held = tmp_path / "held.tsv"
    rows = [line.split("\t") for line in pairs_file.read_text(encoding="utf-8").splitlines()[:40]]
    held.write_text("".join(f"{target}\t{source}\n" for source, target, *_ in rows), encoding="utf-8")
    with pytest.raises(Mistake, match=r"held\.tsv stand the other way round than those of .*en-fr\.tsv"):
        train(configure(small_settings), str(pairs_file), into=tmp_path / "model", validation=str(held))
    named = held.rename(tmp_path / "held.fr-en.tsv")
    languages = {"source_language": "en", "target_language": "fr"}
    settings = {**small_settings, "training.steps": 1}
    train(configure(settings), str(pairs_file), into=tmp_path / "model", validation=str(named), **languages)
