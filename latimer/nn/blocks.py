"""Residual blocks: each layer adds to what came in, after normalising it (pre-norm).

    x = x + dropout(layer(norm(x)))

The order of Vaswani et al. 2017 with the norm moved before the layer (Xiong et al. 2020), which trains
without a long warm-up. What reads the sentence, or the past, is given: self-attention makes a block the
Transformer's, an LSTM makes it a recurrent one.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from latimer.nn.attention import Attention, MultiHead, ScaledDot
from latimer.nn.embedding import rotate
from latimer.nn.recurrent import LSTM, BidirectionalLSTM, LSTMState, Start
from latimer.shapes import Bool, Float, Tensor
from latimer.state import Nest


class Gate(nn.Module):
    """silu(a) * b of the two halves [a, b]: one half says how much of the other goes on."""

    def forward(self, inputs: Float[Tensor, "*B N"]) -> Float[Tensor, "*B D"]:
        gate, values = inputs.chunk(2, -1)
        return F.silu(gate) * values


class FeedForward(nn.Sequential):
    """What every position thinks by itself: with a gate, or as the Transformer first had it.

        W_2 (silu(W x + b) * (V x + c)) + b_2      Shazeer 2020, "GLU variants improve Transformer", section 2
        W_2 relu(W_1 x + b_1) + b_2                Vaswani et al. 2017, section 3.3

    W and V lie one above the other. `inner` is the width between the two products.
    """

    def __init__(self, width: int, inner: int, *, gated: bool) -> None:
        inward, outward = nn.Linear(width, 2 * inner if gated else inner), nn.Linear(inner, width)
        super().__init__(inward, Gate() if gated else nn.ReLU(), outward)
        for linear in (inward, outward):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)


class Reader(nn.Module, ABC):
    """Lets the positions of a sentence learn of each other."""

    @abstractmethod
    def forward(self, inputs: Float[Tensor, "B S D"], mask: Bool[Tensor, "B S"]) -> Float[Tensor, "B S D"]:
        """Padding, where `mask` is False, changes nothing at real positions."""


class Past(nn.Module, ABC):
    """Lets a position learn of those before it."""

    @abstractmethod
    def start(self, summary: Float[Tensor, "B D"]) -> Nest:
        """The state before the first position, from what is known of the source."""

    @abstractmethod
    def forward(self, inputs: Float[Tensor, "B T D"], state: Nest) -> tuple[Float[Tensor, "B T D"], Nest]:
        """Read on from `state`: what each position knows, and the state after the last."""


class SelfAttention(Reader):
    """Every position asks all of them; queries and keys are turned, and so know how far apart they are."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = MultiHead(ScaledDot(), width, width, width=width, heads=heads)

    def forward(self, inputs: Float[Tensor, "B S D"], mask: Bool[Tensor, "B S"]) -> Float[Tensor, "B S D"]:
        query = self.attention.ask(inputs)
        keys, values = self.attention.prepare(inputs, inputs)
        return self.attention.answer(rotate(query, 0), rotate(keys, 0), values, mask[:, None])


class Seen(NamedTuple):
    """Keys and values of all positions so far."""

    keys: Float[Tensor, "B H T K"]
    values: Float[Tensor, "B H T V"]


class PastAttention(Past):
    """Every position asks itself and those before it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = MultiHead(ScaledDot(), width, width, width=width, heads=heads)

    def start(self, summary: Float[Tensor, "B D"]) -> None:
        return None

    def forward(
        self, inputs: Float[Tensor, "B T D"], state: Seen | None
    ) -> tuple[Float[Tensor, "B T D"], Seen]:
        before = 0 if state is None else state.keys.shape[2]
        query = rotate(self.attention.ask(inputs), before)
        keys, values = self.attention.prepare(inputs, inputs)
        keys = rotate(keys, before)
        if state is not None:
            keys, values = torch.cat([state.keys, keys], 2), torch.cat([state.values, values], 2)
        visible = torch.ones(inputs.shape[1], keys.shape[2], dtype=torch.bool, device=inputs.device)
        visible = visible.tril(before)[None]
        return self.attention.answer(query, keys, values, visible), Seen(keys, values)


class ReadingLSTM(Reader):
    """One LSTM layer in each direction."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lstm = BidirectionalLSTM(width, width)

    def forward(self, inputs: Float[Tensor, "B S D"], mask: Bool[Tensor, "B S"]) -> Float[Tensor, "B S D"]:
        states, _ = self.lstm(inputs, mask)
        return states


class PastLSTM(Past):
    """One LSTM layer. It waits for nothing but its inputs."""

    def __init__(self, width: int, summary_width: int) -> None:
        super().__init__()
        self.first = Start(summary_width, width)
        self.lstm = LSTM(width, width)

    def start(self, summary: Float[Tensor, "B D"]) -> LSTMState:
        return self.first(summary)

    def forward(
        self, inputs: Float[Tensor, "B T D"], state: LSTMState
    ) -> tuple[Float[Tensor, "B T D"], LSTMState]:
        return self.lstm(inputs, state)


class EncoderBlock(nn.Module):
    """Read the others, then think."""

    def __init__(self, reader: Reader, feed_forward: FeedForward, width: int, dropout: float) -> None:
        super().__init__()
        self.reader_norm, self.reader = nn.LayerNorm(width), reader
        self.feed_forward_norm, self.feed_forward = nn.LayerNorm(width), feed_forward
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "B S D"], mask: Bool[Tensor, "B S"]) -> Float[Tensor, "B S D"]:
        x = x + self.dropout(self.reader(self.reader_norm(x), mask))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class DecoderBlock(nn.Module):
    """Read the past, ask the source, think."""

    def __init__(
        self, past: Past, attention: Attention, feed_forward: FeedForward, width: int, dropout: float
    ) -> None:
        super().__init__()
        self.past_norm, self.past = nn.LayerNorm(width), past
        self.attention_norm, self.attention = nn.LayerNorm(width), attention
        self.feed_forward_norm, self.feed_forward = nn.LayerNorm(width), feed_forward
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        source: tuple[Tensor, Tensor],
        mask: Bool[Tensor, "B 1 S"],
        state: Nest,
    ) -> tuple[Float[Tensor, "B T D"], Nest]:
        """`source` holds the prepared keys and values; returns the state after the last position."""
        past, state = self.past(self.past_norm(x), state)
        x = x + self.dropout(past)
        x = x + self.dropout(self.attention(self.attention_norm(x), *source, mask))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x))), state
