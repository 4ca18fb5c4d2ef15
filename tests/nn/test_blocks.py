"""Residual blocks and what stands in them: self-attention against a loop, the rest against its equation."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from latimer.nn.attention import Attention, Dot
from latimer.nn.blocks import (
    DecoderBlock,
    EncoderBlock,
    FeedForward,
    Past,
    PastAttention,
    PastLSTM,
    Reader,
    ReadingLSTM,
    SelfAttention,
)
from latimer.shapes import Bool, Float, Tensor

Array = NDArray[np.float64]


def loud(module: Any) -> Any:
    """In float64, with biases that are not zero."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return module.double().eval()


def slow_self_attention(layer: SelfAttention, inputs: Array) -> Array:
    """One sentence, in loops: project, turn, score, average, put the heads side by side, project."""
    p = {name: value.detach().numpy() for name, value in layer.attention.named_parameters()}

    def heads(name: str, x: Array) -> list[Array]:
        return np.split(p[f"{name}.weight"] @ x + p[f"{name}.bias"], layer.attention.heads)

    def turned(x: Array, position: int) -> Array:
        half = len(x) // 2
        z = x[:half] + 1j * x[half:]
        z = z * np.exp(1j * position / 10_000 ** (2 * np.arange(half) / len(x)))
        return np.concatenate([z.real, z.imag])

    found = []
    for t, one in enumerate(inputs):
        contexts = []
        for head, query in enumerate(heads("query", one)):
            keys = [turned(heads("key", other)[head], s) for s, other in enumerate(inputs)]
            powers = np.exp([turned(query, t) @ key / np.sqrt(len(key)) for key in keys])
            values = [heads("value", other)[head] for other in inputs]
            contexts.append(powers / powers.sum() @ np.array(values))
        found.append(p["output.weight"] @ np.concatenate(contexts) + p["output.bias"])
    return np.array(found)


@pytest.mark.parametrize("heads", [1, 3])
def test_self_attention_is_a_loop_over_visible_pairs(heads: int) -> None:
    layer, inputs = loud(SelfAttention(12, heads)), torch.randn(2, 5, 12).double()
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    outputs = layer(inputs, mask).detach()
    for row, length in enumerate((5, 3)):
        expected = slow_self_attention(layer, inputs[row, :length].numpy())
        np.testing.assert_allclose(outputs[row, :length], expected, rtol=1e-9, atol=1e-12)


def test_the_past_of_a_position_is_a_sentence_of_its_own() -> None:
    """What attention over the past says of a position is what self-attention says at the end of a prefix."""
    past, whole, inputs = (
        loud(PastAttention(8, 2)),
        SelfAttention(8, 2).double(),
        torch.randn(2, 6, 8).double(),
    )
    whole.load_state_dict(past.state_dict())
    outputs, seen = past(inputs, past.start(inputs[:, 0]))
    for size in range(1, 7):
        alone = whole(inputs[:, :size], torch.ones(2, size, dtype=torch.bool))
        torch.testing.assert_close(outputs[:, size - 1], alone[:, -1])
    assert seen.keys.shape == seen.values.shape == (2, 2, 6, 4)


def pasts() -> dict[str, Past]:
    return {"attention": loud(PastAttention(8, 2)), "lstm": loud(PastLSTM(8, 5))}


@pytest.mark.parametrize("name", ["attention", "lstm"])
def test_a_past_is_read_on_from_where_it_stopped(name: str) -> None:
    past, inputs = pasts()[name], torch.randn(2, 6, 8).double()
    begin = past.start(torch.randn(2, 5).double())
    whole, end = past(inputs, begin)
    first, state = past(inputs[:, :2], begin)
    second, state = past(inputs[:, 2:5], state)
    third, state = past(inputs[:, 5:], state)
    torch.testing.assert_close(torch.cat([first, second, third], 1), whole)
    torch.testing.assert_close(state, end)


def test_an_lstm_begins_with_the_summary_of_the_source() -> None:
    past, summary, inputs = loud(PastLSTM(8, 5)), torch.randn(2, 5).double(), torch.randn(2, 3, 8).double()
    hidden, cell = (past.first.linear(summary)).tanh().chunk(2, -1)
    expected, _ = past.lstm.lstm(inputs, (hidden[None], cell[None]))
    torch.testing.assert_close(past(inputs, past.start(summary))[0], expected)
    assert PastAttention(8, 2).start(summary) is None


