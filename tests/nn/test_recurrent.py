"""Recurrent layers, against torch.nn.LSTM with the same weights."""

import pytest
import torch
from torch import nn

from latimer.nn.recurrent import LSTM, BidirectionalLSTM, LSTMState, LSTMStep, Start
from latimer.shapes import Tensor


def copied(step: LSTMStep, *, layers: int, inputs: int, width: int) -> tuple[nn.LSTM, nn.Linear]:
    """torch's LSTM with the weights of ours, and the input product that ours leaves to the caller."""
    theirs = nn.LSTM(inputs, width, layers, batch_first=True).double()
    first = nn.Linear(inputs, 4 * width).double()
    with torch.no_grad():
        for layer in range(layers):
            upward = first if layer == 0 else step.upward[layer - 1]
            getattr(theirs, f"weight_ih_l{layer}").copy_(upward.weight)
            getattr(theirs, f"bias_ih_l{layer}").copy_(upward.bias)
            getattr(theirs, f"bias_hh_l{layer}").zero_()
            getattr(theirs, f"weight_hh_l{layer}").copy_(step.recurrent[layer].weight)
    return theirs, first


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_step_is_torchs_lstm(layers: int) -> None:
    step = LSTMStep(4, layers=layers, dropout=0.3).double().eval()
    theirs, first = copied(step, layers=layers, inputs=3, width=4)
    inputs = torch.randn(2, 6, 3).double()
    hidden, cell = torch.randn(layers, 2, 4).double(), torch.randn(layers, 2, 4).double()
    expected, (last_hidden, last_cell) = theirs(inputs, (hidden, cell))
    state = LSTMState(tuple(hidden), tuple(cell))
    outputs = []
    for gates in first(inputs).unbind(1):
        output, state = step(gates, state)
        outputs.append(output)
    torch.testing.assert_close(torch.stack(outputs, 1), expected)
    torch.testing.assert_close(torch.stack(state.hidden), last_hidden)
    torch.testing.assert_close(torch.stack(state.cell), last_cell)


def test_the_step_returns_a_new_state_and_leaves_the_old_one() -> None:
    step = LSTMStep(4, layers=2).double()
    state = LSTMState(*(tuple(torch.randn(2, 3, 4).double()) for _ in range(2)))
    before = [part.clone() for part in (*state.hidden, *state.cell)]
    attributes = set(vars(step))
    output, after = step(torch.randn(3, 16).double(), state)
    assert all(
        torch.equal(one, other) for one, other in zip((*state.hidden, *state.cell), before, strict=True)
    )
    assert torch.equal(output, after.hidden[-1])
    assert set(vars(step)) == attributes
    assert len(after.hidden) == len(after.cell) == 2


def test_dropout_stands_between_layers_and_nowhere_else() -> None:
    gates = torch.randn(3, 16)
    for layers, same in ((1, True), (2, False)):
        step = LSTMStep(4, layers=layers, dropout=0.5).train()
        zero = LSTMState(*(tuple(torch.zeros(layers, 3, 4)) for _ in range(2)))
        trained, state = step(gates, zero)
        evaluated, other = step.eval()(gates, zero)
        assert torch.equal(trained, evaluated) is same
        assert torch.equal(state.hidden[0], other.hidden[0])


def read_alone(layer: BidirectionalLSTM, sentence: Tensor) -> tuple[Tensor, Tensor]:
    """torch's own reading of one unpadded sentence: states, and the end of each direction."""
    states, (last, _) = layer.lstm(sentence[None])
    return states[0], torch.cat([last[-2, 0], last[-1, 0]])


@pytest.mark.parametrize("layers", [1, 2])
def test_both_ways_over_each_sentence_as_if_it_were_alone(layers: int) -> None:
    layer = BidirectionalLSTM(3, 8, layers=layers, dropout=0.4).double().eval()
    inputs = torch.randn(4, 5, 3).double()
    lengths = torch.tensor([3, 5, 1, 4])  # not sorted
    mask = torch.arange(5) < lengths[:, None]
    states, summary = layer(inputs, mask)
    assert states.shape == (4, 5, 8)
    for row, length in enumerate(lengths.tolist()):
        expected, end = read_alone(layer, inputs[row, :length])
        torch.testing.assert_close(states[row, :length], expected)
        assert states[row, length:].count_nonzero() == 0
        torch.testing.assert_close(summary[row], end)
        torch.testing.assert_close(summary[row, :4], states[row, length - 1, :4])  # forward: at the end
        torch.testing.assert_close(summary[row, 4:], states[row, 0, 4:])  # backward: at the beginning


def test_an_empty_sentence_is_zeros_and_costs_no_gradient() -> None:
    layer = BidirectionalLSTM(3, 4)
    inputs = torch.randn(2, 3, 3, requires_grad=True)
    states, summary = layer(inputs, torch.tensor([[False] * 3, [True, True, False]]))
    assert states[0].count_nonzero() == 0
    assert summary[0].count_nonzero() == 0
    (states.sum() + summary.sum()).backward()
    assert inputs.grad is not None
    assert inputs.grad[0].count_nonzero() == 0
    assert inputs.grad[1, :2].count_nonzero() == 6
    assert inputs.grad[1, 2].count_nonzero() == 0


def test_fresh_layers_begin_by_remembering() -> None:
    """Jozefowicz et al. 2015: the forget gates begin open, the others in the middle."""
    gates = torch.tensor([0.0] * 4 + [1.0] * 4 + [0.0] * 8)
    both = BidirectionalLSTM(3, 8, layers=2).lstm
    for name in ("l0", "l0_reverse", "l1", "l1_reverse"):
        assert torch.equal(getattr(both, f"bias_ih_{name}") + getattr(both, f"bias_hh_{name}"), gates)
    for layer in range(2):
        lstm = LSTM(3, 4, layers=2).lstm
        assert torch.equal(getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}"), gates)
    for linear in LSTMStep(4, layers=3).upward:
        assert torch.equal(linear.bias, gates)  # type: ignore[arg-type]
    assert all(parameter.requires_grad for parameter in both.parameters())


# --- what decoders start from and step with


def test_the_start_is_a_bounded_share_of_the_summary_for_each_layer() -> None:
    start, summary = Start(5, 3, layers=2).double(), 3 * torch.randn(2, 5).double()
    hidden, cell = start(summary)
    for place, part in enumerate((*hidden, *cell)):  # hidden of both layers, then cells
        rows = slice(3 * place, 3 * place + 3)
        expected = (summary @ start.linear.weight[rows].mT + start.linear.bias[rows]).tanh()
        torch.testing.assert_close(part, expected)


@pytest.mark.parametrize("layers", [1, 2])
def test_many_steps_in_one_call_are_torchs_lstm_from_that_state(layers: int) -> None:
    ours = LSTM(3, 4, layers=layers, dropout=0.3).double().eval()
    inputs = torch.randn(2, 5, 3).double()
    hidden, cell = torch.randn(2, layers, 2, 4).double()
    outputs, state = ours(inputs, LSTMState(tuple(hidden), tuple(cell)))
    expected, (last_hidden, last_cell) = ours.lstm(inputs, (hidden, cell))
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(torch.stack(state.hidden), last_hidden)
    torch.testing.assert_close(torch.stack(state.cell), last_cell)
    first, state = ours(inputs[:, :2], LSTMState(tuple(hidden), tuple(cell)))
    second, state = ours(inputs[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), expected)
    assert ours.lstm.dropout == (0.3 if layers > 1 else 0)
