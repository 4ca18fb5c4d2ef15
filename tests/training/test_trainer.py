"""The training loop: law 11, losses that are no numbers, early stopping, and disks that are full."""

import math
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from latimer import files
from latimer.training import trainer as module
from latimer.training.checkpoint import read_progress

MakeRun = Callable[..., Any]


class KilledError(BaseException):
    """Nobody catches it, as nobody catches kill -9."""


class Moments:
    """Dies at the n-th moment: every report is one, and every flush, before a rename and after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = math.inf
        monkeypatch.setattr(files.os, "fsync", self.passes)

    def passes(self, number: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise KilledError


def kill_at(update: int) -> Callable[[int], None]:
    def act(done: int) -> None:
        if done == update:
            raise KilledError

    return act


@pytest.mark.parametrize("save_seconds", [-1.0, 60.0], ids=["saving always", "saving seldom"])
@pytest.mark.parametrize("budget", [{"steps": 6, "validations": 2}, {"epochs": 1.5}], ids=["steps", "epochs"])
def test_a_killed_run_ends_in_the_same_bytes(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_seconds: float, budget: Any
) -> None:
    """Law 11, at every moment there is."""
    monkeypatch.setattr(module, "SAVE_SECONDS", save_seconds)
    moments = Moments(monkeypatch)
    moments.left = 10**6
    expected = make_run(tmp_path / "whole", act=moments.passes, **budget).finish()
    count = 10**6 - int(moments.left)
    assert count >= 12
    step = 1 if save_seconds > 0 and "steps" in budget else 5
    for moment in range(1, count, step):
        moments.left = moment
        folder = tmp_path / str(moment)
        with pytest.raises(KilledError):
            make_run(folder, act=moments.passes, **budget).trainer.run()
        moments.left = math.inf
        run = make_run(folder, **budget).finish()
        assert run.outcome == expected.outcome, moment
        assert run.rows == expected.rows, "no row of metrics.jsonl twice, and none missing"
        assert run.trainer.progress == expected.trainer.progress


@pytest.mark.parametrize("budget", [{"steps": 9}, {"minutes": 1.0}], ids=["steps", "minutes"])
def test_dropout_follows_from_the_epochs_and_is_kept(make_run: MakeRun, tmp_path: Path, budget: Any) -> None:
    told: list[float] = []

    def choose(epochs: float) -> float:
        told.append(epochs)
        return 0.6

    run = make_run(tmp_path / "whole", dropout=choose, **budget).finish()
    assert told == [run.trainer.progress.total / len(run.trainer.batches.epoch(0))]
    late = kill_at(run.trainer.progress.total - 2)
    with pytest.raises(KilledError):
        make_run(tmp_path / "killed", dropout=choose, act=late, **budget).finish()
    again = make_run(tmp_path / "killed", dropout=choose, **budget)
    for each in (run, again):
        shares = {part.p for part in each.trainer.model.modules() if isinstance(part, nn.Dropout)}
        assert shares == {0.0, 0.6}, "an attention that drops nothing goes on dropping nothing"
    assert make_run(tmp_path / "plain", **budget).trainer.progress.dropout is None


@pytest.mark.parametrize("budget", [{"steps": 9}, {"minutes": 1.0}], ids=["steps", "minutes"])
def test_splitting_follows_from_the_epochs_and_is_kept(
    make_run: MakeRun, tmp_path: Path, budget: Any
) -> None:
    told: list[float] = []

    def choose(epochs: float) -> float:
        told.append(epochs)
        return 0.4

    run = make_run(tmp_path / "whole", splitting=choose, **budget).finish()
    assert told == [run.trainer.progress.total / len(run.trainer.batches.epoch(0))]
    late = kill_at(run.trainer.progress.total - 2)
    with pytest.raises(KilledError):
        make_run(tmp_path / "killed", splitting=choose, act=late, **budget).finish()
    again = make_run(tmp_path / "killed", splitting=choose, **budget)
    assert run.trainer.batches.splitting == again.trainer.batches.splitting == 0.4
    assert again.finish().outcome == run.outcome
    assert make_run(tmp_path / "plain", **budget).trainer.batches.splitting == 0.0


def test_a_run_killed_again_and_again_still_ends(make_run: MakeRun, tmp_path: Path) -> None:
    expected = make_run(tmp_path / "whole").finish()
    for update in (4, 5, 7, 8):
        with pytest.raises(KilledError):
            make_run(tmp_path / "other", act=kill_at(update)).trainer.run()
    run = make_run(tmp_path / "other").finish()
    assert run.outcome == expected.outcome
    assert run.rows == expected.rows


@pytest.mark.parametrize("update", [1, 3, 5])
def test_ctrl_c_saves_and_the_run_goes_on(make_run: MakeRun, tmp_path: Path, update: int) -> None:
    before = signal.getsignal(signal.SIGINT)

    def act(done: int) -> None:
        if done == update:
            signal.raise_signal(signal.SIGINT)

    expected = make_run(tmp_path / "whole").finish()
    progress = make_run(tmp_path / "other", act=act).trainer.run()
    assert not progress.finished
    assert signal.getsignal(signal.SIGINT) is before
    saved = read_progress(tmp_path / "other" / "state.safetensors")
    assert saved == progress
    assert saved is not None
    assert saved.update == update, "nothing is done twice"
    run = make_run(tmp_path / "other").finish()
    assert run.watcher.updates[0].update == update + 1
    assert run.outcome == expected.outcome
    assert run.rows == expected.rows


def test_a_second_ctrl_c_stops_at_once(make_run: MakeRun, tmp_path: Path) -> None:
    def act(done: int) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        make_run(tmp_path, act=act).trainer.run()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_finished_run_does_nothing_more(make_run: MakeRun, tmp_path: Path) -> None:
    outcome = make_run(tmp_path).finish().outcome
    again = make_run(tmp_path).finish()
    assert again.outcome == outcome
    assert again.watcher.updates == []
    assert again.watcher.validations == []


def test_the_rate_that_is_told_is_the_rate_that_was_used(make_run: MakeRun, tmp_path: Path) -> None:
    used = []
    run = make_run(tmp_path, act=lambda update: used.append(run.trainer.optimizer.param_groups[0]["lr"]))
    run.trainer.run()
    assert [update.rate for update in run.watcher.updates] == used
    assert used[-1] == pytest.approx(0.01 / 8)


@pytest.mark.parametrize("clip", [0.05, 100.0])
def test_an_update_follows_the_mean_over_tokens_clipped(
    make_run: MakeRun, tmp_path: Path, clip: float
) -> None:
    """The gradients that the optimiser meets, against torch's own loss of all logits."""
    run = make_run(tmp_path, steps=1, clip=clip, smoothing=0.2)
    model, parameters = run.trainer.model, list(run.trainer.model.parameters())
    for layer in model.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    _, batch = next(run.trainer.batches.stream())
    logits = model(batch.source, batch.source_mask, batch.inputs)[batch.target_mask]
    loss = torch.nn.functional.cross_entropy(logits, batch.outputs[batch.target_mask], label_smoothing=0.2)
    expected = torch.autograd.grad(loss, parameters)
    norm = float(torch.cat([gradient.flatten() for gradient in expected]).norm())
    assert 0.05 < norm < 100
    met: list[torch.Tensor] = []
    run.trainer.optimizer.register_step_pre_hook(
        lambda *_: met.extend(parameter.grad.clone() for parameter in parameters)
    )
    run.trainer.run()
    for one, other in zip(met, expected, strict=True):
        torch.testing.assert_close(one, other * min(1.0, clip / norm), rtol=1e-4, atol=1e-6)
    assert run.watcher.updates[0].loss == pytest.approx(float(loss.detach()), rel=1e-5)


