"""Terms stand in every translation, whatever the beam, and no search ends without a result."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_beam import BOS, EOS, InNumpy, Lots, forbid, same, whole

from latimer.search.beam import Hypothesis, beam_search
from latimer.search.terms import Terms

# 3 and 4 begin words, 5 goes on with one, 6 ends one.
BOUNDS = np.array([True, True, True, True, True, False, True])
Wanted = list[list[list[int]]]


def search(
    decoder: Any, limits: list[int], wanted: list[Wanted | None], **options: Any
) -> list[list[Hypothesis]]:
    memory = (torch.arange(len(limits)),) if isinstance(decoder, Lots) else (np.arange(len(limits)),)
    terms = [None if one is None else Terms(one, BOUNDS) for one in wanted]
    return beam_search(decoder, memory, limits=limits, bos=BOS, eos=EOS, terms=terms, **options)


def holds(tokens: list[int], wanted: Wanted) -> bool:
    text = [*tokens, EOS]
    return all(
        any(
            text[at : at + len(form)] == form and BOUNDS[text[at + len(form)]]
            for form in forms
            for at in range(len(text) - len(form))
        )
        for forms in wanted
    )


def goes_on(tokens: list[int], wanted: Wanted) -> bool:
    """Whether a word that ends in a new term goes further, and not into another form of it."""
    return any(
        tokens[at : at + len(form)] == form
        and not BOUNDS[[*tokens, EOS][at + len(form)]]
        and not holds(tokens[:at], [forms])
        and not any(tokens[at : at + len(form) + 1] == other[: len(form) + 1] for other in forms)
        for forms in wanted
        for form in forms
        for at in range(len(tokens) - len(form) + 1)
    )


@pytest.mark.parametrize(
    "wanted", [[[[3]]], [[[3, 5]]], [[[3], [3, 5]]], [[[4]], [[3, 5]]], [[[3, 5, 5]]], [[[4, 6], [3]]]]
)
def test_a_beam_of_full_width_is_brute_force(wanted: Wanted) -> None:
    decoder, limit = Lots(7, seed=2), 4
    words = [token for token in range(7) if token != EOS]
    strings = [list(one) for size in range(limit) for one in product(words, repeat=size)]
    passing = [one for one in strings if holds(one, wanted) and not goes_on(one, wanted)]
    scored = [(one, total := whole(decoder, 0, one), total / (len(one) + 1)) for one in passing]
    [found] = search(decoder, [limit], [wanted], beam=2 * len(strings))
    assert 0 < len(passing) < len(strings)
    same(found, sorted(scored, key=lambda one: -one[2]))


form = st.builds(
    lambda first, rest: [first, *rest], st.sampled_from([3, 4]), st.lists(st.sampled_from([5]), max_size=2)
)


def apart(wanted: Wanted) -> bool:
    """Whether no form of a term begins as one of another does: saying the one then never costs the other."""
    firsts = [{form[0] for form in forms} for forms in wanted]
    return sum(map(len, firsts)) == len(set().union(*firsts))


some_terms = st.one_of(
    st.none(), st.lists(st.lists(form, min_size=1, max_size=2), min_size=1, max_size=2).filter(apart)
)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 99),
    beam=st.integers(1, 5),
    wanted=st.lists(some_terms, min_size=1, max_size=3),
    slack=st.integers(1, 6),
)
def test_terms_are_said_and_a_result_comes(
    seed: int, beam: int, wanted: list[Wanted | None], slack: int
) -> None:
    decoder = Lots(7, seed=seed)
    limits = [slack + (Terms(one, BOUNDS).size if one else 0) for one in wanted]
    found = search(decoder, limits, wanted, beam=beam)
    same_again = search(InNumpy(decoder), limits, wanted, beam=beam)
    for sentence, (one, other) in enumerate(zip(found, same_again, strict=True)):
        assert one, "never broken"
        same(one, [tuple(each) for each in other])  # type: ignore[misc]
        assert len({tuple(each.tokens) for each in one}) == len(one)
        alone = search(InNumpy(Lots(7, seed=seed)), limits[:1], wanted[:1], beam=beam)[0]
        if sentence == 0:
            same(one, [tuple(each) for each in alone])  # type: ignore[misc]
        for each in one:
            assert holds(each.tokens, wanted[sentence] or [])
            assert len(each.tokens) < limits[sentence]
            assert each.log_probability == pytest.approx(whole(decoder, sentence, each.tokens), abs=1e-4)


def test_without_terms_nothing_changes() -> None:
    plain = beam_search(Lots(7), (torch.arange(2),), limits=[6, 4], bos=BOS, eos=EOS, beam=4)
    constrained = search(Lots(7), [6, 4], [None, None], beam=4)
    for one, other in zip(constrained, plain, strict=True):
        same(one, [tuple(each) for each in other])  # type: ignore[misc]


def test_other_constraints_hold_beside_terms() -> None:
    found = search(Lots(7, seed=1), [9], [[[[3, 5]], [[4]]]], beam=4, constraints=(forbid(6),))[0]
    assert found
    assert all(6 not in one.tokens and holds(one.tokens, [[[3, 5]], [[4]]]) for one in found)
