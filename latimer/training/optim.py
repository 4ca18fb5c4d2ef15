"""The optimiser and the schedule of its rate."""

import torch
from torch import nn

from latimer.config import TrainingConfig


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019); only matrices decay, not biases and gains."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": config.decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.rate, betas=(0.9, 0.98), fused=True)


def rate_at(update: int, *, peak: float, warmup: int, total: int | None) -> float:
    """The learning rate of an update, counted from 0: linear up to `peak`, then linear to zero.

    With `total` not decided yet the rate stays at `peak` after the warm-up. The warm-up takes a
    tenth of all updates at the most.
    """
    if total is not None:
        warmup = min(warmup, max(1, total // 10))
    rising = min(1.0, (update + 1) / max(1, warmup))
    falling = 1.0 if total is None else min(1.0, (total - update) / max(1, total - warmup))
    return peak * min(rising, falling)
