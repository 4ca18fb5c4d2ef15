"""Attention: score every key against the query, mask, normalise, average the values.

    weights = masked_softmax(score(query, keys), mask)        B T S
    context = weights @ values                                B T V

What differs between papers is the score. What they share stands in `Attention`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from latimer.shapes import Bool, Float, Int, Tensor


def masked_softmax(
    scores: Float[Tensor, "*B S"], mask: Bool[Tensor, "*#B S"] | None = None
) -> Float[Tensor, "*B S"]:
    """Softmax over the last axis where `mask` is True; elsewhere the weight is exactly 0.

    A row without a visible position is all zeros. Nothing is written into `scores`.
    """
    if mask is None:
        return scores.softmax(-1)
    hidden = ~mask
    weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
    return weights.masked_fill(hidden, 0.0)  # a row of -inf became 0/0: here it becomes zeros


def length_mask(lengths: Int[Tensor, " B"] | Int[Tensor, "B T"], size: int) -> Bool[Tensor, "B _ S"]:
    """True at the first `lengths` of `size` positions.

    One length a sentence (B) gives a mask (B 1 S) for all queries; one a query (B T) gives (B T S).
    """
    if lengths.dim() == 1:
        lengths = lengths[:, None]
    return torch.arange(size, device=lengths.device) < lengths[..., None]


class Score(nn.Module, ABC):
    """How well a key answers a query: one number for each pair of them.

    `prepare` does once a sentence what does not depend on the query, `forward` the rest. Any axes
    before the last two (batch, heads) are carried along.
    """

    def prepare(self, keys: Float[Tensor, "*B S K"]) -> Float[Tensor, "*B S _"]:
        return keys

    @abstractmethod
    def forward(
        self, query: Float[Tensor, "*B T Q"], keys: Float[Tensor, "*B S K"]
    ) -> Float[Tensor, "*B T S"]:
        """Scores of prepared `keys`."""


class Dot(Score):
    """q . k (Luong et al. 2015, section 3.1). Query and key are of one width."""

    def forward(
        self, query: Float[Tensor, "*B T K"], keys: Float[Tensor, "*B S K"]
    ) -> Float[Tensor, "*B T S"]:
        return query @ keys.mT


class ScaledDot(Dot):
    """q . k / sqrt(K): of variance 1 where q and k are (Vaswani et al. 2017, equation 1)."""

    def forward(
        self, query: Float[Tensor, "*B T K"], keys: Float[Tensor, "*B S K"]
    ) -> Float[Tensor, "*B T S"]:
        return super().forward(query / math.sqrt(query.shape[-1]), keys)


class General(Dot):
    """q^T W k: a dot product between two different spaces (Luong et al. 2015, section 3.1)."""

    def __init__(self, query_width: int, key_width: int) -> None:
        super().__init__()
        self.key = nn.Linear(key_width, query_width, bias=False)

    def prepare(self, keys: Float[Tensor, "*B S K"]) -> Float[Tensor, "*B S Q"]:
        return self.key(keys)


class Additive(Score):
    """v^T tanh(W_q q + W_k k), a small MLP (Bahdanau et al. 2015, appendix A.1.2).

    Without the tanh, v^T W_q q would be the same for every key, and softmax does not see what is
    the same for every key: the weights could not depend on the query.
    """

    def __init__(self, query_width: int, key_width: int, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_width, width, bias=False)
        self.key = nn.Linear(key_width, width, bias=False)
        self.energy = nn.Parameter(torch.empty(width).uniform_(-1, 1) / math.sqrt(width))

    def prepare(self, keys: Float[Tensor, "*B S K"]) -> Float[Tensor, "*B S A"]:
        return self.key(keys)

    def forward(
        self, query: Float[Tensor, "*B T Q"], keys: Float[Tensor, "*B S A"]
    ) -> Float[Tensor, "*B T S"]:
        pairs = self.query(query).unsqueeze(-2) + keys.unsqueeze(-3)  # *B T S A
        return pairs.tanh() @ self.energy


class MaskedSoftmax(nn.Module):
    """`masked_softmax` as a module, so that `capture` has something to listen to."""

    def forward(
        self, scores: Float[Tensor, "*B S"], mask: Bool[Tensor, "*#B S"] | None
    ) -> Float[Tensor, "*B S"]:
        return masked_softmax(scores, mask)


class Attention(nn.Module):
    """Average the values, each weighted by how well its key answers the query.

    >>> attention = Attention(Additive(query_width=20, key_width=2, width=8))
    >>> keys = attention.prepare(keys)                       # once a sentence
    >>> context = attention(query, keys, values, mask)       # at every step
    """

    def __init__(self, score: Score, dropout: float = 0.0) -> None:
        super().__init__()
        self.score = score
        self.softmax = MaskedSoftmax()
        self.dropout = nn.Dropout(dropout)

    def prepare(self, keys: Float[Tensor, "*B S K"]) -> Float[Tensor, "*B S _"]:
        return self.score.prepare(keys)

    def forward(
        self,
        query: Float[Tensor, "*B T Q"],
        keys: Float[Tensor, "*B S A"],
        values: Float[Tensor, "*B S V"],
        mask: Bool[Tensor, "*#B #T S"] | None = None,
    ) -> Float[Tensor, "*B T V"]:
        """The context of each query; `keys` come from `prepare`, and `mask` is True where visible."""
        weights = self.softmax(self.score(query, keys), mask)
        return self.dropout(weights) @ values


@contextmanager
def capture(model: nn.Module) -> Iterator[dict[str, Float[Tensor, "*B T S"]]]:
    """Collect the weights of every attention in `model` that runs inside the block.

    The dictionary is filled when the block ends: from the name of each attention module to its
    weights before dropout, calls one after the other joined along T.

    >>> with capture(model) as maps:
    ...     model(source, mask, target)
    >>> maps["decoder.attention"]                            # B T S
    """
    heard: dict[str, list[Tensor]] = {}
    maps: dict[str, Tensor] = {}

    def listener(name: str) -> object:
        def listen(module: nn.Module, arguments: object, weights: Tensor) -> None:
            heard.setdefault(name, []).append(weights.detach())

        return listen

    handles = [
        module.register_forward_hook(listener(name.removesuffix("softmax").rstrip(".")))  # type: ignore[arg-type]
        for name, module in model.named_modules()
        if isinstance(module, MaskedSoftmax)
    ]
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()
        maps.update({name: torch.cat(parts, -2) for name, parts in heard.items()})
