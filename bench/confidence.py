"""Does the confidence mean what it says? Against the chrF of each sentence of a test set.

    python -m bench.confidence test.en,test.fr --models runs/lstm runs/transformer

Prints for each model, calibrated and by probability alone, the correlation with the chrF2++ of the sentences,
and the error: in ten groups of like confidence, how far its mean is from that of the chrF, on average.
"""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np

from bench.table import align
from latimer import evaluate
from latimer.confidence import Calibration
from latimer.data.corpus import Corpus
from latimer.translator import Translator

GROUPS = 10
HEAD = ("model", "sentences", "chrF", "confidence", "correlation", "error", "of probability", "its error")


def error(confidence: Sequence[float], chrf: Sequence[float]) -> float:
    """How far the mean confidence of a group is from its mean chrF, on average over the sentences."""
    sure, good = np.array(confidence), np.array(chrf)
    groups = np.array_split(np.argsort(sure, kind="stable"), min(GROUPS, len(sure)))
    return float(sum(len(one) * abs(sure[one].mean() - good[one].mean()) for one in groups) / len(sure))


def row(name: str, pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What is printed of one model."""
    found = [one[0] for one in Translator.load(name).hypotheses([source for source, _ in pairs])]
    counted = evaluate.count([one.text for one in found], [[target] for _, target in pairs], metric="chrF2++")
    chrf = [counted.value(line) / 100 for line in counted.rows]
    told = [one.confidence for one in found]
    plain = [Calibration().confidence(one.score, 1) for one in found]
    means = (f"{np.mean(chrf):.3f}", f"{np.mean(told):.3f}")
    figures = (f"{figure:.3f}" for some in (told, plain) for figure in _figures(some, chrf))
    return (name.rstrip("/").split("/")[-1], f"{len(pairs):,}", *means, *figures)


def _figures(confidence: Sequence[float], chrf: Sequence[float]) -> Iterator[float]:
    yield float(np.corrcoef(confidence, chrf)[0, 1])
    yield error(confidence, chrf)


def main() -> None:
    parser = argparse.ArgumentParser(description="Does the confidence mean what it says?")
    parser.add_argument("corpus")
    parser.add_argument("--models", nargs="+", required=True)
    asked = parser.parse_args()
    pairs = [(pair.source, pair.target) for pair in Corpus.open(asked.corpus).pairs()]
    print(align([HEAD, *(row(name, pairs) for name in asked.models)]))


if __name__ == "__main__":
    main()
