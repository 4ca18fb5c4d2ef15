"""The optimiser's groups, and a schedule that ends where it should."""

from itertools import pairwise

import pytest
import torch

from latimer.config import ModelConfig, TrainingConfig
from latimer.models.build import build
from latimer.training.optim import make_optimizer, rate_at


def test_the_rate_rises_and_falls_along_straight_lines() -> None:
    rates = [rate_at(update, peak=2.0, warmup=4, total=44) for update in range(44)]
    assert rates[:4] == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert rates[4] == pytest.approx(2.0)
    assert rates[24] == pytest.approx(1.0)  # half of the way down
    assert rates[-1] == pytest.approx(2.0 / 40)  # the last update still learns
    falls = [one - other for one, other in pairwise(rates[4:])]
    assert falls == pytest.approx([2.0 / 40] * 39)
    assert rate_at(44, peak=2.0, warmup=4, total=44) == 0


def test_the_warm_up_is_a_tenth_at_the_most() -> None:
    rates = [rate_at(update, peak=1.0, warmup=200, total=100) for update in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates.index(max(rates)) == 9
    assert max(rates) == 1.0


@pytest.mark.parametrize("total", range(1, 25))
def test_short_runs_have_a_rate_at_every_update(total: int) -> None:
    rates = [rate_at(update, peak=1.0, warmup=200, total=total) for update in range(total)]
    assert all(0 < rate <= 1 for rate in rates)
    assert max(rates) == 1


def test_until_the_number_of_updates_is_known_the_rate_stays_up() -> None:
    rates = [rate_at(update, peak=3.0, warmup=2, total=None) for update in range(50)]
    assert rates[0] == pytest.approx(1.5)
    assert rates[1:] == [3.0] * 49


def test_only_matrices_decay_and_every_parameter_is_trained_once() -> None:
    model = build(ModelConfig(embedding=4, width=6), source_vocabulary=9, target_vocabulary=9, joint=True)
    optimizer = make_optimizer(model, TrainingConfig(decay=0.3))
    grouped = {
        id(parameter): group["weight_decay"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert len(grouped) == sum(len(group["params"]) for group in optimizer.param_groups)
    assert grouped.keys() == {id(parameter) for parameter in model.parameters()}
    for name, parameter in model.named_parameters():
        one_row = "bias" in name or name.endswith("energy")
        assert grouped[id(parameter)] == (0 if one_row else 0.3), name


def test_frozen_parameters_stay_out() -> None:
    model = torch.nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    optimizer = make_optimizer(model, TrainingConfig())
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 0]


def test_a_step_is_adamw_of_the_paper() -> None:
    """Loshchilov and Hutter 2019, algorithm 2, for the first two updates of one weight."""
    weight = torch.nn.Linear(1, 1, bias=False).double()
    with torch.no_grad():
        weight.weight.fill_(2.0)
    optimizer = make_optimizer(weight, TrainingConfig(rate=0.1, decay=0.5))
    theta, first, second = 2.0, 0.0, 0.0
    for step, gradient in enumerate((3.0, -1.0), start=1):
        weight.weight.grad = torch.full((1, 1), gradient, dtype=torch.float64)
        optimizer.step()
        theta -= 0.1 * 0.5 * theta
        first, second = 0.9 * first + 0.1 * gradient, 0.98 * second + 0.02 * gradient**2
        theta -= 0.1 * (first / (1 - 0.9**step)) / ((second / (1 - 0.98**step)) ** 0.5 + 1e-8)
        assert float(weight.weight.detach()) == pytest.approx(theta, rel=1e-9)
