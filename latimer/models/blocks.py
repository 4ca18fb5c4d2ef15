"""Encoders and decoders of residual blocks: the Transformer, and its recurrent sisters.

Vaswani et al. 2017, "Attention is all you need", with the norm before each layer and once at the end, and
positions that turn queries and keys. Chen et al. 2018, "The best of both worlds", put LSTMs into the same
frame. An LSTM that asks the source only after it has read the past waits for no attention: training runs
the whole target through it at once.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from torch import nn

from latimer.models.base import Decoder, Encoded, Encoder, Features, mean, output_layer
from latimer.nn.attention import MultiHead
from latimer.nn.blocks import DecoderBlock, EncoderBlock, FeedForward, Past, Reader
from latimer.nn.embedding import resized
from latimer.shapes import Bool, Float, Int, Tensor
from latimer.state import Nest


class BlockEncoder(Encoder):
    """Embed, then read in blocks."""

    def __init__(
        self,
        embedding: nn.Embedding,
        width: int,
        readers: Sequence[Reader],
        *,
        inner: int,
        gated: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.width = width
        self.embedding = embedding
        self.widen = resized(embedding.embedding_dim, width)
        self.blocks = nn.ModuleList(
            EncoderBlock(reader, FeedForward(width, inner, gated=gated), width, dropout) for reader in readers
        )
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, source: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"]) -> Encoded:
        embedded = self.embedding(source)
        states = self.dropout(self.widen(embedded))
        for block in self.blocks:
            states = block(states, mask)
        states = self.norm(states) * mask[..., None]
        return Encoded(states, mask, mean(states, mask), embedded)


class BlockMemory(NamedTuple):
    """What the decoder looks at; of `sources` and `start` each block has its own."""

    sources: tuple[tuple[Float[Tensor, "B *H S A"], Float[Tensor, "B *H S V"]], ...]  # keys and values
    mask: Bool[Tensor, "B 1 S"]
    start: tuple[Nest, ...]


class BlockDecoder(Decoder):
    """Embed, read the past and ask the source in blocks, then project.

    The sum that runs through the blocks begins as the embedding of the last token. Where that matrix is
    also the output layer, an untrained model would say each token again (its logit is 12 at width 256), if
    `readout` did not turn the sum away first. What the attentions bring begins turned the other way, and so
    comes out as it went in: an untrained model says what it looks at, word by word.

        readout W_output W_value = 1
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        width: int,
        pasts: Sequence[Past],
        *,
        attentions: Sequence[MultiHead],
        inner: int,
        gated: bool = True,
        dropout: float = 0.0,
        tied: bool = True,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.widen = resized(embedding.embedding_dim, width)
        self.blocks: Iterable[Any] = nn.ModuleList(
            DecoderBlock(past, attention, FeedForward(width, inner, gated=gated), width, dropout)
            for past, attention in zip(pasts, attentions, strict=True)
        )
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, embedding.embedding_dim)
        self.output = output_layer(embedding, tied=tied)
        self.dropout = nn.Dropout(dropout)
        if embedding.embedding_dim == width:
            nn.init.orthogonal_(self.readout.weight)
            for attention in attentions:
                attention.begin_as(self.readout.weight.T)

    def prepare(self, encoded: Encoded) -> BlockMemory:
        sources = tuple(block.attention.prepare(encoded.states, encoded.states) for block in self.blocks)
        start = tuple(block.past.start(encoded.summary) for block in self.blocks)
        return BlockMemory(sources, encoded.mask[:, None], start)

    def features(
        self, tokens: Int[Tensor, "B T"], memory: BlockMemory, state: tuple[Nest, ...] | None = None
    ) -> Features:
        x, states = self.dropout(self.widen(self.embedding(tokens))), []
        for block, source, before in zip(self.blocks, memory.sources, state or memory.start, strict=True):
            x, after = block(x, source, memory.mask, before)
            states.append(after)
        return Features(self.readout(self.norm(x)), tuple(states))
