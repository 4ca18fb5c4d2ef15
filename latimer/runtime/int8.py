"""Weights in eight bits, for a model that is to be recorded: a quarter of the memory to read at a step.

    weight ~ scale * (number - 128)        one scale for every BLOCK neighbours of a row

ONNX Runtime multiplies such weights by inputs that it rounds to eight bits too, row by row and block by
block: what stands in other rows changes nothing, and a sentence's translation does not depend on its batch.
"""

import torch
from torch import nn
from torch.nn import functional as F

from latimer.models.base import Seq2Seq
from latimer.shapes import Float, Int, Tensor

BLOCK = 64
MIDDLE = 128  # the number that stands for 0


class Int8(nn.Module):
    """A matrix, row by row in blocks; the same object for an embedding and the output layer tied to it."""

    numbers: Tensor
    scales: Tensor

    def __init__(self, weight: Float[Tensor, "N K"]) -> None:
        super().__init__()
        self.rows, self.columns = weight.shape
        blocks = F.pad(weight.detach(), (0, -self.columns % BLOCK)).view(self.rows, -1, BLOCK)
        scales = blocks.abs().amax(-1) / (MIDDLE - 1)
        numbers = (blocks / scales.clamp(min=1e-30)[..., None]).round() + MIDDLE
        self.register_buffer("scales", scales)
        self.register_buffer("numbers", numbers.to(torch.uint8))


class Int8Embedding(nn.Module):
    """Rows of the matrix, times `scale`."""

    scales: Tensor

    def __init__(self, matrix: Int8, scale: float) -> None:
        super().__init__()
        self.matrix = matrix
        self.register_buffer("scales", scale * matrix.scales)

    def forward(self, tokens: Int[Tensor, "*B"]) -> Float[Tensor, "*B E"]:
        numbers = F.embedding(tokens, self.matrix.numbers.flatten(1)).view(*tokens.shape, -1, BLOCK)
        vectors = (numbers.float() - MIDDLE) * F.embedding(tokens, self.scales)[..., None]
        return vectors.flatten(-2)[..., : self.matrix.columns]


class Int8Linear(nn.Module):
    """A linear layer as one node of ONNX Runtime's."""

    bias: Tensor | None

    def __init__(self, matrix: Int8, bias: Tensor | None) -> None:
        super().__init__()
        self.matrix, self.out_features = matrix, matrix.rows
        self.register_buffer("bias", None if bias is None else bias.detach())

    def forward(self, inputs: Float[Tensor, "*B K"]) -> Float[Tensor, "*B N"]:
        matrix = self.matrix
        return torch.onnx.ops.symbolic(
            "com.microsoft::MatMulNBits",
            [inputs, matrix.numbers, matrix.scales, None, None, self.bias],
            {
                "N": matrix.rows,
                "K": matrix.columns,
                "bits": 8,
                "block_size": BLOCK,
                "accuracy_level": 4,  # the inputs in eight bits as well
            },
            dtype=inputs.dtype,
            shape=(*inputs.shape[:-1], matrix.rows),
            version=1,
        )


def quantise(model: Seq2Seq) -> Seq2Seq:
    """The model with its embeddings and linear layers in eight bits, in their places."""
    matrices: dict[Tensor, Int8] = {}
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear | nn.Embedding):
                matrix = matrices.setdefault(child.weight, Int8(child.weight))
                if isinstance(child, nn.Linear):
                    setattr(parent, name, Int8Linear(matrix, child.bias))
                else:
                    setattr(parent, name, Int8Embedding(matrix, getattr(child, "scale", 1.0)))
    return model
