"""Draws: their chances by the definition, their scores the model's own, and each the same in any company."""

from collections import Counter
from collections.abc import Callable
from itertools import product
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_beam import BOS, EOS, InNumpy, Lots, every_decoder, forbid, forced, never_twice, one_of, same, whole

from latimer.errors import Mistake
from latimer.models.base import Seq2Seq
from latimer.search import sampling as module
from latimer.search.beam import Constraint, Hypothesis, beam_search
from latimer.search.sampling import Sampling, draw, sample
from latimer.search.settings import Wishes

PLAIN = Sampling(min_p=0.0)


def by_definition(probabilities: list[float], how: Sampling) -> list[tuple[int, float]]:
    """Each token that may be drawn and how probable that is, the greatest first, in plain lists."""
    sharper = [p ** (1 / how.temperature) for p in probabilities]
    left = sorted(enumerate(sharper), key=lambda one: -one[1])[: how.top_k or None]
    left = [(token, p / sum(p for _, p in left)) for token, p in left]
    kept: list[tuple[int, float]] = []
    for token, p in left:
        if p > 0 and sum(p for _, p in kept) < how.top_p and p >= how.min_p * left[0][1]:
            kept.append((token, p))
    return [(token, p / sum(p for _, p in kept)) for token, p in kept]


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 999),
    size=st.integers(2, 40),
    few=st.integers(1, 9),
    how=st.builds(
        Sampling,
        temperature=st.sampled_from([0.5, 1.0, 2.0]),
        top_k=st.sampled_from([0, 0, 1, 3, 50]),
        top_p=st.sampled_from([1.0, 1.0, 0.5, 0.9]),
        min_p=st.sampled_from([0.0, 0.0, 0.05, 0.4, 1.0]),
    ),
    forbidden=st.booleans(),
)
def test_a_chance_falls_where_the_definition_says(
    seed: int, size: int, few: int, how: Sampling, forbidden: bool
) -> None:
    chance = np.random.default_rng(seed)
    probabilities = chance.dirichlet(np.full(size, 0.5))
    if forbidden:
        probabilities[chance.integers(size)] = 0
    expected = by_definition((probabilities / probabilities.sum()).tolist(), how)
    # The middle of each token's stretch, and just within its ends.
    edges = np.cumsum([0.0, *(p for _, p in expected)])
    chances = np.concatenate([edges[:-1] + share * np.diff(edges) for share in (0.01, 0.5, 0.99)])
    wide = np.diff(np.tile(edges, (3, 1)), axis=1).reshape(-1) > 1e-3  # float32 has seven digits
    with np.errstate(divide="ignore"):
        log_probs = np.log(probabilities)[None].repeat(len(chances), 0)
    own = np.arange(len(chances))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEW", few)
        for library, rows in product((log_probs, torch.from_numpy(log_probs)), (own, own * 0)):
            drawn = draw(library, rows, chances, how)
            assert [t for t, sure in zip(drawn, wide, strict=True) if sure] == [
                token for (token, _), sure in zip(expected * 3, wide, strict=True) if sure
            ]


def sampled(
    decoder: Any,
    limits: list[int],
    *,
    sentences: list[int] | None = None,
    library: Any = torch,
    **options: Any,
) -> list[list[Hypothesis]]:
    names = sentences if sentences is not None else list(range(len(limits)))
    memory = (torch.tensor(names) if library is torch else np.array(names),)
    given = {"count": 4, "sampling": PLAIN, "keys": [[name] for name in names], **options}
    return sample(decoder, memory, limits=limits, bos=BOS, eos=EOS, **given)


def test_strings_come_as_often_as_they_are_probable() -> None:
    decoder, times = Lots(4, spread=1.0), 3000
    words = [token for token in range(4) if token != EOS]
    [found] = sampled(decoder, [3], count=times)
    often = Counter(tuple(one.tokens) for one in found)
    assert sum(often.values()) == times
    for text in (text for size in range(3) for text in product(words, repeat=size)):
        # At the limit the end is forced: there it is certain, whatever the model gives it.
        p = exp(whole(decoder, 0, list(text)))
        if len(text) == 2:
            p /= exp(float(decoder.log_probs(0, (BOS, *text))[EOS]))
        assert often[text] / times == pytest.approx(p, abs=5 * sqrt(p * (1 - p) / times))


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 99),
    limits=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    count=st.integers(1, 5),
    length_penalty=st.sampled_from([0.0, 1.0]),
)
def test_a_draw_is_the_same_in_any_company_and_its_score_the_models_own(
    seed: int, limits: list[int], count: int, length_penalty: float
) -> None:
    """Laws 3 and 5: beside other sentences, beside other draws, over either library."""
    decoder = Lots(6, seed=seed)
    how = {"sampling": Sampling(temperature=1.5, min_p=0.01, seed=seed), "length_penalty": length_penalty}
    together = sampled(decoder, limits, count=5, **how)
    numpy = sampled(InNumpy(decoder), limits, count=5, library=np, **how)
    for sentence, limit in enumerate(limits):
        [alone] = sampled(decoder, [limit], sentences=[sentence], count=count, **how)
        assert len(alone) == count
        same(together[sentence][:count], [tuple(one) for one in alone])  # type: ignore[misc]
        same(together[sentence], [tuple(one) for one in numpy[sentence]])  # type: ignore[misc]
        for one in alone:
            assert EOS not in one.tokens
            assert len(one.tokens) < limit
            total = whole(decoder, sentence, one.tokens)
            assert one.log_probability == pytest.approx(total, abs=1e-4)
            assert one.score == pytest.approx(total / (len(one.tokens) + 1) ** length_penalty, abs=1e-4)


