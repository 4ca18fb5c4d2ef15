"""Each constraint is obeyed, alone and with others; what is left keeps its scores and its order."""

import re
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_beam import BOS, EOS, InNumpy, Lots, same, search, whole

from latimer.errors import Mistake
from latimer.search.beam import beam_search
from latimer.search.constraints import Constraint, at_least, ban, begin, no_repeat
from latimer.search.settings import Wishes

BAR = "\u2581"
PIECES = ["<pad>", "<s>", "</s>", f"{BAR}a", "b", f"{BAR}ab", f"{BAR}c", "b.", "."]


def text(tokens: list[int]) -> str:
    return "".join(PIECES[token] for token in tokens).replace(BAR, " ").strip()


def encode(given: str) -> list[int]:
    """Greedily, the longest piece first."""
    left, found = BAR + given.strip().replace(" ", BAR) if given.strip() else "", []
    while left:
        best = max((piece for piece in PIECES if left.startswith(piece)), key=len)
        found.append(PIECES.index(best))
        left = left[len(best) :]
    return found


def grams(tokens: list[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(tokens[at : at + size]) for at in range(len(tokens) - size + 1)]


# Who each is, and who may pass: said of the finished text, without a word of how it was searched.
CASES: dict[str, tuple[Constraint, Callable[[list[int]], bool]]] = {
    "ban": (
        ban(["ab", "c"], PIECES, bos=BOS, eos=EOS),
        lambda tokens: not re.search(r"\b(ab|c)\b", text(tokens)),
    ),
    "ban a phrase": (
        ban([f"A{BAR}ab"], PIECES, bos=BOS, eos=EOS),
        lambda tokens: not re.search(r"\ba ab\b", text(tokens)),
    ),
    "no repeat": (no_repeat(1, eos=EOS), lambda tokens: len(set(tokens)) == len(tokens)),
    "no two again": (
        no_repeat(2, eos=EOS),
        lambda tokens: len(set(grams(tokens, 2))) == len(grams(tokens, 2)),
    ),
    "at least": (at_least(2, eos=EOS), lambda tokens: len(tokens) >= 2),
    "begin": (
        begin([6], f"{BAR}ab", PIECES, eos=EOS),
        lambda tokens: text(tokens).startswith("c ab") and tokens[0] == 6,
    ),
}
NEVER = (0, BOS)


def never_special(log_probs: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    return np.where(np.isin(np.arange(log_probs.shape[1]), NEVER), -np.inf, log_probs)


@pytest.mark.parametrize(
    "names", [*((name,) for name in CASES), ("ban", "at least"), ("ban a phrase", "begin")]
)
def test_a_constrained_beam_of_full_width_is_brute_force(names: tuple[str, ...]) -> None:
    """Law 7 and law 4: of all strings those that pass, in the order of the model's own scores."""
    decoder, limit = Lots(len(PIECES), seed=3), 4
    words = [token for token in range(len(PIECES)) if token not in (*NEVER, EOS)]
    strings = [list(one) for size in range(limit) for one in product(words, repeat=size)]
    passing = [one for one in strings if all(CASES[name][1](one) for name in names)]
    scored = [(one, total := whole(decoder, 0, one), total / (len(one) + 1)) for one in passing]
    constraints = (never_special, *(CASES[name][0] for name in names))
    [found] = search(decoder, [limit], beam=len(strings) + 1, constraints=constraints)
    assert 0 < len(passing) < len(strings)
    same(found, sorted(scored, key=lambda one: -one[2]))


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 99), beam=st.integers(1, 4))
def test_all_wishes_together_over_either_library(seed: int, beam: int) -> None:
    wishes = Wishes(banned=("c", "a ab"), no_repeat=2, min_length=3, max_length=7, prefix="ab. a")
    constraints = [never_special, *wishes.constraints(encode, PIECES, bos=BOS, eos=EOS)]
    limits = [wishes.limit(20, encode)] * 2
    options = {"bos": BOS, "eos": EOS, "beam": beam}
    decoder = Lots(len(PIECES), seed=seed)
    found = search(decoder, limits, beam=beam, constraints=tuple(constraints))
    memory = (np.arange(2),)
    again = beam_search(InNumpy(decoder), memory, limits=limits, constraints=constraints, **options)  # type: ignore[arg-type]
    assert all(search(decoder, limits, beam=24, constraints=tuple(constraints))), "a wide beam finds a way"
    for sentence, (one, other) in enumerate(zip(found, again, strict=True)):
        same(one, [tuple(each) for each in other])  # type: ignore[misc]
        for each in one:
            assert text(each.tokens).startswith("ab. a")
            assert not re.search(r"\b(c|a ab)\b", text(each.tokens))
            assert len(each.tokens) >= 3
            assert len(set(grams(each.tokens, 2))) == len(grams(each.tokens, 2))
            assert each.log_probability == pytest.approx(whole(decoder, sentence, each.tokens), abs=1e-4)


def test_a_space_after_the_prefix_ends_its_last_word() -> None:
    for prefix, pattern in {"a": r"a", "a ": r"a( |$)", "a b": r"a b"}.items():
        pieces = [*PIECES, BAR]
        found = Wishes(prefix=prefix).constraints(
            lambda given: [9, 4] if given == "b" else encode(given), pieces, bos=BOS, eos=EOS
        )
        for seed in range(4):
            for one in search(Lots(10, seed=seed), [6], constraints=(never_special, *found))[0]:
                said = "".join(pieces[token] for token in one.tokens).replace(BAR, " ").strip()
                assert re.match(pattern, said)


def test_lengths() -> None:
    assert Wishes().limit(9, encode) == 9
    assert Wishes(max_length=3).limit(9, encode) == 4
    assert Wishes(min_length=12).limit(9, encode) == 13
    assert Wishes().constraints(encode, PIECES, bos=BOS, eos=EOS) == []
    for wrong in ({"no_repeat": -1}, {"max_length": 0}, {"min_length": 4, "max_length": 3}):
        with pytest.raises(Mistake, match=r"--(max-length|no-repeat)"):
            Wishes(**wrong)  # type: ignore[arg-type]
