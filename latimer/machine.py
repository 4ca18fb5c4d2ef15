"""What a run took of the machine, and what the machine is."""

import ctypes
import os
import platform
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

GPU_THREADS = 50  # that a GPU is at least worth
DRIVER = Path("/dev/nvidiactl")  # stands where a GPU of the kind that torch uses has its driver


class Moment(NamedTuple):
    """A time by two clocks, in seconds: that on the wall, and the processor's for this process."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Moment":
        return cls(time.monotonic(), time.process_time())


def peak_memory() -> int:
    """The most memory that this process has held, in MB; 0 where the system does not tell."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 2**10)


def forget_peak_memory() -> bool:
    """Let the most memory that this process has held count from now on; False where that can't be done."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def is_out_of_memory(error: Exception) -> bool:
    """Whether it says that there is no memory left, on a GPU or elsewhere."""
    import torch

    kinds = (torch.OutOfMemoryError, MemoryError)
    return isinstance(error, kinds) or "can't allocate memory" in str(error)  # the CPU's is a RuntimeError


def keep_memory() -> bool:
    """Let this process keep the memory that it frees, for its next tensors; False where that can't be said.

    GNU's C library gives large blocks back to the system, which has to clear each page before it lends it
    again. Every update of a training, and every step of a search, asks for the same blocks as the one before.

    Not kept is what oneDNN would: code and buffers for a thousand shapes of products, half a gigabyte, though
    batches seldom have the same shape twice.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")
    most_blocks_of_their_own, spare_bytes_to_keep = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD of malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return False
    return bool(mallopt(most_blocks_of_their_own, 0) and mallopt(spare_bytes_to_keep, 2**31 - 1))


def wait_briefly() -> None:
    """Let threads of torch that wait for each other give up their cores soon; before torch is imported.

    OpenMP lets them spin for milliseconds, and so whoever they wait for may have no core, where another
    program has one: two threads beside a busy core were fifteen times slower than one alone. 2,000 turns are
    as fast where nothing else is to be done. What the user says in OMP_WAIT_POLICY or GOMP_SPINCOUNT holds.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")


def give_memory_back() -> bool:
    """Let the system have what was kept (see `keep_memory`) and is free at the moment; False where it can't.

    Blocks of all sizes leave gaps that hardly any other fits, and with time they are as much as what is used.
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError, TypeError):
        return False


def machine() -> dict[str, Any]:
    """What the speeds hold for: nothing that tells whose machine it is."""
    import torch

    processor, memory = platform.processor() or platform.machine(), None
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {
        "processor": processor,
        "graphics": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_mb": memory,
        "system": f"{platform.system()} {platform.machine()}",
    }


def threads() -> int:
    """How many threads of a processor compute, or as many as a GPU is at least worth."""
    import torch

    return GPU_THREADS if torch.cuda.is_available() else torch.get_num_threads()


def finds_gpu() -> bool:
    """Whether torch is there and finds one; asked only where a driver is: importing torch takes seconds."""
    if not DRIVER.exists() or find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()
