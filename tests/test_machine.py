"""What is told of the machine, and asked of it."""

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
