"""chrF against sacreBLEU's, and the choice by it against a loop over all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.chrf import CHRF

from latimer.search.risk import chrf, expected_agreement

THEIRS = CHRF()
texts = st.lists(st.text(alphabet="aab é.日👍", max_size=14), min_size=1, max_size=6)


@settings(deadline=None, max_examples=80)
@given(texts=texts)
def test_chrf_is_sacrebleus(texts: list[str]) -> None:
    golden = [[THEIRS.sentence_score(text, [other]).score for other in texts] for text in texts]
    np.testing.assert_allclose(chrf(texts), golden, atol=1e-9)


def test_chrf_of_sentences_is_sacrebleus() -> None:
    texts = [
        "Deux chiens jouent dans la neige.",
        "Deux chiens jouent  dans\u00a0la neige épaisse.",
        "Un homme en T-shirt rouge fait du vélo.",
        "lait de lait de lait de lait de disque",
        "",
        "!",
    ]
    golden = [[THEIRS.sentence_score(text, [other]).score for other in texts] for text in texts]
    np.testing.assert_allclose(chrf(texts), golden, atol=1e-9)
    assert chrf([]).shape == (0, 0)
    assert chrf(["", " "]).tolist() == [[0, 0], [0, 0]]


@settings(deadline=None, max_examples=30)
@given(texts=texts, seed=st.integers(0, 99))
def test_agreement_is_the_mean_over_all_that_was_drawn(texts: list[str], seed: int) -> None:
    """The best of the chosen is the best of a loop over every single draw."""
    chance = np.random.default_rng(seed)
    times = chance.integers(0, 4, len(texts))
    times[0] += 1
    drawn = [text for text, often in zip(texts, times.tolist(), strict=True) for _ in range(often)]
    chosen = chance.permutation(len(texts))[: 1 + seed % len(texts)].tolist()
    means = [np.mean([THEIRS.sentence_score(texts[one], [other]).score for other in drawn]) for one in chosen]
    found = expected_agreement(texts, times.astype(np.float64), chosen)
    assert found == pytest.approx(means, abs=1e-9)
