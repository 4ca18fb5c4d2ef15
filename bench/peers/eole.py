"""eole's LSTM (MLP attention, input feeding), Transformer or ConvS2S, trained by its own Trainer.

As with OpenNMT-py, whose successor it is: its own configuration, vocabulary, iterator, model, loss and
optimizer, the iterator wrapped for the meter, batches made in this process, one bucket of the whole
corpus. Its `rnn` architecture has one direction only; a `custom` one takes its bidirectional encoder.
"""

import logging
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

from eole.config.run import TrainConfig  # type: ignore[import-not-found]
from eole.constants import CorpusTask  # type: ignore[import-not-found]
from eole.inputters.dynamic_iterator import build_dynamic_dataset_iter  # type: ignore[import-not-found]
from eole.models.model import get_model_class  # type: ignore[import-not-found]
from eole.train_single import TrainingInitializer  # type: ignore[import-not-found]
from eole.trainer import build_trainer  # type: ignore[import-not-found]
from eole.utils.misc import set_random_seed  # type: ignore[import-not-found]
from eole.utils.optimizers import Optimizer  # type: ignore[import-not-found]

from bench import task
from bench.peers.meter import Arguments, Counter, Meter, parse_arguments

BUCKET = 29_000  # sentences: multi30k, once
MODELS: dict[str, dict[str, Any]] = {
    "lstm": {
        "architecture": "custom",
        "embeddings": {"word_vec_size": task.WIDTH, "position_encoding_type": None},
        "encoder": {"encoder_type": "brnn", "rnn_type": "LSTM"},
        "decoder": {"decoder_type": "rnn", "rnn_type": "LSTM", "global_attention": "mlp"},
        "input_feed": 1,
    },
    "transformer": {
        "architecture": "transformer",
        "embeddings": {"word_vec_size": task.WIDTH, "position_encoding": True},
        "heads": task.HEADS,
        "transformer_ff": task.INNER,
    },
    "conv": {
        "architecture": "cnn",
        "embeddings": {"word_vec_size": task.WIDTH, "position_encoding": True},
        "cnn_kernel_width": task.KERNEL,
    },
}


class Prepared(NamedTuple):
    """The tool's own things, ready to train."""

    context: Any
    model: Any
    optimizer: Any
    trainer: Any
    batches: Any

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())


def configuration(arguments: Arguments, recipe: Mapping[str, Any]) -> Any:
    """The tool's configuration, through its own checks; `recipe` changes what is said of training."""
    corpus = arguments.corpus
    source, target, words = (str(corpus / name) for name in (task.SOURCE_IDS, task.TARGET_IDS, task.WORDS))
    return TrainConfig(
        seed=arguments.seed + 1,
        src_vocab=words,
        share_vocab=True,
        data={"train": {"path_src": source, "path_tgt": target, "weight": 1}},
        model={
            **MODELS[arguments.task],
            "layers": task.LAYERS[arguments.task],
            "hidden_size": task.WIDTH,
            "share_embeddings": True,
            "share_decoder_embeddings": True,
        },
        training={
            "model_path": str(corpus / "eole"),
            "compute_dtype": "fp32",
            "dropout": [task.DROPOUT],
            "attention_dropout": [0.0],  # ours has none either
            "label_smoothing": task.LABEL_SMOOTHING,
            "optim": "adam",
            "learning_rate": task.LEARNING_RATE,
            "decay_method": "none",
            "max_grad_norm": task.CLIP,
            "batch_type": "tokens",
            "batch_size": task.BATCH_TOKENS,
            "normalization": "tokens",
            "accum_count": [1],
            "bucket_size": BUCKET,
            "num_workers": 0,
            **recipe,
        },
    )


def metered(batches: Any, meter: Counter, padding: int) -> Iterator[Any]:
    """The tool's batches, until the meter has enough. Code after `yield` runs when the update is done."""
    for batch, bucket in batches:
        label = batch["tgt"][:, 1:]
        tokens, positions = int(label.ne(padding).sum()), label.numel()
        yield batch, bucket
        if not meter.update(tokens, positions):
            return


def prepare(wanted: Any) -> Prepared:
    """Model, optimizer, trainer and batches, made as the tool's own main program makes them."""
    set_random_seed(wanted.seed, False)
    context = TrainingInitializer(wanted).initialize()
    config, vocabularies = context.config, context.vocabs
    model_class = get_model_class(config.model)
    model = model_class.for_training(config.model, vocabularies, config.training, device_id=-1)
    optimizer = Optimizer.from_config(model, config)
    trainer = build_trainer(config, -1, model, vocabularies, optimizer)
    batches = build_dynamic_dataset_iter(config, context.transforms, vocabularies, task=CorpusTask.TRAIN)
    return Prepared(context, model, optimizer, trainer, batches)


def train(prepared: Prepared, meter: Counter) -> Any:
    """Trains until the meter has enough; the tool's own statistics."""
    batches = metered(prepared.batches, meter, prepared.context.vocabs["tgt"]["<blank>"])
    return prepared.trainer.train(batches, 0, save_checkpoint_steps=0, valid_steps=10**9)


def main() -> None:
    logging.disable(logging.INFO)
    arguments = parse_arguments()
    prepared = prepare(configuration(arguments, {}))
    meter = Meter(arguments.warm_up, arguments.seconds)
    loss = float(train(prepared, meter).xent())
    meter.report("eole", version=version("eole"), parameters=prepared.parameters, loss=loss)


if __name__ == "__main__":
    main()
