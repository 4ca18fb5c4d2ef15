"""The lesson's model: a bidirectional LSTM reads, an LSTM with attention writes.

Bahdanau, Cho and Bengio 2015, "Neural machine translation by jointly learning to align and
translate", with LSTM cells in the place of its gated units.
"""

from typing import NamedTuple

import torch
from torch import nn

from latimer.models.base import Decoder, Encoded, Encoder, Features, output_layer
from latimer.nn.attention import Attention
from latimer.nn.recurrent import BidirectionalLSTM, LSTMState, LSTMStep, Start, open_forget_gates
from latimer.shapes import Bool, Float, Int, Tensor


class LSTMEncoder(Encoder):
    """Embed, then read both ways (section 3.2). The summary is the last state of each direction."""

    def __init__(self, embedding: nn.Embedding, width: int, *, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.width = width
        self.embedding = embedding
        self.dropout = nn.Dropout(dropout)
        self.lstm = BidirectionalLSTM(embedding.embedding_dim, width, layers=layers, dropout=dropout)

    def forward(self, source: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"]) -> Encoded:
        embedded = self.dropout(self.embedding(source))
        states, summary = self.lstm(embedded, mask)
        return Encoded(self.dropout(states), mask, self.dropout(summary), embedded)


class LSTMMemory(NamedTuple):
    keys: Float[Tensor, "B *H S A"]  # prepared for the attention, as the values are
    values: Float[Tensor, "B *H S V"]
    mask: Bool[Tensor, "B 1 S"]
    summary: Float[Tensor, "B D"]
    start: LSTMState


class RecurrentDecoder(Decoder):
    """What LSTM decoders share: where they start, and what the source tells them.

    Without an attention it is the baseline of Cho et al. 2014: every context is the encoder's summary,
    one vector of fixed length, however long the sentence.
    """

    attention: Attention | None
    start: Start

    def prepare(self, encoded: Encoded) -> LSTMMemory:
        keys = values = encoded.states
        if self.attention is not None:
            keys, values = self.attention.prepare(keys, values)
        return LSTMMemory(keys, values, encoded.mask[:, None], encoded.summary, self.start(encoded.summary))

    def context(self, memory: LSTMMemory, query: Float[Tensor, "B T H"]) -> Float[Tensor, "B T D"]:
        """What the source says to each query."""
        if self.attention is None:
            return memory.summary[:, None].expand(-1, query.shape[1], -1)
        return self.attention(query, memory.keys, memory.values, memory.mask)


class LSTMDecoder(RecurrentDecoder):
    """Attend with the previous state, then step (Bahdanau et al. 2015, section 3.1 and appendix A.2.2).

        context_t = attention(hidden_{t-1}, source states)
        hidden_t  = LSTM([embedding(y_{t-1}), context_t], hidden_{t-1})
        logits_t  = W_e tanh(W [hidden_t, context_t, embedding(y_{t-1})])

    Every step waits for its attention, and every attention for the step before it.
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        width: int,
        *,
        source_width: int,
        attention: Attention | None,
        layers: int = 1,
        dropout: float = 0.0,
        tied: bool = True,
    ) -> None:
        super().__init__()
        embedding_width = embedding.embedding_dim
        self.embedding = embedding
        self.attention = attention
        self.start = Start(source_width, width, layers=layers)
        self.embedding_gates = nn.Linear(embedding_width, 4 * width)
        open_forget_gates(self.embedding_gates.bias)
        self.context_gates = nn.Linear(source_width, 4 * width, bias=False)
        self.lstm = LSTMStep(width, layers=layers, dropout=dropout)
        self.readout = nn.Linear(width + source_width + embedding_width, embedding_width)
        self.output = output_layer(embedding, tied=tied)
        self.dropout = nn.Dropout(dropout)

    def features(
        self, tokens: Int[Tensor, "B T"], memory: LSTMMemory, state: LSTMState | None = None
    ) -> Features:
        state = state or memory.start
        embedded = self.dropout(self.embedding(tokens))
        outputs, contexts = [], []
        for gates in self.embedding_gates(embedded).unbind(1):  # all steps' share in one product
            context = self.context(memory, query=state.hidden[-1][:, None])[:, 0]
            output, state = self.lstm(gates + self.context_gates(context), state)
            outputs.append(output)
            contexts.append(context)
        seen = torch.cat([torch.stack(outputs, 1), torch.stack(contexts, 1), embedded], -1)
        return Features(self.dropout(self.readout(self.dropout(seen)).tanh()), state)
