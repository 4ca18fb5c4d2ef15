"""Counts target tokens, time and memory of a training loop. Standard library only.

Every tool's script feeds one Meter, so that all are measured by the same lines.
"""

import argparse
import json
import re
import resource
import sys
import time
from pathlib import Path
from typing import NamedTuple, Protocol


class Arguments(NamedTuple):
    task: str
    corpus: Path
    seconds: float
    warm_up: int
    seed: int


def parse_arguments() -> Arguments:
    """What the harness tells a tool's script."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", required=True, help="lstm, transformer or conv")
    parser.add_argument("--corpus", type=Path, required=True, help="folder that bench.corpus wrote")
    parser.add_argument("--seconds", type=float, default=40.0, help="CPU seconds to measure")
    parser.add_argument("--warm-up", type=int, default=3, help="updates before measuring")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    return Arguments(given.task, given.corpus, given.seconds, given.warm_up, given.seed)


class Counter(Protocol):
    """What a wrapped training loop tells of its updates: a Meter, or the Marks of a whole training."""

    def update(self, tokens: int, positions: int) -> bool:
        """One update is done; whether another is wanted."""


class Meter:
    """Call `update` after each update; it says whether to go on. Then call `report` once.

    The first `warm_up` updates are not counted. Time is this process's CPU time over all its threads,
    so that a busy machine lengthens a run but does not shorten what is measured.
    """

    def __init__(self, warm_up: int, seconds: float) -> None:
        self.warm_up = warm_up
        self.seconds = seconds
        self.seen = 0
        self.tokens = 0
        self.positions = 0
        self.wall = self.cpu = 0.0
        self.wall_start = self.cpu_start = 0.0
        self.resident_start = _resident_megabytes("VmRSS")

    def update(self, tokens: int, positions: int) -> bool:
        """One update over `tokens` real target tokens (end symbols count) in `positions` padded ones."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.seen += 1
        if self.seen <= self.warm_up:
            self.wall_start, self.cpu_start = wall, cpu
            return True
        self.tokens += tokens
        self.positions += positions
        self.wall, self.cpu = wall - self.wall_start, cpu - self.cpu_start
        return self.cpu < self.seconds

    def report(self, tool: str, *, version: str, parameters: int, loss: float) -> None:
        """Prints the reading as one line of JSON. `loss` is in nats a token, smoothed where the tool does."""
        reading = {
            "tool": tool,
            "version": version,
            "tokens": self.tokens,
            "wall_s": round(self.wall, 3),
            "cpu_s": round(self.cpu, 3),
            "padding_share": round(1 - self.tokens / max(1, self.positions), 4),
            "start_rss_mb": self.resident_start,
            "peak_rss_mb": _resident_megabytes("VmHWM"),
            "parameters": parameters,
            "updates": self.seen - self.warm_up,
            "loss": round(loss, 4),
        }
        sys.stdout.write(json.dumps(reading) + "\n")
        sys.stdout.flush()


def _resident_megabytes(field: str) -> float:
    """VmRSS or VmHWM of this process.

    The system's ru_maxrss would do for the peak, but on Linux it also remembers the process that
    started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(rf"^{field}:\s+(\d+) kB", status.read_text(encoding="ascii"), re.MULTILINE)
        if found:
            return round(int(found[1]) / 1024, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
