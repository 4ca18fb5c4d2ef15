"""The attention map, its words, and the terminal picture read back cell by cell."""

import re
import unicodedata
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latimer.visualize import AttentionMap, svg_map, terminal, words
from latimer.visualize.text import wrap

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "\x1b[31m\n\u202ea\"b<script>alert(1)</script>&'"
CAT = AttentionMap(
    ["The", "black", "cat", "</s>"],
    ["Le", "chat", "noir"],
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.25, 0.75, 0.0], [0.01, 0.54, 0.2, 0.25]],
    "lstm",
)


def cells(text: str) -> int:
    """Terminal cells by Unicode's tables alone; joined emoji are not asked for here."""
    invisible = ("Mn", "Me", "Cf")
    return sum(
        0 if unicodedata.category(c) in invisible else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


@st.composite
def maps(draw: st.DrawFn) -> tuple[list[str], list[str], list[list[float]]]:
    """What an AttentionMap is made of, each row with the sum 1."""
    piece = st.text("ab▁猫é", min_size=1, max_size=8)
    source, target = (
        draw(st.lists(piece, min_size=1, max_size=9)),
        draw(st.lists(piece, min_size=1, max_size=9)),
    )
    row = st.lists(st.floats(0.01, 1), min_size=len(source), max_size=len(source))
    rows = [draw(row) for _ in target]
    return source, target, [[weight / sum(each) for weight in each] for each in rows]


# --- the map itself


def test_a_map_takes_arrays_and_gives_rows() -> None:
    array = np.array([[0.25, 0.75]], dtype=np.float32)
    for weights in (array, array.tolist(), iter(array)):
        assert AttentionMap(["a", "b"], ["c"], weights).rows == ((0.25, 0.75),)


def test_a_map_takes_a_tensor_in_half_precision() -> None:
    torch = pytest.importorskip("torch")
    weights = torch.tensor([[0.25, 0.75]], dtype=torch.bfloat16)
    assert AttentionMap(["a", "b"], ["c"], weights).rows == ((0.25, 0.75),)


def test_a_map_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="1 x 2, but the map has 2 target and 1 source"):
        AttentionMap(["a"], ["b", "c"], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="1 x 3, but"):
        AttentionMap(["a", "b"], ["c"], [[0.2, 0.2, 0.6]])
    for weight in (-0.5, 3.0, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            AttentionMap(["a"], ["b"], [[weight]])


# --- words


def test_words_sums_the_source_and_averages_the_target() -> None:
    pieces = AttentionMap(
        ["▁un", "believ", "able", "▁cat", "</s>"],
        ["▁in", "croyable", "▁chat"],
        [[0.5, 0.2, 0.1, 0.2, 0.0], [0.1, 0.1, 0.4, 0.0, 0.4], [0.0, 0.0, 0.1, 0.9, 0.0]],
        "kept",
    )
    merged = words(pieces)
    assert merged.source == ["unbelievable", "cat", "</s>"]
    assert merged.target == ["incroyable", "chat"]
    assert merged.title == "kept"
    np.testing.assert_allclose(merged.rows, [[0.7, 0.1, 0.2], [0.1, 0.9, 0.0]], atol=1e-12)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["The", "cat", "s"], ["The", "cat", "s"]),
        (["a▁b", "c"], ["a▁b", "c"]),
        (["▁cat", "s", ".", "</s>"], ["cats.", "</s>"]),
        (["<s>", "▁a", "b"], ["<s>", "ab"]),
        (["<fr>", "ab", "▁c"], ["<fr>", "ab", "c"]),
        (["▁", "ab", "▁"], ["ab", "▁"]),
        (["▁caf", "<0xC3>", "<0xA9>", "s"], ["cafés"]),
        (["▁", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "▁ok"], ["😀", "ok"]),
        (["▁<0xFF>", "▁a"], ["<0xFF>", "a"]),
        (["▁", "<0xFF>"], ["�"]),
        (["▁我", "喜欢", "猫", "。"], ["我", "喜欢", "猫", "。"]),
        (["▁", "我", "喜欢", "AB", "C"], ["我", "喜欢", "ABC"]),
        (["▁ฉัน", "รัก", "▁แมว"], ["ฉัน", "รัก", "แมว"]),
        (["▁أر", "يد", "▁أن"], ["أريد", "أن"]),
        ([], []),
    ],
)
def test_pieces_become_words(pieces: list[str], expected: list[str]) -> None:
    row = [1 / len(pieces) for _ in pieces]
    as_source = words(AttentionMap(pieces, ["x"], [row]))
    assert as_source.source == expected
    assert as_source.target == ["x"]
    as_target = words(AttentionMap(["x"], pieces, [[1.0] for _ in pieces]))
    assert as_target.target == expected
    assert as_target.rows == ((1.0,),) * len(expected)


