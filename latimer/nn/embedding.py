"""What stands for a token, and for its place."""

import math

import torch
from torch import nn

from latimer.shapes import Float, Int, Tensor


class Embedding(nn.Embedding):
    """Vectors of variance 1 from a matrix of variance 1 / width (Vaswani et al. 2017, section 3.4).

    As an output layer the matrix wants small entries, or the first logits are wild; as an input they
    would be too small for a network to hear.
    """

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__(vocabulary, width)
        self.scale = math.sqrt(width)
        nn.init.normal_(self.weight, std=1 / self.scale)

    def forward(self, input: Int[Tensor, "*B"]) -> Float[Tensor, "*B E"]:
        return super().forward(input) * self.scale


def rotate(vectors: Float[Tensor, "*B T K"], first: int) -> Float[Tensor, "*B T K"]:
    """Turn each pair (x_i, x_{i+K/2}) by an angle that grows with the position (Su et al. 2021, section 3.2).

        angle = position / 10000^(2i / K)

    The product of a query and a key turned so depends on how far apart they stand, not on where.
    `first` is the position of the first of the T vectors; angles are in radians, and K is even.
    """
    half = vectors.shape[-1] // 2
    device, kind = vectors.device, vectors.dtype
    positions = torch.arange(first, first + vectors.shape[-2], device=device, dtype=torch.float64)
    frequencies = 10_000 ** (-torch.arange(half, device=device, dtype=torch.float64) / half)
    angles = positions[:, None] * frequencies
    cos, sin = angles.cos().to(kind), angles.sin().to(kind)
    one, other = vectors[..., :half], vectors[..., half:]
    return torch.cat([one * cos - other * sin, one * sin + other * cos], -1)


def resized(width: int, wanted: int) -> nn.Module:
    """A projection where the widths differ, and nothing where they do not."""
    return nn.Identity() if width == wanted else nn.Linear(width, wanted)
