"""Label-smoothed cross-entropy (Szegedy et al. 2016, section 7), summed over real tokens.

    loss = (1 - e) * -log p(y)  +  e * mean over the vocabulary of -log p(v)

`smoothed_cross_entropy` says it; `projected_loss` is the same with the output projection inside,
a few rows at a time, so that the logits of a batch (tokens x vocabulary, by far the largest tensor
of training) never stand in memory whole.
"""

from typing import Any

import torch
from torch.nn import functional as F

from latimer.shapes import Float, Int, Tensor

CHUNK = 2**21  # logits made at a time: 8 MB in float32, which the caches of a processor can hold


def smoothed_cross_entropy(
    logits: Float[Tensor, "N V"], targets: Int[Tensor, " N"], smoothing: float
) -> Float[Tensor, ""]:
    """The sum over rows, in nats."""
    return F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")


def projected_loss(
    features: Float[Tensor, "N E"],
    weight: Float[Tensor, "V E"],
    targets: Int[Tensor, " N"],
    smoothing: float,
) -> Float[Tensor, ""]:
    """`smoothed_cross_entropy(features @ weight.T, targets, smoothing)`, in little memory."""
    return _ProjectedLoss.apply(features, weight, targets, smoothing)  # type: ignore[no-untyped-call]


class _ProjectedLoss(torch.autograd.Function):
    """The gradient of a chunk's logits is known as soon as they are: it is used up on the spot.

        d loss / d logits = softmax(logits) - (1 - e) onehot(y) - e / V

    The last term is the same in every column, so it enters the products as the mean row of `weight`
    and the sum of `features`, and costs no pass over the logits.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        vocabulary = len(weight)
        wanted = any(ctx.needs_input_grad)
        mean_row = weight.mean(0)
        loss = features.new_zeros(())
        grad_features = torch.empty_like(features) if wanted else None
        grad_weight = torch.zeros_like(weight) if wanted else None
        rows = max(1, CHUNK // vocabulary)
        for begin in range(0, len(features), rows):
            part, target = features[begin : begin + rows], targets[begin : begin + rows]
            logits = part @ weight.T
            probabilities = logits.softmax(-1)
            # log of the sum of exp(logits), from the likeliest token, which can't have underflowed
            log_norm = logits.amax(-1, keepdim=True) - probabilities.amax(-1, keepdim=True).log()
            right = logits.gather(1, target[:, None])
            loss += (log_norm - (1 - smoothing) * right).sum() - smoothing * (part @ mean_row).sum()
            if grad_features is not None and grad_weight is not None:
                grad = probabilities  # done with as probabilities
                grad.scatter_add_(1, target[:, None], torch.full_like(right, smoothing - 1))
                grad_features[begin : begin + rows] = (grad @ weight).sub_(mean_row, alpha=smoothing)
                grad_weight.addmm_(grad.T, part)
        if grad_weight is not None:
            grad_weight.sub_(features.sum(0), alpha=smoothing / vocabulary)
        ctx.save_for_backward(grad_features, grad_weight)
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_features, grad_weight = ctx.saved_tensors
        return grad_features * grad, grad_weight * grad, None, None
