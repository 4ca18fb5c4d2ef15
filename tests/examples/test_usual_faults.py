"""Faults of the teaching code that is usually passed on: each is shown to happen, and not to happen here.

A check takes an implementation and says what it does; it is asked of the usual way and of ours.
"""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from latimer.models.base import Encoded
from latimer.models.lstm import LSTMDecoder
from latimer.nn.attention import Additive, Attention, capture, length_mask, masked_softmax
from latimer.shapes import Tensor

# Scores (B T S) and one valid length a sentence (B) to weights (B T S).
Softmax = Callable[[Tensor, Tensor], Tensor]


def usual_softmax(scores: Tensor, lengths: Tensor) -> Tensor:
    """Rows of a flat view are overwritten with a number that is hoped to be small enough."""
    batch, queries, keys = scores.shape
    flat = scores.reshape(-1, keys)  # looks like a new tensor, and shares its memory with the caller's
    valid = torch.arange(keys)[None, :] < lengths.repeat_interleave(queries)[:, None]
    flat[~valid] = -1e6
    return torch.softmax(flat.reshape(batch, queries, keys), dim=-1)


def our_softmax(scores: Tensor, lengths: Tensor) -> Tensor:
    return masked_softmax(scores, length_mask(lengths, scores.shape[-1]))


class UsualAttention(nn.Module):
    """A sum where Bahdanau et al. have the tanh of a sum, and all keys projected in every call."""

    def __init__(self, width: int, *, squash: Callable[[Tensor], Tensor] = lambda sums: sums) -> None:
        super().__init__()
        self.w_query = nn.Linear(width, width, bias=False)
        self.w_key = nn.Linear(width, width, bias=False)
        self.v = nn.Linear(width, 1, bias=False)
        self.squash = squash
        self.weights = torch.empty(0)

    def forward(self, query: Tensor, keys: Tensor, values: Tensor, lengths: Tensor) -> Tensor:
        sums = self.w_query(query).unsqueeze(2) + self.w_key(keys).unsqueeze(1)
        self.weights = usual_softmax(self.v(self.squash(sums)).squeeze(-1), lengths)
        return torch.bmm(self.weights, values)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


# The caller's scores.


def changes_its_input(softmax: Softmax) -> bool:
    scores = torch.randn(2, 3, 5)
    before = scores.clone()
    softmax(scores, torch.tensor([2, 4]))
    return not torch.equal(scores, before)


def test_the_usual_softmax_writes_into_the_scores_of_its_caller() -> None:
    assert changes_its_input(usual_softmax)
    assert not changes_its_input(our_softmax)


def test_scores_looked_at_twice_are_wrong_the_second_time() -> None:
    """What it costs: a second mask over the same scores finds the first one burnt in."""

    def second_opinion(softmax: Softmax) -> Tensor:
        scores = torch.zeros(1, 1, 4)
        softmax(scores, torch.tensor([1]))
        return softmax(scores, torch.tensor([4]))[0, 0]

    assert second_opinion(usual_softmax).tolist() == [1, 0, 0, 0]
    assert second_opinion(our_softmax).tolist() == [0.25, 0.25, 0.25, 0.25]


# The empty sentence.


def of_an_empty_sentence(softmax: Softmax, dtype: torch.dtype = torch.float32) -> list[float]:
    row: list[float] = softmax(torch.randn(1, 1, 4).to(dtype), torch.tensor([0]))[0, 0].tolist()
    return row


def test_the_usual_softmax_attends_evenly_to_nothing() -> None:
    assert of_an_empty_sentence(usual_softmax) == [0.25, 0.25, 0.25, 0.25]
    assert of_an_empty_sentence(our_softmax) == [0, 0, 0, 0]


# The constant.


def of_low_scores(softmax: Softmax, dtype: torch.dtype) -> list[float]:
    """Two keys alike, the second hidden."""
    row: list[float] = softmax(torch.full((1, 1, 2), -4e6, dtype=dtype), torch.tensor([1]))[0, 0].tolist()
    return row


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_constant_is_sometimes_the_greatest_score(dtype: torch.dtype) -> None:
    assert of_low_scores(usual_softmax, dtype) == [0, 1]
    assert of_low_scores(our_softmax, dtype) == [1, 0]


