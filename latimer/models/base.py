"""The one contract that every encoder and every decoder keeps.

    encoded = encoder(source, mask)                  once a sentence
    memory  = decoder.prepare(encoded)               once a sentence: what all steps look at
    out     = decoder(tokens, memory, state)         any number of tokens, from any state
    out.logits, out.state

Teacher forcing passes the whole target and no state; search passes one token and the last state. It
is the same code, so what was trained is what is searched.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import nn

from latimer.nn.attention import Attention
from latimer.shapes import Bool, Float, Int, Tensor
from latimer.state import Nest


class Encoded(NamedTuple):
    """What an encoder made of a batch of sentences."""

    states: Float[Tensor, "B S D"]  # one vector a position, zeros where masked
    mask: Bool[Tensor, "B S"]  # True at real positions
    summary: Float[Tensor, "B D"]  # one vector a sentence, where a recurrent decoder starts from
    embedded: Float[Tensor, "B S E"]  # the source as it was before any layer


def mean(states: Float[Tensor, "B S D"], mask: Bool[Tensor, "B S"]) -> Float[Tensor, "B D"]:
    """The average of the real positions, zeros where there is none: a summary for whoever has no better."""
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


def output_layer(embedding: nn.Embedding, *, tied: bool) -> nn.Linear:
    """From features to logits; `tied`: by the embedding's own matrix (Press and Wolf 2017)."""
    output = nn.Linear(embedding.embedding_dim, embedding.num_embeddings, bias=False)
    if tied:
        output.weight = embedding.weight
    return output


class Features(NamedTuple):
    """A decoder's states before the output layer, of which training projects only the real ones."""

    states: Float[Tensor, "B T E"]
    state: Nest


class DecoderOutput(NamedTuple):
    logits: Float[Tensor, "B T V"]
    state: Nest


class Encoder(nn.Module, ABC):
    """Reads source tokens. `width` is D of what it returns."""

    width: int
    embedding: nn.Embedding

    @abstractmethod
    def forward(self, source: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"]) -> Encoded:
        """Padding, where `mask` is False, changes nothing at real positions."""


class Decoder(nn.Module, ABC):
    """Says what may come next, given the memory of a source and the target so far."""

    embedding: nn.Embedding
    output: nn.Linear  # from features to logits

    @abstractmethod
    def prepare(self, encoded: Encoded) -> Nest:
        """Everything that is done once a sentence. Batch first, so that search can select rows."""

    @abstractmethod
    def features(self, tokens: Int[Tensor, "B T"], memory: Nest, state: Nest = None) -> Features:
        """Read `tokens` on from `state` (None: from the beginning). Writes into no argument."""

    def forward(self, tokens: Int[Tensor, "B T"], memory: Nest, state: Nest = None) -> DecoderOutput:
        """Logits of the token after each of `tokens`, and the state after the last."""
        features = self.features(tokens, memory, state)
        return DecoderOutput(self.output(features.states), features.state)


class Seq2Seq(nn.Module):
    """An encoder and a decoder, and nothing else."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def memory(self, source: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"]) -> Nest:
        """What the decoder looks at, made once a sentence."""
        return self.decoder.prepare(self.encoder(source, mask))

    def features(
        self, source: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"], target: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T E"]:
        """Teacher forcing up to the output layer."""
        return self.decoder.features(target, self.memory(source, mask)).states

    def forward(
        self, source: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"], target: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T V"]:
        """Teacher forcing: logits of what follows each token of `target`, which begins with BOS."""
        return self.decoder(target, self.memory(source, mask)).logits


def source_attentions(model: Seq2Seq) -> dict[str, Attention]:
    """The decoder's attentions over the source by their names in the model, the lowest layer first."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, Attention) and name.startswith("decoder.") and ".past." not in name
    }