@given(maps())
def test_words_keeps_the_sum_of_every_row(parts: tuple[list[str], list[str], list[list[float]]]) -> None:
    pieces = AttentionMap(*parts)
    merged = words(pieces)
    np.testing.assert_allclose(np.sum(merged.rows, axis=1), 1, atol=1e-9)
    assert "".join(merged.source).replace("▁", "") == "".join(pieces.source).replace("▁", "")
    assert "".join(merged.target).replace("▁", "") == "".join(pieces.target).replace("▁", "")


# --- terminal


def test_the_terminal_picture_in_plain_characters() -> None:
    assert terminal(CAT, width=80, colour=False).split("\n") == [
        "lstm",
        "",
        "     The",
        "     │ black",
        "     │ │ cat",
        "     │ │ │ </s>",
        "  Le ██",
        "chat   ░░▓▓",
        "noir   ▒▒░░░░",
        "",
        "     0   ░░▒▒▓▓██ 1",
    ]


def test_the_terminal_picture_in_colour_says_the_same() -> None:
    lines = terminal(CAT, width=80, colour=True).split("\n")
    scale = [int(n) for n in re.findall(r"48;5;(\d+)m", lines[-1])]
    assert len(scale) == len(set(scale)) == 9
    for line, row in zip(lines[6:9], CAT.rows, strict=True):
        painted = re.findall(r"\x1b\[48;5;(\d+)m  ", line)
        assert [scale.index(int(n)) for n in painted] == [round(8 * weight) for weight in row]
        assert line.endswith("\x1b[0m")
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in lines]
    assert plain[2:6] == ["     The", "     │ black", "     │ │ cat", "     │ │ │ </s>"]
    assert plain[6:9] == ["  Le", "chat", "noir"]


def test_wide_and_combining_letters_keep_the_columns() -> None:
    mixed = AttentionMap(["猫が", "cafe\u0301", "x"], ["我喜欢", "e\u0301", "abc"], np.eye(3))
    lines = terminal(mixed, width=60, colour=False).split("\n")
    assert [cells(line.split("█")[0]) for line in lines[3:6]] == [7, 9, 11]
    assert [cells(line[: re.search(r"[^ │]", line).start()]) for line in lines[:3]] == [7, 9, 11]  # type: ignore[union-attr]


def test_a_mark_without_its_letter_gets_a_circle_to_stand_on() -> None:
    """A piece of Arabic may be a vowel sign alone; it is not to sit on its neighbour."""
    marks = AttentionMap(["▁ي", "\u0652", "a\u0301"], ["\u064eن"], [[1.0, 0.0, 0.0]])
    lines = terminal(marks, width=60, colour=False).split("\n")
    assert lines[1:4] == ["   │ ◌\u0652", "   │ │ a\u0301", "\u200e◌\u064eن\u200e ██"]
    assert "◌\u0652" in svg_map(marks)


def test_right_to_left_labels_do_not_pull_the_cells_along() -> None:
    arabic = AttentionMap(["أريد", "أن"], ["غدا", "I"], [[1.0, 0.0], [0.0, 1.0]])
    lines = terminal(arabic, width=60, colour=False).split("\n")
    assert lines[:4] == ["    \u200eأريد\u200e", "    │ \u200eأن\u200e", "\u200eغدا\u200e ██", "  I   ██"]


@given(maps(), st.integers(24, 70))
def test_no_line_is_wider_than_asked_and_no_word_is_lost(
    parts: tuple[list[str], list[str], list[list[float]]], width: int
) -> None:
    attention = AttentionMap(*parts)
    picture = terminal(attention, width=width, colour=False)
    assert max(cells(line) for line in picture.split("\n")) <= width
    margin = re.match(r" +", picture)
    assert margin, "the first line is the label of the first column"
    lines = [re.fullmatch(rf"{margin[0]}(?:│ )*([^│ ░▒▓█]+)", line) for line in picture.split("\n")]
    heads = [line[1] for line in lines if line]
    assert len(heads) == len(attention.source)
    for head, label in zip(heads, attention.source, strict=True):
        assert head == label or (
            head[-1] == "…" and label.startswith(head[:-1]) and cells(label) > width // 3
        )


