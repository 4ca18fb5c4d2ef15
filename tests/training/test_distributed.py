"""Law 12: what a batch teaches does not depend on how many processes, or parts, it is taken in."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from latimer.data.batches import collate
from latimer.data.store import TokenStore
from latimer.errors import Mistake
from latimer.training import trainer as module
from latimer.training.distributed import Team, part

MakeRun = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]


def torchrun(pairs: Path, into: Path, *more: str, processes: int = 2) -> list[str]:
    """The command line of a short run without anything random in its updates."""
    settings = {
        "model.embedding": 16,
        "model.width": 16,
        "model.dropout": 0,
        "data.vocabulary": 310,
        "training.batch": 300,
        "training.validations": 2,
        "training.candidates": 0,
        "training.rate": 0.01,
        "training.precision": "float32",
    }
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    given = [argument for name, value in settings.items() for argument in ("--set", f"{name}={value}")]
    train = ["-m", "latimer", "train", str(pairs), "--into", str(into), "--model", "lstm", "--steps", "12"]
    return [sys.executable, *start, *more, *train, *given]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}


def run(command: list[str]) -> str:
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> Path:
    """A run of two processes; read only, please."""
    into = tmp_path_factory.mktemp("two") / "model"
    said = run(torchrun(pairs_file, into))
    assert said.count("Learning subwords") == 1, "one process speaks for all"
    return into


def test_two_processes_make_the_updates_of_one(pairs_file: Path, two: Path, tmp_path: Path) -> None:
    run(torchrun(pairs_file, tmp_path / "one", processes=1))
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (two, tmp_path / "one"))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes in /proc")
def test_a_killed_process_is_started_again_and_the_run_ends_in_the_same_bytes(
    pairs_file: Path, two: Path, tmp_path: Path
) -> None:
    into = tmp_path / "killed"
    with subprocess.Popen(
        torchrun(pairs_file, into, "--max-restarts", "3"), env=environment(), stderr=subprocess.DEVNULL
    ) as whole:
        state = into / "training" / "state.safetensors"
        while not state.exists() and whole.poll() is None:
            time.sleep(0.02)
        children = Path(f"/proc/{whole.pid}/task/{whole.pid}/children").read_text(encoding="utf-8").split()
        if children:  # else it was quicker than we are
            os.kill(int(children[-1]), signal.SIGKILL)
        assert whole.wait(180) == 0
    assert (into / "model.safetensors").read_bytes() == (two / "model.safetensors").read_bytes()


# --- parts


def test_the_parts_of_a_batch_are_all_of_it() -> None:
    store = TokenStore.of([([5, 6, 7], [7, 6]), ([4], [5, 5, 4, 6, 7]), ([6, 5], [4])])
    batch = collate(store, [0, 1, 2])
    assert part(batch, 0, 1) is batch
    for of in (2, 3, 5):
        parts = [part(batch, number, of) for number in range(of)]
        assert sorted(row for one in parts for row in one.rows.tolist()) == [0, 1, 2]
        assert {one.tokens for one in parts} == {batch.tokens}
        for one in parts:
            for place, row in enumerate(one.rows.tolist()):
                assert torch.equal(one.outputs[place], batch.outputs[row])
                assert torch.equal(one.source_mask[place], batch.source_mask[row])


def test_a_team_of_one_sends_nothing() -> None:
    team = Team()
    assert team.leads
    assert team.total(3.5) == 3.5
    assert team.agree(1.0, 2.5) == [1.0, 2.5]


# --- memory that runs out


def run_out(monkeypatch: pytest.MonkeyPatch, error: Exception, most: int) -> None:
    """No batch of more than `most` pairs fits; and once it is only the second part that does not."""
    real = module.batch_loss
    before: list[int] = []

    def hungry(model: Any, batch: Any, smoothing: float, *, candidates: int = 0) -> Any:
        if not model.training:
            return real(model, batch, smoothing, candidates=candidates)
        second = before == [batch.tokens]
        if len(batch.rows) > most or second:
            before.extend([0] * second)
            raise error
        before.append(batch.tokens)
        return real(model, batch, smoothing, candidates=candidates)

    monkeypatch.setattr(module, "batch_loss", hungry)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
    ids=["graphics", "python", "cpu"],
)
def test_where_memory_runs_out_the_updates_stay_the_same(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def undropped(folder: Path) -> Any:
        run = make_run(folder)
        for each in run.trainer.model.modules():
            if isinstance(each, torch.nn.Dropout):
                each.p = 0.0
        return run

    whole = undropped(tmp_path / "whole").finish()
    run_out(monkeypatch, error, most=3)
    parted = undropped(tmp_path / "parted").finish()
    assert parted.trainer.progress.parts > 1
    assert any("Memory ran out" in note for note in parted.watcher.notes)
    for ours, theirs in zip(parted.trainer.model.parameters(), whole.trainer.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_where_not_one_pair_fits_it_is_said(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_out(monkeypatch, MemoryError(), most=0)
    with pytest.raises(Mistake, match="not memory enough for a single pair"):
        make_run(tmp_path / "run").finish()


def test_other_errors_are_not_taken_for_memory(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_out(monkeypatch, RuntimeError("shapes do not fit"), most=0)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        make_run(tmp_path / "run").finish()
