"""Our own models, trained by our own Trainer on a memory-mapped token store.

As with the peers, the batches are only wrapped, so that the meter hears of each when the Trainer comes
back for the next. Model, optimizer, loss and loop are what `latimer train` uses; the sizes are the task's.
"""

import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import torch

from bench import task
from bench.peers.meter import Meter, parse_arguments
from latimer.config import Config, configure
from latimer.data.batches import Batch, Position, TokenBatches
from latimer.data.store import TokenStore
from latimer.data.tokenizer import BOS, EOS, PAD
from latimer.models.build import build
from latimer.presets import model_settings
from latimer.training.log import Update, Validation
from latimer.training.trainer import Trainer

FOREVER = 1_000_000_000  # updates: the meter ends the run, before the first validation


class MeteredBatches(TokenBatches):
    """Batches until the meter has enough. Code after `yield` runs when the update is done."""

    meter: Meter

    def stream(self, start: Position = Position()) -> Iterator[tuple[Position, Batch]]:  # noqa: B008
        for position, batch in super().stream(start):
            yield position, batch
            if not self.meter.update(batch.tokens, batch.outputs.numel()):
                return


class Listener:
    """Remembers the last loss that the Trainer told of."""

    loss = float("nan")

    def updated(self, update: Update) -> None:
        self.loss = update.loss

    def validated(self, update: int, validation: Validation, *, best: bool) -> None:
        raise AssertionError("a validation would be measured too")

    def note(self, text: str) -> None:
        pass

    def preparing(self, what: str, share: float) -> None:
        pass


def configuration(name: str, seed: int) -> Config:
    """What `latimer train --model NAME` takes, with the task's sizes."""
    return configure(
        {
            **model_settings(name),
            "model.embedding": task.WIDTH,
            "model.width": task.WIDTH,
            "model.encoder_layers": task.LAYERS[name],
            "model.decoder_layers": task.LAYERS[name],
            "model.encoder_heads": task.HEADS if name == "transformer" else 1,
            "model.decoder_heads": task.HEADS if name == "transformer" else 1,
            "model.feed_forward": task.INNER,
            "model.activation": "relu",
            "model.kernel": task.KERNEL,
            "model.dropout": task.DROPOUT,
            "data.joint": True,
            "training.steps": FOREVER,
            "training.batch": task.BATCH_TOKENS,
            "training.candidates": 0,  # the others' softmax sees the whole vocabulary
            "training.splitting": 0.0,
            "training.precision": "float32",  # the others' too, whatever this machine is faster with
            "training.rate": task.LEARNING_RATE,
            "training.smoothing": task.LABEL_SMOOTHING,
            "training.clip": task.CLIP,
            "training.seed": seed,
        }
    )


def never() -> Validation:
    raise AssertionError("the run ends before it validates")


def main() -> None:
    arguments = parse_arguments()
    assert (PAD, BOS, EOS) == (task.PADDING, task.BEGINNING, task.END)
    config = configuration(arguments.task, arguments.seed)
    torch.manual_seed(arguments.seed)
    size = task.VOCABULARY
    model = build(config.model, source_vocabulary=size, target_vocabulary=size, joint=config.data.joint)
    listener = Listener()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = (task.read_ids(arguments.corpus / ids) for ids in (task.SOURCE_IDS, task.TARGET_IDS))
        store = TokenStore.write(folder / "store", zip(*sides, strict=True), vocabulary=size)
        batches = MeteredBatches(store, config.training.batch, seed=arguments.seed)
        batches.meter = meter = Meter(arguments.warm_up, arguments.seconds)
        Trainer(
            model=model,
            batches=batches,
            config=config.training,
            folder=folder,
            validate=never,
            keep=lambda: None,
            reporter=listener,
        ).run()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    meter.report("latimer", version=version("latimer"), parameters=parameters, loss=listener.loss)


if __name__ == "__main__":
    main()
