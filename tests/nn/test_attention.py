"""Attention: masks, scores and their average, against loops, against torch and against the lesson."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from latimer.nn.attention import (
    Additive,
    Attention,
    Dot,
    General,
    MaskedSoftmax,
    MultiHead,
    ScaledDot,
    Score,
    capture,
    intervene,
    length_mask,
    masked_softmax,
)
from latimer.shapes import Tensor

SCORES: dict[str, Callable[[], Score]] = {
    "additive": lambda: Additive(6, 6, 5),
    "dot": Dot,
    "scaled-dot": ScaledDot,
    "general": lambda: General(6, 6),
}
every_score = pytest.mark.parametrize("make", SCORES.values(), ids=SCORES.keys())


# --- masked softmax


def slow_softmax(scores: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """One row after the other, over the visible positions alone."""
    weights = np.zeros(scores.shape)
    for place in np.ndindex(scores.shape[:-1]):
        visible = scores[place][mask[place]]
        if len(visible):
            powers = np.exp(visible - visible.max())
            weights[place][mask[place]] = powers / powers.sum()
    return weights


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-15), (torch.float32, 2e-7), (torch.float16, 1e-3), (torch.bfloat16, 8e-3)],
)
def test_masked_softmax_is_exact_in_every_type(dtype: torch.dtype, tolerance: float) -> None:
    scores = (torch.randn(4, 3, 7) * 20).to(dtype)
    mask = torch.rand(4, 3, 7) < 0.5
    mask[0, 0], mask[1, 1] = False, True
    weights = masked_softmax(scores, mask)
    assert weights.dtype == dtype
    expected = slow_softmax(scores.double().numpy(), mask.numpy())
    np.testing.assert_allclose(weights.double().numpy(), expected, atol=tolerance)
    assert weights[~mask].count_nonzero() == 0, "hidden means exactly zero"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_largest_scores_of_a_type_hide_nothing_and_show_nothing(dtype: torch.dtype) -> None:
    low, high = torch.finfo(dtype).min, torch.finfo(dtype).max
    scores = torch.tensor([[low, low, low], [high, high, high], [low, high, high]], dtype=dtype)
    mask = torch.tensor([[True, True, False]] * 3)
    assert masked_softmax(scores, mask).tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 1, 0]]


def test_a_row_with_nothing_to_see_is_zeros_and_its_gradient_finite() -> None:
    scores = torch.randn(2, 3, requires_grad=True)
    weights = masked_softmax(scores, torch.tensor([[False, False, False], [True, False, True]]))
    assert weights[0].tolist() == [0, 0, 0]
    (weights * torch.randn(2, 3)).sum().backward()
    assert scores.grad is not None
    assert scores.grad[0].tolist() == [0, 0, 0]
    assert scores.grad[1, 1] == 0
    assert scores.grad[1, 0] != 0
    assert scores.grad.isfinite().all()


def test_no_mask_is_a_softmax_and_one_position_gets_everything() -> None:
    scores = torch.randn(2, 4)
    torch.testing.assert_close(masked_softmax(scores), torch.softmax(scores, -1))
    one = torch.tensor([[-1e4], [1e4]])
    assert masked_softmax(one, torch.tensor([[True], [False]])).tolist() == [[1], [0]]
    assert masked_softmax(torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.bool)).shape == (2, 0)


def test_a_mask_is_broadcast_over_heads_and_queries() -> None:
    scores, mask = torch.randn(2, 3, 4, 5), length_mask(torch.tensor([2, 5]), 5)
    weights = masked_softmax(scores, mask[:, None])
    for head in range(3):
        for query in range(4):
            torch.testing.assert_close(
                weights[:, head, query], masked_softmax(scores[:, head, query], mask[:, 0])
            )


def test_masked_softmax_touches_neither_of_its_inputs() -> None:
    scores, mask = torch.randn(2, 3), torch.tensor([[True, False, False], [False, False, False]])
    before = scores.clone(), mask.clone()
    masked_softmax(scores, mask)
    assert torch.equal(scores, before[0])
    assert torch.equal(mask, before[1])


def test_masked_softmax_passes_gradcheck() -> None:
    scores = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]], dtype=torch.bool)
    assert torch.autograd.gradcheck(lambda x: masked_softmax(x, mask), scores)


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=3), st.integers(0, 99))
def test_weights_are_a_mean_or_nothing(rows: list[list[bool]], seed: int) -> None:
    scores = torch.randn(len(rows), 4, generator=torch.Generator().manual_seed(seed))
    sums = masked_softmax(scores, torch.tensor(rows)).sum(-1)
    torch.testing.assert_close(sums, torch.tensor([float(any(row)) for row in rows]))


# --- masks from lengths


def test_a_length_a_sentence_masks_every_query_alike() -> None:
    mask = length_mask(torch.tensor([0, 1, 3]), 3)
    assert mask.tolist() == [[[False] * 3], [[True, False, False]], [[True] * 3]]


def test_a_length_a_query_masks_each_for_itself() -> None:
    mask = length_mask(torch.tensor([[1, 2], [0, 9]]), 2)
    assert mask.tolist() == [[[True, False], [True, True]], [[False, False], [True, True]]]


# --- scores


def slow_scores(score: Score, query: NDArray[np.float64], key: NDArray[np.float64]) -> float:
    """One query and one key, as the papers write it."""
    parameters = {name: value.detach().double().numpy() for name, value in score.named_parameters()}
    match score:
        case Additive():
            inner = parameters["query.weight"] @ query + parameters["key.weight"] @ key
            return float(parameters["energy"] @ np.tanh(inner))
        case General():
            return float(query @ parameters["key.weight"] @ key)
        case ScaledDot():
            return float(query @ key) / math.sqrt(len(key))
    return float(query @ key)


@every_score
def test_a_score_is_the_formula_of_its_paper(make: Callable[[], Score]) -> None:
    score = make().double()
    query, keys = torch.randn(2, 3, 6).double(), torch.randn(2, 4, 6).double()
    scores = score(query, score.prepare(keys)).detach()
    assert scores.shape == (2, 3, 4)
    for b, t, s in np.ndindex(2, 3, 4):
        assert float(scores[b, t, s]) == pytest.approx(
            slow_scores(score, query[b, t].numpy(), keys[b, s].numpy())
        )


def test_queries_and_keys_may_be_of_different_widths() -> None:
    query, keys = torch.randn(2, 3, 20), torch.randn(2, 4, 2)
    for score in (Additive(20, 2, 8), General(20, 2)):
        scores = score(query, score.prepare(keys))
        expected = [
            [[slow_scores(score, q, k) for k in ks] for q in qs]
            for qs, ks in zip(query.double().numpy(), keys.double().numpy(), strict=True)
        ]
        np.testing.assert_allclose(scores.detach().numpy(), expected, atol=1e-5)


@every_score
def test_scores_carry_heads_along_and_touch_no_input(make: Callable[[], Score]) -> None:
    score = make()
    query, keys = torch.randn(2, 3, 4, 6), torch.randn(2, 3, 5, 6)
    before = query.clone(), keys.clone()
    with torch.no_grad():
        prepared = score.prepare(keys)
        kept = prepared.clone()
        scores = score(query, prepared)
        for head in range(3):
            alone = score(query[:, head], score.prepare(keys[:, head]))
            torch.testing.assert_close(scores[:, head], alone)
    assert torch.equal(query, before[0])
    assert torch.equal(keys, before[1])
    assert torch.equal(prepared, kept)


@every_score
def test_scores_pass_gradcheck(make: Callable[[], Score]) -> None:
    attention = Attention(make()).double()
    query, keys = (torch.randn(2, size, 6).double().requires_grad_() for size in (2, 3))
    values = torch.randn(2, 3, 4).double().requires_grad_()
    mask = length_mask(torch.tensor([2, 0]), 3)

    def run(query: Tensor, keys: Tensor, values: Tensor, *parameters: Tensor) -> Tensor:
        return attention(query, *attention.prepare(keys, values), mask)  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(run, (query, keys, values, *attention.parameters()))


@every_score
def test_weights_depend_on_the_query(make: Callable[[], Score]) -> None:
    """What an additive score without its tanh gets wrong."""
    score, keys = make(), torch.randn(1, 4, 6)
    weights = masked_softmax(score(torch.randn(1, 2, 6), score.prepare(keys)))
    assert (weights[0, 0] - weights[0, 1]).abs().max() > 0.01


def test_the_additive_energy_begins_where_a_linear_layer_of_its_width_would() -> None:
    energy = Additive(4, 4, 400).energy.detach()
    assert energy.abs().max() <= 1 / 20
    assert float(energy.std()) == pytest.approx(1 / 20 / math.sqrt(3), rel=0.15)


# --- attention


@pytest.mark.parametrize("name", ["dot", "additive"])
def test_the_lesson(name: str) -> None:
    """Ten equal keys: every visible value counts alike, so the answer is their mean."""
    keys = torch.ones(2, 10, 2)
    values = torch.arange(40.0).reshape(1, 10, 4).repeat(2, 1, 1)
    query = torch.randn(2, 1, 2 if name == "dot" else 20)
    attention = Attention(Dot() if name == "dot" else Additive(20, 2, 8), dropout=0.1).eval()
    context = attention(query, *attention.prepare(keys, values), length_mask(torch.tensor([2, 6]), 10))
    expected = torch.tensor([[[2.0, 3, 4, 5]], [[10.0, 11, 12, 13]]])
    torch.testing.assert_close(context, expected)


@pytest.mark.parametrize("masked", [True, False])
def test_scaled_dot_attention_is_torchs_own(masked: bool) -> None:
    query, keys, values = torch.randn(2, 3, 6), torch.randn(2, 5, 6), torch.randn(2, 5, 4)
    mask = length_mask(torch.tensor([2, 5]), 5) if masked else None
    ours = Attention(ScaledDot())(query, keys, values, mask)
    theirs = nn.functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
    torch.testing.assert_close(ours, theirs)


@every_score
def test_an_empty_sentence_gives_a_context_of_zeros(make: Callable[[], Score]) -> None:
    attention = Attention(make())
    keys = torch.randn(2, 3, 6, requires_grad=True)
    mask = length_mask(torch.tensor([0, 1]), 3)
    context = attention(torch.randn(2, 2, 6), *attention.prepare(keys, keys), mask)
    assert context[0].tolist() == [[0.0] * 6] * 2
    torch.testing.assert_close(context[1], keys[1, :1].expand(2, 6))
    context.sum().backward()
    assert keys.grad is not None
    assert keys.grad.isfinite().all()


def test_dropout_drops_weights_in_training_only() -> None:
    attention = Attention(Dot(), dropout=0.5)
    query, keys, values = torch.randn(1, 1, 6), torch.randn(1, 50, 6) / 10, torch.eye(50)[None]
    with capture(attention) as maps:
        dropped = attention(query, keys, values)
    weights = maps[""]
    torch.testing.assert_close(weights.sum(), torch.tensor(1.0))  # what is drawn is what was meant
    assert 10 < int((dropped == 0).sum()) < 40
    torch.testing.assert_close(dropped[dropped != 0], 2 * weights[dropped != 0])
    torch.testing.assert_close(attention.eval()(query, keys, values), weights)


# --- capture


class Two(nn.Module):
    """Two attentions, one inside a list, with heads."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Attention(Dot())
        self.layers = nn.ModuleList([Attention(Additive(6, 6, 4))])

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        query = self.first(query, keys, keys)
        return self.layers[0](query, *self.layers[0].prepare(keys, keys))  # type: ignore[no-any-return,operator]


