"""Intervals and p-values against slow computations of other makes, and against what must be."""

import random
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU

from latimer.errors import Mistake
from latimer.evaluate import Counted, count
from latimer.significance import Significance, assess, holm

WORDS = ["un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit"]
REFERENCES = [[" ".join(WORDS[k % 5 : k % 5 + 4])] for k in range(30)]


def spoilt(share: float, seed: int) -> list[str]:
    """The references, with this share of their words replaced."""
    chance = random.Random(seed)
    return [
        " ".join("rien" if chance.random() < share else word for word in reference.split())
        for (reference,) in REFERENCES
    ]


def counted(*systems: list[str]) -> list[Counted]:
    return [count(system, REFERENCES, metric="BLEU") for system in systems]


def plain_rows(values: list[float]) -> Counted:
    """A metric whose score is the mean of the sentences' values: its chances can be computed by hand."""
    rows = np.array([[value, 1.0] for value in values])
    return Counted("mean", rows, lambda total: float(total[0] / total[1]), lambda resamples, seed: "mean")


def test_the_draws_are_what_the_method_says() -> None:
    """Draw by draw: the texts of the drawn sentences, scored whole by sacreBLEU itself."""
    systems = {"a": [spoilt(0.1, 1), spoilt(0.3, 2)], "b": [spoilt(0.3, 3), spoilt(0.4, 4)]}
    found = assess({name: counted(*runs) for name, runs in systems.items()}, resamples=80, seed=5)
    metric = BLEU(force=True)
    chance = np.random.default_rng(5)
    values: dict[str, list[float]] = {"a": [], "b": []}
    for _ in range(80):
        lines = chance.integers(30, size=30)
        for name, runs in systems.items():
            chosen = [runs[place] for place in chance.integers(2, size=2)]
            scores = [
                metric.corpus_score([run[k] for k in lines], [[REFERENCES[k][0] for k in lines]]).score
                for run in chosen
            ]
            values[name].append(sum(scores) / 2)
    for name, runs in systems.items():
        estimate = found.estimates[name]
        ordered = sorted(values[name])
        assert (estimate.low, estimate.high) == pytest.approx((ordered[2], ordered[-3]))
        scores = [metric.corpus_score(run, [[text for (text,) in REFERENCES]]).score for run in runs]
        assert estimate.runs == pytest.approx(scores)
        assert estimate.value == pytest.approx(np.mean(scores))
    (difference,) = found.differences
    apart = [a - b for a, b in zip(values["a"], values["b"], strict=True)]
    assert (difference.low, difference.high) == pytest.approx((sorted(apart)[2], sorted(apart)[-3]))
    beyond = min(sum(d <= 0 for d in apart), sum(d >= 0 for d in apart))
    assert difference.p_value == pytest.approx(min(1, 2 * (beyond + 1) / 81))
    assert 0 < beyond < 40, "a case in which all of this shows"


def interval_of(runs: list[list[float]]) -> float:
    """How wide the interval of a model with these runs is."""
    found = assess({"a": [plain_rows(run) for run in runs], "b": [plain_rows(runs[0])]}, resamples=4000)
    return found.estimates["a"].high - found.estimates["a"].low


def test_both_chances_are_in_the_interval() -> None:
    """Against the normal approximation: 3.92 standard errors, of sentences and of seeds."""
    sentences = [float(k % 2) for k in range(400)]
    of_sentences = 3.92 * 0.5 / 400**0.5
    assert interval_of([sentences]) == pytest.approx(of_sentences, rel=0.08)
    assert interval_of([sentences] * 9) == pytest.approx(of_sentences, rel=0.08), "the same run is no more"
    shifts = np.linspace(-0.1, 0.1, 9)
    of_seeds = 3.92 * np.std(shifts) / 9**0.5
    apart = [[value + shift for value in sentences] for shift in shifts]
    assert interval_of(apart) == pytest.approx(np.hypot(of_sentences, of_seeds), rel=0.08)


def test_sentences_are_drawn_for_all_models_alike() -> None:
    """One that is better by a hair in every sentence is better in every draw."""
    sentences = [float(k % 10) for k in range(50)]
    better = [value + 0.01 for value in sentences]
    (difference,) = assess({"a": [plain_rows(sentences)], "b": [plain_rows(better)]}).differences
    assert (difference.value, difference.low, difference.high) == pytest.approx((-0.01, -0.01, -0.01))
    assert difference.p_value == pytest.approx(2 / 1001)


def test_equal_models_do_not_differ() -> None:
    same = counted(spoilt(0.2, 1))
    (difference,) = assess({"a": same, "b": same}, resamples=50).differences
    assert (difference.value, difference.p_value, difference.holm) == (0, 1, 1)


def test_there_are_draws_enough_for_many_pairs() -> None:
    """However many models: a difference beyond all doubt stays significant after the correction."""
    models = {str(k): [plain_rows([k + 0.1 * (n % 3) for n in range(20)])] for k in range(9)}
    found: Significance = assess(models)
    assert found.resamples == 3600
    assert len(found.differences) == 36
    assert max(difference.holm for difference in found.differences) < 0.05


def test_other_sentences_are_a_mistake() -> None:
    with pytest.raises(Mistake, match="different sentences"):
        assess({"a": [plain_rows([1.0, 2.0])], "b": [plain_rows([1.0])]})


def test_holm_by_hand() -> None:
    """Holm 1979: 4 x 0.005, 3 x 0.01, then 2 x 0.03, and 0.04 may not fall below that."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_holm_is_the_closed_test_of_bonferroni(p_values: list[float]) -> None:
    """A hypothesis falls where all sets that it is in fall: the largest of size x smallest p of a set."""
    corrected = holm(p_values)
    for place, value in enumerate(corrected):
        others = [p for k, p in enumerate(p_values) if k != place]
        sets = [
            [p_values[place], *some[:size]]
            for some in permutations(others)
            for size in range(len(others) + 1)
        ]
        assert value == pytest.approx(max(min(1.0, len(one) * min(one)) for one in sets))
