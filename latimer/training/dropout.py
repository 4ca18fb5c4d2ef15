"""Dropout (Srivastava et al. 2014) that spends less on chance."""

import torch
from torch import nn

from latimer.shapes import Float, Tensor

CHANCES = 256  # a byte decides about a number


class Dropout(nn.Dropout):
    """`nn.Dropout`, on processors with a byte of chance a number, so that p is rounded to a 256th.

    There torch draws a whole random number for each, which takes longer than many a matrix product. What is
    kept is divided by the share that is kept indeed, so that means stay what they were.
    """

    def forward(self, input: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
        dropped = round(CHANCES * self.p)
        if not self.training or input.device.type != "cpu" or not 0 < dropped < CHANCES:
            return super().forward(input)
        drawn = torch.empty(input.numel() // 8 + 1, dtype=torch.int64).random_(-(2**63), None)
        chances = drawn.view(torch.uint8)[: input.numel()].view(input.shape)
        kept = (chances >= dropped).to(input.dtype)
        return input * kept.mul_(CHANCES / (CHANCES - dropped))


def spare_chance(model: nn.Module) -> None:
    """Let it take the place of every `nn.Dropout` in the model."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Dropout:
                setattr(parent, name, Dropout(child.p))
