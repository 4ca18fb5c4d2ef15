"""The training loop. It can be stopped at any moment and goes on to the same bytes.

An update depends on the parameters, the optimiser's moments, its batch (which follows from the seed
and the position) and its random numbers (which follow from the seed and its number). All of that is
in the saved state, so a run that was killed is a run that was not.
"""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import torch
from torch import nn

from latimer.config import PRECISIONS, TrainingConfig
from latimer.data.batches import Batch, Position, TokenBatches
from latimer.errors import Mistake
from latimer.machine import give_memory_back, is_out_of_memory, keep_memory, peak_memory
from latimer.models.base import Seq2Seq
from latimer.shapes import Float, Tensor
from latimer.training.checkpoint import STATE, Progress, load_state, read_progress, save_state
from latimer.training.distributed import Team, part
from latimer.training.dropout import spare_chance
from latimer.training.guidance import Guidance
from latimer.training.log import Metrics, Reporter, Update, Validation
from latimer.training.loss import batch_loss
from latimer.training.optim import make_optimizer, rate_at
from latimer.training.precision import choose_precision, products_in

NOT_FINITE = 5  # losses in a row that are no numbers before the run stops
SAVE_SECONDS = 60.0  # that a kill may cost at most
FORETOLD = 20  # updates after which the end is foretold
PROBE = 0.04  # share of the minutes in which the speed is measured
VALIDATING = 0.1  # share of the minutes that validation may take at the most


