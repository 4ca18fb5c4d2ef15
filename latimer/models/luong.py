"""LSTM decoders that step first and ask the source afterwards.

Luong, Pham and Manning 2015, "Effective approaches to attention-based neural machine translation".
"""

from typing import NamedTuple

import torch
from torch import nn

from latimer.models.base import Features, output_layer
from latimer.models.lstm import LSTMMemory, RecurrentDecoder
from latimer.nn.attention import Attention
from latimer.nn.recurrent import LSTM, LSTMState, LSTMStep, Start, open_forget_gates
from latimer.shapes import Float, Int, Tensor


class LuongDecoder(RecurrentDecoder):
    """Step, attend, combine (section 3, equation 5).

        hidden_t   = LSTM(embedding(y_{t-1}), hidden_{t-1})
        context_t  = attention(hidden_t, source states)
        combined_t = tanh(W [context_t, hidden_t]),    logits_t = W_s combined_t

    No step waits for an attention, so all of them step in one call and ask in another.
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
        self.embedding = embedding
        self.attention = attention
        self.start = Start(source_width, width, layers=layers)
        self.lstm = LSTM(embedding.embedding_dim, width, layers=layers, dropout=dropout)
        self.combine = nn.Linear(source_width + width, embedding.embedding_dim)
        self.output = output_layer(embedding, tied=tied)
        self.dropout = nn.Dropout(dropout)

    def features(
        self, tokens: Int[Tensor, "B T"], memory: LSTMMemory, state: LSTMState | None = None
    ) -> Features:
        hidden, state = self.lstm(self.dropout(self.embedding(tokens)), state or memory.start)
        seen = torch.cat([self.context(memory, query=hidden), hidden], -1)
        return Features(self.dropout(self.combine(self.dropout(seen)).tanh()), state)


class FedState(NamedTuple):
    """The LSTM's state, and what was said last."""

    lstm: LSTMState
    combined: Float[Tensor, "B E"]


class InputFeedingDecoder(RecurrentDecoder):
    """The same, but each step is told what the last one combined (section 3.3).

        hidden_t = LSTM([embedding(y_{t-1}), combined_{t-1}], hidden_{t-1})

    So it knows what it has already looked at, and every step waits for the attention before it.
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
        self.combined_gates = nn.Linear(embedding_width, 4 * width, bias=False)
        self.lstm = LSTMStep(width, layers=layers, dropout=dropout)
        self.combine = nn.Linear(source_width + width, embedding_width)
        self.output = output_layer(embedding, tied=tied)
        self.dropout = nn.Dropout(dropout)

    def features(
        self, tokens: Int[Tensor, "B T"], memory: LSTMMemory, state: FedState | None = None
    ) -> Features:
        embedded = self.dropout(self.embedding(tokens))
        lstm, combined = state or FedState(memory.start, torch.zeros_like(embedded[:, 0]))
        said = []
        for gates in self.embedding_gates(embedded).unbind(1):  # all steps' share in one product
            hidden, lstm = self.lstm(gates + self.combined_gates(combined), lstm)
            context = self.context(memory, query=hidden[:, None])[:, 0]
            combined = self.dropout(self.combine(self.dropout(torch.cat([context, hidden], -1))).tanh())
            said.append(combined)
        return Features(torch.stack(said, 1), FedState(lstm, combined))
