"""Convolutions that read, and convolutions with attention in every layer that write.

Gehring et al. 2017, "Convolutional sequence to sequence learning". What differs: no weight normalisation
(the optimiser here adapts the scale of each weight), and embeddings that begin with a standard deviation of
0.3 instead of 0.1, which learn sooner. The paper's dot product of such vectors would prefer some source
positions from the start: it is scaled here by default.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from latimer.models.base import Decoder, Encoded, Encoder, Features, mean, output_layer
from latimer.nn.attention import Attention
from latimer.nn.conv import HALF, GatedConv, begin_opposite, scale_gradient, scaled_linear
from latimer.nn.embedding import Embedding, resized
from latimer.shapes import Bool, Float, Int, Tensor

POSITIONS = 512  # that have an embedding; further ones share the last
QUIET = (
    0.3  # size of what goes in: gates that begin half open let through what section 3.5 says, loud ones more
)


class Places(nn.Module):
    """Adds to each token's vector a learned one of its position (section 3.1), and makes both small."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding = Embedding(POSITIONS, width)

    def forward(
        self, embedded: Float[Tensor, "B T E"], positions: Int[Tensor, "#B T"]
    ) -> Float[Tensor, "B T E"]:
        return (embedded + self.embedding(positions.clamp(max=POSITIONS - 1))) * (HALF * QUIET)


class ConvEncoder(Encoder):
    """Embed with positions, then gated convolutions with residuals (section 3.2).

    On the way back the gradient of the states is divided by `attentions`, the number of those in the
    decoder, each of which sends one (section 3.4).
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        width: int,
        *,
        kernel: int = 3,
        layers: int = 1,
        dropout: float = 0.0,
        attentions: int = 1,
    ) -> None:
        super().__init__()
        self.width = width
        self.attentions = attentions
        self.outside = ((kernel - 1) // 2, kernel // 2)  # positions that are padded on the left and right
        self.embedding = embedding
        self.places = Places(embedding.embedding_dim)
        self.inward = scaled_linear(embedding.embedding_dim, width, variance=1 - dropout)
        self.layers = nn.ModuleList(GatedConv(width, kernel, kept=1 - dropout) for _ in range(layers))
        self.outward = scaled_linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, source: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"]) -> Encoded:
        positions = torch.arange(source.shape[1], device=source.device)[None]
        embedded = self.dropout(self.places(self.embedding(source), positions))
        states, real = self.inward(embedded), mask[..., None]
        for layer in self.layers:
            padded = F.pad(self.dropout(states * real), (0, 0, *self.outside))
            states = (states + layer(padded)) * HALF
        states = scale_gradient(self.outward(states) * real, 1 / self.attentions)
        return Encoded(states, mask, mean(states, mask), embedded)


class ConvMemory(NamedTuple):
    """What the decoder looks at; of `sources` each layer has its own."""

    sources: tuple[tuple[Float[Tensor, "B *H S A"], Float[Tensor, "B *H S V"]], ...]  # keys and values
    mask: Bool[Tensor, "B 1 S"]
    gain: Float[Tensor, "B 1 1"]  # what an average over the source has lost in size


class ConvState(NamedTuple):
    """All that a convolution remembers."""

    read: Int[Tensor, " B"]  # tokens so far
    last: tuple[Float[Tensor, "B N D"], ...]  # the last kernel - 1 inputs of each layer


class ConvDecoder(Decoder):
    """In every layer: convolve over the past, ask the source, add (section 3.3). A layer an attention.

        d  = (W_d h + b_d + W_g g) sqrt(1/2)        h: what the convolution gives, g: the embedded target
        c  = attention(d; keys z, values z + e)     z: source states, e: the embedded source
        x' = ((h + W_c c + b_c) sqrt(1/2) + x) sqrt(1/2)

    The states of the encoder are as wide as the decoder. W_g, and a bridge for e, stand only where the
    embeddings are not.
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        width: int,
        attentions: Sequence[Attention],
        *,
        kernel: int = 3,
        dropout: float = 0.0,
        tied: bool = True,
    ) -> None:
        super().__init__()
        self.past = kernel - 1
        self.embedding = embedding
        self.places = Places(embedding.embedding_dim)
        self.inward = scaled_linear(embedding.embedding_dim, width, variance=1 - dropout)
        self.widen = resized(embedding.embedding_dim, width)
        self.bridge = resized(embedding.embedding_dim, width)
        self.layers = nn.ModuleList(GatedConv(width, kernel, kept=1 - dropout) for _ in attentions)
        self.ask = nn.ModuleList(scaled_linear(width, width) for _ in attentions)
        self.attention: Iterable[Any] = nn.ModuleList(attentions)
        answers = [scaled_linear(width, width) for _ in attentions]
        self.answer = nn.ModuleList(answers)
        self.outward = scaled_linear(width, embedding.embedding_dim)
        self.output = output_layer(embedding, tied=tied)
        self.dropout = nn.Dropout(dropout)
        if embedding.embedding_dim == width:
            begin_opposite(self.outward, answers[-1])  # what the last layer looks at is said

    def prepare(self, encoded: Encoded) -> ConvMemory:
        values = (encoded.states + self.bridge(encoded.embedded)) * HALF
        sources = tuple(attention.prepare(encoded.states, values) for attention in self.attention)
        gain = encoded.mask.sum(1)[:, None, None].to(values.dtype).sqrt()
        return ConvMemory(sources, encoded.mask[:, None], gain)

    def features(
        self, tokens: Int[Tensor, "B T"], memory: ConvMemory, state: ConvState | None = None
    ) -> Features:
        state = state or self._start(tokens, memory)
        positions = state.read[:, None] + torch.arange(tokens.shape[1], device=tokens.device)
        embedded = self.dropout(self.places(self.embedding(tokens), positions))
        x, wide, last = self.inward(embedded), self.widen(embedded), []
        parts = zip(self.layers, self.ask, self.attention, self.answer, strict=True)
        for (layer, ask, attention, answer), source, before in zip(
            parts, memory.sources, state.last, strict=True
        ):
            inputs = torch.cat([before, self.dropout(x)], 1)
            last.append(inputs[:, inputs.shape[1] - self.past :])
            hidden = layer(inputs)
            query = (ask(hidden) + wide) * HALF
            context = answer(attention(query, *source, memory.mask) * memory.gain)
            x = ((hidden + context) * HALF + x) * HALF
        return Features(self.dropout(self.outward(x)), ConvState(positions[:, -1] + 1, tuple(last)))

    def _start(self, tokens: Int[Tensor, "B T"], memory: ConvMemory) -> ConvState:
        """Nothing read, and nothing before the first token."""
        batch, width = tokens.shape[0], self.inward.out_features
        last = [memory.gain.new_zeros(batch, self.past, width) for _ in self.layers]
        return ConvState(tokens.new_zeros(batch), tuple(last))