@dataclass
class Trainer:
    """Trains `model` on `batches`; everything else is handed to it.

    `validate` says what the model is worth, `keep` saves it when it is better than ever, `folder` is for the
    state and the metrics. `started` (of time.monotonic) is when the minutes began. `dropout` and `splitting`
    say what suits a run of so many epochs, where that is to decide. `team` are the processes that share the
    work, `guidance` the links that one head of attention is to learn.
    """

    model: Seq2Seq
    batches: TokenBatches
    config: TrainingConfig
    folder: Path
    validate: Callable[[], Validation]
    keep: Callable[[], None]
    reporter: Reporter
    started: float = field(default_factory=time.monotonic)
    dropout: Callable[[float], float] | None = None
    splitting: Callable[[float], float] | None = None
    team: Team = field(default_factory=Team)
    guidance: Guidance | None = None

    def __post_init__(self) -> None:
        if not self.config.rate:
            raise ValueError("training.rate is still open; latimer.presets.complete_config chooses it")
        self.device = next(self.model.parameters()).device
        spare_chance(self.model)
        self.optimizer = make_optimizer(self.model, self.config)
        self.path = self.folder / STATE
        saved = read_progress(self.path)
        self.progress = saved or Progress()
        if saved:
            load_state(self.path, self.model, self.optimizer)
            self._regularise()
        if self.team.leads:
            self.metrics = Metrics(self.folder / "metrics.jsonl", after=self.progress.update)
        if self.config.minutes is None:
            self._decide(self._updates_wanted())

    def run(self) -> Progress:
        """Train to the end, or until Ctrl-C; returns where it stands."""
        keep_memory()
        self._decide_precision()
        progress, bad, first = self.progress, 0, self.progress.update
        begun = saved = mark = time.monotonic()
        tokens = 0
        with _interrupt() as interrupted:
            for position, batch in self._batches():
                if progress.finished or self.team.total(float(interrupted.is_set())):
                    break
                loss = self._update(batch)
                progress.update += 1
                progress.epoch, progress.batch = position
                bad = 0 if math.isfinite(loss) else self._not_finite(bad)
                tokens += batch.tokens
                now = time.monotonic()
                if now - mark > 1.0 or progress.update == progress.total:
                    self._report(loss, tokens / (now - mark), now - begun)
                    tokens, mark = 0, now
                if progress.update - first == FORETOLD and self.config.minutes is None:
                    self._foretell((now - begun) / FORETOLD)
                if progress.total is None:
                    self._plan(now)
                elif progress.every and (
                    progress.update % progress.every == 0 or progress.update == progress.total
                ):
                    self._validate()
                    self._save()
                    tokens, saved = 0, time.monotonic()
                    mark = saved
                if time.monotonic() - saved > SAVE_SECONDS and progress.total is not None:
                    self._save()
                    saved = time.monotonic()
            if interrupted.is_set() and progress.total is not None:
                self._save()
        return progress

    def _batches(self) -> Iterator[tuple[Position, Batch]]:
        """Each batch with the position after it."""
        for position, batch in self.batches.stream(Position(self.progress.epoch, self.progress.batch)):
            yield position, batch.to(self.device)

    def _update(self, batch: Batch) -> float:
        """One step of the optimiser; returns the loss a token. Skips what is not finite."""
        # Mixed, for the generator of the CPU sees 32 bits only: side by side they would not all count.
        drawn = (self.config.seed, self.progress.update, self.team.rank)
        mixed = np.random.SeedSequence(drawn).generate_state(1)
        torch.manual_seed(int(mixed[0]))
        self.model.train()
        loss = self.team.total(self._gradients(self.team.share(batch)))
        self.team.add_up(self.model.parameters())
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip).item()
        if math.isfinite(loss) and math.isfinite(norm):
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate(self.progress.update)
            self.optimizer.step()
        self.optimizer.zero_grad()
        return loss if math.isfinite(norm) else math.nan

    def _gradients(self, batch: Batch) -> float:
        """Leave the gradient of these pairs in the parameters; returns their share of the loss a token."""
        while True:
            parts = self.progress.parts
            try:
                return sum(self._backward(part(batch, number, parts)) for number in range(parts))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self.optimizer.zero_grad()
                self._take_smaller_parts(batch)

    def _backward(self, batch: Batch) -> float:
        if not len(batch.rows):  # fewer pairs than processes, or parts
            return 0.0
        config = self.config

        def plain() -> Float[Tensor, ""]:
            return batch_loss(self.model, batch, config.smoothing, candidates=config.candidates)

        with products_in(self.progress.precision, self.device):
            loss = plain() if self.guidance is None else self.guidance.add(self.model, batch, plain)
        loss = loss / batch.tokens
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    def _take_smaller_parts(self, batch: Batch) -> None:
        """Go on where memory ran out: the gradients of the parts add up to that of the batch."""
        if self.progress.parts >= len(batch.rows):
            raise Mistake(
                "There is not memory enough for a single pair of this batch; in a new folder, choose a "
                "smaller --size, or leave out long pairs (--set data.longest=80)."
            ) from None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.progress.parts *= 2
        self.reporter.note(
            f"Memory ran out: from now on batches are taken in {self.progress.parts} parts. "
            "The updates are the same, and a little slower."
        )

    def _rate(self, update: int) -> float:
        config = self.config
        return rate_at(update, peak=config.rate, warmup=config.warmup, total=self.progress.total)

    def _not_finite(self, bad: int) -> int:
        self.progress.skipped += 1
        if bad + 1 >= NOT_FINITE:
            raise Mistake(
                f"The loss was not a finite number {NOT_FINITE} times in a row, at update "
                f"{self.progress.update}; the last good state is kept. Try a lower training.rate than "
                f"{self.config.rate} (--set training.rate={self.config.rate / 3:.2g}) in a new folder."
            )
        return bad + 1

    def _updates_wanted(self) -> int:
        """The number of updates where it needs no measuring."""
        if self.config.steps is not None:
            return self.config.steps
        an_epoch = len(self.batches.epoch(0))
        if self.config.tokens is not None:
            lengths = self.batches.store.target_lengths
            return max(1, round(self.config.tokens / (lengths.sum() + len(lengths)) * an_epoch))
        if self.config.epochs is not None:
            return max(1, math.ceil(self.config.epochs * an_epoch))
        return min(max(10 * an_epoch, 3_000), 60_000)

    def _decide(self, total: int, validations: int | None = None) -> None:
        """Say once, for good, how long the run is and when it validates."""
        if self.progress.total is None:
            self.progress.total = total
            self.progress.every = max(1, math.ceil(total / (validations or self.config.validations)))
            epochs = total / len(self.batches.epoch(0))
            self.progress.dropout = self.dropout and self.dropout(epochs)
            self.progress.splitting = self.splitting and self.splitting(epochs)
            self._regularise()

    def _decide_precision(self) -> None:
        """Once, for good, and the first process for all."""
        if self.progress.precision is None:
            asked = self.config.precision
            if asked == "auto" and self.team.leads:
                _, batch = next(self._batches())
                asked = choose_precision(self.device, lambda name: self._seconds_of(batch, name))
            [rounded] = self.team.agree(float(asked == PRECISIONS[1]))
            self.progress.precision = PRECISIONS[int(rounded)]

    def _seconds_of(self, batch: Batch, precision: str) -> float:
        """How long the gradient of a batch takes in that precision; nothing is learned of it."""
        self.model.train()
        self.progress.precision = precision
        begun = time.perf_counter()
        self._gradients(self.team.share(batch))
        self.optimizer.zero_grad()
        return time.perf_counter() - begun

    def _regularise(self) -> None:
        """As was decided: dropout everywhere in the model where there is some, and pieces to be split."""
        if self.progress.splitting is not None:
            self.batches.splitting = self.progress.splitting
        if self.progress.dropout is not None:
            for module in self.model.modules():
                if isinstance(module, nn.Dropout) and module.p:
                    module.p = self.progress.dropout
                elif isinstance(module, nn.LSTM) and module.dropout:
                    module.dropout = self.progress.dropout

    def _plan(self, now: float) -> None:
        """Fit the number of updates to the minutes, from the speed of the first ones."""
        assert self.config.minutes is not None
        update, budget = self.progress.update, 60 * self.config.minutes
        if update == 3:  # the first updates are slower than the others
            self._clock = now
        [ready] = self.team.agree(float(update >= 10 and now - self._clock >= PROBE * budget))
        if not ready:
            return
        each = (now - self._clock) / (update - 3)
        # An untrained model seldom ends a sentence: half of this validation's time is a safe guess.
        validating = self._validate().seconds / 2
        left = budget - (time.monotonic() - self.started)
        validations = max(1, min(self.config.validations, int(VALIDATING * budget / validating)))
        total = update + max(1, int((left - validations * validating) / each))
        total, validations = map(int, self.team.agree(float(total), float(validations)))
        self._decide(total, validations)
        self._save()
        self.reporter.note(
            f"{total:,} updates fit into {self.config.minutes:g} minutes: "
            f"{total / len(self.batches.epoch(0)):,.1f} epochs. {peak_memory():,} MB of memory are in use."
        )

    def _foretell(self, each: float) -> None:
        """Say when the run will be over, from the seconds that an update took; validations not counted."""
        assert self.progress.total is not None
        left = timedelta(seconds=each * (self.progress.total - self.progress.update))
        epoch = timedelta(seconds=round(each * len(self.batches.epoch(0))))
        end = datetime.now().astimezone() + left
        self.reporter.note(
            f"{self.progress.total:,} updates, {epoch} an epoch: until about {end:%Y-%m-%d %H:%M}. "
            f"{peak_memory():,} MB of memory are in use."
        )

    def _validate(self) -> Validation:
        """Validate, and keep the model if it is better than ever (by BLEU; by loss where equal)."""
        progress = self.progress
        validation = self.validate() if self.team.leads else Validation(0.0, 0.0, 0.0)
        loss, bleu, seconds = self.team.agree(validation.loss, validation.bleu, validation.seconds)
        validation = Validation(loss, bleu, seconds, validation.samples)
        best = (validation.bleu, -validation.loss) > (progress.best_bleu, -progress.best_loss)
        if best:
            progress.best_bleu, progress.best_loss = validation.bleu, validation.loss
            progress.best_update, progress.worse = progress.update, 0
            if self.team.leads:
                self._writing(self.keep)
        else:
            progress.worse += 1
        if progress.update == progress.total or progress.worse >= self.config.patience:
            progress.finished = True
        if self.team.leads:
            told = {"update": progress.update, "best": best, **validation._asdict()}
            self._writing(lambda: self.metrics.write("validation", told))
        self.reporter.validated(progress.update, validation, best=best)
        give_memory_back()
        return validation

    def _save(self) -> None:
        if self.team.leads:
            self._writing(lambda: save_state(self.path, self.model, self.optimizer, self.progress))

    def _writing(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            raise Mistake(
                f"{self.folder}: {error.strerror or error}; the last saved state is whole, so make room "
                "or give the right to write, and run the same command again."
            ) from None

    def _report(self, loss: float, speed: float, seconds: float) -> None:
        progress = self.progress
        rate = self._rate(progress.update - 1)  # that of the update just made
        update = Update(progress.update, progress.total, progress.epoch + 1, loss, rate, speed, seconds)
        if self.team.leads:
            self._writing(lambda: self.metrics.write("update", update._asdict()))
        self.reporter.updated(update)


@contextmanager
def _interrupt() -> Iterator[threading.Event]:
    """Ctrl-C asks to stop after the update at hand; a second one stops at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
