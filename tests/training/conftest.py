"""A trainer of a tiny model, a clock that the test turns, and someone who watches."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from latimer.config import ModelConfig, TrainingConfig
from latimer.data.batches import TokenBatches, in_order
from latimer.data.store import TokenStore
from latimer.files import write_tensors
from latimer.models.build import build
from latimer.training import trainer as module
from latimer.training.log import Silent, Update, Validation
from latimer.training.loss import validation_loss
from latimer.training.trainer import Trainer

SIZE = 12


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.an_update = 2.0  # more than a second, so that every update is reported
        self.a_validation = 3.0

    def monotonic(self) -> float:
        return self.now

    def perf_counter(self) -> float:
        return time.perf_counter()


class Watcher(Silent):
    """Remembers what it was told, and calls `act` with every number of an update."""

    def __init__(self, act: Callable[[int], None] = lambda update: None) -> None:
        self.act = act
        self.updates: list[Update] = []
        self.validations: list[tuple[int, bool]] = []
        self.notes: list[str] = []

    def updated(self, update: Update) -> None:
        self.updates.append(update)
        self.act(update.update)

    def validated(self, update: int, validation: Validation, *, best: bool) -> None:
        self.validations.append((update, best))

    def note(self, text: str) -> None:
        self.notes.append(text)

    def preparing(self, what: str, share: float) -> None:
        pass


class Run(NamedTuple):
    """A trainer and its places."""

    trainer: Trainer
    folder: Path
    watcher: Watcher

    def finish(self) -> "Run":
        assert self.trainer.run().finished
        return self

    @property
    def outcome(self) -> tuple[bytes, bytes]:
        """The best model and the last state, to the byte."""
        best, state = self.folder / "best.safetensors", self.folder / "state.safetensors"
        return best.read_bytes(), state.read_bytes()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What metrics.jsonl tells, without what a clock measured."""
        lines = (self.folder / "metrics.jsonl").read_text().splitlines()
        timed = ("tokens_per_second", "seconds")
        return [
            {name: value for name, value in json.loads(line).items() if name not in timed} for line in lines
        ]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, update = Clock(), Trainer._update

    def timed(trainer: Trainer, batch: Any) -> float:
        clock.now += clock.an_update
        return update(trainer, batch)

    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # what it is for, no test can see
    monkeypatch.setattr(Trainer, "_update", timed)
    return clock


def sentences() -> TokenStore:
    chance = torch.Generator().manual_seed(7)
    rows = [torch.randint(4, SIZE, (2 + number % 4,), generator=chance).tolist() for number in range(30)]
    return TokenStore.of((row, row[::-1]) for row in rows)


@pytest.fixture
def make_run(clock: Clock) -> Callable[..., Run]:
    def make(
        folder: Path,
        *,
        act: Callable[[int], None] = lambda update: None,
        bleu: Any = float,
        dropout: Callable[[float], float] | None = None,
        splitting: Callable[[float], float] | None = None,
        **settings: Any,
    ) -> Run:
        """A run of nine updates and three validations; `bleu` says what the model is worth at an update."""
        torch.manual_seed(3)
        config = ModelConfig(embedding=4, width=4, dropout=0.3)
        model = build(config, source_vocabulary=SIZE, target_vocabulary=SIZE, joint=True)
        store, watcher = sentences(), Watcher(act)

        def validate() -> Validation:
            took = clock.a_validation
            clock.now += took
            loss = validation_loss(model, in_order(store, 90))
            return Validation(loss, bleu(trainer.progress.update), took)

        def keep() -> None:
            tensors = {name: value.detach() for name, value in model.named_parameters()}
            write_tensors(folder / "best.safetensors", tensors)

        budget = {} if settings.keys() & {"minutes", "epochs"} else {"steps": 9}
        usual: dict[str, Any] = {"validations": 3, "rate": 0.01, "warmup": 3, "precision": "float32"}
        values = {**usual, **budget, **settings}
        trainer = Trainer(
            model,
            TokenBatches(store, 40, seed=5),
            TrainingConfig(**values),
            folder,
            validate=validate,
            keep=keep,
            reporter=watcher,
            started=clock.now,
            dropout=dropout,
            splitting=splitting,
        )
        return Run(trainer, folder, watcher)

    return make
