"""Normalising once, and giving the user's no-break spaces back."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.data.text import SpaceCounts, Spacing, count_spaces, has_control, normalise

NARROW, NO_BREAK, WIDE = "\u202f", "\xa0", "\u3000"


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip(" ")
    assert "  " not in once
    once.encode("utf-8")


def test_every_unicode_space_becomes_a_plain_one() -> None:
    spaces = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Zs", "Zl", "Zp")]
    assert len(spaces) == 19
    for space in spaces:
        assert normalise(f"a{space}b") == "a b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1cb\x1fc", "a b c"),
        ("  a \t b\v\fc\x85d\r\n", "a b c d"),
        ("e\u0301te\u0301", "été"),
        ("e\u200b\u0301", "é"),
        ("\ufeffzero\u200bwidth\u2060", "zerowidth"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("caf\ud800", "caf\ufffd"),
        (" \xa0 ", ""),
        ("１２ ﬁ", "１２ ﬁ"),
    ],
)
def test_normal_forms(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize("text", ["a\0b", "\x1b[0m", "a\x7f", "\x80"])
def test_control_characters_are_seen(text: str) -> None:
    assert has_control(normalise(text))


def test_spaces_and_joiners_are_no_control_characters() -> None:
    assert not has_control(normalise("a\tb\x85c می\u200cخواهم \u200eא"))


FRENCH = [
    f"Ça va{NARROW}? Oui{NARROW}!",
    f"Il dit{NO_BREAK}: «{NO_BREAK}Bonjour{NO_BREAK}».",
    f"Le mot «{NO_BREAK}pain{NO_BREAK}» coûte 5{NO_BREAK}%, ou 10{NARROW}000{NARROW}000 (dix millions).",
    f"Vraiment{NARROW}? Pas un « mot » ici{NARROW};{NARROW} non.",
]


def test_french_spaces_come_back() -> None:
    spacing = Spacing.learn(FRENCH * 2)
    for line in FRENCH[:3]:
        assert normalise(line) != line
        assert spacing.restore(normalise(line)) == line
    assert spacing.restore("Quoi ? Les 20 000 « ânes »") == (
        f"Quoi{NARROW}? Les 20{NARROW}000 «{NO_BREAK}ânes{NO_BREAK}»"
    )


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(alphabet="aé1 ?!«».%\u3042"))
def test_restoring_changes_spaces_only(text: str) -> None:
    text = normalise(text)
    spacing = Spacing.learn(FRENCH)
    restored = spacing.restore(text)
    assert len(restored) == len(text)
    assert normalise(restored) == text


def test_japanese_wide_space_after_a_mark() -> None:
    spacing = Spacing.learn([f"本当？{WIDE}はい。"] * 2 + ["a b"])
    assert spacing.restore("何？ いいえ。 a b") == f"何？{WIDE}いいえ。 a b"


def test_the_character_after_a_space_decides_before_the_one_in_front() -> None:
    spacing = Spacing(before={"!": NARROW}, after={"«": NO_BREAK})
    assert spacing.restore("a « ! b « c") == f"a «{NARROW}! b «{NO_BREAK}c"


def test_a_minority_is_no_habit() -> None:
    spacing = Spacing.learn([f"Non{NARROW}!", "Oui !", f"En{NO_BREAK}2010", f"Je{NO_BREAK}sais"])
    assert spacing == Spacing()
    text = "Oui ! En 2010"
    assert spacing.restore(text) is text


def test_the_commonest_special_space_wins_where_special_ones_are_the_majority() -> None:
    spacing = Spacing.learn([f"a{NARROW}!"] * 2 + [f"a{NO_BREAK}!"] * 3 + ["a !"] * 4)
    assert spacing.before == {"!": NO_BREAK}


def test_counts_of_two_corpora_add_up_and_json_keeps_all() -> None:
    first, second = Spacing.learn([]), Spacing.learn(FRENCH)
    assert first != second
    counts: SpaceCounts = Counter()
    for line in FRENCH:
        count_spaces(line, counts)
    assert Spacing.from_counts(counts) == second
    assert Spacing.from_json(second.to_json()) == second