def test_the_last_cell_and_the_scale_stay_inside_too() -> None:
    letters = AttentionMap(list("abcdefghijklm"), ["x"], [[1.0] * 13])
    long = AttentionMap(["a"], ["eight..."], [[1.0]], "a title that is longer than the line")
    for attention, colour in ((letters, False), (long, True)):
        for width in (24, 25):
            picture = re.sub(r"\x1b\[[0-9;]*m", "", terminal(attention, width=width, colour=colour))
            assert max(cells(line) for line in picture.split("\n")) <= width


def test_a_long_source_is_cut_into_blocks_with_the_rows_that_look_there() -> None:
    names = [f"w{n:02}" for n in range(30)]
    diagonal = AttentionMap(names, [name.upper() for name in names], np.eye(30))
    picture = terminal(diagonal, width=40, colour=False)
    blocks = picture.split("\n\n")[:-1]
    assert len(blocks) == 2
    shown = [re.findall(r"w\d\d", block) for block in blocks]
    assert [name for inside in shown for name in inside] == names
    for block, inside in zip(blocks, shown, strict=True):
        assert re.findall(r"W\d\d", block) == [name.upper() for name in inside]
        assert block.count("██") == len(inside)


def test_a_row_too_flat_to_shade_is_still_shown_once() -> None:
    flat = AttentionMap([f"w{n:02}" for n in range(40)], ["FLAT"], [[0.03] * 7 + [0.04] + [0.03] * 32])
    assert terminal(flat, width=30, colour=False).count("FLAT") == 1


def test_labels_can_not_command_the_terminal() -> None:
    hostile = AttentionMap([HOSTILE], [HOSTILE], [[1.0]], HOSTILE)
    picture = terminal(hostile, width=200, colour=False)
    assert not {"\x1b", "\u202e"} & set(picture)
    assert len(picture.split("\n")) == 6
    assert picture.count('�[31m�a"b<script') == 3


def test_long_labels_are_cut_with_an_ellipsis() -> None:
    picture = terminal(AttentionMap(["a" * 99, "猫" * 50], ["b" * 99], [[0.5, 0.5]]), width=90, colour=False)
    assert "a" * 23 + "…\n" in picture
    assert "│ " + "猫" * 11 + "…\n" in picture
    assert "b" * 23 + "… ▒▒" in picture


@given(st.text("ab 猫é", max_size=60), st.integers(2, 30))
def test_a_long_title_is_wrapped_and_nothing_of_it_is_lost(title: str, width: int) -> None:
    lines = wrap(title, width)
    assert all(0 < cells(line) <= width and not line.startswith(" ") for line in lines)
    assert "".join(lines).replace(" ", "") == title.replace(" ", "")
    words_ = title.split()
    if all(cells(word) <= width for word in words_):
        assert " ".join(lines).split() == words_, "no word is cut that fits"


def test_the_translation_is_read_above_its_picture() -> None:
    title = "a sentence that is longer than the line → une phrase qui est plus longue que la ligne"
    lines = terminal(AttentionMap(["a"], ["b"], [[1.0]], title), width=30, colour=False).split("\n")
    assert " ".join(lines[: lines.index("")]) == title


def test_the_width_of_the_terminal_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    wide = AttentionMap([f"word{n}" for n in range(12)], ["x"], [[1.0] + [0.0] * 11])
    assert terminal(wide, colour=False) == terminal(wide, width=24, colour=False)
    assert terminal(wide, colour=False) != terminal(wide, width=80, colour=False)


@pytest.mark.parametrize(
    "empty", [AttentionMap([], [], []), AttentionMap([], ["a"], [[]]), AttentionMap(["a"], [], [])]
)
def test_an_empty_map_is_drawn_all_the_same(empty: AttentionMap) -> None:
    assert "0" in terminal(empty, width=40, colour=True)
    ElementTree.fromstring(svg_map(empty))
    assert words(empty).rows == empty.rows
