"""Which model is better, by how much, and how sure is that? Over the test sentences and over the seeds.

A model's score owes something to two chances: which sentences happened to be in the test, and which seed it
was trained from. Both are imitated at once by a hierarchical bootstrap. Each resample draws test sentences
with replacement, the same for all models, and for each model draws as many of its runs as there are, with
replacement; the model's value is the mean of the drawn runs' corpus scores on the drawn sentences. The middle
95 % of these values are the interval.

Bootstrap of test sentences: Koehn 2004. Several levels: Davison and Hinkley 1997, section 3.8. Several pairs
of models: Holm 1979.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.errors import Mistake
from latimer.evaluate import SEED, Counted, interval

RESAMPLES = 1000
RESAMPLES_A_PAIR = 100  # so that the smallest p-value, multiplied by the number of pairs, stays below 0.05


class Estimate(NamedTuple):
    """The mean score of a model's runs, the ends of its 95 % interval, and each run's own score."""

    value: float
    low: float
    high: float
    runs: list[float]


class Difference(NamedTuple):
    """`value` is a - b, `low` and `high` its 95 % interval from the same draws.

    `p_value`: how easily chance alone gives a difference in this direction, counted for both directions;
    `holm` is the same after Holm's correction for the number of pairs, and is the one to go by.
    """

    a: str
    b: str
    value: float
    low: float
    high: float
    p_value: float
    holm: float


class Significance(NamedTuple):
    """What can be said of all models in one metric."""

    estimates: dict[str, Estimate]
    differences: list[Difference]
    resamples: int


def assess(
    runs: Mapping[str, Sequence[Counted]], *, resamples: int | None = None, seed: int = SEED
) -> Significance:
    """Compare models, each with what a metric counted for its runs on one and the same test set.

    `resamples` is 1,000 unless told otherwise, and more for many models. The same seed gives the same
    answer. Raises Mistake where runs were counted on different numbers of sentences.
    """
    sentences = {len(run.rows) for counted in runs.values() for run in counted}
    if len(sentences) != 1:
        raise Mistake("The runs to compare were scored on different sentences; score them on the same ones.")
    pairs = list(combinations(runs, 2))
    resamples = resamples or max(RESAMPLES, RESAMPLES_A_PAIR * len(pairs))
    draws = _draws(runs, sentences.pop(), resamples, seed)
    estimates = {}
    for model, counted in runs.items():
        scores = [run.value(run.rows.sum(axis=0)) for run in counted]
        estimates[model] = Estimate(sum(scores) / len(scores), *interval(draws[model].tolist()), scores)
    chances = [_two_sided(draws[a] - draws[b]) for a, b in pairs]
    differences = [
        Difference(
            a,
            b,
            estimates[a].value - estimates[b].value,
            *interval((draws[a] - draws[b]).tolist()),
            chance,
            corrected,
        )
        for (a, b), chance, corrected in zip(pairs, chances, holm(chances), strict=True)
    ]
    return Significance(estimates, differences, resamples)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number: the smallest of n times n, the next times n - 1, and so on.

    They stay in their places; a larger one never becomes smaller than a smaller one, and none is over 1.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def _draws(
    runs: Mapping[str, Sequence[Counted]], sentences: int, resamples: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    """The value of each model in each resample."""
    random = np.random.default_rng(seed)
    draws = {model: np.empty(resamples) for model in runs}
    for resample in range(resamples):
        drawn = random.integers(sentences, size=sentences)
        often = np.bincount(drawn, minlength=sentences).astype(np.float64)
        for model, counted in runs.items():
            chosen = np.bincount(random.integers(len(counted), size=len(counted)), minlength=len(counted))
            scores = [run.value(often @ run.rows) for run in counted]
            draws[model][resample] = chosen @ scores / len(counted)
    return draws


def _two_sided(differences: NDArray[np.float64]) -> float:
    """Twice the smaller share of draws on either side of zero; 1 is added so that no chance is nil."""
    beyond = min((differences <= 0).sum(), (differences >= 0).sum())
    return min(1.0, 2 * (float(beyond) + 1) / (len(differences) + 1))
