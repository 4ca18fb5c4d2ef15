"""Dropout by bytes: as often as asked, independently, unbiased, and again the same from the same seed."""

import pytest
import torch
from torch import nn

from latimer.training.dropout import CHANCES, Dropout, spare_chance

MANY = 200_003  # no multiple of eight


def dropped(p: float, seed: int = 1) -> torch.Tensor:
    torch.manual_seed(seed)
    return Dropout(p)(torch.ones(MANY))


@pytest.mark.parametrize("p", [0.004, 0.1, 0.3, 0.5, 0.99])
def test_a_share_is_dropped_and_the_mean_stays(p: float) -> None:
    out = dropped(p)
    share = round(CHANCES * p) / CHANCES
    spread = (share * (1 - share) / MANY) ** 0.5
    assert (out == 0).float().mean().item() == pytest.approx(share, abs=5 * spread)
    assert out.max().item() == pytest.approx(1 / (1 - share))
    assert out.mean().item() == pytest.approx(1, abs=5 * spread / (1 - share))


def test_neighbours_are_dropped_apart() -> None:
    """Eight bytes come of one draw: each place of them is dropped as often, and none with another."""
    groups = (dropped(0.3)[: MANY // 8 * 8] == 0).double().view(-1, 8)
    assert groups.mean(0).sub(77 / 256).abs().max() < 0.02
    assert (torch.corrcoef(groups.T) - torch.eye(8)).abs().max() < 0.05


def test_a_seed_says_what_is_dropped() -> None:
    assert torch.equal(dropped(0.3), dropped(0.3))
    assert not torch.equal(dropped(0.3), dropped(0.3, seed=2))


def test_the_gradient_is_that_of_what_was_kept() -> None:
    given = torch.full((8, 16), 3.0, requires_grad=True)
    out = Dropout(0.5)(given)
    out.sum().backward()  # type: ignore[no-untyped-call]
    assert given.grad is not None
    assert torch.equal(given.grad, out.detach() / 3)
    assert out.dtype == given.dtype


@pytest.mark.parametrize("p", [0.0, 0.001, 1.0])
def test_at_the_ends_it_is_torchs(p: float) -> None:
    given = torch.arange(1.0, 100)
    torch.manual_seed(1)
    expected = nn.Dropout(p)(given)
    torch.manual_seed(1)
    assert torch.equal(Dropout(p)(given), expected)


def test_only_training_drops() -> None:
    given = torch.randn(3, 5, dtype=torch.bfloat16)
    assert torch.equal(Dropout(0.5).eval()(given), given)
    assert Dropout(0.5)(given).dtype == torch.bfloat16
    assert Dropout(0.5)(torch.zeros(0, 4)).shape == (0, 4)


def test_every_dropout_of_a_model_is_replaced() -> None:
    inner = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.25))
    model = nn.ModuleDict({"one": inner, "other": nn.Dropout(0.5), "none": nn.Dropout(0.0)})
    spare_chance(model)
    spare_chance(model)
    found = {name: module.p for name, module in model.named_modules() if type(module) is Dropout}
    assert found == {"one.1": 0.25, "other": 0.5, "none": 0.0}
    assert not any(type(module) is nn.Dropout for module in model.modules())
