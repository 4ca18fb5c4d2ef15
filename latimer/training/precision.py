"""In which numbers the products of a training are made: what the machine is faster with, measured.

Parameters, sums and the optimiser's moments are float32 always. On graphics cards, and on processors with
units for it, products in bfloat16 are several times as fast; on others they are slower.
"""

import time
from contextlib import AbstractContextManager

import torch

from latimer.config import PRECISIONS
from latimer.shapes import Tensor

GAIN = 1.3  # how much faster bfloat16 must be: casting to it costs time, too
ROWS, INNER, COLUMNS = 1024, 512, 1024  # of the product that is timed
TRIES = 3


def choose_precision(device: torch.device) -> str:
    """The name of the faster one on `device`; float32 where bfloat16 gains little or does not exist."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "float32"
    slow, fast = (_seconds(device, getattr(torch, name)) for name in PRECISIONS)
    return "bfloat16" if GAIN * fast < slow else "float32"


def products_in(precision: str | None, device: torch.device) -> AbstractContextManager[object]:
    """A block in which modules multiply in the numbers of that name."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def precision_of_products(tensor: Tensor) -> torch.dtype:
    """What a product of `tensor` is to be made in here, inside such a block or outside."""
    kind = tensor.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else tensor.dtype


def _seconds(device: torch.device, numbers: torch.dtype) -> float:
    """The best time of a product, in seconds."""
    one = torch.ones(ROWS, INNER, device=device, dtype=numbers)
    other = torch.ones(INNER, COLUMNS, device=device, dtype=numbers)
    best = float("inf")
    for _ in range(TRIES):
        begun = time.perf_counter()
        (one @ other)[0, 0].item()  # which waits for the device
        best = min(best, time.perf_counter() - begun)
    return best
