"""Several heads: against torch's own, against a loop, and the fused products against the plain ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from latimer.nn.attention import (
    Additive,
    Dot,
    General,
    MultiHead,
    ScaledDot,
    Score,
    capture,
    length_mask,
)
from latimer.shapes import Bool, Tensor

Array = NDArray[np.float64]

# Of the width of a head: 4.
SCORES: dict[str, Callable[[], Score]] = {
    "additive": lambda: Additive(4, 4, 5),
    "dot": Dot,
    "scaled-dot": ScaledDot,
    "general": lambda: General(4, 4),
}
every_score = pytest.mark.parametrize("name", SCORES)
fused = pytest.mark.parametrize("name", [name for name in SCORES if name != "additive"])


def made(name: str, *, query: int = 6, key: int = 7) -> MultiHead:
    """Three heads in float64, their biases not zero."""
    attention = MultiHead(SCORES[name](), query, key, width=12, heads=3)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return attention.double().eval()


def run(attention: MultiHead, query: Tensor, keys: Tensor, mask: Bool[Tensor, "B T S"] | None) -> Tensor:
    return attention(query, *attention.prepare(keys, keys), mask)  # type: ignore[no-any-return]


def slow_energy(name: str, p: dict[str, Array], query: Array, key: Array) -> float:
    match name:
        case "additive":
            inner = p["score.query.weight"] @ query + p["score.key.weight"] @ key
            return float(p["score.energy"] @ np.tanh(inner))
        case "general":
            return float(query @ p["score.key.weight"] @ key)
        case "scaled-dot":
            return float(query @ key) / 2  # the root of a head's width
    return float(query @ key)


def slow_heads(name: str, attention: MultiHead, query: Array, keys: Array, mask: Array) -> Array:
    """One sentence: head h has the rows 4 h to 4 h + 3 of every projection."""
    p = {key: value.detach().numpy() for key, value in attention.named_parameters()}
    found = []
    for t, one in enumerate(query):
        contexts = []
        for rows in (slice(0, 4), slice(4, 8), slice(8, 12)):
            asked = p["query.weight"][rows] @ one + p["query.bias"][rows]
            powers, context = 0.0, np.zeros(4)
            for s in mask[t].nonzero()[0]:
                key = p["key.weight"][rows] @ keys[s] + p["key.bias"][rows]
                power = np.exp(slow_energy(name, p, asked, key))
                context += power * (p["value.weight"][rows] @ keys[s] + p["value.bias"][rows])
                powers += power
            contexts.append(context / powers if powers else context)
        found.append(p["output.weight"] @ np.concatenate(contexts) + p["output.bias"])
    return np.array(found)


@every_score
def test_heads_are_a_loop_over_heads_queries_and_visible_keys(name: str) -> None:
    """Watched or not, and a query that sees nothing finds nothing: what is left is the output's bias."""
    attention = made(name)
    query, keys = torch.randn(2, 3, 6).double(), torch.randn(2, 5, 7).double()
    mask = length_mask(torch.tensor([[5, 3, 0], [1, 4, 2]]), 5)
    with torch.no_grad():
        alone = run(attention, query, keys, mask)
        with capture(attention) as maps:
            watched = run(attention, query, keys, mask)
    for row in range(2):
        expected = slow_heads(name, attention, query[row].numpy(), keys[row].numpy(), mask[row].numpy())
        np.testing.assert_allclose(alone[row], expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(watched[row], expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(alone[0, 2], attention.output.bias.detach())
    assert maps[""].shape == (2, 3, 3, 5)
    torch.testing.assert_close(maps[""].sum(-1)[0, :, :2], torch.ones(3, 2).double())
    assert maps[""][0, :, 2].count_nonzero() == 0
    assert maps[""].masked_fill(mask[:, None], 0).count_nonzero() == 0


def test_scaled_products_of_heads_are_torchs_own() -> None:
    ours = made("scaled-dot", query=12)
    theirs = nn.MultiheadAttention(12, 3, kdim=7, vdim=7, batch_first=True).double()
    with torch.no_grad():
        theirs.q_proj_weight.copy_(ours.query.weight)
        theirs.k_proj_weight.copy_(ours.key.weight)
        theirs.v_proj_weight.copy_(ours.value.weight)
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
    theirs.out_proj.load_state_dict(ours.output.state_dict())
    query, keys = torch.randn(2, 3, 12).double(), torch.randn(2, 5, 7).double()
    mask = length_mask(torch.tensor([2, 5]), 5)
    expected, weights = theirs(query, keys, keys, key_padding_mask=~mask[:, 0], average_attn_weights=False)
    torch.testing.assert_close(run(ours, query, keys, mask), expected)
    with capture(ours) as maps:
        torch.testing.assert_close(run(ours, query, keys, mask), expected)
    torch.testing.assert_close(maps[""], weights.detach())
    unmasked, _ = theirs(query, keys, keys)
    torch.testing.assert_close(run(ours, query, keys, None), unmasked)


@fused
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_fused_and_watched_are_one_with_their_gradients(
    name: str, masked: bool, dtype: torch.dtype, tolerance: float
) -> None:
    attention: Any = made(name).to(dtype)
    query = torch.randn(2, 3, 6, dtype=dtype, requires_grad=True)
    keys = torch.randn(2, 5, 7, dtype=dtype, requires_grad=True)
    mask = length_mask(torch.tensor([[5, 3, 0], [1, 4, 0]]), 5) if masked else None
    inputs = (query, keys, *attention.parameters())
    weights = torch.randn(2, 3, 6, dtype=dtype)

    def said() -> tuple[Tensor, ...]:
        output = run(attention, query, keys, mask)
        return output, *torch.autograd.grad((output * weights).sum(), inputs)

    alone = said()
    with capture(attention):
        watched = said()
    for one, other in zip(alone, watched, strict=True):
        assert one.isfinite().all()
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@every_score
def test_only_products_run_fused_and_only_unwatched(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    kernel = nn.functional.scaled_dot_product_attention

    def counted(*arguments: Any, scale: float) -> Tensor:
        calls.append(1)
        return kernel(*arguments, scale=scale)

    monkeypatch.setattr("latimer.nn.attention.F.scaled_dot_product_attention", counted)
    attention, query, keys = made(name), torch.randn(2, 3, 6).double(), torch.randn(2, 5, 7).double()
    run(attention, query, keys, None)
    assert len(calls) == (name != "additive")
    with capture(attention):
        run(attention, query, keys, None)
    assert len(calls) == (name != "additive")


@every_score
def test_heads_pass_gradcheck(name: str) -> None:
    """With a query that sees some keys and one that sees none."""
    attention = MultiHead(SCORES[name](), 3, 2, width=8, heads=2).double()
    query, keys = (torch.randn(1, 2, size).double().requires_grad_() for size in (3, 2))
    mask = torch.tensor([[[True, True], [False, False]]])

    def call(query: Tensor, keys: Tensor, *parameters: Tensor) -> Tensor:
        return run(attention, query, keys, mask)

    assert torch.autograd.gradcheck(call, (query, keys, *attention.parameters()))


def test_keys_and_values_may_be_of_different_sentences_states() -> None:
    """As in a convolutional decoder: what is matched is not what is read."""
    attention = made("dot")
    query, keys, values = (torch.randn(2, 4, size).double() for size in (6, 7, 7))
    prepared, read = attention.prepare(keys, values)
    torch.testing.assert_close(prepared, attention.prepare(keys, keys)[0])
    torch.testing.assert_close(read, attention.prepare(values, values)[1])
    assert not torch.allclose(attention(query, prepared, read), run(attention, query, keys, None))


@every_score
def test_nothing_is_written_into_an_argument(name: str) -> None:
    attention, query, keys = made(name), torch.randn(2, 3, 6).double(), torch.randn(2, 5, 7).double()
    mask = length_mask(torch.tensor([0, 4]), 5)
    before = [part.clone() for part in (query, keys, mask)]
    run(attention, query, keys, mask)
    assert all(torch.equal(one, other) for one, other in zip((query, keys, mask), before, strict=True))


def test_fresh_projections_are_glorots_and_biases_zero() -> None:
    attention = MultiHead(ScaledDot(), 60, 30, width=90, heads=3)
    for linear in (attention.query, attention.key, attention.value, attention.output):
        limit = (6 / (linear.in_features + linear.out_features)) ** 0.5
        assert 0.97 * limit < float(linear.weight.detach().abs().max()) <= limit
        assert not linear.bias.any()
