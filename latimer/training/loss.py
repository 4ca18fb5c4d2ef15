"""Label-smoothed cross-entropy (Szegedy et al. 2016, section 7), summed over real tokens.

    loss = (1 - e) * -log p(y)  +  e * mean over the vocabulary of -log p(v)

`smoothed_cross_entropy` says it; `projected_loss` is the same with the output projection inside,
a few rows at a time, so that the logits of a batch (tokens x vocabulary, by far the largest tensor
of training) never stand in memory whole. `sample_candidates` makes it cheaper still: most pieces of a
vocabulary have next to no probability, so that a sample of them stands for all. `batch_loss` and
`validation_loss` ask a model.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

from latimer.data.batches import Batch
from latimer.models.base import Seq2Seq
from latimer.shapes import Float, Int, Tensor
from latimer.training.precision import precision_of_products, products_in

CHUNK = 2**21  # logits made at a time: 8 MB in float32, which the caches of a processor can hold


def smoothed_cross_entropy(
    logits: Float[Tensor, "N V"], targets: Int[Tensor, " N"], smoothing: float
) -> Float[Tensor, ""]:
    """The sum over rows, in nats."""
    return F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")


class Candidates(NamedTuple):
    """The part V' of a vocabulary that competes in one update, and what each stands for.

    `importance` is 1 for a target, and for a piece of the sample the number of those it stands for.
    """

    pieces: Int[Tensor, " V"]
    targets: Int[Tensor, " N"]  # where each target stands in `pieces`
    importance: Float[Tensor, " V"]


def sample_candidates(targets: Int[Tensor, " N"], vocabulary: int, size: int) -> Candidates | None:
    """All targets and a random sample of the other pieces, `size` in all; None where there are no more.

    Jean et al. 2015, "On using very large target vocabulary", section 3.2: a few thousand tokens have a few
    hundred distinct ones, the common pieces among them, and of the rest a sample tells the sum well enough.
    At least a quarter of `size` is sample.
    """
    is_target = torch.zeros(vocabulary, dtype=torch.bool, device=targets.device)
    is_target[targets] = True
    own, others = is_target.nonzero()[:, 0], (~is_target).nonzero()[:, 0]
    wanted = max(size - len(own), size // 4)
    if wanted >= len(others):
        return None
    sample = others[torch.randperm(len(others), device=targets.device)[:wanted]]
    pieces = torch.cat([own, sample])
    place = torch.empty(vocabulary, dtype=torch.long, device=targets.device)
    place[pieces] = torch.arange(len(pieces), device=targets.device)
    importance = torch.ones(len(pieces), device=targets.device)
    importance[len(own) :] = len(others) / wanted
    return Candidates(pieces, place[targets], importance)


def projected_loss(
    features: Float[Tensor, "N E"],
    weight: Float[Tensor, "V E"],
    targets: Int[Tensor, " N"],
    smoothing: float,
    *,
    importance: Float[Tensor, " V"] | None = None,
) -> Float[Tensor, ""]:
    """`smoothed_cross_entropy(features @ weight.T, targets, smoothing)`, in little memory.

    With `importance` row v of `weight` counts as so many pieces, in the softmax and in the smoothing.
    """
    if importance is None:
        importance = weight.new_ones(len(weight))
    products = precision_of_products(weight)
    with products_in("float32", weight.device):  # nothing is cast that is not cast here
        return _ProjectedLoss.apply(  # type: ignore[no-untyped-call]
            features, weight, targets, smoothing, importance.to(weight.dtype), products
        )


class _ProjectedLoss(torch.autograd.Function):
    """The gradient of a chunk's logits is known as soon as they are: it is used up on the spot.

        d loss / d logits = softmax(logits + log r) - (1 - e) onehot(y) - e r / sum(r)       r: importance

    The last term is the same in every row, so it enters the products as a mean row of `weight` and the sum
    of `features`, and costs no pass over the logits. Products are made in `products`, sums in float32.
    """

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        targets: Tensor,
        smoothing: float,
        importance: Tensor,
        products: torch.dtype,
    ) -> Tensor:
        wanted = any(ctx.needs_input_grad)
        smooth, offsets = importance / importance.sum(), importance.log().to(products)
        mean_row, rounded = smooth @ weight, weight.to(products)
        loss = weight.new_zeros(())
        grad_features = torch.empty_like(features) if wanted else None
        grad_weight = torch.zeros_like(weight) if wanted else None
        rows = max(1, CHUNK // len(weight))
        for begin in range(0, len(features), rows):
            part, target = features[begin : begin + rows].to(products), targets[begin : begin + rows]
            logits = torch.addmm(offsets, part, rounded.T).to(weight.dtype)
            probabilities = logits.softmax(-1)
            # log of the sum of exp(logits), from the likeliest token, which can't have underflowed
            log_norm = logits.amax(-1, keepdim=True) - probabilities.amax(-1, keepdim=True).log()
            right = logits.gather(1, target[:, None])
            evenly = (part.to(weight.dtype) @ mean_row).sum()
            loss += (log_norm - (1 - smoothing) * right).sum() - smoothing * evenly
            if grad_features is not None and grad_weight is not None:
                grad = probabilities  # done with as probabilities
                grad.scatter_add_(1, target[:, None], torch.full_like(right, smoothing - 1))
                grad = grad.to(products)
                grad_features[begin : begin + rows] = (grad @ rounded).to(weight.dtype) - smoothing * mean_row
                if products == weight.dtype:
                    grad_weight.addmm_(grad.T, part)  # in place: a product of this size is memory's work
                else:
                    grad_weight += grad.T @ part
        if grad_weight is not None:
            grad_weight.addr_(smooth, features.sum(0).to(weight.dtype), alpha=-smoothing)
        ctx.save_for_backward(grad_features, grad_weight)
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None, None, None]:
        grad_features, grad_weight = ctx.saved_tensors
        return grad_features * grad, grad_weight * grad, None, None, None, None


def batch_loss(model: Seq2Seq, batch: Batch, smoothing: float, *, candidates: int = 0) -> Float[Tensor, ""]:
    """The loss of a batch in nats, summed over its real target tokens; padding is never projected.

    With `candidates` so many pieces of the vocabulary compete, a new sample at every call; 0: all of them.
    """
    features = model.features(batch.source, batch.source_mask, batch.inputs)
    weight, real = model.decoder.output.weight, batch.target_mask
    said, targets = features[real], batch.outputs[real]
    sampled = sample_candidates(targets, len(weight), candidates) if candidates else None
    if sampled is None:
        return projected_loss(said, weight, targets, smoothing)
    weight = weight.index_select(0, sampled.pieces)
    return projected_loss(said, weight, sampled.targets, smoothing, importance=sampled.importance)


@torch.inference_mode()
def validation_loss(model: Seq2Seq, batches: Iterator[Batch]) -> float:
    """Nats a target token, without smoothing or dropout."""
    model.eval()
    device = next(model.parameters()).device
    loss, tokens = 0.0, 0
    for batch in batches:
        loss += batch_loss(model, batch.to(device), 0.0).item()
        tokens += batch.tokens
    return loss / max(1, tokens)
