"""How fast training could be at best: the multiplications a token needs, and the machine's rate of them."""

import time
from typing import NamedTuple

import torch

from bench import task


class Work(NamedTuple):
    """Floating-point operations of matrix products a target token, forward and backward, by part."""

    encoder: float
    attention: float
    decoder: float
    output: float

    @property
    def total(self) -> float:
        return sum(self)


def work_per_token(name: str, *, source_length: float, target_length: float) -> Work:
    """Counts the products of our model of that task; lengths are mean tokens with end symbols.

    A multiplication with an addition is two operations; the backward pass costs twice the forward one,
    so a weight that meets one vector costs six. The source's share is spread over the target's tokens. What
    meets every source state, and not one vector alone, is counted under attention, wherever it stands.
    """
    width, inner, layers = task.WIDTH, task.INNER, task.LAYERS[name]
    source_share = source_length / target_length
    square = width * width
    pairs = source_length * width  # a query with all keys; as much again for the values
    match name:
        case "lstm":
            half = width // 2
            encoder = 2 * 4 * half * (width + half)
            decoder = 4 * width * (2 * width + width) + 3 * square
            # Query; keys; energies and values. The tanh of a pair is no product, but costs about half of one.
            attention = square + square * source_share + 2.5 * pairs
        case "transformer":
            feed_forward = 2 * width * inner
            encoder = layers * (4 * square + feed_forward)
            decoder = layers * (4 * square + feed_forward) + square
            # Query and output; keys and values; what the source says to itself, the past, the source.
            of_itself, of_past = 2 * pairs * source_share, (target_length + 1) * width
            attention = layers * (2 * square + 2 * square * source_share + of_itself + of_past + 2 * pairs)
        case "conv":
            convolution = task.KERNEL * width * 2 * width
            encoder = layers * convolution + 2 * square
            decoder = layers * convolution + 2 * square
            attention = layers * (2 * square + 2 * pairs)  # asking and answering; nothing is projected
        case _:
            raise ValueError(f"{name} is not one of {', '.join(task.TASKS)}")
    return Work(
        encoder=6 * encoder * source_share,
        attention=6 * attention,
        decoder=6 * decoder,
        output=6 * width * task.VOCABULARY,
    )


def product_rate(*, seconds: float = 2.0) -> float:
    """Measured floating-point operations a CPU second of the largest product, in float32."""
    rows = torch.randn(task.BATCH_TOKENS, task.WIDTH)
    weights = torch.randn(task.WIDTH, task.VOCABULARY)
    out = torch.empty(task.BATCH_TOKENS, task.VOCABULARY)
    torch.mm(rows, weights, out=out)
    products = 0
    begun = time.process_time()
    while (spent := time.process_time() - begun) < seconds or not products:
        torch.mm(rows, weights, out=out)
        products += 1
    return products * 2 * task.BATCH_TOKENS * task.WIDTH * task.VOCABULARY / spent