def test_capture_names_and_shapes_every_map_and_joins_the_calls() -> None:
    model, query, keys = Two(), torch.randn(2, 3, 4, 6), torch.randn(2, 3, 5, 6)
    with capture(model) as maps:
        assert maps == {}
        whole = model(query, keys)
    assert {name: tuple(weights.shape) for name, weights in maps.items()} == {
        "first": (2, 3, 4, 5),
        "layers.0": (2, 3, 4, 5),
    }
    torch.testing.assert_close(maps["first"], (query @ keys.mT).softmax(-1))
    with capture(model) as parts:
        model(query[..., :1, :], keys)
        model(query[..., 1:, :], keys)
    torch.testing.assert_close(parts, maps)
    torch.testing.assert_close(model(query, keys), whole, rtol=0, atol=0)


def test_capture_leaves_the_output_as_it_was_and_nothing_on_the_module() -> None:
    """Law 9."""
    model, query, keys = Two(), torch.randn(2, 4, 6), torch.randn(2, 5, 6)
    before = [set(vars(module)) for module in model.modules()]
    alone = model(query, keys)
    with capture(model) as maps:
        watched = model(query, keys)
    assert torch.equal(alone, watched)
    assert [set(vars(module)) for module in model.modules()] == before
    assert not any(module._forward_hooks for module in model.modules())
    model(query, keys)
    assert maps["first"].shape == (2, 4, 5), "after the block nothing is added"


