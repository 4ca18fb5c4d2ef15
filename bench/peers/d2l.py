"""The attention model of the book "Dive into Deep Learning", on its package d2l.

The package holds the encoder, the additive attention and the base classes; the attention decoder and
the masked loss stand in the book's text only, so they are written here after its description: the
attention is asked at every step with the encoder's outputs as they are, so that their projection
happens again at each step, and the loss is taken over every padded position and masked afterwards.
Recurrent cells are GRUs and the encoder reads in one direction, as in the book. All sentences are
brought to one fixed number of steps, as in the book.
"""

import random
import sys
import types
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from bench import task
from bench.peers.meter import Arguments, Meter, parse_arguments


def import_package() -> Any:
    """Imports d2l with an empty torchvision, which the package wants at once and uses for images only."""
    for name in ("torchvision", "torchvision.transforms"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]  # type: ignore[attr-defined]
    from d2l import torch as package  # type: ignore[import-not-found]

    return package


d2l = import_package()

STEPS = 40  # 99.8 % of the target sentences with their end symbol fit


class AttentionDecoder(d2l.AttentionDecoder):  # type: ignore[misc, name-defined]
    """Additive attention over the encoder's outputs, joined to the embedding as the cell's input."""

    def __init__(self) -> None:
        super().__init__()
        width = task.WIDTH
        self.attention = d2l.AdditiveAttention(width, task.DROPOUT)
        self.embedding = nn.Embedding(task.VOCABULARY, width)
        self.rnn = nn.GRU(2 * width, width, 1)
        self.dense = nn.Linear(width, task.VOCABULARY)
        self.apply(d2l.init_seq2seq)

    def init_state(self, enc_all_outputs: Any, *args: Any) -> tuple[Tensor, Tensor, Tensor]:
        outputs, hidden = enc_all_outputs
        return outputs.permute(1, 0, 2), hidden, args[0]

    def forward(self, X: Tensor, state: Any) -> tuple[Tensor, Any]:  # noqa: N803 - the package's word
        memory, hidden, lengths = state
        outputs = []
        for embedded in self.embedding(X).permute(1, 0, 2):
            query = hidden[-1].unsqueeze(1)
            context = self.attention(query, memory, memory, lengths)
            cell_input = torch.cat((context, embedded.unsqueeze(1)), dim=-1)
            output, hidden = self.rnn(cell_input.permute(1, 0, 2), hidden)
            outputs.append(output)
        logits = self.dense(torch.cat(outputs, dim=0))
        return logits.permute(1, 0, 2), (memory, hidden, lengths)


class Lesson(d2l.Seq2Seq):  # type: ignore[misc, name-defined]
    """The package's sequence-to-sequence model with the lesson's masked loss."""

    def loss(self, predicted: Tensor, label: Tensor) -> Tensor:
        each: Tensor = d2l.Classifier.loss(self, predicted, label, averaged=False)
        mask = (label.reshape(-1) != task.PADDING).float()
        return (each * mask).sum() / mask.sum()


def fixed_steps(sentences: list[list[int]], *, beginning: bool) -> Tensor:
    """End symbol, then padding or trimming to STEPS, then the beginning symbol where it is wanted."""
    rows = []
    for sentence in sentences:
        row = [*sentence, task.END][:STEPS]
        row += [task.PADDING] * (STEPS - len(row))
        rows.append([task.BEGINNING, *row] if beginning else row)
    return torch.tensor(rows)


def batches(arguments: Arguments) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Shuffled sentences, as many as fill the batch's target positions with padding, for ever."""
    source = fixed_steps(task.read_ids(arguments.corpus / task.SOURCE_IDS), beginning=False)
    target = fixed_steps(task.read_ids(arguments.corpus / task.TARGET_IDS), beginning=True)
    lengths = (source != task.PADDING).sum(1)
    size = task.BATCH_TOKENS // STEPS
    order = list(range(len(source)))
    while True:
        random.shuffle(order)
        for start in range(0, len(order) - size + 1, size):
            rows = torch.tensor(order[start : start + size])
            yield source[rows], target[rows, :-1], lengths[rows], target[rows, 1:]


def main() -> None:
    arguments = parse_arguments()
    random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    encoder = d2l.Seq2SeqEncoder(task.VOCABULARY, task.WIDTH, task.WIDTH, 1, task.DROPOUT)
    model = Lesson(encoder, AttentionDecoder(), tgt_pad=task.PADDING, lr=task.LEARNING_RATE)
    feed = batches(arguments)
    source, target, lengths, _ = next(feed)
    model(source[:2], target[:2], lengths[:2])  # gives the lazy layers their sizes
    optimizer = model.configure_optimizers()
    model.train()
    meter = Meter(arguments.warm_up, arguments.seconds)
    for source, target, lengths, label in feed:
        loss: Any = model.loss(model(source, target, lengths), label)
        optimizer.zero_grad()
        loss.backward()
        d2l.grad_clipping(model, task.CLIP)
        optimizer.step()
        if not meter.update(int((label != task.PADDING).sum()), label.numel()):
            break
    parameters = sum(parameter.numel() for parameter in model.parameters())
    meter.report("d2l", version=d2l_version(), parameters=parameters, loss=loss.item())


def d2l_version() -> str:
    from importlib.metadata import version

    return version("d2l")


if __name__ == "__main__":
    main()
