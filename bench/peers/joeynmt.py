"""joeynmt's Transformer, trained by its own TrainManager.

Its own configuration, vocabulary, data loader (in this process), model, loss and optimizer do everything;
only the manager's step is wrapped, so that the meter hears of an update when the next one begins. Its
token batches are not sorted by length, and no option makes them so.
"""

import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from joeynmt.config import parse_global_args, set_validation_args  # type: ignore[import-not-found]
from joeynmt.prediction import prepare  # type: ignore[import-not-found]
from joeynmt.training import TrainManager  # type: ignore[import-not-found]

from bench import task
from bench.peers.meter import Arguments, Counter, Meter, parse_arguments


class Manager(TrainManager):  # type: ignore[misc]
    """The tool's own manager with a meter; it saves nothing."""

    meter: Counter
    last: tuple[int, int] | None = None
    loss = float("nan")

    def _train_step(self, batch: Any) -> tuple[float, int]:
        if self.last and not self.meter.update(*self.last):
            raise KeyboardInterrupt  # as a person would stop it: the manager then leaves its loop
        self.last = batch.ntokens, batch.trg.numel()
        self.loss, correct = super()._train_step(batch)
        return self.loss, correct

    def _save_checkpoint(self, new_best: bool, score: float) -> None:
        pass


def configuration(arguments: Arguments, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What the tool reads from YAML; `recipe` changes what is said of training."""
    corpus = arguments.corpus
    words = str(corpus / task.WORDS)
    languages = {
        side: {"lang": name.removeprefix("train."), "level": "word", "voc_file": words}
        for side, name in (("src", task.SOURCE_IDS), ("trg", task.TARGET_IDS))
    }
    layers = {
        "type": "transformer",
        "num_layers": task.LAYERS["transformer"],
        "num_heads": task.HEADS,
        "hidden_size": task.WIDTH,
        "ff_size": task.INNER,
        "dropout": task.DROPOUT,
        "embeddings": {"embedding_dim": task.WIDTH, "scale": True},
    }
    return {
        "name": "bench",
        "model_dir": str(corpus / "joeynmt"),
        "use_cuda": False,
        "random_seed": arguments.seed + 1,
        "data": {"train": str(corpus / "train"), "dataset_type": "plain", **languages},
        "testing": {},
        "training": {
            "optimizer": "adam",
            "learning_rate": task.LEARNING_RATE,
            "scheduling": "exponential",  # it must have a schedule: this one multiplies by 1
            "decrease_factor": 1.0,
            "clip_grad_norm": task.CLIP,
            "label_smoothing": task.LABEL_SMOOTHING,
            "normalization": "tokens",
            "batch_type": "token",
            "batch_size": task.BATCH_TOKENS,
            "epochs": 1_000,
            "validation_freq": 1_000_000,
            "logging_freq": 1_000_000,
            **recipe,
        },
        "model": {
            "tied_embeddings": True,
            "tied_softmax": True,
            "initializer": "xavier_uniform",
            "embed_initializer": "xavier_uniform",
            "encoder": {**layers},
            "decoder": {**layers},
        },
    }


def prepare_manager(wanted: dict[str, Any]) -> tuple[Manager, Any]:
    """The tool's manager and its corpus."""
    parsed = parse_global_args(wanted, rank=0, mode="train")
    Path(parsed.model_dir).mkdir(exist_ok=True)
    model, corpus, _, _ = prepare(parsed, rank=0, mode="train")
    manager = Manager(
        rank=0,
        model=model,
        model_dir=parsed.model_dir,
        device=parsed.device,
        n_gpu=parsed.n_gpu,
        num_workers=parsed.num_workers,
        autocast=parsed.autocast,
        seed=parsed.seed,
        train_args=parsed.train,
        dev_args=set_validation_args(parsed.test),
    )
    return manager, corpus


def main() -> None:
    logging.disable(logging.INFO)
    arguments = parse_arguments()
    manager, corpus = prepare_manager(configuration(arguments, {}))
    manager.meter = meter = Meter(arguments.warm_up, arguments.seconds)
    manager.train_and_validate(train_data=corpus, valid_data=corpus)
    parameters = sum(parameter.numel() for parameter in manager.model.parameters())
    meter.report("joeynmt", version=version("joeynmt"), parameters=parameters, loss=manager.loss)


if __name__ == "__main__":
    main()