def test_the_constant_does_not_fit_into_half_precision() -> None:
    """It becomes minus infinity there, and an empty sentence 0/0."""
    usual, ours = (of_an_empty_sentence(softmax, torch.float16) for softmax in (usual_softmax, our_softmax))
    assert all(math.isnan(weight) for weight in usual)
    assert ours == [0, 0, 0, 0]


# The tanh.


def queries_disagree_by(weights: Tensor) -> float:
    """The greatest difference between the weights of any two queries on the same key (B T S)."""
    return float((weights.amax(1) - weights.amin(1)).max().detach())


def weights_of_ours(query: Tensor, keys: Tensor, lengths: Tensor) -> Tensor:
    attention = Attention(Additive(query.shape[-1], keys.shape[-1], 8))
    with capture(attention) as maps:
        attention(query, *attention.prepare(keys, keys), length_mask(lengths, keys.shape[1]))
    [weights] = maps.values()
    return weights


def test_without_its_tanh_the_additive_score_does_not_see_the_query() -> None:
    """v.(W_q q + W_k k) = v.W_q q + v.W_k k; the first term is alike for all keys: softmax drops it."""
    query, keys, lengths = 3 * torch.randn(2, 6, 8), torch.randn(2, 5, 8), torch.tensor([5, 4])
    usual = UsualAttention(8)
    usual(query, keys, keys, lengths)
    assert queries_disagree_by(usual.weights) < 1e-6
    assert queries_disagree_by(weights_of_ours(query, keys, lengths)) > 0.02


def test_the_tanh_is_all_that_was_missing() -> None:
    query, keys, lengths = 3 * torch.randn(2, 6, 8), torch.randn(2, 5, 8), torch.tensor([5, 4])
    mended = UsualAttention(8, squash=torch.tanh)
    mended(query, keys, keys, lengths)
    assert queries_disagree_by(mended.weights) > 0.02


def test_without_its_tanh_the_projection_of_the_query_learns_nothing() -> None:
    """What it costs: the gradient of W_q is zero, so those parameters stay as they were thrown."""

    def gradient(attention: nn.Module, projection: nn.Linear, *arguments: Tensor) -> float:
        (attention(*arguments) * torch.linspace(-1, 1, 8)).sum().backward()
        assert projection.weight.grad is not None
        return float(projection.weight.grad.abs().max())

    query, keys, lengths = torch.randn(2, 6, 8), torch.randn(2, 5, 8), torch.tensor([5, 4])
    usual, score = UsualAttention(8), Additive(8, 8, 8)
    ours = Attention(score)
    assert gradient(usual, usual.w_query, query, keys, keys, lengths) < 1e-5
    mask = length_mask(lengths, 5)
    assert gradient(ours, score.query, query, *ours.prepare(keys, keys), mask) > 0.01


# The keys.


def calls_of(layer: nn.Module) -> list[int]:
    """Counts, from now on, how many rows of numbers the layer multiplies in each call."""
    calls: list[int] = []
    layer.register_forward_hook(
        lambda module, arguments, result: calls.append(arguments[0].shape[:-1].numel())
    )
    return calls


def test_the_usual_decoder_projects_the_same_keys_at_every_step() -> None:
    sentences, positions, steps, width = 2, 7, 6, 8
    states, lengths = torch.randn(sentences, positions, width), torch.tensor([7, 5])

    usual, cell = UsualAttention(width), nn.LSTMCell(2 * width, width)
    calls = calls_of(usual.w_key)
    hidden = state = torch.zeros(sentences, width)
    for embedded in torch.randn(steps, sentences, width):
        context = usual(hidden[:, None], states, states, lengths)[:, 0]
        hidden, state = cell(torch.cat([context, embedded], -1), (hidden, state))
    assert calls == [sentences * positions] * steps

    score = Additive(width, width, width)
    decoder = LSTMDecoder(nn.Embedding(11, width), width, source_width=width, attention=Attention(score))
    calls = calls_of(score.key)
    mask = length_mask(lengths, positions)[:, 0]
    memory = decoder.prepare(Encoded(states, mask, states[:, 0], states))
    decoder(torch.randint(0, 11, (sentences, steps)), memory)
    assert calls == [sentences * positions]

    out = decoder(torch.randint(0, 11, (sentences, 1)), memory)
    for _ in range(steps):  # searching, one token at a time: still nothing to project
        out = decoder(torch.randint(0, 11, (sentences, 1)), memory, out.state)
    assert calls == [sentences * positions]
