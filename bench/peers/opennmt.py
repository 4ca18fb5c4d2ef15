"""OpenNMT-py's LSTM (MLP attention, input feeding), Transformer or ConvS2S, trained by its own Trainer.

Its own options, vocabulary, iterator, model, loss and optimizer do everything; the iterator is only
wrapped, so that the meter hears of each batch when the Trainer comes back for the next one. Batches are
made in this process (`num_workers` 0), since work in helper processes would escape the meter. A bucket
is the whole corpus, so that batches are as even in length as the tool can make them, and the bucket's
memory is not many copies of a small corpus.
"""

import logging
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

from onmt.inputters.dynamic_iterator import build_dynamic_dataset_iter  # type: ignore[import-not-found]
from onmt.model_builder import build_model  # type: ignore[import-not-found]
from onmt.opts import train_opts  # type: ignore[import-not-found]
from onmt.train_single import _init_train  # type: ignore[import-not-found]
from onmt.trainer import build_trainer  # type: ignore[import-not-found]
from onmt.utils.misc import set_random_seed  # type: ignore[import-not-found]
from onmt.utils.optimizers import Optimizer  # type: ignore[import-not-found]
from onmt.utils.parse import ArgumentParser  # type: ignore[import-not-found]

from bench import task
from bench.peers.meter import Arguments, Counter, Meter, parse_arguments

BUCKET = 29_000  # sentences: multi30k, once
MODELS: dict[str, dict[str, object]] = {
    "lstm": {
        "encoder_type": "brnn",
        "decoder_type": "rnn",
        "rnn_type": "LSTM",
        "global_attention": "mlp",
        "input_feed": 1,
    },
    "transformer": {
        "encoder_type": "transformer",
        "decoder_type": "transformer",
        "heads": task.HEADS,
        "transformer_ff": task.INNER,
        "position_encoding": True,
        "attention_dropout": 0.0,  # ours has none either
    },
    "conv": {
        "encoder_type": "cnn",
        "decoder_type": "cnn",
        "cnn_kernel_width": task.KERNEL,
        "position_encoding": True,
    },
}


class Prepared(NamedTuple):
    """The tool's own things, ready to train."""

    options: Any
    vocabularies: Any
    model: Any
    optimizer: Any
    trainer: Any
    batches: Any

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())


def options(arguments: Arguments, recipe: Mapping[str, object]) -> Any:
    """The tool's options, through its own parser and checks; `recipe` changes some."""
    corpus = arguments.corpus
    data = f"{{train: {{path_src: {corpus / task.SOURCE_IDS}, path_tgt: {corpus / task.TARGET_IDS}}}}}"
    given: dict[str, object] = {
        "data": data,
        "save_model": corpus / "opennmt",
        "src_vocab": corpus / task.WORDS,
        "tgt_vocab": corpus / task.WORDS,
        **MODELS[arguments.task],
        "layers": task.LAYERS[arguments.task],
        "hidden_size": task.WIDTH,
        "word_vec_size": task.WIDTH,
        "dropout": task.DROPOUT,
        "label_smoothing": task.LABEL_SMOOTHING,
        "optim": "adam",
        "learning_rate": task.LEARNING_RATE,
        "max_grad_norm": task.CLIP,
        "batch_type": "tokens",
        "batch_size": task.BATCH_TOKENS,
        "normalization": "tokens",
        "bucket_size": BUCKET,
        "num_workers": 0,
        "seed": arguments.seed + 1,
        **recipe,
    }
    line = [word for name, value in given.items() for word in _words(name, value)]
    parser = ArgumentParser()
    train_opts(parser)
    parsed = parser.parse_args(
        [*line, *(f"-share_{what}" for what in ("vocab", "embeddings", "decoder_embeddings"))]
    )
    ArgumentParser.validate_train_opts(parsed)
    ArgumentParser.update_model_opts(parsed)
    ArgumentParser.validate_model_opts(parsed)
    return parsed


def _words(name: str, value: object) -> tuple[str, ...]:
    return (f"-{name}",) if value is True else (f"-{name}", str(value))


def metered(batches: Any, meter: Counter, padding: int) -> Iterator[Any]:
    """The tool's batches, until the meter has enough. Code after `yield` runs when the update is done."""
    for batch, bucket in batches:
        label = batch["tgt"][:, 1:, 0]
        tokens, positions = int(label.ne(padding).sum()), label.numel()
        yield batch, bucket
        if not meter.update(tokens, positions):
            return


def prepare(parsed: Any) -> Prepared:
    """Model, optimizer, trainer and batches, made as the tool's own main program makes them."""
    set_random_seed(parsed.seed, False)
    _, vocabularies, transforms = _init_train(parsed)
    model = build_model(parsed, parsed, vocabularies, None, -1)
    optimizer = Optimizer.from_opt(model, parsed)
    trainer = build_trainer(parsed, -1, model, vocabularies, optimizer)
    batches = build_dynamic_dataset_iter(parsed, transforms, vocabularies)
    return Prepared(parsed, vocabularies, model, optimizer, trainer, batches)


def train(prepared: Prepared, meter: Counter) -> Any:
    """Trains until the meter has enough; the tool's own statistics."""
    batches = metered(prepared.batches, meter, prepared.vocabularies["tgt"]["<blank>"])
    return prepared.trainer.train(batches, 0, save_checkpoint_steps=0, valid_steps=10**9)


def main() -> None:
    logging.disable(logging.INFO)
    arguments = parse_arguments()
    prepared = prepare(options(arguments, {}))
    meter = Meter(arguments.warm_up, arguments.seconds)
    loss = float(train(prepared, meter).xent())
    meter.report("OpenNMT-py", version=version("OpenNMT-py"), parameters=prepared.parameters, loss=loss)


if __name__ == "__main__":
    main()