def test_the_seed_decides_the_run(make_run: MakeRun, tmp_path: Path) -> None:
    one, same, other = (make_run(tmp_path / str(n), seed=seed).finish() for n, seed in enumerate((1, 1, 2)))
    assert one.outcome == same.outcome
    assert one.outcome[0] != other.outcome[0], "dropout is drawn from the seed"


# --- how long, and how often


def test_every_update_is_made_and_the_validations_are_spread(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path, steps=10, validations=4).finish()
    assert [update.update for update in run.watcher.updates] == list(range(1, 11))
    assert {update.total for update in run.watcher.updates} == {10}
    assert [update for update, _ in run.watcher.validations] == [3, 6, 9, 10]


@pytest.mark.parametrize(("epochs", "part"), [(2.0, 2), (0.5, 0.5), (0.0001, 0)])
def test_epochs_are_passes_over_the_batches(
    make_run: MakeRun, tmp_path: Path, epochs: float, part: float
) -> None:
    run = make_run(tmp_path, epochs=epochs)
    an_epoch = len(run.trainer.batches.epoch(0))
    progress = run.trainer.run()
    assert progress.update == max(1, math.ceil(part * an_epoch))
    assert progress.epoch == int(part)


def quicker_later(clock: Any) -> Callable[[int], float]:
    """A first validation takes twice as long as the others: an untrained model seldom ends a sentence."""
    first = clock.a_validation

    def bleu(update: int) -> float:
        clock.a_validation = first / 2
        return float(update)

    return bleu