def test_a_reading_lstm_reads_both_ways_and_no_padding() -> None:
    reader, inputs = loud(ReadingLSTM(8)), torch.randn(1, 4, 8).double()
    expected, _ = reader.lstm.lstm(inputs[:, :3])
    torch.testing.assert_close(reader(inputs, torch.tensor([[True, True, True, False]]))[:, :3], expected)


def test_the_feed_forward_layer_is_its_formula() -> None:
    x = torch.randn(2, 4, 3).double()
    plain, gated = loud(FeedForward(3, 5, gated=False)), loud(FeedForward(3, 5, gated=True))
    inner = [x @ layer[0].weight.mT + layer[0].bias for layer in (plain, gated)]
    gate, values = inner[1][..., :5], inner[1][..., 5:]
    for layer, hidden in ((plain, inner[0].clamp(min=0)), (gated, gate / (1 + (-gate).exp()) * values)):
        torch.testing.assert_close(layer(x), hidden @ layer[2].weight.mT + layer[2].bias)


def test_feed_forward_layers_begin_as_glorot_and_bengio_say() -> None:
    fresh = FeedForward(30, 60, gated=False)
    limit = (6 / 90) ** 0.5
    for linear in (fresh[0], fresh[2]):
        assert 0.97 * limit < float(linear.weight.detach().abs().max()) <= limit  # type: ignore[arg-type,operator]
        assert not linear.bias.any()  # type: ignore[operator,union-attr]


# --- the order of things in a block


class Doubling(Reader):
    def forward(self, inputs: Float[Tensor, "B S D"], mask: Bool[Tensor, "B S"]) -> Float[Tensor, "B S D"]:
        return 2 * inputs * mask[..., None]


class Counting(Past):
    """Adds how many positions it has seen."""

    def start(self, summary: Float[Tensor, "B D"]) -> int:
        return 0

    def forward(self, inputs: Float[Tensor, "B T D"], state: int) -> tuple[Float[Tensor, "B T D"], int]:
        return inputs + state, state + inputs.shape[1]


def test_an_encoder_block_adds_to_what_came_in_after_normalising_it() -> None:
    block, x = (
        loud(EncoderBlock(Doubling(), FeedForward(6, 7, gated=True), 6, 0.5)),
        torch.randn(2, 3, 6).double(),
    )
    mask = torch.tensor([[True, True, True], [True, False, False]])
    middle = x + 2 * block.reader_norm(x) * mask[..., None]
    expected = middle + block.feed_forward(block.feed_forward_norm(middle))
    torch.testing.assert_close(block(x, mask), expected)


def test_a_decoder_block_reads_the_past_then_asks_then_thinks() -> None:
    block = loud(DecoderBlock(Counting(), Attention(Dot()), FeedForward(6, 7, gated=True), 6, 0.5))
    x, keys, values = torch.randn(3, 2, 4, 6).double()
    mask = torch.tensor([[[True, True, False, False]], [[True] * 4]])
    y, state = block(x, (keys, values), mask, 3)
    past = x + block.past_norm(x) + 3
    asked = past + block.attention(block.attention_norm(past), keys, values, mask)
    torch.testing.assert_close(y, asked + block.feed_forward(block.feed_forward_norm(asked)))
    assert state == 7


def test_dropout_falls_on_what_is_added_and_not_on_what_came_in() -> None:
    feed_forward = FeedForward(6, 7, gated=True)
    for block, arguments in (
        (EncoderBlock(Doubling(), feed_forward, 6, 0.999999), (torch.ones(2, 3, dtype=torch.bool),)),
        (
            DecoderBlock(Counting(), Attention(Dot()), feed_forward, 6, 0.999999),
            ((torch.ones(2, 4, 6), torch.ones(2, 4, 6)), torch.ones(2, 1, 4, dtype=torch.bool), 0),
        ),
    ):
        x = torch.randn(2, 3, 6)
        found = block.train()(x, *arguments)
        assert torch.equal(found if isinstance(found, Tensor) else found[0], x)
        found = block.eval()(x, *arguments)
        assert not torch.equal(found if isinstance(found, Tensor) else found[0], x)
