"""Models together: the mean of their probabilities at each step, whatever their families and libraries."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from latimer.errors import Mistake
from latimer.models.base import Seq2Seq
from latimer.runtime.eager import TorchEngine
from latimer.runtime.engine import Engine
from latimer.runtime.ensemble import Ensemble
from latimer.search.arrays import log_mean
from latimer.search.beam import Hypothesis, beam_search
from latimer.search.sampling import Sampling, sample

BOS, EOS = 1, 2
FAMILIES = [("lstm", "lstm"), ("transformer", "transformer"), ("conv", "lstm-parallel")]
MakeModel = Callable[..., Seq2Seq]


@pytest.fixture
def models(make_model: MakeModel) -> list[Seq2Seq]:
    return [make_model(*family) for family in FAMILIES]


def search(engine: Engine, sentences: Any, rows: list[int], **options: Any) -> list[list[Hypothesis]]:
    length = max(int(sentences.mask[row].sum()) for row in rows)
    memory = engine.memory(*(array[rows, :length].numpy() for array in sentences[:2]))
    limits = [[7, 5, 3][row] for row in rows]
    return beam_search(engine.decoder, memory, limits=limits, bos=BOS, eos=EOS, **options)


def together(models: list[Seq2Seq], sentences: Any, row: int, tokens: list[int]) -> float:
    """By teacher forcing of each model: of each token the mean of the probabilities."""
    said, wanted = torch.tensor([[BOS, *tokens]]), torch.tensor([*tokens, EOS])
    source = sentences.source[row : row + 1, : int(sentences.mask[row].sum())]
    with torch.no_grad():
        logits = [model(source, torch.ones_like(source, dtype=torch.bool), said)[0] for model in models]
    probabilities = sum(each.softmax(-1) for each in logits) / len(models)
    return float(probabilities.gather(1, wanted[:, None]).log().sum())


def same(found: list[list[Hypothesis]], expected: list[list[Hypothesis]], within: float = 1e-5) -> None:
    for some, its in zip(found, expected, strict=True):
        assert [one.tokens for one in some] == [one.tokens for one in its]
        assert [one.score for one in some] == pytest.approx([one.score for one in its], abs=within)


@pytest.mark.parametrize("beam", [1, 4])
def test_one_model_twice_is_the_model_alone(models: list[Seq2Seq], sentences: Any, beam: int) -> None:
    for model in models:
        engine = TorchEngine(model)
        alone = search(engine, sentences, [0, 1, 2], beam=beam)
        same(search(Ensemble([engine, engine]), sentences, [0, 1, 2], beam=beam), alone)


@pytest.mark.parametrize("beam", [1, 4])
def test_a_score_is_the_mean_of_all_families(models: list[Seq2Seq], sentences: Any, beam: int) -> None:
    """Laws 3 to 6 of a model that is several."""
    engine = Ensemble([TorchEngine(model) for model in models])
    found = search(engine, sentences, [0, 1, 2], beam=beam)
    for row, some in enumerate(found):
        same([some], search(engine, sentences, [row], beam=beam))
        assert len({tuple(one.tokens) for one in some}) == beam
        for one in some:
            total = together(models, sentences, row, one.tokens)
            assert one.log_probability == pytest.approx(total, abs=1e-4)


def test_a_full_beam_of_several_is_brute_force(models: list[Seq2Seq], sentences: Any) -> None:
    words = [token for token in range(9) if token != EOS]
    strings = [list(text) for size in range(3) for text in product(words, repeat=size)]
    engine = Ensemble([TorchEngine(model) for model in models])
    [found] = search(engine, sentences, [2], beam=len(strings), length_penalty=0.0)
    totals = {tuple(text): together(models, sentences, 2, text) for text in strings}
    best = sorted(totals, key=lambda text: -totals[text])
    assert [tuple(one.tokens) for one in found] == best


def test_draws_are_of_all(models: list[Seq2Seq], sentences: Any) -> None:
    engine = Ensemble([TorchEngine(model) for model in models])
    memory = engine.memory(sentences.source.numpy(), sentences.mask.numpy())
    options: Any = {"limits": [7, 5, 3], "keys": [[0], [1], [2]], "sampling": Sampling(min_p=0.0)}
    for row, some in enumerate(sample(engine.decoder, memory, bos=BOS, eos=EOS, count=4, **options)):
        for one in some:
            total = together(models, sentences, row, one.tokens)
            assert one.log_probability == pytest.approx(total, abs=1e-4)


def test_the_mean_of_probabilities_over_either_library() -> None:
    given = np.random.default_rng(0).normal(size=(3, 4, 5)) * 300
    given -= given.max(-1, keepdims=True)
    expected = np.logaddexp.reduce(given) - np.log(3)
    np.testing.assert_allclose(log_mean(list(given)), expected)
    np.testing.assert_allclose(log_mean(list(torch.from_numpy(given))), expected)


def test_several_have_no_inside(models: list[Seq2Seq]) -> None:
    with pytest.raises(Mistake, match="one of them"):
        _ = Ensemble([TorchEngine(model) for model in models]).model