def test_gradients_flow_back_through_captured_maps() -> None:
    """As if the weights had been made by hand."""
    attention = Attention(General(6, 6))
    query, keys = torch.randn(2, 4, 6), torch.randn(2, 5, 6)
    wanted = torch.randn(2, 4, 5)
    with capture(attention) as maps:
        attention(query, *attention.prepare(keys, keys))
    [ours] = torch.autograd.grad((maps[""] * wanted).sum(), attention.parameters())
    by_hand = (query @ attention.score.key(keys).mT).softmax(-1)  # type: ignore[operator]
    [theirs] = torch.autograd.grad((by_hand * wanted).sum(), attention.parameters())
    torch.testing.assert_close(ours, theirs)


def test_intervene_puts_other_weights_in_place_everywhere_downstream() -> None:
    model, query, keys = Two(), torch.randn(2, 4, 6), torch.randn(2, 5, 6)
    seen: dict[str, Tensor | None] = {}

    def flat(name: str, weights: Tensor, mask: Tensor | None) -> Tensor | None:
        seen[name] = mask
        return torch.full_like(weights, 0.2) if name == "first" else None

    with intervene(model, flat), capture(model) as maps:
        changed = model(query, keys)
    torch.testing.assert_close(maps["first"], torch.full((2, 4, 5), 0.2))
    context = keys.mean(1, keepdim=True).expand(-1, 4, -1)
    second = model.layers[0]
    assert isinstance(second, Attention)
    torch.testing.assert_close(changed, second(context, *second.prepare(keys, keys)))
    assert seen == {"first": None, "layers.0": None}
    assert not torch.allclose(changed, model(query, keys)), "after the block all is as it was"


