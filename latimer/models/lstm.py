"""The lesson's model: a bidirectional LSTM reads, an LSTM with attention writes.

Bahdanau, Cho and Bengio 2015, "Neural machine translation by jointly learning to align and
translate", with LSTM cells in the place of its gated units.
"""

from typing import NamedTuple

import torch
from torch import nn

from latimer.models.base import Decoder, Encoded, Encoder, Features
from latimer.nn.attention import Attention, Score
from latimer.nn.recurrent import BidirectionalLSTM, LSTMState, LSTMStep, open_forget_gates
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
        states, summary = self.lstm(self.dropout(self.embedding(source)), mask)
        return Encoded(self.dropout(states), mask, self.dropout(summary))


class LSTMMemory(NamedTuple):
    keys: Float[Tensor, "B S A"]  # prepared for the score
    values: Float[Tensor, "B S D"]
    mask: Bool[Tensor, "B 1 S"]
    summary: Float[Tensor, "B D"]
    start: LSTMState


class LSTMDecoder(Decoder):
    """Attend with the previous state, then step (section 3.1 and appendix A.2.2).

        context_t = attention(hidden_{t-1}, source states)
        hidden_t  = LSTM([embedding(y_{t-1}), context_t], hidden_{t-1})
        logits_t  = W_e tanh(W [hidden_t, context_t, embedding(y_{t-1})])

    Without a score it is the baseline of Cho et al. 2014: every context is the encoder's summary,
    one vector of fixed length, however long the sentence.
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        width: int,
        *,
        source_width: int,
        score: Score | None,
        layers: int = 1,
        dropout: float = 0.0,
        tied: bool = True,
    ) -> None:
        super().__init__()
        embedding_width = embedding.embedding_dim
        self.embedding = embedding
        self.attention = Attention(score) if score is not None else None
        self.start = nn.Linear(source_width, 2 * layers * width)
        self.embedding_gates = nn.Linear(embedding_width, 4 * width)
        open_forget_gates(self.embedding_gates.bias)
        self.context_gates = nn.Linear(source_width, 4 * width, bias=False)
        self.lstm = LSTMStep(width, layers=layers, dropout=dropout)
        self.readout = nn.Linear(width + source_width + embedding_width, embedding_width)
        self.output = nn.Linear(embedding_width, embedding.num_embeddings, bias=False)
        if tied:
            self.output.weight = embedding.weight
        self.dropout = nn.Dropout(dropout)

    def prepare(self, encoded: Encoded) -> LSTMMemory:
        keys = encoded.states if self.attention is None else self.attention.prepare(encoded.states)
        hidden, cell = self.start(encoded.summary).tanh().chunk(2, -1)
        layers = len(self.lstm.recurrent)
        start = LSTMState(hidden.chunk(layers, -1), cell.chunk(layers, -1))
        return LSTMMemory(keys, encoded.states, encoded.mask[:, None], encoded.summary, start)

    def context(self, memory: LSTMMemory, query: Float[Tensor, "B H"]) -> Float[Tensor, "B D"]:
        """What the source says to this step."""
        if self.attention is None:
            return memory.summary
        return self.attention(query[:, None], memory.keys, memory.values, memory.mask)[:, 0]

    def features(
        self, tokens: Int[Tensor, "B T"], memory: LSTMMemory, state: LSTMState | None = None
    ) -> Features:
        state = state or memory.start
        embedded = self.dropout(self.embedding(tokens))
        outputs, contexts = [], []
        for gates in self.embedding_gates(embedded).unbind(1):  # all steps' share in one product
            context = self.context(memory, query=state.hidden[-1])
            output, state = self.lstm(gates + self.context_gates(context), state)
            outputs.append(output)
            contexts.append(context)
        seen = torch.cat([torch.stack(outputs, 1), torch.stack(contexts, 1), embedded], -1)
        return Features(self.dropout(self.readout(self.dropout(seen)).tanh()), state)
