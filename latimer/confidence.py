"""How good a translation is, judged by its probability alone: the chrF that sentences so probable have had.

With m the mean log-probability of its pieces, the end counted, and chrF2++ from 0 to 1 (Platt 1999):

    chrF = sigmoid(a + b logit(exp m))

a = 0 and b = 1 give exp m itself, the (geometric) mean probability of a piece.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

STEPS = 300
LEAST, MOST = -20.0, -1e-6  # of m: beyond these a logit says no more


class Calibration(NamedTuple):
    """What is read out of a probability; b is at least 0."""

    a: float = 0.0
    b: float = 1.0

    def confidence(self, log_probability: float, pieces: int) -> float:
        """The chrF to expect, from 0 to 1, of so many pieces; 1 of none, since nothing was guessed."""
        if not pieces:
            return 1.0
        [found] = _sigmoid(self.a + self.b * _logits(np.array([log_probability / pieces])))
        return float(found)


def fit(means: Sequence[float], chrf: Sequence[float]) -> Calibration:
    """From the mean log-probability and the chrF (0 to 1) of N sentences, those of least cross-entropy.

    What holds a few sentences near a = 0 and b = 1 weighs as much as four of them.
    """
    logits, wanted = _logits(np.array(means, dtype=float)), np.array(chrf, dtype=float)
    a, b = _fit(logits, wanted)
    if b < 0:  # what is likelier is no better: then the score tells nothing
        a, b = _fit(np.zeros_like(logits), wanted)[0], 0.0
    return Calibration(round(float(a), 4), round(float(b), 4))


def _fit(logits: Float[np.ndarray, "N"], wanted: Float[np.ndarray, "N"]) -> Float[np.ndarray, "2"]:
    """The loss curves by at most 1/4 a sentence, so that no step goes too far (Böhning and Lindsay 1988)."""
    inputs = np.stack([np.ones_like(logits), logits], axis=1)
    usual = np.array([0.0, 1.0])
    step = np.linalg.inv(inputs.T @ inputs / 4 + np.eye(2))
    weights = usual
    for _ in range(STEPS):
        weights = weights - step @ (inputs.T @ (_sigmoid(inputs @ weights) - wanted) + weights - usual)
    return weights


def _logits(means: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
    """Of exp(m), the odds of a piece in logarithms."""
    means = np.clip(means, LEAST, MOST)
    return np.asarray(means - np.log(-np.expm1(means)))


def _sigmoid(logits: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
    return np.asarray(0.5 + 0.5 * np.tanh(logits / 2))
