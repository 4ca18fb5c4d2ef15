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


def work_per_token(*, source_length: float, target_length: float) -> Work:
    """Counts the products of the task's LSTM model; lengths are mean tokens with end symbols.

    A multiplication with an addition is two operations; the backward pass costs twice the forward one,
    so a weight that meets one vector costs six. The source's share is spread over the target's tokens.
    The additive score's tanh is no product, but costs one operation for each pair and unit here.
    """
    width = task.WIDTH
    half = width // 2
    source_share = source_length / target_length
    encoder_weights = 2 * 4 * half * (width + half)
    decoder_weights = 4 * width * (2 * width + width) + 2 * width * width
    keys = width * width * source_share
    query = width * width
    pairs = source_length * width
    return Work(
        encoder=6 * encoder_weights * source_share,
        attention=6 * (keys + query + 2 * pairs) + 3 * pairs,
        decoder=6 * decoder_weights,
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
