"""A peer's training that is stopped at marks of CPU time. Standard library only.

`train` leaves a checkpoint at each mark; `translate`, another process, lets the tool's own search translate
the validation sources with each of them. So neither the time nor the memory of search falls into training.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Job(NamedTuple):
    """What the harness tells a script. `began` is the time, since the epoch, when it started the process."""

    corpus: Path
    folder: Path
    marks: tuple[int, ...]
    seed: int
    began: float


class Marks:
    """Call `update` after each update; it saves at each mark, and says whether to go on.

    Time is this process's CPU time since its start, imports and data with it; what saving took is left out.
    """

    def __init__(self, job: Job, *, version: str, parameters: int, save: Callable[[int], None]) -> None:
        self.left = list(job.marks)
        self.began = job.began
        self.save = save
        self.updates = 0
        self.apart = self.apart_wall = 0.0
        _say({"version": version, "parameters": parameters})

    def update(self, tokens: int, positions: int) -> bool:
        """One update is done."""
        self.updates += 1
        cpu, wall = time.process_time(), time.time()
        if cpu - self.apart < self.left[0]:
            return True
        mark = self.left.pop(0)
        point = {
            "mark": mark,
            "cpu_s": round(cpu - self.apart, 2),
            "wall_s": round(wall - self.began - self.apart_wall, 2),
            "updates": self.updates,
        }
        self.save(mark)
        _say(point)
        self.apart += time.process_time() - cpu
        self.apart_wall += time.time() - wall
        return bool(self.left)


def translation(folder: Path, mark: int) -> Path:
    """The file of ids in which the translation of a mark's checkpoint stands."""
    return folder / f"{mark}.ids"


def run(train: Callable[[Job], None], translate: Callable[[Job, int], None]) -> None:
    """A script's main program: `train` all marks, or `translate` with the checkpoint of each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("train", "translate"))
    parser.add_argument("--corpus", type=Path, required=True, help="folder that bench.corpus wrote")
    parser.add_argument("--folder", type=Path, required=True, help="for checkpoints and translations")
    parser.add_argument("--marks", type=int, nargs="+", required=True, help="CPU seconds, rising")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--began", type=float, required=True, help="wall time of the start")
    given = parser.parse_args()
    job = Job(given.corpus, given.folder, tuple(given.marks), given.seed, given.began)
    if given.what == "train":
        train(job)
    else:
        for mark in job.marks:
            translate(job, mark)


def write_ids(path: Path, sentences: Sequence[str]) -> None:
    """Translations as lines of decimal ids."""
    path.write_text("".join(f"{sentence}\n" for sentence in sentences), encoding="utf-8")


def _say(values: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
