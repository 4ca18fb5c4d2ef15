"""Pairs whose sides don't fit, as scored from outside: by a trained model's cross-entropy (scoring.py)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.files import write_whole

UNFIT = "CrossEntropyFilter"  # the reason of a pair that scores over the threshold
SPREADS = 3.0  # that the usual threshold lies over the median

Score = Callable[[Sequence[tuple[str, str]]], NDArray[np.float64]]


class Fit(NamedTuple):
    """How pairs are scored, the lower the better; `name` tells it from others, and must go into JSON.

    Pairs over the threshold are dropped; without one it is `usual_threshold` of all scores.
    """

    score: Score
    name: Any
    threshold: float | None = None


def scored(stem: Path, pairs: Sequence[tuple[str, str]], fit: Fit) -> NDArray[np.float64]:
    """The scores of a chunk's pairs, from `stem`.scores where an earlier run left them."""
    path = stem.with_suffix(".scores")
    if not path.exists():
        write_whole(path, np.asarray(fit.score(pairs), dtype=np.float64).tobytes())
    return np.frombuffer(path.read_bytes(), dtype=np.float64)


def usual_threshold(scores: NDArray[np.float64]) -> float:
    """The median and SPREADS times the spread about it, as a normal distribution has it (1.48 MAD)."""
    middle = np.median(scores)
    return float(middle + SPREADS * 1.4826 * np.median(np.abs(scores - middle)))
