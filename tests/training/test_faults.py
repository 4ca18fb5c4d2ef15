"""What can go wrong in training: losses that are no numbers, disks that are full, files that are damaged."""

import errno
import math
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from latimer.errors import Mistake
from latimer.training import trainer as module
from latimer.training.checkpoint import Progress, read_progress

MakeRun = Callable[..., Any]


# --- losses that are no numbers


def poison(monkeypatch: pytest.MonkeyPatch, run: Any, updates: set[int], value: float = math.nan) -> None:
    """The loss of these updates, counted from 1, is no number."""
    loss = module.batch_loss

    def poisoned(model: Any, batch: Any, smoothing: float, *, candidates: int = 0) -> Any:
        bad = smoothing > 0 and run.trainer.progress.update + 1 in updates
        return loss(model, batch, smoothing) * (value if bad else 1.0)

    monkeypatch.setattr(module, "batch_loss", poisoned)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_skipped_and_counted(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    run = make_run(tmp_path, steps=14)
    poison(monkeypatch, run, {1, 5, 6, 7, 8, 10, 11, 12, 13}, value)
    before: dict[int, Any] = {}

    def remember(update: int) -> None:
        before[update] = [parameter.detach().clone() for parameter in run.trainer.model.parameters()]

    run.watcher.act = remember
    progress = run.trainer.run()
    assert progress.finished
    assert progress.skipped == 9, "four in a row, twice, are not too many"
    for update in range(2, 15):
        still = all(
            torch.equal(one, two) for one, two in zip(before[update - 1], before[update], strict=True)
        )
        assert still is (update in {5, 6, 7, 8, 10, 11, 12, 13})
    assert all(torch.isfinite(value).all() for value in load_file(tmp_path / "state.safetensors").values())


def test_too_many_in_a_row_stop_with_one_sentence_and_the_last_good_state(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, steps=30, validations=10)
    poison(monkeypatch, run, set(range(8, 31)))
    with pytest.raises(Mistake, match=r"not a finite number 5 times in a row, at update 12;") as raised:
        run.trainer.run()
    assert "\n" not in str(raised.value)
    assert "training.rate" in str(raised.value)
    saved = read_progress(tmp_path / "state.safetensors")
    assert saved is not None
    assert (saved.update, saved.finished) == (9, False)
    assert all(torch.isfinite(value).all() for value in load_file(tmp_path / "state.safetensors").values())
    assert len(run.rows) > 9


def test_a_gradient_that_is_no_number_counts_too(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, clip = make_run(tmp_path), torch.nn.utils.clip_grad_norm_
    worst = {3, 4}

    def clipped(parameters: Any, length: float) -> Any:
        norm = clip(parameters, length)
        return norm * math.inf if run.trainer.progress.update + 1 in worst else norm

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", clipped)
    assert run.trainer.run().skipped == 2


# --- disks


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """The disk is full: the system itself refuses to write on."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_one_sentence_and_the_state_before_is_whole(make_run: MakeRun, tmp_path: Path) -> None:
    expected = make_run(tmp_path / "whole").finish()
    folder = tmp_path / "other"
    make_run(
        folder, act=lambda update: signal.raise_signal(signal.SIGINT) if update == 5 else None
    ).trainer.run()
    state, run = (folder / "state.safetensors").read_bytes(), make_run(folder)
    with pytest.raises(Mistake) as raised, no_file_over(2500):
        run.trainer.run()
    assert str(folder) in str(raised.value)
    assert "run the same command again" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert (folder / "state.safetensors").read_bytes() == state
    assert {path.name for path in folder.iterdir()} == {
        "state.safetensors",
        "best.safetensors",
        "metrics.jsonl",
    }, "nothing half written is left behind"
    assert make_run(folder).finish().outcome == expected.outcome


def test_metrics_that_can_not_be_written_are_one_sentence_too(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (tmp_path / "metrics.jsonl").unlink()
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(Mistake, match="directory; the last saved state is whole"):
        run.trainer.run()


def test_a_read_only_folder_is_one_sentence(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path)

    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(Mistake, match=r"Read-only file system.*; what was there is whole\."):
        run.trainer.run()


def test_a_damaged_state_is_one_sentence(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path).finish()
    path = tmp_path / "state.safetensors"
    whole = path.read_bytes()
    for damaged in (b"", whole[:50], b"nonsense" * 9):
        path.write_bytes(damaged)
        with pytest.raises(Mistake, match="damaged"):
            make_run(tmp_path)
    assert read_progress(tmp_path / "none.safetensors") is None
    assert Progress().total is None
