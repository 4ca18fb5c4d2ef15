"""The loss: torch's definition, and the one that never holds all logits."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from latimer.config import ModelConfig
from latimer.data.batches import collate, in_order
from latimer.data.store import TokenStore
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.shapes import Tensor
from latimer.training import loss
from latimer.training.loss import (
    batch_loss,
    projected_loss,
    sample_candidates,
    smoothed_cross_entropy,
    validation_loss,
)


def drawn(rows: int, width: int = 5, vocabulary: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    """Features, a weight and targets, in float64."""
    features = torch.randn(rows, width, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(vocabulary, width, dtype=torch.float64, requires_grad=True)
    return features, weight, torch.randint(0, vocabulary, (rows,))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_the_loss_is_its_formula(smoothing: float) -> None:
    features, weight, targets = drawn(6)
    logits = (features @ weight.T).detach()
    total = 0.0
    for row, target in zip(logits.numpy(), targets.tolist(), strict=True):
        surprise = np.log(np.exp(row).sum()) - row
        total += (1 - smoothing) * surprise[target] + smoothing * surprise.mean()
    assert float(smoothed_cross_entropy(logits, targets, smoothing)) == pytest.approx(total)
    assert float(projected_loss(features, weight, targets, smoothing).detach()) == pytest.approx(total)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 8, 9, 0])
def test_both_are_one_with_their_gradients_at_every_border(
    rows: int, smoothing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four rows are made at a time."""
    monkeypatch.setattr(loss, "CHUNK", 4 * 7)
    features, weight, targets = drawn(rows)
    ours = projected_loss(features, weight, targets, smoothing)
    theirs = smoothed_cross_entropy(features @ weight.T, targets, smoothing)
    torch.testing.assert_close(ours, theirs)
    wanted = (features, weight)
    for one, other in zip(
        torch.autograd.grad(3 * ours, wanted), torch.autograd.grad(3 * theirs, wanted), strict=True
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("chunk", [1, 2 * 7, 10**6])
def test_it_passes_gradcheck(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "CHUNK", chunk)
    features, weight, targets = drawn(5)
    assert torch.autograd.gradcheck(lambda f, w: projected_loss(f, w, targets, 0.1), (features, weight))


@pytest.mark.parametrize("of", [0, 1])
def test_one_gradient_alone(of: int) -> None:
    features, weight, targets = drawn(5)
    arguments = [features.detach(), weight.detach()]
    arguments[of].requires_grad_()
    projected_loss(arguments[0], arguments[1], targets, 0.1).backward()
    F.cross_entropy(features @ weight.T, targets, label_smoothing=0.1, reduction="sum").backward()
    torch.testing.assert_close(arguments[of].grad, (features.grad, weight.grad)[of])
    assert arguments[1 - of].grad is None


def test_large_logits_do_not_overflow() -> None:
    features, weight, targets = drawn(6)
    large = (features.detach().float() * 1e4).requires_grad_()
    ours = projected_loss(large, weight.detach().float(), targets, 0.1)
    theirs = smoothed_cross_entropy((large @ weight.detach().float().T).double(), targets, 0.1)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=0)
    ours.backward()
    assert large.grad is not None
    assert large.grad.isfinite().all()


def test_it_writes_into_nothing_and_needs_no_graph() -> None:
    features, weight, targets = (tensor.detach() for tensor in drawn(6))
    before = features.clone(), weight.clone(), targets.clone()
    value = projected_loss(features, weight, targets, 0.1)
    assert not value.requires_grad
    for one, other in zip((features, weight, targets), before, strict=True):
        assert torch.equal(one, other)


def test_a_sure_model_loses_what_smoothing_takes() -> None:
    features = torch.eye(4) * 1000
    targets = torch.arange(4)
    assert float(projected_loss(features, torch.eye(4), targets, 0.0)) == 0
    assert float(projected_loss(torch.zeros(4, 4), torch.eye(4), targets, 0.3)) == pytest.approx(
        4 * math.log(4)
    )


# --- of a sample of the vocabulary


