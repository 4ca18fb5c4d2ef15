"""The state of a run in one file: parameters, the optimiser's moments, and where it stands.

Random numbers need no place in it: those of an update follow from the seed and its number.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from latimer.errors import Mistake
from latimer.files import write_tensors

STATE = "state.safetensors"  # in the folder of the training


@dataclass
class Progress:
    """Where a run stands."""

    update: int = 0  # updates done
    epoch: int = 0  # position of the next batch
    batch: int = 0
    total: int | None = None  # updates there will be; decided once
    every: int | None = None  # updates from one validation to the next; decided once
    dropout: float | None = None  # where it follows from the length of the run; decided once
    splitting: float | None = None  # where it follows from the length of the run; decided once
    precision: str | None = None  # of the products; decided once
    best_bleu: float = -1.0
    best_loss: float = float("inf")
    best_update: int = 0
    worse: int = 0  # validations since the best one
    parts: int = 1  # that a batch is taken in, for want of memory
    skipped: int = 0  # updates left out because their loss was not finite
    finished: bool = False


def save_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """Write it all, atomically."""
    tensors = {}
    for name, parameter in model.named_parameters():
        tensors[f"model.{name}"] = parameter.detach()
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{key}.{name}"] = value
    write_tensors(path, tensors, {"progress": json.dumps(asdict(progress))})


def read_progress(path: Path) -> Progress | None:
    """Where the saved run stands; None where none is saved."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            return Progress(**json.loads(file.metadata()["progress"]))
    except (SafetensorError, KeyError, TypeError, ValueError):
        raise Mistake(f"{path} is damaged; delete its folder to begin the training again.") from None


def load_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Put saved parameters and moments back where they were."""
    try:
        with safe_open(path, framework="pt") as file, torch.no_grad():
            names = set(file.keys())
            for name, parameter in model.named_parameters():
                parameter.copy_(file.get_tensor(f"model.{name}"))
                for key in ("step", "exp_avg", "exp_avg_sq"):
                    if f"optimizer.{key}.{name}" in names:
                        moment = file.get_tensor(f"optimizer.{key}.{name}")
                        optimizer.state[parameter][key] = moment.to(parameter.device)
    except (SafetensorError, RuntimeError):
        raise Mistake(f"{path} does not fit this model; delete its folder to begin again.") from None
