"""The SVGs, read back as a parser sees them."""

import re
import subprocess
import sys
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from latimer.visualize import AttentionMap, png, svg_chart, svg_map

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "\x1b[31m\n\u202ea\"b<script>alert(1)</script>&'"
CAT = AttentionMap(
    ["The", "black", "cat", "</s>"],
    ["Le", "chat", "noir"],
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.25, 0.75, 0.0], [0.01, 0.54, 0.2, 0.25]],
    "lstm",
)


# --- SVG


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_the_svg_map_has_a_square_for_every_pair() -> None:
    root = ElementTree.fromstring(svg_map(CAT))
    assert texts(root) == ["lstm", *CAT.source, *CAT.target]
    inked = [element for element in root.iter(f"{SVG}rect") if element.get("class") == "ink"]
    assert [float(element.get("opacity", "")) for element in inked] == [w for row in CAT.rows for w in row]
    places = {(element.get("x"), element.get("y")) for element in inked}
    assert len(places) == 12
    assert len({x for x, _ in places}) == 4
    across, down = float(root.get("width", "")), float(root.get("height", ""))
    assert all(float(x or "") + 22 < across and float(y or "") + 22 < down for x, y in places)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "lstm"


def test_a_map_for_a_paper_has_no_title_but_is_called_by_it() -> None:
    titled, bare = (ElementTree.fromstring(svg_map(CAT, titled=titled)) for titled in (True, False))
    assert texts(bare) == texts(titled)[1:]
    assert bare.get("aria-label") == titled.get("aria-label") == "lstm"
    assert float(bare.get("height", "")) < float(titled.get("height", ""))


def test_a_png_is_the_svg_in_its_light_colours() -> None:
    """Read back with the standard library alone: the paper's colour, and a cell for each weight."""
    pytest.importorskip("resvg_py", reason="the extra `pictures` draws PNG")
    picture = svg_map(CAT)
    root = ElementTree.fromstring(picture)
    width, rows = pixels(png(picture))
    assert (width, len(rows)) == (3 * int(root.get("width", "")), 3 * int(root.get("height", "")))
    assert rows[len(rows) // 2][12:15] == bytes.fromhex("fdfcf9")
    inked = [element for element in root.iter(f"{SVG}rect") if element.get("class") == "ink"]
    for element in inked:
        x, y, share = (float(element.get(name, "")) for name in ("x", "y", "opacity"))
        row, at = rows[round(3 * (y + 11))], 4 * round(3 * (x + 11))
        wanted = [
            (1 - share) * paper + share * ink
            for paper, ink in zip(bytes.fromhex("f3f1ea"), bytes.fromhex("0d4488"), strict=True)
        ]
        assert list(row[at : at + 3]) == pytest.approx(wanted, abs=2)


def pixels(image: bytes) -> tuple[int, list[bytes]]:
    """The width of a PNG, and its rows of 4 bytes a pixel, the filters of the format undone."""
    at, packed, width = 8, b"", 0
    while at < len(image):
        size, kind = int.from_bytes(image[at : at + 4], "big"), image[at + 4 : at + 8]
        content = image[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width = int.from_bytes(content[:4], "big")
            assert content[8:] == bytes([8, 6, 0, 0, 0]), "8 bits, with transparency, not interlaced"
        packed += content if kind == b"IDAT" else b""
        at += 12 + size
    raw, rows, before = zlib.decompress(packed), [], bytes(4 * width)
    for start in range(0, len(raw), 4 * width + 1):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + 4 * width])
        for n in range(len(row)):
            left, up = (row[n - 4] if n >= 4 else 0), before[n]
            corner = before[n - 4] if n >= 4 else 0
            nearest = min((left, up, corner), key=lambda one: abs(left + up - corner - one))
            row[n] = (row[n] + (0, left, up, (left + up) // 2, nearest)[kind]) % 256
        rows.append(bytes(row))
        before = rows[-1]
    return width, rows


def test_the_svgs_are_safe_and_ask_for_nothing() -> None:
    hostile = AttentionMap([HOSTILE], [HOSTILE], [[0.5]], HOSTILE)
    chart = svg_chart({HOSTILE: [(0, 1), (1, 2)]}, title=HOSTILE, x=HOSTILE, y=HOSTILE)
    for picture in (svg_map(hostile), chart):
        root = ElementTree.fromstring(picture)
        assert not list(root.iter(f"{SVG}script"))
        assert HOSTILE[7:] in "".join(texts(root))
        assert not {"\x1b", "\u202e"} & set(picture)
        assert not re.search(
            r"href|src=|url\(|@import|https?:", picture.replace("http://www.w3.org/2000/svg", "")
        )
        assert "prefers-color-scheme:dark" in picture


def read_chart(picture: str) -> list[list[tuple[float, float]]]:
    """The lines of a chart in the units of its axes, which are read off the labels of their ends."""
    root = ElementTree.fromstring(picture)
    plot = root.find(f"{SVG}g")
    assert plot is not None
    ticks = [t for t in plot.iter(f"{SVG}text") if t.get("class") == "quiet"]
    down = [
        (float(t.get("y", "")) - 4.5, float(t.text or "")) for t in ticks if t.get("text-anchor") == "end"
    ]
    across = [(float(t.get("x", "")), float(t.text or "")) for t in ticks if t.get("text-anchor") == "middle"]

    assert down[0][0] > down[-1][0], "up is more"
    assert across[0][0] < across[-1][0], "right is more"

    def value(place: float, scale: list[tuple[float, float]]) -> float:
        (p, a), (q, b) = scale[0], scale[-1]
        return a + (b - a) * (place - p) / (q - p)

    for scale in (down, across):
        assert 3 <= len(scale) <= 9
        steps = np.diff([number for _, number in scale])
        np.testing.assert_allclose(steps, steps[0])
        assert round(steps[0] / 10 ** np.floor(np.log10(steps[0]) + 1e-9)) in (1, 2, 5)
    return [
        [
            (value(float(x), across), value(float(y), down))
            for x, y in (point.split(",") for point in line.get("points", "").split())
        ]
        for line in plot.iter(f"{SVG}polyline")
    ]


@pytest.mark.parametrize("scale", [0.001, 1, 30, 5000])
def test_the_chart_can_be_read_back(scale: float) -> None:
    series = {
        "lstm": [(3.0, 0.9 * scale), (14.2, 0.87 * scale), (33.0, 0.8 * scale)],
        "plain": [(3.0, 0.85 * scale), (14.2, 0.5 * scale), (33.0, 0.1 * scale)],
    }
    picture = svg_chart(series, title="BLEU by length", x="words", y="BLEU")
    read = read_chart(picture)
    assert len(read) == 2
    for ours, points in zip(read, series.values(), strict=True):
        np.testing.assert_allclose(ours, points, atol=0.004 * max(scale, 33))
    seen = texts(ElementTree.fromstring(picture))
    assert {"BLEU by length", "words", "BLEU", "lstm", "plain"} <= set(seen)


def test_an_axis_far_from_zero_says_where_it_is() -> None:
    points = [(2019.0, 1001.5), (2022.0, 1004.0), (2025.0, 1006.5)]
    np.testing.assert_allclose(
        read_chart(svg_chart({"a": points}, title="t", x="x", y="y")), [points], atol=0.01
    )


@example([(1e6, 1e-320), (1e6 + 1e-9, 0.0)])
@example([(0.0, 0.0)])
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=6))
def test_every_point_lies_inside_the_axes(points: list[tuple[float, float]]) -> None:
    root = ElementTree.fromstring(svg_chart({"a": points}, title="t", x="x", y="y"))
    marks = list(root.iter(f"{SVG}circle"))
    assert len(marks) == len(points) + 1, "one more in the legend"
    for mark in marks[1:]:
        assert 61.9 <= float(mark.get("cx", "")) <= 602.1
        assert 73.9 <= float(mark.get("cy", "")) <= 344.1


