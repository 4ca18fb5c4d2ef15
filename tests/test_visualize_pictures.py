"""The page and the SVGs, read back as a parser sees them."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from latimer.visualize import AttentionMap, html_page, svg_chart, svg_map

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "\x1b[31m\n\u202ea\"b<script>alert(1)</script>&'"
CAT = AttentionMap(
    ["The", "black", "cat", "</s>"],
    ["Le", "chat", "noir"],
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.25, 0.75, 0.0], [0.01, 0.54, 0.2, 0.25]],
    "lstm",
)


# --- page


class Reader(HTMLParser):
    """All elements with their attributes and their text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag != "meta":
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag, "elements must nest"

    def handle_data(self, data: str) -> None:
        for position in self.open:
            self.elements[position][2].append(data)

    def find(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, "".join(text)) for name, attributes, text in self.elements if name == tag]


def test_the_page_holds_the_matrix_as_a_table() -> None:
    page = Reader(html_page([CAT], title="Attention"))
    assert page.find("title")[0][1] == page.find("h1")[0][1] == "Attention"
    heads = page.find("th")
    assert [text for attributes, text in heads if attributes["scope"] == "col"] == CAT.source
    assert [text for attributes, text in heads if attributes["scope"] == "row"] == CAT.target
    corner, *squares = page.find("td")
    assert corner == ({}, "")
    shown = [(attributes["title"], text, attributes.get("style")) for attributes, text in squares]
    assert len(shown) == 12
    assert shown[0] == ("Le ← The: 1.000", "100", "--w:1.00")
    assert shown[1] == ("Le ← black: 0.000", "", None)
    assert shown[6] == ("chat ← cat: 0.750", "75", "--w:0.75")
    assert shown[8] == ("noir ← The: 0.010", "1", "--w:0.01")
    assert not page.open


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    page = html_page([CAT, CAT], title="t")
    assert not re.search(r"https?:|//|src=|href=|url\(|@import|<script|\bon\w+=", page)
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    assert page.count("<table") == 2
    assert len(page) < 12_000


def test_the_page_escapes_every_text_and_leaves_its_direction_to_it() -> None:
    page = html_page([AttentionMap([HOSTILE], [HOSTILE], [[0.5]], HOSTILE)], title=HOSTILE)
    assert "<script" not in page
    assert not {"\x1b", "\u202e"} & set(page)
    read = Reader(page)
    clean = HOSTILE.replace("\x1b", "�").replace("\n", "�").replace("\u202e", "")
    assert read.find("h1") == [({"dir": "auto"}, clean)]
    assert read.find("h2") == [({"dir": "auto"}, clean)]
    assert read.find("dd") == [({"dir": "auto"}, clean)] * 2
    assert read.find("td")[1][0]["title"] == f"{clean} ← {clean}: 0.500"
    assert all("dir" in attributes for attributes, _ in read.find("th") if attributes["scope"] == "row")
    assert read.find("span") == [({"dir": "auto"}, clean)]


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
