"""Recurrent layers whose state is an argument and a result, never an attribute."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from latimer.shapes import Bool, Float, Tensor


class LSTMState(NamedTuple):
    """What an LSTM remembers, batch first so that search can select sentences."""

    hidden: tuple[Float[Tensor, "B H"], ...]  # one a layer, the top one last
    cell: tuple[Float[Tensor, "B H"], ...]


@torch.no_grad()
def open_forget_gates(bias: Float[Tensor, " G"]) -> None:
    """Begin by remembering: 1 for the forget gates, 0 for the others (Jozefowicz et al. 2015).

    `bias` belongs to the four gates in torch's order: input, forget, new, output.
    """
    bias.zero_()
    bias.chunk(4)[1].fill_(1.0)


def remembering(lstm: nn.LSTM) -> nn.LSTM:
    """The same LSTM, its forget gates open. Of the two biases that torch adds up one is left at zero."""
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias_ih"):
            open_forget_gates(parameter)
        elif name.startswith("bias_hh"):
            nn.init.zeros_(parameter)
    return lstm


class Start(nn.Module):
    """The bridge from any encoder to a recurrent decoder: its first state, from the source's summary."""

    def __init__(self, source_width: int, width: int, *, layers: int = 1) -> None:
        super().__init__()
        self.layers = layers
        self.linear = nn.Linear(source_width, 2 * layers * width)

    def forward(self, summary: Float[Tensor, "B D"]) -> LSTMState:
        hidden, cell = self.linear(summary).tanh().chunk(2, -1)
        return LSTMState(hidden.chunk(self.layers, -1), cell.chunk(self.layers, -1))


class BidirectionalLSTM(nn.Module):
    """Read the sentence both ways; half of `width` for each direction.

    Padding is packed away, so that the backward reading begins at the last real token.
    """

    def __init__(self, input_width: int, width: int, *, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        lstm = nn.LSTM(
            input_width,
            width // 2,
            layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.lstm = remembering(lstm)

    def forward(
        self, inputs: Float[Tensor, "B S E"], mask: Bool[Tensor, "B S"]
    ) -> tuple[Float[Tensor, "B S D"], Float[Tensor, "B D"]]:
        """States of the top layer, and the last state of each direction side by side."""
        lengths = mask.sum(1).clamp(min=1).cpu()  # an empty sentence is read as one position, then masked
        packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        packed_states, (last, _) = self.lstm(packed)
        states, _ = pad_packed_sequence(packed_states, batch_first=True, total_length=inputs.shape[1])
        summary = torch.cat([last[-2], last[-1]], -1)
        return states * mask[..., None], summary * mask.any(1, keepdim=True)


class LSTM(nn.Module):
    """A stack of layers that reads on from a state, all positions in one fused call."""

    def __init__(self, input_width: int, width: int, *, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.lstm = remembering(nn.LSTM(input_width, width, layers, batch_first=True, dropout=between))

    def forward(
        self, inputs: Float[Tensor, "B T E"], state: LSTMState
    ) -> tuple[Float[Tensor, "B T H"], LSTMState]:
        """The top layer's outputs, and the state after the last position."""
        outputs, (hidden, cell) = self.lstm(inputs, (torch.stack(state.hidden), torch.stack(state.cell)))
        return outputs, LSTMState(hidden.unbind(0), cell.unbind(0))


class LSTMStep(nn.Module):
    """One step of a stack of LSTM layers (Hochreiter and Schmidhuber 1997, with forget gates).

        i, f, g, o = W_x x + W_h h + b
        cell'   = sigmoid(f) * cell + sigmoid(i) * tanh(g)
        hidden' = sigmoid(o) * tanh(cell')

    The first layer's W_x x + b is the caller's: what is known of x before the step can then be
    multiplied for all steps at once.
    """

    def __init__(self, width: int, *, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.recurrent = nn.ModuleList(nn.Linear(width, 4 * width, bias=False) for _ in range(layers))
        upward = [nn.Linear(width, 4 * width) for _ in range(layers - 1)]
        for linear in upward:
            open_forget_gates(linear.bias)
        self.upward = nn.ModuleList(upward)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, gates: Float[Tensor, "B G"], state: LSTMState
    ) -> tuple[Float[Tensor, "B H"], LSTMState]:
        """The top layer's output, and the new state."""
        hidden: list[Tensor] = []
        cell: list[Tensor] = []
        for layer, recurrent in enumerate(self.recurrent):
            if layer > 0:
                gates = self.upward[layer - 1](self.dropout(hidden[-1]))
            into, forget, new, out = (gates + recurrent(state.hidden[layer])).chunk(4, -1)
            cell.append(forget.sigmoid() * state.cell[layer] + into.sigmoid() * new.tanh())
            hidden.append(out.sigmoid() * cell[-1].tanh())
        return hidden[-1], LSTMState(tuple(hidden), tuple(cell))
