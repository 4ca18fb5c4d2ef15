"""Products are made in bfloat16 where that is faster; gradients are nearly the same, and kept whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from latimer.config import configure
from latimer.data.batches import collate
from latimer.data.store import TokenStore
from latimer.models.build import build
from latimer.presets import PRESETS, complete, model_settings
from latimer.training import precision, trainer
from latimer.training.loss import batch_loss, projected_loss
from latimer.training.precision import choose_precision, products_in

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("float32", "bfloat16", "chosen"),
    [(2.0, 1.0, "bfloat16"), (1.05, 1.0, "float32"), (1.0, 3.0, "float32")],
)
def test_the_faster_is_chosen_where_it_gains_enough(float32: float, bfloat16: float, chosen: str) -> None:
    waits = {"float32": iter([9.0, float32, 9.0]), "bfloat16": iter([bfloat16, 9.0, 9.0])}
    assert choose_precision(CPU, lambda name: next(waits[name])) == chosen


@pytest.mark.parametrize("name", PRESETS)
def test_gradients_are_nearly_the_same_and_kept_whole(name: str) -> None:
    torch.manual_seed(4)
    settings = {**model_settings(name), "model.width": 32, "model.embedding": 32, "model.size": "tiny"}
    config = complete(configure({**settings, "model.dropout": 0.0}).model)
    model = build(config, source_vocabulary=40, target_vocabulary=40, joint=True)
    rows = [torch.randint(4, 40, (2 + number,)).tolist() for number in range(6)]
    batch = collate(TokenStore.of((row, row[::-1]) for row in rows), range(6))
    found = {}
    for numbers in precision.PRECISIONS:
        model.zero_grad()
        with products_in(numbers, CPU):
            loss = batch_loss(model, batch, 0.1)
        loss.backward()  # type: ignore[no-untyped-call]
        assert loss.dtype == torch.float32
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        assert all(gradient.dtype == torch.float32 for gradient in gradients)
        found[numbers] = loss.item(), torch.cat([gradient.flatten() for gradient in gradients])
    (whole, exact), (rounded, near) = found["float32"], found["bfloat16"]
    assert rounded == pytest.approx(whole, rel=0.01)
    assert rounded != whole
    assert F.cosine_similarity(exact, near, dim=0) > 0.99


def test_sums_of_the_loss_are_not_rounded() -> None:
    """A thousand times one nat: bfloat16 counts to 256 only."""
    features, weight = torch.zeros(1000, 4, requires_grad=True), torch.zeros(8, 4, requires_grad=True)
    with products_in("bfloat16", CPU):
        loss = projected_loss(features, weight, torch.zeros(1000, dtype=torch.long), 0.1)
    assert loss.item() == pytest.approx(1000 * torch.tensor(8.0).log().item(), rel=1e-5)


def test_where_products_are_exact_so_is_the_loss() -> None:
    """Eighths are bfloat16 numbers; their mean over the vocabulary, in the smoothing, is not."""
    chance = torch.Generator().manual_seed(1)
    features = torch.randint(0, 2, (300, 6), generator=chance).float()
    weight = torch.randint(-4, 5, (37, 6), generator=chance) / 8
    targets = torch.randint(0, 37, (300,), generator=chance)
    exact = F.cross_entropy(
        features.double() @ weight.double().T, targets, label_smoothing=0.9, reduction="sum"
    )
    with products_in("bfloat16", CPU):
        loss = projected_loss(features, weight, targets, 0.9)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-6)


def test_a_run_measures_once_and_goes_on_to_the_same_bytes(
    make_run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def choose(device: torch.device, seconds: Callable[[str], float]) -> str:
        asked.append(device)
        assert all(0 < seconds(name) < 10 for name in precision.PRECISIONS)
        return "bfloat16"

    monkeypatch.setattr(trainer, "choose_precision", choose)
    whole = make_run(tmp_path / "whole", precision="auto").finish()
    exact = make_run(tmp_path / "exact").finish()
    assert whole.outcome != exact.outcome
    assert asked == [CPU]

    def stop(update: int) -> None:
        if update == 5:
            raise KeyboardInterrupt

    stopped = make_run(tmp_path / "stopped", precision="auto", act=stop)
    with pytest.raises(KeyboardInterrupt):
        stopped.trainer.run()
    monkeypatch.setattr(trainer, "choose_precision", lambda *_: "float32")
    assert make_run(tmp_path / "stopped", precision="auto").finish().outcome == whole.outcome
