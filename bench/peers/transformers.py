"""Hugging Face's Marian Transformer from a fresh configuration, in a plain loop.

The package gives the model and the smoothed loss (that of its Trainer, over all padded positions); the
loop is what a person writes around them: pairs sorted by length, cut into batches of so many padded target
positions, the batches shuffled, AdamW.
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import MarianConfig, MarianMTModel, __version__  # type: ignore[import-not-found]
from transformers.trainer_pt_utils import LabelSmoother  # type: ignore[import-not-found]

from bench import task
from bench.peers.meter import Counter, Meter, parse_arguments

IGNORED = -100  # the package's label of padding


class Batch(NamedTuple):
    source: Tensor  # B S
    mask: Tensor  # B S
    label: Tensor  # B T


def make_model() -> MarianMTModel:
    """The task's Transformer; Marian norms after each layer and has no dropout on attention weights."""
    layers = task.LAYERS["transformer"]
    return MarianMTModel(
        MarianConfig(
            vocab_size=task.VOCABULARY,
            d_model=task.WIDTH,
            encoder_layers=layers,
            decoder_layers=layers,
            encoder_attention_heads=task.HEADS,
            decoder_attention_heads=task.HEADS,
            encoder_ffn_dim=task.INNER,
            decoder_ffn_dim=task.INNER,
            activation_function="relu",
            dropout=task.DROPOUT,
            scale_embedding=True,
            pad_token_id=task.PADDING,
            eos_token_id=task.END,
            forced_eos_token_id=task.END,
            decoder_start_token_id=task.BEGINNING,
        )
    )


def padded(sentences: Sequence[list[int]], value: int) -> Tensor:
    """The sentences with their end symbols in a rectangle."""
    rows = [torch.tensor([*sentence, task.END]) for sentence in sentences]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)


def batches(corpus: Path, batch_tokens: int) -> Iterator[Batch]:
    """Batches of at most so many target positions, padding counted, in a new order each epoch, for ever."""
    source = task.read_ids(corpus / task.SOURCE_IDS)
    target = task.read_ids(corpus / task.TARGET_IDS)
    order = sorted(range(len(target)), key=lambda row: (len(target[row]), len(source[row])))
    cut: list[list[int]] = [[]]
    for row in order:  # each is the longest of its batch so far
        if (len(cut[-1]) + 1) * (len(target[row]) + 1) > batch_tokens:
            cut.append([])
        cut[-1].append(row)
    while True:
        random.shuffle(cut)
        for rows in cut:
            inputs = padded([source[row] for row in rows], task.PADDING)
            label = padded([target[row] for row in rows], IGNORED)
            yield Batch(inputs, inputs != task.PADDING, label)


def train(model: MarianMTModel, feed: Iterator[Batch], meter: Counter, *, schedule: Any = None) -> float:
    """Trains until the meter has enough; `schedule` makes the rate's from the optimizer. The last loss."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=task.LEARNING_RATE)
    rates = schedule(optimizer) if schedule else None
    smoothed = LabelSmoother(epsilon=task.LABEL_SMOOTHING)
    loss = torch.tensor(float("nan"))
    for source, mask, label in feed:
        given = model.prepare_decoder_input_ids_from_labels(label)
        output = model(input_ids=source, attention_mask=mask, decoder_input_ids=given, use_cache=False)
        loss = smoothed(output, label)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), task.CLIP)
        optimizer.step()
        if rates:
            rates.step()
        if not meter.update(int((label != IGNORED).sum()), label.numel()):
            break
    return loss.item()


def main() -> None:
    arguments = parse_arguments()
    random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    model = make_model().train()
    meter = Meter(arguments.warm_up, arguments.seconds)
    loss = train(model, batches(arguments.corpus, task.BATCH_TOKENS), meter)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    meter.report("transformers", version=__version__, parameters=parameters, loss=loss)


if __name__ == "__main__":
    main()
