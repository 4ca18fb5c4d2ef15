"""A decoder of one's own, whole: the example of docs/adding-a-model.md.

All that it remembers of what it wrote is an average that fades, in each channel at a learned pace (the
exponential trace memory of Mozer 1993). There is no gate, and what was written long ago is nearly gone.

    e_t       = embedding(y_{t-1})
    trace_t   = f * trace_{t-1} + (1 - f) * e_t                  f = sigmoid(w): the share that stays
    context_t = attention(W_q [e_t, trace_t], source states)
    logits_t  = W_e tanh(W [e_t, trace_t, context_t] + b)
"""

from typing import NamedTuple

import torch
from torch import nn

from latimer.models.base import Decoder, Encoded, Features, output_layer
from latimer.nn.attention import Attention
from latimer.shapes import Bool, Float, Int, Tensor


class TraceMemory(NamedTuple):
    """What the decoder looks at, and where it starts."""

    keys: Float[Tensor, "B *H S A"]
    values: Float[Tensor, "B *H S V"]
    mask: Bool[Tensor, "B 1 S"]
    start: Float[Tensor, "B E"]


class TraceDecoder(Decoder):
    """Let the past fade, ask the source, combine. `source_width` is that of the encoder's states."""

    def __init__(
        self,
        embedding: nn.Embedding,
        source_width: int,
        *,
        attention: Attention,
        dropout: float = 0.0,
        tied: bool = True,
    ) -> None:
        super().__init__()
        width = embedding.embedding_dim
        self.embedding = embedding
        self.start = nn.Linear(source_width, width)
        self.fading = nn.Parameter(torch.linspace(-2, 2, width))  # from 0.12 to 0.88 stays
        self.query = nn.Linear(2 * width, source_width)
        self.attention = attention
        self.combine = nn.Linear(2 * width + source_width, width)
        self.output = output_layer(embedding, tied=tied)
        self.dropout = nn.Dropout(dropout)

    def prepare(self, encoded: Encoded) -> TraceMemory:
        keys, values = self.attention.prepare(encoded.states, encoded.states)
        return TraceMemory(keys, values, encoded.mask[:, None], self.start(encoded.summary).tanh())

    def features(
        self, tokens: Int[Tensor, "B T"], memory: TraceMemory, state: Float[Tensor, "B E"] | None = None
    ) -> Features:
        embedded = self.dropout(self.embedding(tokens))
        trace, stays = memory.start if state is None else state, self.fading.sigmoid()
        traces = []
        for vector in embedded.unbind(1):
            trace = stays * trace + (1 - stays) * vector
            traces.append(trace)
        past = torch.cat([embedded, torch.stack(traces, 1)], -1)
        context = self.attention(self.query(past), memory.keys, memory.values, memory.mask)
        seen = torch.cat([past, context], -1)
        return Features(self.dropout(self.combine(self.dropout(seen)).tanh()), trace)
