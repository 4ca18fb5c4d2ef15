"""Gated convolutions (Gehring et al. 2017; the gate is Dauphin et al. 2017)."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from latimer.shapes import Float, Tensor

HALF = math.sqrt(0.5)  # the sum of two things of variance 1, times this, has variance 1


class GatedConv(nn.Module):
    """Each position sees `kernel` of them and keeps what the gate lets through.

        a, b   = W [x_t .. x_{t+kernel-1}] + bias
        output = a * sigmoid(b)

    The positions shrink by kernel - 1: the caller pads on both sides, or on the left with the past.
    """

    def __init__(self, width: int, kernel: int, *, kept: float = 1.0) -> None:
        super().__init__()
        self.kernel = kernel
        # One product over windows laid side by side: as fast as a convolution, and reads like it.
        self.linear = scaled_linear(kernel * width, 2 * width, variance=4 * kept)

    def forward(self, inputs: Float[Tensor, "B N D"]) -> Float[Tensor, "B T D"]:
        size = inputs.shape[1] - self.kernel + 1
        windows = torch.cat([inputs[:, begin : begin + size] for begin in range(self.kernel)], -1)
        return F.glu(self.linear(windows))


def scaled_linear(inputs: int, outputs: int, *, variance: float = 1.0) -> nn.Linear:
    """Weights from a normal distribution of variance `variance` / inputs, no bias at first (section 3.5).

    4 before a gate, which lets a quarter of the variance through; times the share that dropout keeps.
    """
    linear = nn.Linear(inputs, outputs)
    nn.init.normal_(linear.weight, std=math.sqrt(variance / inputs))
    nn.init.zeros_(linear.bias)
    return linear


@torch.no_grad()
def begin_opposite(one: nn.Linear, other: nn.Linear) -> None:
    """Begin as an orthogonal matrix and its inverse: what passes both, and only that, comes out as it was."""
    nn.init.orthogonal_(one.weight)
    other.weight.copy_(one.weight.T)


def scale_gradient(inputs: Float[Tensor, "*B D"], factor: float) -> Float[Tensor, "*B D"]:
    """The inputs themselves; on the way back their gradient is multiplied by `factor`."""
    held = inputs.detach()
    return held + factor * (inputs - held)  # adds exactly nothing
