"""Runaway translations are noticed, and no line costs more than its length."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latimer.guarding import LOOP, collapse, cut, repeats, safe_limit, trouble

FEW = st.lists(st.integers(0, 2), max_size=30)


def slow_repeats(tokens: list[int]) -> int:
    """Every stretch of every length, counted one by one."""
    most = min(1, len(tokens))
    for period in range(1, 13):
        for start in range(len(tokens) - period + 1):
            count = 1
            while tokens[start + count * period :][:period] == tokens[start : start + period]:
                count += 1
            most = max(most, count)
    return most


@given(FEW)
def test_repeats_are_those_of_a_loop(tokens: list[int]) -> None:
    assert repeats(tokens) == slow_repeats(tokens)


@pytest.mark.parametrize(
    ("source", "target", "said", "expected"),
    [
        ([5, 6], [7, 7, 7], ("a b", "c c c"), "repetition"),
        ([5, 6], [4, 7, 8, 7, 8, 7, 8], ("a b", "x c d c d c d"), "repetition"),
        ([5, 5, 5], [7, 7, 7], ("ha ha ha", "ah ah ah"), None),
        ([5, 6], [7, 7], ("much", "très très"), None),
        ([5], list(range(15)), ("a", "b"), "length"),
        ([5, 6, 7, 8], [5, 6, 7, 8], ("Go to the house", "go to the house"), "copy"),
        ([5, 6], [5, 6], ("Ann Smith", "Ann Smith"), None),
        ([], [], ("", ""), None),
    ],
)
def test_what_is_trouble(
    source: list[int], target: list[int], said: tuple[str, str], expected: str | None
) -> None:
    assert trouble(source, target, said, limit=safe_limit(len(source) + 1)) == expected


def test_what_was_asked_for_is_no_trouble() -> None:
    assert trouble([5, 6], [7, 7, 7, 8], ("a b", "c c c d"), limit=15, begun=[7, 7, 7]) is None
    assert trouble([5], list(range(15)), ("a", "b"), limit=40) is None


@given(FEW)
def test_only_what_loops_is_collapsed(tokens: list[int]) -> None:
    found = collapse(tokens)
    assert repeats(found) <= LOOP
    if slow_repeats(tokens) <= LOOP:
        assert found == tokens


def test_a_loop_is_said_three_times() -> None:
    assert collapse([9, *[1, 2] * 50, 7]) == [9, *[1, 2] * 3, 7]
    assert collapse([1] * 1000) == [1] * 3
    assert collapse([9, *[1, 2] * 50, 1, 7]) == [9, *[1, 2] * 3, 1, 7]


@given(st.text("aé🙂", min_size=1, max_size=3), st.integers(LOOP + 1, 30), st.text("aéè🙂🙃", max_size=3))
def test_no_letter_is_torn(stretch: str, times: int, rest: str) -> None:
    found = bytes(collapse((stretch * times + rest).encode())).decode()
    assert set(stretch) <= set(found) <= set(stretch + rest)


@given(st.text("ab .!", max_size=80), st.integers(1, 9), st.integers(0, 60))
def test_parts_are_the_text_and_short(text: str, longest: int, start: int) -> None:
    whole = [(start, start + 6)] if start + 6 <= len(text) else []
    parts = cut(text, len, longest, whole)
    assert "".join(parts) == text
    edges = [0]
    for part in parts:
        edges.append(edges[-1] + len(part))
    for (left, right), part in zip(pairwise(edges), parts, strict=True):
        assert len(part) <= longest or any(left <= a + 5 and a < right for a, _ in whole)
    assert not any(a < edge < b for a, b in whole for edge in edges)


def test_cuts_are_at_sentence_ends_then_between_words() -> None:
    assert cut("A b c. D e f. G", len, 9, []) == ["A b c. ", "D e f. ", "G"]
    assert cut("aaa b ccc d", lambda part: len(part.split()), 1, []) == ["aaa ", "b ", "ccc ", "d"]
    assert cut("a b c d e f g", lambda part: len(part.split()), 3, []) == [
        "a ",
        "b ",
        "c ",
        "d ",
        "e ",
        "f ",
        "g",
    ]
    assert cut("A b c. D e f.", len, 13, []) == ["A b c. D e f."]
    # Not twice as long: two halves, between clauses where they aren't far from the middle.
    assert cut("aaa bbb, ccc ddd eee", len, 16, []) == ["aaa bbb, ", "ccc ddd eee"]
    assert cut("aaa, bbb ccc ddd eee", len, 16, []) == ["aaa, bbb ", "ccc ddd eee"]
