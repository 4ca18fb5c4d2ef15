"""Attention: score every key against the query, mask, normalise, average the values.

    weights = masked_softmax(score(query, keys), mask)        B T S
    context = weights @ values                                B T V

What differs between papers is the score. What they share stands in `Attention`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional as F

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

    def scale(self, width: int) -> float:
        """What the product of two vectors of `width` is multiplied by."""
        return 1.0

    def forward(
        self, query: Float[Tensor, "*B T K"], keys: Float[Tensor, "*B S K"]
    ) -> Float[Tensor, "*B T S"]:
        return (query * self.scale(query.shape[-1])) @ keys.mT


class ScaledDot(Dot):
    """q . k / sqrt(K): of variance 1 where q and k are (Vaswani et al. 2017, equation 1)."""

    def scale(self, width: int) -> float:
        return 1 / math.sqrt(width)


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

    @property
    def has_listeners(self) -> bool:
        return bool(self._forward_hooks)


class Attention(nn.Module):
    """Average the values, each weighted by how well its key answers the query.

    >>> attention = Attention(Additive(query_width=20, key_width=2, width=8))
    >>> keys, values = attention.prepare(keys, values)       # once a sentence
    >>> context = attention(query, keys, values, mask)       # at every step
    """

    def __init__(self, score: Score, dropout: float = 0.0) -> None:
        super().__init__()
        self.score = score
        self.softmax = MaskedSoftmax()
        self.dropout = nn.Dropout(dropout)

    def prepare(
        self, keys: Float[Tensor, "*B S K"], values: Float[Tensor, "*B S V"]
    ) -> tuple[Float[Tensor, "*B S _"], Float[Tensor, "*B S _"]]:
        """Keys and values as `forward` wants them: whatever does not depend on the query is done here."""
        return self.score.prepare(keys), values

    def forward(
        self,
        query: Float[Tensor, "*B T Q"],
        keys: Float[Tensor, "*B S A"],
        values: Float[Tensor, "*B S V"],
        mask: Bool[Tensor, "*#B #T S"] | None = None,
    ) -> Float[Tensor, "*B T V"]:
        """The context of each query, from prepared keys and values; `mask` is True where visible."""
        weights = self.softmax(self.score(query, keys), mask)
        return self.dropout(weights) @ values


class MultiHead(Attention):
    """Several attentions side by side, each in a projection of its own (Vaswani et al. 2017, section 3.2.2).

        head_h  = attention(W_q query, W_k keys, W_v values)      each H-th of the rows of W is a head's
        context = W_o [head_1 .. head_H]

    `score` is of the width of one head, and all heads share its parameters if it has any: their
    projections make them differ. With a `Dot` the products run fused, unless somebody listens.
    """

    def __init__(self, score: Score, query_width: int, key_width: int, *, width: int, heads: int) -> None:
        super().__init__(score)
        self.heads = heads
        self.query = nn.Linear(query_width, width)
        self.key = nn.Linear(key_width, width)
        self.value = nn.Linear(key_width, width)
        self.output = nn.Linear(width, query_width)
        for linear in (self.query, self.key, self.value, self.output):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def prepare(
        self, keys: Float[Tensor, "B S K"], values: Float[Tensor, "B S K"]
    ) -> tuple[Float[Tensor, "B H S A"], Float[Tensor, "B H S V"]]:
        return self.score.prepare(self._split(self.key(keys))), self._split(self.value(values))

    def forward(
        self,
        query: Float[Tensor, "B T Q"],
        keys: Float[Tensor, "B H S A"],
        values: Float[Tensor, "B H S V"],
        mask: Bool[Tensor, "#B #T S"] | None = None,
    ) -> Float[Tensor, "B T Q"]:
        return self.answer(self.ask(query), keys, values, mask)

    def ask(self, query: Float[Tensor, "B T Q"]) -> Float[Tensor, "B H T K"]:
        """The queries of the heads."""
        return self._split(self.query(query))

    def answer(
        self,
        query: Float[Tensor, "B H T K"],
        keys: Float[Tensor, "B H S A"],
        values: Float[Tensor, "B H S V"],
        mask: Bool[Tensor, "#B #T S"] | None,
    ) -> Float[Tensor, "B T Q"]:
        """What the heads found, put together; not fused in bfloat16 on processors, whose gradient is slow."""
        mask = None if mask is None else mask[:, None]
        if self.softmax.has_listeners or torch.is_autocast_enabled("cpu") or not isinstance(self.score, Dot):
            contexts = super().forward(query, keys, values, mask)
        else:
            scale = self.score.scale(query.shape[-1])
            contexts = F.scaled_dot_product_attention(query, keys, values, mask, scale=scale)
        return self.output(contexts.transpose(1, 2).flatten(2))

    @torch.no_grad()
    def begin_as(self, turn: Float[Tensor, "Q D"]) -> None:
        """Begin with W_o W_v = turn, an orthogonal matrix: what all heads agree to look at comes out turned.

        Queries, keys, values and heads together are of one width.
        """
        nn.init.orthogonal_(self.value.weight)
        self.output.weight.copy_(turn @ self.value.weight.T)

    def _split(self, vectors: Float[Tensor, "B N D"]) -> Float[Tensor, "B H N V"]:
        return vectors.view(*vectors.shape[:2], self.heads, -1).transpose(1, 2)


@contextmanager
def capture(model: nn.Module) -> Iterator[dict[str, Float[Tensor, "*B T S"]]]:
    """Collect the weights of every attention in `model` that runs inside the block.

    The dictionary is filled when the block ends: from the name of each attention module to its
    weights before dropout (`B H T S` of a `MultiHead`), calls one after the other joined along T. Where
    later calls saw more keys, as self-attention does step by step, the earlier weights of those are 0.
    Gradients flow back through them.

    >>> with capture(model) as maps:
    ...     model(source, mask, target)
    >>> maps["decoder.attention"]                            # B T S
    """
    heard: dict[str, list[Tensor]] = {}
    maps: dict[str, Tensor] = {}

    def listen(name: str, weights: Tensor, mask: Tensor | None) -> None:
        heard.setdefault(name, []).append(weights)

    try:
        with intervene(model, listen):
            yield maps
    finally:
        for name, parts in heard.items():
            size = max(part.shape[-1] for part in parts)
            maps[name] = torch.cat([F.pad(part, (0, size - part.shape[-1])) for part in parts], -2)


Change = Callable[[str, Tensor, Tensor | None], Tensor | None]


@contextmanager
def intervene(model: nn.Module, change: Change) -> Iterator[None]:
    """Let `change` answer for every attention in `model` that runs inside the block.

    It is given the attention's name, its weights (`*B T S`, before dropout) and the mask that they were made
    with, and returns the weights to go on with, or None to leave them.

    >>> with intervene(model, lambda name, weights, mask: masked_softmax(0 * weights, mask)):
    ...     model(source, mask, target)                      # every position looked at alike
    """

    def hook(name: str) -> Callable[..., Tensor | None]:
        return lambda module, arguments, weights: change(name, weights, arguments[1])

    handles = [
        module.register_forward_hook(hook(name.removesuffix("softmax").rstrip(".")))
        for name, module in model.named_modules()
        if isinstance(module, MaskedSoftmax)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