def test_intervene_works_where_kernels_are_fused_and_tells_the_mask() -> None:
    heads = MultiHead(ScaledDot(), 6, 6, width=6, heads=2)
    query, mask = torch.randn(1, 3, 6), length_mask(torch.tensor([2]), 4)
    prepared = heads.prepare(*torch.randn(2, 1, 4, 6))

    def even(name: str, weights: Tensor, mask: Tensor | None) -> Tensor:
        assert mask is not None
        return masked_softmax(torch.zeros_like(weights), mask)

    with intervene(heads, even):
        ours = heads(query, *prepared, mask)
    mean = prepared[1][:, :, :2].mean(2).flatten(1)
    torch.testing.assert_close(ours, heads.output(mean)[:, None].expand(-1, 3, -1))


def test_capture_joins_calls_that_saw_more_and_more_keys() -> None:
    """As self-attention does step by step: what was not there yet has no weight."""
    attention, keys = Attention(Dot()), torch.randn(2, 4, 6)
    query = torch.randn(2, 4, 6)
    with capture(attention) as maps:
        for size in (1, 3, 4):
            attention(query[:, :2], keys[:, :size], keys[:, :size])
    assert maps[""].shape == (2, 6, 4)
    for call, size in enumerate((1, 3, 4)):
        rows = maps[""][:, 2 * call : 2 * call + 2]
        torch.testing.assert_close(rows[..., :size], (query[:, :2] @ keys[:, :size].mT).softmax(-1))
        assert rows[..., size:].count_nonzero() == 0


def test_capture_lets_go_when_the_block_fails() -> None:
    model = Two()

    def fail() -> None:
        with capture(model):
            model(torch.randn(1, 1, 6), torch.randn(1, 2, 6))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not any(module._forward_hooks for module in model.modules() if isinstance(module, MaskedSoftmax))
