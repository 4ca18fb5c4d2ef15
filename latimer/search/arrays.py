"""The little that search asks of arrays, NumPy's and torch's, on whatever device.

What is as wide as the vocabulary stays where the model left it: only a few numbers a hypothesis come back.
Nothing here imports torch: whoever hands a tensor in has done so.
"""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from latimer.state import Array, Nest, is_torch, leaves

PILE = 8  # values of which only the greatest is compared with others first


def to_numpy(array: Array) -> NDArray[Any]:
    """The same numbers in NumPy."""
    return array if isinstance(array, np.ndarray) else array.detach().cpu().numpy()


def like(nest: Nest, array: NDArray[Any]) -> Array:
    """`array` in the library, and on the device, of the arrays in the nest."""
    found = leaves(nest)
    if not found or not is_torch(found[0]):
        return array
    import torch

    return torch.from_numpy(array).to(found[0].device)


def without_gradients(nest: Nest) -> AbstractContextManager[Any]:
    """A block in which torch keeps no gradients, where the nest holds any tensor of torch's."""
    if not any(map(is_torch, leaves(nest))):
        return nullcontext()
    import torch

    return torch.inference_mode()


def log_softmax(logits: Float[Array, "N V"]) -> Float[Array, "N V"]:
    """Over the last axis, in float32 at least."""
    if not isinstance(logits, np.ndarray):
        return logits.float().log_softmax(-1)
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def log_mean(log_probs: Sequence[Float[Array, "N V"]]) -> Float[Array, "N V"]:
    """The mean of probabilities, which are given and told as logarithms."""
    if not isinstance(log_probs[0], np.ndarray):
        import torch

        return torch.stack([*log_probs]).logsumexp(0) - math.log(len(log_probs))
    greatest = np.maximum.reduce(log_probs)
    total = sum(np.exp(each - greatest) for each in log_probs)
    return greatest + np.log(total / len(log_probs))


def top(values: Float[Array, "N V"], count: int) -> tuple[Float[np.ndarray, "N K"], Int[np.ndarray, "N K"]]:
    """The `count` greatest of each row, greatest first, and their places."""
    if not isinstance(values, np.ndarray):
        greatest, places = values.topk(count)
        return to_numpy(greatest), to_numpy(places)
    if count == 1:
        places = values.argmax(-1, keepdims=True)
        return np.take_along_axis(values, places, -1), places
    among = _candidates(values, count)
    if among is not None:
        greatest, places = top(np.take_along_axis(values, among, -1), count)
        return greatest, np.take_along_axis(among, places, -1)
    places = np.argpartition(values, -count, -1)[:, -count:] if count < values.shape[-1] else None
    greatest = values if places is None else np.take_along_axis(values, places, -1)
    order = np.argsort(-greatest, -1, kind="stable")
    greatest = np.take_along_axis(greatest, order, -1)
    return greatest, order if places is None else np.take_along_axis(places, order, -1)


class Likeliest(NamedTuple):
    """What search needs to know of each row: its greatest log-probabilities, and that of the end."""

    log_probs: Float[np.ndarray, "N K"]  # greatest first
    tokens: Int[np.ndarray, "N K"]
    end: Float[np.ndarray, " N"]


def likeliest(log_probs: Float[Array, "N V"], count: int, end: int) -> Likeliest:
    """The `count` likeliest of each row, or all where there are fewer."""
    return Likeliest(*top(log_probs, min(count, log_probs.shape[-1])), to_numpy(log_probs[:, end]))


def likeliest_of(out: Any, count: int, end: int) -> Likeliest:
    """The same of a step's last position: as it says itself if it can, else by its logits."""
    if hasattr(out, "likeliest"):
        found: Likeliest = out.likeliest(count, end)
        return found
    return likeliest(log_softmax(out.logits[:, -1]), count, end)


def _candidates(values: Float[np.ndarray, "N V"], count: int) -> Int[np.ndarray, "N C"] | None:
    """A few places among which the `count` greatest of each row are; None where all are few.

    Values stand in piles of PILE: outside of the `count` piles of the greatest peaks nothing is greater than
    these peaks. Looking for peaks is one pass that the processor does many at a time, and what has to be
    put in order is an eighth.
    """
    rows, size = values.shape
    piles = size // PILE
    if piles <= 2 * PILE * count:
        return None
    peaks = values[:, : PILE * piles].reshape(rows, PILE, piles).max(1)
    best = np.argpartition(peaks, -count, -1)[:, -count:]
    among = (best[:, None] + piles * np.arange(PILE)[:, None]).reshape(rows, -1)
    rest = np.broadcast_to(np.arange(PILE * piles, size), (rows, size - PILE * piles))
    return np.concatenate([among, rest], -1)
