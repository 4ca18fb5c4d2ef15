"""Token embeddings that can also serve as an output layer."""

import math

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
