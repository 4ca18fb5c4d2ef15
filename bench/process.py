"""A process on a core of its own with one thread, and what it took. No torch."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

from bench.environments import ROOT
from latimer.errors import Mistake

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Spent(NamedTuple):
    """What a process printed, and what it took: CPU time with its children's, and its largest memory."""

    lines: list[str]
    cpu_s: float
    wall_s: float
    peak_rss_mb: float


def usual_core() -> int | None:
    """The last core that this process may use: the first has more of the system's own work. None: any."""
    if shutil.which("taskset") and hasattr(os, "sched_getaffinity"):
        return max(os.sched_getaffinity(0))
    return None


def run_alone(name: str, command: Sequence[str], *, core: int | None, threads: int = 1) -> Spent:
    """Runs a command in the project's root, pinned to a core where one is named.

    Raises Mistake with the last words of the tool of that name where it fails. The peak is at least what
    this process itself holds, since the system counts from before the command replaced a copy of it.
    """
    pinned = [] if core is None else ["taskset", "--cpu-list", str(core)]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            [*pinned, *command],
            stdout=output,
            stderr=errors,
            cwd=ROOT,
            env={**os.environ, **dict.fromkeys(_THREADS, str(threads))},
        )
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
        said = errors.read().decode(errors="replace").strip()
    if process.returncode:
        raise Mistake(f"{name} failed: {(said or 'it said nothing').splitlines()[-1]}")
    megabyte = 2**20 if sys.platform == "darwin" else 2**10  # in the system's own unit
    return Spent(lines, used.ru_utime + used.ru_stime, wall, used.ru_maxrss / megabyte)
