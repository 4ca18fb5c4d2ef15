"""What training gains by products in bfloat16: the same batches in float32 and in bfloat16, in turn.

    .venv/bin/python -m bench.precision [--models lstm-parallel conv ...] [--updates 40]

Forward, backward and step of models of size tiny on the phrasebook, one thread; target tokens a CPU second.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence

import torch
from torch import nn

from latimer.config import PRECISIONS, configure
from latimer.data.batches import Batch, TokenBatches
from latimer.data.store import TokenStore
from latimer.folder import ModelFolder
from latimer.machine import keep_memory
from latimer.models.base import Seq2Seq
from latimer.preparation import prepare
from latimer.presets import model_settings
from latimer.training.dropout import spare_chance
from latimer.training.log import Silent
from latimer.training.loss import batch_loss
from latimer.training.optim import make_optimizer
from latimer.training.precision import products_in

MODELS = ("lstm-parallel", "transformer", "hybrid", "conv", "lstm")
WARM_UP = 5  # updates that are not measured
CPU = torch.device("cpu")


def update(
    model: Seq2Seq, optimizer: torch.optim.Optimizer, batch: Batch, numbers: str, candidates: int
) -> float:
    """One update; the CPU seconds that it took."""
    began = time.process_time()
    with products_in(numbers, CPU):
        loss = batch_loss(model, batch, 0.1, candidates=candidates)
    (loss / batch.tokens).backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return time.process_time() - began


def speeds(name: str, updates: int) -> list[float]:
    """Target tokens a CPU second in each precision."""
    with tempfile.TemporaryDirectory() as path:
        folder = ModelFolder(path)
        asked = configure({**model_settings(name), "model.size": "tiny"})
        prepare(
            folder,
            asked,
            ["builtin:phrasebook"],
            validation=(),
            languages=(None, None),
            reporter=Silent(),
        )
        training = folder.config.training
        models = [folder.build().train() for _ in PRECISIONS]
        for model in models:
            spare_chance(model)
        optimizers = [make_optimizer(model, training) for model in models]
        stream = TokenBatches(TokenStore.open(folder.training / "tokens"), training.batch, seed=1).stream()
        seconds, tokens = [0.0 for _ in PRECISIONS], 0
        for number, (_, batch) in zip(range(WARM_UP + updates), stream, strict=False):
            for place, numbers in enumerate(PRECISIONS):
                took = update(models[place], optimizers[place], batch, numbers, training.candidates)
                seconds[place] += took if number >= WARM_UP else 0.0
            tokens += batch.tokens if number >= WARM_UP else 0
    return [tokens / each for each in seconds]


def table(found: Sequence[tuple[str, list[float]]]) -> str:
    """A line a model, as Markdown."""
    lines = [f"| model | {' | '.join(PRECISIONS)} | gain |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {whole:,.0f} | {half:,.0f} | {half / whole:.2f} |" for name, (whole, half) in found
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.precision")
    parser.add_argument("--models", nargs="+", default=MODELS, help="names as in latimer train --model")
    parser.add_argument("--updates", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    print(table([(name, speeds(name, arguments.updates)) for name in arguments.models]))


if __name__ == "__main__":
    main()