def test_the_end_is_foretold_where_minutes_do_not_say_it(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", steps=45).finish()
    [note] = run.watcher.notes
    told, memory = note.split(". ")
    assert re.fullmatch(r"45 updates, 0:\d\d:\d\d an epoch: until about 20\d\d-\d\d-\d\d \d\d:\d\d", told)
    assert re.fullmatch(r"[\d,]+ MB of memory are in use\.", memory)
    assert make_run(tmp_path / "short", steps=9).finish().watcher.notes == []


def test_minutes_are_planned_once_and_kept(make_run: MakeRun, tmp_path: Path, clock: Any) -> None:
    """Six seconds an update, three and then one and a half a validation, four minutes."""
    clock.an_update = 6.0
    expected = make_run(tmp_path / "whole", minutes=4.0, bleu=quicker_later(clock)).finish()
    # Update 10 plans: 42 s have passed since update 3, which is more than 9.6. Then a validation of 3 s:
    # 240 - 63 s are left, less three validations: (177 - 4.5) / 6 = 28 updates.
    assert expected.trainer.progress.total == 10 + 28
    assert [update for update, _ in expected.watcher.validations] == [10, 13, 26, 38]
    [note] = expected.watcher.notes
    epochs = 38 / len(expected.trainer.batches.epoch(0))
    assert note.startswith(f"38 updates fit into 4 minutes: {epochs:.1f} epochs. ")
    assert clock.now - 1000 == 38 * 6 + 3 + 3 * 1.5
    assert expected.watcher.updates[9].rate == 0.01
    assert expected.watcher.updates[-1].rate == pytest.approx(0.01 / 35)  # decayed when the time is up

    clock.a_validation = 3.0
    with pytest.raises(KilledError):
        make_run(tmp_path / "other", minutes=4.0, act=kill_at(20), bleu=quicker_later(clock)).trainer.run()
    clock.an_update = clock.a_validation = 17.0  # the machine is slower now: the plan is kept all the same
    run = make_run(tmp_path / "other", minutes=4.0).finish()
    assert run.outcome == expected.outcome
    assert [row["update"] for row in run.rows] == [row["update"] for row in expected.rows]


def test_validating_takes_a_tenth_of_the_minutes_at_the_most(
    make_run: MakeRun, tmp_path: Path, clock: Any
) -> None:
    clock.an_update, clock.a_validation = 6.0, 30.0
    run = make_run(tmp_path, minutes=4.0, bleu=quicker_later(clock)).finish()
    assert len(run.watcher.validations) == 1 + 1
    assert clock.now - 1000 == pytest.approx(240, abs=6)


def test_early_stopping_and_keeping_the_best(make_run: MakeRun, tmp_path: Path) -> None:
    worth = {2: 10.0, 4: 30.0, 6: 29.0, 8: 20.0, 10: 25.0, 12: 99.0}
    run = make_run(tmp_path, steps=40, validations=20, patience=3, bleu=worth.__getitem__)
    seen, validate = {}, run.trainer.validate

    def watched() -> Any:
        parameters = run.trainer.model.named_parameters()
        seen[run.trainer.progress.update] = {name: value.detach().clone() for name, value in parameters}
        return validate()

    run.trainer.validate = watched
    progress = run.trainer.run()
    assert run.watcher.validations == [(2, True), (4, True), (6, False), (8, False), (10, False)]
    assert (progress.finished, progress.update, progress.best_update, progress.best_bleu) == (
        True,
        10,
        4,
        30.0,
    )
    kept = load_file(tmp_path / "best.safetensors")
    assert kept.keys() == seen[4].keys()
    assert all(torch.equal(kept[name], value) for name, value in seen[4].items())
    assert [row["best"] for row in run.rows if row["event"] == "validation"] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert make_run(tmp_path, steps=40, validations=20, patience=3).finish().watcher.updates == []


def test_patience_counts_validations_in_a_row(make_run: MakeRun, tmp_path: Path) -> None:
    worth = [5.0, 4.0, 4.0, 6.0, 5.0, 5.0, 7.0, 1.0, 1.0, 1.0]
    run = make_run(tmp_path, steps=40, validations=40, patience=3, bleu=lambda update: worth[update - 1])
    assert run.trainer.run().update == 10


def test_of_equal_bleu_the_lower_loss_is_better(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path, bleu=lambda update: 0.0, rate=0.03).finish()
    losses = [row["loss"] for row in run.rows if row["event"] == "validation"]
    assert losses == sorted(losses, reverse=True), "a tiny model that learns"
    assert [best for _, best in run.watcher.validations] == [True, True, True]
    assert run.trainer.progress.best_loss == losses[-1]


def test_a_line_that_a_kill_cut_short_is_dropped(make_run: MakeRun, tmp_path: Path) -> None:
    expected = make_run(tmp_path / "whole").finish().rows
    with pytest.raises(KilledError):
        make_run(tmp_path / "other", act=kill_at(5)).trainer.run()
    with (tmp_path / "other" / "metrics.jsonl").open("a") as file:
        file.write('{"event": "update", "upd')
    assert make_run(tmp_path / "other").finish().rows == expected
