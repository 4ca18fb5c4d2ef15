"""Weights in eight bits, for a model that is to be recorded: a quarter of the memory to read at a step.

    weight ~ scale * number                  one scale a row
    input  ~ reach / 127 * (number - 128)    one reach for all inputs of a layer, cut where they go beyond

How far a layer's inputs reach is seen while the model says whatever comes of sources made up at random, so
that no data is needed; whether that was enough, the export measures (shipping.py). It is the same for every
row: a sentence's translation does not depend on its batch.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from latimer.models.base import Seq2Seq
from latimer.shapes import Float, Int, Tensor

MIDDLE = 128  # the number of inputs that stands for 0
GREATEST = 63  # of weights: processors that add up pairs of products in 16 bits have no room for more
SENTENCES, POSITIONS = 32, 24  # made up


class Int8(nn.Module):
    """A matrix, row by row; the same object for an embedding and the output layer tied to it."""

    numbers: Tensor
    scales: Tensor

    def __init__(self, weight: Float[Tensor, "N K"]) -> None:
        super().__init__()
        scales = weight.detach().abs().amax(-1) / GREATEST
        numbers = (weight.detach() / scales.clamp(min=1e-30)[:, None]).round()
        self.register_buffer("scales", scales)
        self.register_buffer("numbers", numbers.to(torch.int8))


class Int8Embedding(nn.Module):
    """Rows of the matrix, times `scale`."""

    scales: Tensor

    def __init__(self, matrix: Int8, scale: float) -> None:
        super().__init__()
        self.matrix = matrix
        self.register_buffer("scales", scale * matrix.scales[:, None])

    def forward(self, tokens: Int[Tensor, "*B"]) -> Float[Tensor, "*B E"]:
        numbers = F.embedding(tokens, self.matrix.numbers).float()
        return numbers * F.embedding(tokens, self.scales)


class Int8Linear(nn.Module):
    """A linear layer as two nodes of ONNX Runtime's: its inputs to numbers, and their product."""

    bias: Tensor | None
    step: Tensor
    middle: Tensor

    def __init__(self, matrix: Int8, bias: Tensor | None, reach: float) -> None:
        super().__init__()
        self.matrix, self.out_features = matrix, len(matrix.numbers)
        self.register_buffer("bias", None if bias is None else bias.detach())
        self.register_buffer("step", torch.tensor(reach / (MIDDLE - 1)))
        self.register_buffer("middle", torch.tensor(MIDDLE, dtype=torch.uint8))

    def forward(self, inputs: Float[Tensor, "*B K"]) -> Float[Tensor, "*B N"]:
        matrix = self.matrix
        numbers = torch.onnx.ops.symbolic(
            "QuantizeLinear",
            [inputs, self.step, self.middle],
            {},
            dtype=torch.uint8,
            shape=inputs.shape,
            version=18,
        )
        return torch.onnx.ops.symbolic(
            "com.microsoft::MatMulIntegerToFloat",
            [numbers, matrix.numbers.T, self.step, matrix.scales, self.middle, None, self.bias],
            {},
            dtype=inputs.dtype,
            shape=(*inputs.shape[:-1], self.out_features),
            version=1,
        )


@torch.no_grad()
def see_reaches(model: Seq2Seq, bos: int) -> None:
    """Note at each linear layer how far (`reach`) its inputs went while the model said something."""
    model.eval()
    generator = torch.Generator().manual_seed(1)
    sizes = torch.arange(SENTENCES) % POSITIONS + 1
    embedding: Any = model.encoder.embedding
    source = torch.randint(embedding.num_embeddings, (SENTENCES, POSITIONS), generator=generator)
    tokens, state = torch.full((SENTENCES, 1), bos), None

    def note(layer: Any, inputs: tuple[Tensor, ...]) -> None:
        layer.reach = max(getattr(layer, "reach", 0.0), float(inputs[0].abs().max()))

    handles = [
        module.register_forward_pre_hook(note) for module in model.modules() if isinstance(module, nn.Linear)
    ]
    memory = model.memory(source, torch.arange(POSITIONS) < sizes.sort(descending=True).values[:, None])
    for _ in range(POSITIONS):
        out = model.decoder(tokens, memory, state)
        state = out.state
        tokens = torch.multinomial(out.logits[:, -1].softmax(-1), 1, generator=generator)
    for handle in handles:
        handle.remove()


def quantise(model: Seq2Seq) -> Seq2Seq:
    """The model with its embeddings and linear layers in eight bits, in their places."""
    matrices: dict[Tensor, Int8] = {}
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear | nn.Embedding):
                matrix = matrices.setdefault(child.weight, Int8(child.weight))
                if isinstance(child, nn.Linear):
                    setattr(parent, name, Int8Linear(matrix, child.bias, _reach(child)))
                else:
                    setattr(parent, name, Int8Embedding(matrix, getattr(child, "scale", 1.0)))
    return model


def _reach(layer: Any) -> float:
    """How far the layer's inputs went, and not 0: steps of that size would be none."""
    return max(1e-6, float(layer.reach))
