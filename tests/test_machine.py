"""What is told of the machine, and asked of it."""

import os
import re
import subprocess
import sys

import pytest

from latimer.machine import machine, peak_memory

# Pages that the system had to clear while 64 MB were taken and given back ten times. The forty turns before
# are for the heap to settle: small blocks that fall beside a large one make its place too small for the next.
PROBE = """
import resource, sys, torch
from latimer.machine import keep_memory
if "keep" in sys.argv and not keep_memory():
    sys.exit(3)
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for turn in range(50):
    before = before if turn > 40 else faults()
    torch.ones(2**24)
print(faults() - before)
"""


def cleared_pages(*words: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROBE, *words], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip("this C library can't be told to keep memory")
    return int(done.stdout)


# What the command line tells OpenMP, before torch brings it.
DOOR = """
import sys
from latimer.cli.main import run
sys.argv = ["latimer", "--help"]
try:
    run()
except SystemExit:
    import torch
"""


@pytest.mark.parametrize(
    ("said", "turns"), [({}, "2000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, None)]
)
def test_threads_that_wait_soon_give_up_their_core(said: dict[str, str], turns: str | None) -> None:
    environment = {**os.environ, "OMP_DISPLAY_ENV": "verbose"}
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", DOOR], capture_output=True, text=True, env={**environment, **said}, check=True
    )
    told = re.search(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr)
    if told is None:
        pytest.skip("torch waits by another library here")
    assert told[1] == turns if turns else int(told[1]) > 2000


# Megabytes held with 256 that are free, below one small block that is not; and what is left of them.
GIVING = """
import re, sys
from pathlib import Path
import torch
from latimer.machine import give_memory_back, keep_memory
held = lambda: int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
if not keep_memory():
    sys.exit(3)
large, above = torch.ones(2**26), torch.ones(2**10)
del large
before = held()
if not give_memory_back():
    sys.exit(3)
print(before - held())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what is held")
def test_memory_that_was_kept_can_be_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", GIVING], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip("this C library can't be told to keep memory")
    assert int(done.stdout) > 200


@pytest.mark.skipif(sys.platform == "win32", reason="counts no page faults")
def test_memory_that_was_freed_is_used_again() -> None:
    assert cleared_pages("keep") < 100 < cleared_pages()


def test_what_the_speeds_hold_for() -> None:
    assert peak_memory() > 0
    assert machine()["cores"] >= 1
