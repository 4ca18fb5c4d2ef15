"""Law 11 with the real thing: a process that trains, and kill -9."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

# A run of a few seconds that saves as often as it can, on a disk so slow that kills meet a write.
TRAIN = """
import os, sys, time
import torch
from latimer.config import configure
from latimer.recipe import train
from latimer.training import trainer

torch.set_num_threads(1)
trainer.SAVE_SECONDS = 0.05
flush = os.fsync
os.fsync = lambda descriptor: (time.sleep(0.01), flush(descriptor))
settings = {
    "model.embedding": 16, "model.width": 16, "data.vocabulary": 310, "training.batch": 300,
    "training.rate": 0.01, "training.validations": 4, "training.precision": "float32",
}
print("ready", flush=True)
trained = train(configure({**settings, sys.argv[3]: float(sys.argv[4])}), sys.argv[1], into=sys.argv[2])
print("finished" if trained.progress.finished else "stopped", flush=True)
"""
BUDGET = ("training.epochs", "3")


def start(corpus: Path, into: Path, budget: tuple[str, str]) -> "subprocess.Popen[str]":
    """The process, once it has imported what it needs."""
    command = [sys.executable, "-c", TRAIN, str(corpus), str(into), *budget]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(corpus: Path, into: Path, budget: tuple[str, str] = BUDGET) -> float:
    """The same command to its end; returns the seconds that it took."""
    begun = time.monotonic()
    process = start(corpus, into, budget)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert out == "finished\n"
    return time.monotonic() - begun


def kill(process: "subprocess.Popen[str]", when: Callable[[], bool]) -> bool:
    """Kill -9 when the moment has come; False where the process was quicker."""
    while not when() and process.poll() is None:
        time.sleep(0.0005)
    early = process.poll() is None
    process.kill()
    process.communicate()
    return early


def after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def in_the_middle_of(pattern: str, into: Path, chance: random.Random) -> Callable[[], bool]:
    """While a file is being written; not always the first one."""
    skipped = chance.randrange(4)
    seen: set[str] = set()

    def now() -> bool:
        seen.update(f"{path} {path.stat().st_mtime_ns}" for path in into.rglob(pattern) if path.exists())
        return len(seen) > skipped

    def safely() -> bool:
        try:
            return now()
        except OSError:  # renamed while we looked
            return False

    return safely


def digest(into: Path, name: str = "model.safetensors") -> str:
    return hashlib.sha256((into / name).read_bytes()).hexdigest()


def same(into: Path, whole: Path) -> None:
    """The model is the same to the byte; the rest of the folder is as whole."""
    assert digest(into) == digest(whole)
    assert digest(into, "training/state.safetensors") == digest(whole, "training/state.safetensors")
    assert not list(into.glob("*.part")), "what a kill left half written is not a part of a finished folder"
    records = [json.loads((folder / "config.json").read_text()) for folder in (into, whole)]
    for record in records:
        for name in ("seconds", "cpu_seconds", "peak_memory_mb"):  # measured, not made
            record["training"].pop(name)
    assert records[0] == records[1]
    updates = []
    for folder in (into, whole):
        lines = [json.loads(line) for line in (folder / "training/metrics.jsonl").read_text().splitlines()]
        updates.append([line["update"] for line in lines if line["event"] == "validation"])
        assert sorted({line["update"] for line in lines if line["event"] == "update"}) == [
            line["update"] for line in lines if line["event"] == "update"
        ]
    assert updates[0] == updates[1]


def test_killed_three_times_and_still_the_same_bytes(pairs_file: Path, tmp_path: Path) -> None:
    whole, into = tmp_path / "whole", tmp_path / "killed"
    chance = random.Random(f"{time.time_ns()}")
    seconds = finish(pairs_file, whole)
    moments = (
        lambda: after(chance.uniform(0, seconds / 2)),
        lambda: in_the_middle_of(".state.safetensors*.part", into, chance),
        lambda: in_the_middle_of(".*.part", into, chance),
    )
    for _ in range(3):  # on a machine that others let go of, the run may be over before it is killed
        killed = [kill(start(pairs_file, into, BUDGET), moment()) for moment in moments]
        if any(killed):
            break
        shutil.rmtree(into)
    assert any(killed)
    finish(pairs_file, into)
    same(into, whole)


@pytest.mark.full
def test_killed_at_ten_random_moments(pairs_file: Path, tmp_path: Path) -> None:
    whole, chance = tmp_path / "whole", random.Random(f"{time.time_ns()}")
    seconds = finish(pairs_file, whole)
    killed = []
    for number in range(10):
        into = tmp_path / f"killed-{number}"
        process = start(pairs_file, into, BUDGET)
        if number % 3 == 0:
            when = in_the_middle_of(".*.part", into, chance)
        else:
            when = after(chance.uniform(0, 0.8 * seconds))
        killed.append(kill(process, when))
        finish(pairs_file, into)
        same(into, whole)
    assert sum(killed) >= 5