def test_a_chart_of_many_names_wraps_its_legend() -> None:
    series = {f"a rather long name {n}": [(0.0, float(n)), (1.0, float(n))] for n in range(6)}
    root = ElementTree.fromstring(svg_chart(series, title="t", x="x", y="y"))
    names = [t for t in root.findall(f"{SVG}text") if (t.text or "").startswith("a rather")]
    assert len({t.get("y") for t in names}) == 3
    assert all(float(t.get("x", "")) < 450 for t in names)
    plot = root.find(f"{SVG}g")
    assert plot is not None
    moved = re.fullmatch(r"translate\(0 (\d+)\)", plot.get("transform", ""))
    assert moved
    top = int(moved[1]) + min(float(line.get("y1", "")) for line in plot.iter(f"{SVG}line"))
    assert top > max(float(t.get("y", "")) for t in names), "the names stand above the plot"
    assert float(root.get("height", "")) == int(moved[1]) + 404
    lines = [
        tuple(line.get(key) for key in ("class", "stroke-dasharray")) for line in root.iter(f"{SVG}polyline")
    ]
    assert len(set(lines)) == 6, "no two lines look the same"


def test_a_chart_leaves_out_what_is_not_a_number() -> None:
    gaps = {"a": [(0.0, 1.0), (1.0, float("nan")), (2.0, 3.0)], "b": []}
    picture = svg_chart(gaps, title="t", x="x", y="y")
    assert [len(line) for line in read_chart(picture)] == [2, 0]
    assert "nan" not in picture
    ElementTree.fromstring(svg_chart({}, title="t", x="x", y="y"))


def test_importing_brings_no_torch_and_no_numpy() -> None:
    code = "import sys, latimer.visualize; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
