"""One training on several processes: each takes its share of every batch, and their gradients are added up.

torchrun starts them, on one machine or on many, tells each who it is, and starts them again where one dies:

    torchrun --nproc-per-node 2 -m latimer train ...

The sum of the gradients is what one process finds in the whole batch, so every process makes the same update,
and parameters are never sent. What a clock or a person decides, the first process decides for all.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import distributed, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from latimer.data.batches import Batch


@dataclass(frozen=True)
class Team:
    """The processes of a training, and where this one computes. A team of one sends nothing."""

    rank: int = 0
    size: int = 1
    device: str = field(default_factory=lambda: "cuda" if torch.cuda.is_available() else "cpu")

    @property
    def leads(self) -> bool:
        """Whether this process speaks, validates and saves for all."""
        return self.rank == 0

    def share(self, batch: Batch) -> Batch:
        """Every `size`-th pair of the batch: about equal work, for a batch is sorted by length."""
        return part(batch, self.rank, self.size)

    def add_up(self, parameters: Iterable[nn.Parameter]) -> None:
        """Leave in every process the sum of all processes' gradients; a missing one is zero."""
        if self.size == 1:
            return
        wanted = [parameter for parameter in parameters if parameter.requires_grad]
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in wanted]
        flat = torch.cat([grad.flatten() for grad in grads])
        distributed.all_reduce(flat)
        for parameter, summed in zip(wanted, torch.split(flat, [g.numel() for g in grads]), strict=True):
            parameter.grad = summed.view_as(parameter)

    def total(self, number: float) -> float:
        """The sum of all processes' numbers."""
        if self.size == 1:
            return number
        sent = torch.tensor([number], dtype=torch.float64, device=self.device)
        distributed.all_reduce(sent)
        return sent.item()

    def agree(self, *numbers: float) -> list[float]:
        """The numbers of the first process."""
        if self.size == 1:
            return list(numbers)
        sent = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        distributed.broadcast(sent, 0)
        return sent.tolist()


def part(batch: Batch, number: int, of: int) -> Batch:
    """Every `of`-th pair of the batch, from pair `number` on; `tokens` are still those of the whole batch."""
    if of == 1:
        return batch
    chosen = slice(number, None, of)
    return Batch(
        source=batch.source[chosen],
        source_mask=batch.source_mask[chosen],
        inputs=batch.inputs[chosen],
        outputs=batch.outputs[chosen],
        target_mask=batch.target_mask[chosen],
        rows=batch.rows[chosen],
        tokens=batch.tokens,
    )


def is_first() -> bool:
    """Whether this process was started alone, or is the first of those that torchrun started."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def joined() -> Iterator[Team]:
    """The team that torchrun started this process for; without torchrun it is alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team()
        return
    if graphics := torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    store, rank, size = next(rendezvous("env://"))
    # torchrun keeps one store for all its attempts: without a name of its own an attempt would find the
    # addresses of processes that are dead, and wait for them.
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store = PrefixStore(f"attempt-{attempt}", store)
    distributed.init_process_group("nccl" if graphics else "gloo", store=store, rank=rank, world_size=size)
    try:
        yield Team(rank, size)
    finally:
        distributed.destroy_process_group()