def test_another_seed_and_another_draw_are_other_draws() -> None:
    decoder = Lots(9, spread=0.5)
    first, again, other = (
        [
            tuple(one.tokens)
            for one in sampled(decoder, [8], count=20, sampling=Sampling(min_p=0.0, seed=seed))[0]
        ]
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len(set(first)) > 15
    assert len(set(first) & set(other)) < 5


def test_what_is_said_alike_is_computed_once() -> None:
    decoder = Lots(5)
    [found] = sampled(decoder, [6], count=50)
    prefixes = {tuple(one.tokens[:size]) for one in found for size in range(len(one.tokens) + 1)}
    assert decoder.rows[0] == 1
    assert sum(decoder.rows) == len(prefixes) < 150


def test_the_sharpest_draws_are_greedy_searches() -> None:
    decoder, limits = Lots(7), [6] * 5
    greedy = beam_search(decoder, (torch.arange(5),), limits=limits, bos=BOS, eos=EOS, beam=1)
    for how in (Sampling(temperature=1e-4), Sampling(top_k=1), Sampling(top_p=1e-9), Sampling(min_p=1.0)):
        for one, best in zip(sampled(decoder, limits, sampling=how), greedy, strict=True):
            assert [each.tokens for each in one] == [best[0].tokens] * 4


def test_draws_obey_constraints() -> None:
    """Law 7; those who may say nothing more are left out, and the others are as they were."""
    decoder = Lots(6, spread=0.5)
    limits = [7, 5, 6]
    assert any(4 in one.tokens for found in sampled(decoder, limits, count=20) for one in found)
    constrained = sampled(decoder, limits, count=20, constraints=(forbid(4), never_twice))
    for sentence, found in enumerate(constrained):
        assert len(found) == 20
        for one in found:
            assert 4 not in one.tokens
            assert len(set(one.tokens)) == len(one.tokens)
            assert one.log_probability == pytest.approx(whole(decoder, sentence, one.tokens), abs=1e-4)

    def nothing_after(token: int) -> Constraint:
        return lambda log_probs, tokens: np.where(tokens[:, -1:] == token, -np.inf, log_probs)

    free = sampled(decoder, limits, count=20)
    some = sampled(decoder, limits, count=20, constraints=(nothing_after(4),))
    for found, left in zip(free, some, strict=True):
        same(left, [tuple(one) for one in found if 4 not in one.tokens])  # type: ignore[misc]
    assert sampled(decoder, [3], constraints=(lambda log_probs, _: log_probs - np.inf,)) == [[]]
    assert sampled(decoder, []) == []


@every_decoder
def test_draws_of_real_decoders(
    make_model: Callable[..., Seq2Seq], sentences: Any, encoder: str, decoder: str, score: str
) -> None:
    """Laws 3 and 5 for every family."""
    model, limits = make_model(encoder, decoder, score=score, layers=2), [7, 5, 3]

    def drawn(some: Any, rows: list[int]) -> list[list[Hypothesis]]:
        with torch.inference_mode():
            memory = model.memory(some.source, some.mask)
        own = {"limits": [limits[row] for row in rows], "keys": [[row] for row in rows]}
        return sample(model.decoder, memory, bos=BOS, eos=EOS, count=3, sampling=PLAIN, **own)  # type: ignore[arg-type]

    together = drawn(sentences, [0, 1, 2])
    for row in range(3):
        alone = one_of(sentences, row)
        [found] = drawn(alone, [row])
        same(together[row], [tuple(one) for one in found])  # type: ignore[misc]
        for one in found:
            assert one.log_probability == pytest.approx(forced(model, alone, one.tokens), abs=1e-4)


def test_what_cannot_be_drawn_from_is_said() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"temperature": 0.0}, "--temperature"),
        ({"temperature": float("nan")}, "--temperature"),
        ({"top_k": -1}, "--top-k"),
        ({"seed": -1}, "--seed"),
        ({"top_p": 0.0}, "--top-p"),
        ({"min_p": 1.1}, "--min-p"),
    ]
    for settings_, option in wrong:
        with pytest.raises(Mistake, match=option):
            Sampling(**settings_)
    with pytest.raises(Mistake, match="glossary"):
        Wishes(glossary=(("a", ("b",)),), sampling=Sampling())
