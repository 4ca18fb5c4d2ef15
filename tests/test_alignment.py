"""Word alignments: what is written is read, and two directions become one as the papers say."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.alignment import (
    SYMMETRIES,
    Gold,
    Links,
    read_links,
    reverse,
    score_links,
    symmetrise,
    write_links,
)
from latimer.errors import Mistake

link_sets = st.frozensets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14)
some = settings(derandomize=True, max_examples=200, deadline=None)


@some
@given(links=link_sets)
def test_written_is_read(links: Links) -> None:
    assert read_links(write_links(links)) == Gold(links, links)


def test_sure_and_possible_links() -> None:
    gold = read_links("0-0 1p2 2?3  10-7\n")
    assert gold.sure == {(0, 0), (10, 7)}
    assert gold.possible == gold.sure | {(1, 2), (2, 3)}
    assert gold.reversed().possible == {(0, 0), (7, 10), (2, 1), (3, 2)}
    assert read_links("") == Gold(frozenset(), frozenset())


def test_links_are_written_in_the_order_of_numbers() -> None:
    assert write_links(frozenset({(10, 0), (2, 1), (2, 0)})) == "2-0 2-1 10-0"


@pytest.mark.parametrize("wrong", ["0_0", "1-", "-1-2", "a-b", "1-2-3", "1p", "٣-٣", "0-9999999999"])
def test_what_is_no_link_is_named_with_its_place(wrong: str) -> None:
    with pytest.raises(Mistake, match=f"links.txt:7: {re.escape(repr(wrong))} is no link"):
        read_links(f"0-0 {wrong}", "links.txt:7")


# --- two directions


@some
@given(one=link_sets, other=link_sets)
def test_the_grown_links_lie_between_intersection_and_union(one: Links, other: Links) -> None:
    few, grown, many = (symmetrise(one, other, how) for how in ("intersection", SYMMETRIES[2], "union"))
    assert few == one & other
    assert few <= grown <= many == one | other


@some
@given(links=link_sets, how=st.sampled_from(SYMMETRIES))
def test_two_directions_that_agree_stay_as_they_are(links: Links, how: str) -> None:
    assert symmetrise(links, links, how) == links


def by_the_pseudocode(one: Links, other: Links) -> Links:
    """grow-diag-final-and over matrices, place by place, as it is usually written down."""
    first, second = np.zeros((2, 8, 8), dtype=bool)
    for matrix, links in ((first, one), (second, other)):
        for link in links:
            matrix[link] = True
    found = first & second
    grew = True
    while grew:
        grew = False
        for i in range(8):
            for j in range(8):
                if not found[i, j]:
                    continue
                for a, b in [(-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]:
                    x, y = i + a, j + b
                    if not (0 <= x < 8 and 0 <= y < 8) or found[x, y] or not (first | second)[x, y]:
                        continue
                    if not found[x].any() or not found[:, y].any():
                        found[x, y] = grew = True
    for matrix in (first, second):
        for x in range(8):
            for y in range(8):
                if matrix[x, y] and not found[x].any() and not found[:, y].any():
                    found[x, y] = True
    return frozenset((int(x), int(y)) for x, y in np.argwhere(found))


@settings(derandomize=True, max_examples=400, deadline=None)
@given(one=link_sets, other=link_sets)
def test_grow_diag_final_and_is_the_pseudocode(one: Links, other: Links) -> None:
    assert symmetrise(one, other) == by_the_pseudocode(one, other)


def test_grow_diag_final_and_by_hand() -> None:
    one = frozenset({(0, 0), (1, 1), (4, 5), (6, 6)})
    other = frozenset({(0, 0), (1, 0), (6, 3), (4, 2)})
    # (0, 0) is common; (1, 0) grows from it, (1, 1) from that; (4, 5) and (6, 6) come from the first
    # direction alone, and then 6-3 and 4-2 find their source words taken.
    assert symmetrise(one, other) == {(0, 0), (1, 0), (1, 1), (4, 5), (6, 6)}


def test_an_unknown_symmetry_is_named() -> None:
    with pytest.raises(Mistake, match=r"'grow'.*grow-diag-final-and"):
        symmetrise(frozenset(), frozenset(), "grow")


# --- scores


def test_the_error_rate_by_hand() -> None:
    gold = [read_links("0-0 1-1 2p2 2p3"), read_links("0-0")]
    found = [frozenset({(0, 0), (2, 2), (3, 3)}), frozenset({(1, 0)})]
    score = score_links(found, gold)
    assert score.precision == pytest.approx(2 / 4)  # 0-0 and 2-2 of four
    assert score.recall == pytest.approx(1 / 3)  # 0-0 of three sure ones
    assert score.error_rate == pytest.approx(1 - (1 + 2) / (4 + 3))
    assert score.sentences == 2


@some
@given(gold=link_sets, extra=link_sets)
def test_sure_links_alone_or_with_possible_ones_are_without_error(gold: Links, extra: Links) -> None:
    wanted = Gold(gold, gold | extra)
    for found in (gold, gold | extra):
        score = score_links([found], [wanted])
        assert (score.precision, score.recall, score.error_rate) == (1.0, 1.0, 0.0)


@some
@given(found=link_sets, sure=link_sets, possible=link_sets)
def test_scores_are_shares_and_the_same_from_either_side(found: Links, sure: Links, possible: Links) -> None:
    gold = Gold(sure, sure | possible)
    score = score_links([found], [gold])
    assert all(0 <= share <= 1 for share in score[:3])
    assert score == score_links([reverse(found)], [gold.reversed()])


def test_as_many_sentences_as_gold_ones() -> None:
    with pytest.raises(ValueError, match="zip"):
        score_links([frozenset()], [])
