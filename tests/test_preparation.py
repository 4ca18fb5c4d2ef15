"""Preparing is the same in one go or after a kill, and nothing that was done is done again."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from latimer.config import configure
from latimer.folder import ModelFolder
from latimer.preparation import prepare
from latimer.training.log import Silent


class Killed(BaseException):
    """Nobody catches it."""


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.shares: list[tuple[str, float]] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def preparing(self, what: str, share: float) -> None:
        self.shares.append((what, share))


def prepared(
    pairs_file: Path, into: Path, small_settings: dict[str, Any], **changes: Any
) -> tuple[dict[str, str], Notes]:
    """The digest of each file that `prepare` makes, and what it says."""
    notes = Notes()
    config = configure({**small_settings, **changes})
    prepare(
        ModelFolder(into), config, [str(pairs_file)], validation=(), languages=(None, None), reporter=notes
    )
    files = {path.relative_to(into): path.read_bytes() for path in into.rglob("*") if path.is_file()}
    return {str(name): hashlib.sha256(content).hexdigest() for name, content in files.items()}, notes


def die(*arguments: Any, **named: Any) -> Any:
    raise Killed


def test_what_is_left_is_what_training_needs(
    pairs_file: Path, tmp_path: Path, small_settings: dict[str, Any]
) -> None:
    files, notes = prepared(pairs_file, tmp_path / "model", small_settings)
    sides = {f"training/tokens/{side}.{kind}" for side in ("source", "target") for kind in ("ids", "offsets")}
    assert files.keys() == {
        *sides,
        *("config.json", "shared.model", "training/tokens/store.json", "training/validation.tsv"),
    }
    assert any(note.startswith("Learning subwords") for note in notes.notes)
    assert notes.shares == [("Writing token ids", 0.0)]  # under 10,000 pairs


@pytest.mark.parametrize(
    ("stage", "again"),
    [
        ("Spool.write", ["Reading", "Learning"]),
        ("_learn", ["Learning"]),
        ("_write_store", []),
        ("_versions", []),  # on the way to config.json
    ],
)
def test_a_killed_preparation_goes_on_to_the_same_bytes(
    stage: str,
    again: list[str],
    pairs_file: Path,
    tmp_path: Path,
    small_settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, _ = prepared(pairs_file, tmp_path / "whole", small_settings)
    with monkeypatch.context() as patch:
        patch.setattr(f"latimer.preparation.{stage}", die)
        with pytest.raises(Killed):
            prepared(pairs_file, tmp_path / "killed", small_settings)
    files, notes = prepared(pairs_file, tmp_path / "killed", small_settings)
    assert files == whole
    begun = [note.split()[0] for note in notes.notes]
    assert [word for word in begun if word in ("Reading", "Learning")] == again
    assert any("read before" in note for note in notes.notes) == ("Reading" not in again)


def grown(path: Path) -> dict[str, Any]:
    with path.open("a", encoding="utf-8") as file:
        file.write("One sentence more.\tUne phrase de plus.\n")
    return {}


@pytest.mark.parametrize(
    "change",
    [
        grown,
        lambda path: {"data.vocabulary": 340},
        lambda path: {"data.seed": 7},
        lambda path: {"data.joint": False},
    ],
)
def test_what_was_made_for_another_request_is_made_anew(
    change: Callable[[Path], dict[str, Any]],
    pairs_file: Path,
    tmp_path: Path,
    small_settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corpus = tmp_path / pairs_file.name
    corpus.write_bytes(pairs_file.read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr("latimer.preparation._write_store", die)
        with pytest.raises(Killed):
            prepared(corpus, tmp_path / "killed", small_settings)
    changes = change(corpus)
    files, notes = prepared(corpus, tmp_path / "killed", small_settings, **changes)
    fresh, _ = prepared(corpus, tmp_path / "fresh", small_settings, **changes)
    assert fresh.items() <= files.items()
    assert not any("read before" in note for note in notes.notes)


def test_what_came_through_a_pipe_is_read_again(
    pairs_file: Path, tmp_path: Path, small_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells whether the same text comes a second time."""

    def piped(text: bytes, into: Path) -> dict[str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
        files, notes = prepared(Path("-"), into, small_settings)
        assert not any("read before" in note for note in notes.notes)
        return files

    text = pairs_file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("latimer.preparation._write_store", die)
        with pytest.raises(Killed):
            piped(text, tmp_path / "killed")
    more = text + b"One sentence more.\tUne phrase de plus.\n"
    assert piped(more, tmp_path / "killed") == piped(more, tmp_path / "fresh")
