"""In which numbers the products of a training are made: what the machine is faster with, measured.

Parameters, sums and the optimiser's moments are float32 always. On graphics cards, and on processors with
units for it, products in bfloat16 are several times as fast; on others they are slower.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch

from latimer.config import PRECISIONS
from latimer.shapes import Tensor

GAIN = 1.1  # how much faster bfloat16 must be: it rounds, after all
TRIES = 3


def choose_precision(device: torch.device, seconds: Callable[[str], float]) -> str:
    """The name of the faster one on `device`; float32 where bfloat16 gains little or does not exist.

    `seconds` is told a name and computes something of the kind that is to be fast. A product alone would not
    do: narrow models spend on casting what they save in products.
    """
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "float32"
    slow, fast = (min(seconds(name) for _ in range(TRIES)) for name in PRECISIONS)
    return "bfloat16" if GAIN * fast < slow else "float32"


def products_in(precision: str | None, device: torch.device) -> AbstractContextManager[object]:
    """A block in which modules multiply in the numbers of that name."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def precision_of_products(tensor: Tensor) -> torch.dtype:
    """What a product of `tensor` is to be made in here, inside such a block or outside."""
    kind = tensor.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else tensor.dtype
