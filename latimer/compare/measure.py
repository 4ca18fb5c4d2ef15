"""What a finished run is worth, in numbers that are measured once and kept beside it."""

import json
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from latimer.data.batches import TokenBatches
from latimer.data.store import TokenStore
from latimer.folder import ModelFolder
from latimer.models.base import Seq2Seq
from latimer.training.dropout import spare_chance
from latimer.training.loss import batch_loss
from latimer.training.optim import make_optimizer
from latimer.translator import PLAIN, Translator

ROUNDS = 4  # all models are measured in turn, so often
UPDATES, SINGLES, TOGETHER = 5, 16, 64  # in a round: updates, sentences one by one, sentences at once


def outcome(folder: ModelFolder, sources: Sequence[str], *, beam: int) -> dict[str, Any]:
    """The translations of the test sentences, and all that is reported of the training of this run."""
    translator = Translator.load(folder.path)
    training = folder.record["training"]
    return {
        "hypotheses": translator.translate(sources, beam=beam, wishes=PLAIN),
        "config": folder.record["config"],
        **{name: training[name] for name in ("updates", "best_update", "peak_memory_mb", "device")},
        "parameters": parameters(translator.model),
        "curve": curve(folder.training / "metrics.jsonl"),
    }


def parameters(model: Seq2Seq) -> dict[str, int]:
    """How many there are, and how many beside the embeddings and the output layer."""
    matrices = [part.weight for part in model.modules() if isinstance(part, nn.Embedding)]
    matrices.append(model.decoder.output.weight)
    words = {id(matrix): matrix.numel() for matrix in matrices}
    total = sum(parameter.numel() for parameter in model.parameters())
    return {"all": total, "without_embeddings": total - sum(words.values())}


def curve(path: Path) -> list[dict[str, Any]]:
    """The validations of a run: update, seconds of training up to it, BLEU and loss.

    The log tells the time of updates, a new clock each time the run went on; validations stand between.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    updates, seconds, before, last = [0.0], [0.0], 0.0, 0.0
    for row in rows:
        if row["event"] == "update":
            if row["seconds"] < last:
                before += last
            last = row["seconds"]
            updates.append(row["update"])
            seconds.append(before + last)
    return [
        {
            "update": row["update"],
            "seconds": float(np.interp(row["update"], updates, seconds)),
            "bleu": row["bleu"],
            "loss": row["loss"],
        }
        for row in rows
        if row["event"] == "validation"
    ]


def speeds(folders: dict[str, ModelFolder], sources: Sequence[str], *, beam: int) -> dict[str, Any]:
    """How fast each model learns and translates, in wall seconds and in seconds of the processor.

    The models take turns, so that whatever else the machine does hits all alike; what is told is the sum
    over the rounds. `training` counts target tokens; `one` and `together` count sentences, translated one
    at a time and 64 at a time.
    """
    found: dict[str, Any] = {}
    for number in range(ROUNDS):
        for name, folder in folders.items():
            told = found.setdefault(name, {})
            for kind, measured in _round(folder, sources, beam, number).items():
                total = told.setdefault(kind, dict.fromkeys(measured, 0))
                told[kind] = {key: total[key] + value for key, value in measured.items()}
    return found


def _round(folder: ModelFolder, sources: Sequence[str], beam: int, number: int) -> dict[str, Any]:
    """One turn of one model; each turn has other sentences and other batches."""
    translator = Translator.load(folder.path)
    translator.translate(sources[:2], beam=beam, wishes=PLAIN)  # the first is slower than the others
    first = number * TOGETHER
    some = [sources[place % len(sources)] for place in range(first, first + TOGETHER)]
    clock = _Clock()
    for sentence in some[:SINGLES]:
        translator.translate([sentence], beam=beam, wishes=PLAIN)
    one = {"sentences": SINGLES, **clock.read()}
    clock = _Clock()
    translator.translate(some, beam=beam, wishes=PLAIN)
    together = {"sentences": TOGETHER, **clock.read()}
    return {"training": _updates(folder, translator.model, number), "one": one, "together": together}


def _updates(folder: ModelFolder, model: Seq2Seq, number: int) -> dict[str, Any]:
    """Some updates as the trainer makes them, of a model that is thrown away."""
    config = folder.config.training
    batches = TokenBatches(TokenStore.open(folder.training / "tokens"), config.batch, seed=number)
    spare_chance(model)
    optimizer = make_optimizer(model, config)
    model.train()
    device = next(model.parameters()).device
    tokens = 0
    clock = _Clock()
    for place, (_, batch) in enumerate(islice(batches.stream(), UPDATES + 1)):
        if place == 1:  # the first is slower than the others
            clock = _Clock()
        here = batch.to(device)
        loss = batch_loss(model, here, config.smoothing, candidates=config.candidates) / here.tokens
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        optimizer.zero_grad()
        tokens += here.tokens if place else 0
        loss.item()  # wait until it is done
    return {"tokens": tokens, **clock.read()}


class _Clock:
    """Seconds since it was made: on the wall, and of the processor, all threads together."""

    def __init__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        wall, processor = self._begun
        return {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - processor}
