"""Guided attention: one head is pulled toward links that are given, from people or from another aligner.

    loss = loss of the pieces - weight * sum over t, s of G_ts log A_ts

A are the weights of the head. G are the links, shared evenly where a target piece has several, so that its
rows sum to 1; a target piece without a link pulls nothing (Chen et al. 2016, "Guided alignment training for
topic-aware neural machine translation", section 3; Garg et al. 2019, "Jointly learning to align and translate
with Transformer models", section 4.2).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

from latimer.alignment import Reading
from latimer.data.batches import Batch
from latimer.data.store import TokenStore
from latimer.errors import Mistake
from latimer.models.base import Seq2Seq, source_attentions
from latimer.nn.attention import MultiHead, capture
from latimer.shapes import Float, Tensor

LEAST = 1e-9  # a weight below it is pulled no more: its logarithm has no end


def guided_head(model: Seq2Seq) -> Reading:
    """The head that is guided: the first of the last layer but one (Garg et al. 2019), or of the only one.

    Raises Mistake for a model without attention.
    """
    attentions = source_attentions(model)
    if not attentions:
        raise Mistake("A model without attention (its score is none) can't be guided; leave --guide away.")
    name = list(attentions)[-2:][0]
    return Reading(name, 0 if isinstance(attentions[name], MultiHead) else None, shifted=False)


class Guidance(NamedTuple):
    """The links of every pair (see data/guides.py), and how much they weigh."""

    links: TokenStore
    weight: float

    def add(self, model: Seq2Seq, batch: Batch, plain: Callable[[], Float[Tensor, ""]]) -> Float[Tensor, ""]:
        """The loss that `plain` finds by running the model on the batch, and that of the guided head."""
        layer, head, _ = guided_head(model)
        with capture(model.get_submodule(layer)) as maps:
            loss = plain()
        weights = maps[""] if head is None else maps[""][:, head]
        return loss + self.weight * distance(weights, self.wanted(batch))

    def wanted(self, batch: Batch) -> Float[Tensor, "B T S"]:
        """The links of the batch as rows that sum to 1, or to 0 where there is none."""
        links = torch.zeros(*batch.outputs.shape, batch.source.shape[1])
        for place, row in enumerate(batch.rows.tolist()):
            if row < len(self.links):  # old pairs that were mixed in come last, and have none
                links[place, self.links.target(row).tolist(), self.links.source(row).tolist()] = 1
        return (links / links.sum(-1, keepdim=True).clamp(min=1)).to(batch.source.device)


def distance(weights: Float[Tensor, "B T S"], wanted: Float[Tensor, "B T S"]) -> Float[Tensor, ""]:
    """The cross-entropy of the weights under the wanted ones, in nats, summed."""
    return -(wanted * weights.clamp(min=LEAST).log()).sum()