def test_a_row_of_importance_three_is_three_rows() -> None:
    features, weight, targets = drawn(6)
    importance = torch.tensor([1.0, 1.0, 3.0, 1.0, 2.0, 1.0, 1.0])
    targets[targets == 2] = 0  # those that stand for others are no targets
    targets[targets == 4] = 1
    ours = projected_loss(features, weight, targets, 0.1, importance=importance)
    repeated = torch.cat([weight, weight[[2, 2, 4]]])
    theirs = smoothed_cross_entropy(features @ repeated.T, targets, 0.1)
    torch.testing.assert_close(ours, theirs)
    wanted = (features, weight)
    for one, other in zip(
        torch.autograd.grad(ours, wanted), torch.autograd.grad(theirs, wanted), strict=True
    ):
        torch.testing.assert_close(one, other)
    assert torch.autograd.gradcheck(
        lambda f, w: projected_loss(f, w, targets, 0.1, importance=importance), (features, weight)
    )


def test_a_sample_holds_all_targets_and_others_that_stand_for_the_rest() -> None:
    targets = torch.tensor([7, 3, 7, 50])
    sampled = sample_candidates(targets, 100, 20)
    assert sampled is not None
    assert len(set(sampled.pieces.tolist())) == 20
    assert torch.equal(sampled.pieces[sampled.targets], targets)
    assert sampled.importance.sum() == pytest.approx(100)
    assert set(sampled.importance[sampled.targets].tolist()) == {1.0}


def test_where_nothing_would_be_left_out_nothing_is_sampled() -> None:
    assert sample_candidates(torch.tensor([1, 2]), 10, 10) is None
    assert sample_candidates(torch.arange(10), 10, 4) is None
    crowded = sample_candidates(torch.arange(90), 100, 20)  # more targets than wanted: a quarter is sample
    assert crowded is not None
    assert len(crowded.pieces) == 95


def test_samples_are_right_on_average() -> None:
    """The sum of exp(logit) over a sample, weighed, is on average that over the vocabulary."""
    logits, targets = torch.randn(400, dtype=torch.float64), torch.tensor([5, 9])
    sums = []
    for _ in range(2000):
        sampled = sample_candidates(targets, 400, 40)
        assert sampled is not None
        sums.append(float((sampled.importance * logits[sampled.pieces].exp()).sum()))
    assert np.mean(sums) == pytest.approx(float(logits.exp().sum()), rel=0.02)


def test_a_sample_changes_a_batch_s_loss_little_and_all_pieces_not_at_all() -> None:
    torch.manual_seed(1)
    config = ModelConfig(embedding=16, width=16, dropout=0.0)
    model = build(config, source_vocabulary=3000, target_vocabulary=3000, joint=True)
    batch = collate(STORE, [0, 1, 2])
    whole = float(batch_loss(model, batch, 0.1).detach())
    assert float(batch_loss(model, batch, 0.1, candidates=3000).detach()) == pytest.approx(whole)
    sampled = batch_loss(model, batch, 0.1, candidates=500)
    assert float(sampled.detach()) == pytest.approx(whole, rel=0.02)
    sampled.backward()
    grad = model.decoder.output.weight.grad
    assert grad is not None
    assert 500 <= int(grad.abs().sum(1).bool().sum()) < 520  # the sample, and what the source read


# --- of a whole batch


STORE = TokenStore.of([([5, 6, 7], [7, 6]), ([4], [5, 5, 4, 6, 7]), ([6, 5], [4])])


def small_model() -> Seq2Seq:
    config = ModelConfig(embedding=4, width=4, dropout=0.5)
    return build(config, source_vocabulary=9, target_vocabulary=9, joint=True)


def test_the_loss_of_a_batch_is_that_of_its_real_tokens() -> None:
    model = small_model().eval()
    batch = collate(STORE, [0, 1, 2])
    assert batch.tokens == 3 + 6 + 2
    expected = 0.0
    for row, length in enumerate((3, 6, 2)):
        one = slice(row, row + 1)
        logits = model(batch.source[one], batch.source_mask[one], batch.inputs[one, :length]).detach()
        log_probs = logits[0].log_softmax(-1)
        right = log_probs.gather(1, batch.outputs[row, :length, None]).sum()
        expected -= float(0.9 * right + 0.1 * log_probs.mean(-1).sum())
    assert float(batch_loss(model, batch, 0.1).detach()) == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_validation_is_a_mean_over_tokens_without_smoothing_or_dropout() -> None:
    model = small_model().eval()
    whole = float(batch_loss(model, collate(STORE, [0, 1, 2]), 0.0).detach())
    for tokens in (6, 100):
        assert validation_loss(model.train(), in_order(STORE, tokens)) == pytest.approx(whole / 11, rel=1e-5)
    assert validation_loss(model, iter(())) == 0
