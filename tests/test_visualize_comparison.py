"""The report of a comparison, read back as a parser sees it, and its pictures."""

import re
from html.parser import HTMLParser
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import pytest

from latimer.visualize import svg_intervals, svg_runs
from latimer.visualize.charts import pictures
from latimer.visualize.comparison import comparison_page
from latimer.visualize.summary import comparison_summary

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "\x1b[31m\n\u202ea\"b<script>alert(1)</script>&'"
CLEAN = HOSTILE.replace("\x1b", "�").replace("\n", "�").replace("\u202e", "")
SCORES = {"conv": (44.44, 40.0, 48.04), "lstm": (41.0, 39.96, 43.0), "plain": (12.34, 9.0, 15.0)}


def a_report(names: tuple[str, ...] = ("conv", "lstm", "plain")) -> dict[str, Any]:
    """What report.json might hold: three models, two seeds."""
    models = []
    for number, (name, (value, low, high)) in enumerate(zip(names, SCORES.values(), strict=True)):
        estimate = {"value": value, "low": low, "high": high, "runs": [value - 1, value + 1]}
        lengths = [(1, 5, 20, 4.0), (6, 10, 30, 8.0), (11, None, 3, 14.0)]
        models.append(
            {
                "name": name,
                "description": "lstm encoder (1), lstm decoder (1), additive attention, width 64",
                "BLEU": estimate,
                "chrF2++": {**estimate, "value": value + 20},
                "parameters": 1_234_567 + number,
                "parameters_without_embeddings": 234_567,
                "updates": 1500,
                "minutes": 4.96,
                "peak_memory_mb": None if number else 812,
                **{f"training_tokens_per_{clock}second": 12_345.6 for clock in ("", "cpu_")},
                **{
                    f"sentences_per_{clock}second_batch_{size}": 67.89
                    for clock in ("", "cpu_")
                    for size in (1, 64)
                },
                "by_length": [
                    {"low": low, "high": high, "sentences": count, "words": words, "value": value - words}
                    for low, high, count, words in lengths
                ],
                "curves": [
                    [
                        {"update": 10, "seconds": 60.0, "bleu": value / 2, "loss": 3.0},
                        {"update": 20, "seconds": 120.0, "bleu": value - seed, "loss": 2.0},
                    ]
                    for seed in (1, 2)
                ],
            }
        )
    pairs = [
        {
            "a": a,
            "b": b,
            "value": 3.44,
            "low": -1.0,
            "high": 7.0,
            "p_value": p,
            "holm": p,
            "significant": p < 0.05,
        }
        for (a, b), p in zip(combinations(names, 2), (0.21, 0.006, 0.006), strict=True)
    ]
    attention = {"source": ["I", "</s>"], "target": ["je", "</s>"], "weights": [[0.9, 0.1], [0.2, 0.8]]}
    told = {name: {"translation": f"je {name}", "attention": attention} for name in names}
    told[names[2]]["attention"] = None
    return {
        "result": "After 5 minutes each on small.tsv, conv scores highest.",
        "budget": {"minutes": 5},
        "seeds": 2,
        "settings": {"model.width": 64},
        "models": models,
        "differences": {"BLEU": pairs, "chrF2++": pairs},
        "resamples": 1000,
        "signatures": {"BLEU": "nrefs:1|case:mixed", "chrF2++": "nrefs:1|nw:2"},
        "sentences": [{"source": "I", "references": ["je"], "models": told}],
        "manifest": {
            "plan": {"corpus": "small.tsv", "test": None, "validation": None, "beam": 5, "sentences": []},
            "data": {
                "languages": ["en", None],
                "training_pairs": 9000,
                "test_sentences": 53,
                "sha256": {"small.tsv": "0123abcd"},
            },
            "vocabulary": [4000, 4000],
            "machine": {
                **{"processor": "A processor", "graphics": None, "cores": 2, "threads": 1, "memory_mb": 4096},
                "system": "Linux x86_64",
            },
            "versions": {"python": "3.11", "torch": "2.5"},
            "started": "2025-01-01 10:00 UTC",
            "finished": "2025-01-01 11:00 UTC",
        },
    }


class Reader(HTMLParser):
    """All elements with their text; they must nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in ("meta", "br"):
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag, "elements must nest"

    def handle_data(self, data: str) -> None:
        for position in self.open:
            self.elements[position][2].append(data)

    def find(self, tag: str) -> list[str]:
        return ["".join(text) for name, _, text in self.elements if name == tag]


def tables(page: str) -> list[list[list[str]]]:
    """The cells of every table of data, row by row."""
    found = re.findall(r'<table class="data[^"]*">.*?</table>', page, flags=re.DOTALL)
    return [
        [
            [re.sub(r"<[^>]*>", " ", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
            for row in re.findall(r"<tr>(.*?)</tr>", table, flags=re.DOTALL)
        ]
        for table in found
    ]


def test_the_page_answers_first_and_then_explains() -> None:
    page = comparison_page(a_report())
    read = Reader(page)
    assert read.find("h1") == ["After 5 minutes each on small.tsv, conv scores highest."]
    assert page.index("<h1>") < page.index("<h2>")
    assert read.find("h2") == [
        "How well do they translate?",
        "Is one better, or is it chance?",
        "Do they keep up with long sentences?",
        "How fast do they learn?",
        "What do they cost?",
        "What do they look at?",
        "What do the words mean?",
        "How was it made, and how is it made again?",
    ]
    text = " ".join(read.find("body"))
    for needle in (
        *(
            "en to ?, 9,000 training pairs: 3 models, 2 seeds each, scored on the same 53 sentences",
            "0123abcd",
        ),
        *("nrefs:1|case:mixed", "Holm", "1,000 times", "2 runs show it", "model.width = 64", "torch 2.5"),
        *("1 thread on 2 cores, 4 GB", "latimer compare --again manifest.json", "je plain", "no attention"),
        *("4,000 pieces", "additive attention", "The sentences are the first and the last"),
    ):
        assert needle in text, needle
    assert "Only one seed" not in text
    assert "Only one seed" in comparison_page({**a_report(), "seeds": 1})


def test_the_tables_hold_the_numbers_of_the_report() -> None:
    report = a_report()
    scores, bleu_pairs, chrf_pairs, lengths, costs = tables(comparison_page(report))
    assert scores[1] == ["conv", "44.4", "40.0 to 48.0", "64.4", "40.0 to 48.0", "43.4, 45.4"]
    assert [row[0] for row in scores[1:]] == ["conv", "lstm", "plain"]
    assert (bleu_pairs[0][0], chrf_pairs[0][0]) == ("BLEU", "chrF2++")
    assert bleu_pairs[1:] == chrf_pairs[1:]
    assert [" ".join(cell.split()) for cell in bleu_pairs[1]] == [
        "conv", "", "+3.4 -1.0 to +7.0 p = 0.210", "+3.4 -1.0 to +7.0 p = 0.006",
    ]  # fmt: skip
    assert [" ".join(cell.split()) for cell in bleu_pairs[3][1:]] == [
        "-3.4 -7.0 to +1.0 p = 0.006", "-3.4 -7.0 to +1.0 p = 0.006", "",
    ]  # fmt: skip
    assert lengths[0] == ["model", "1 to 5", "6 to 10", "11 and more"]
    assert lengths[1] == ["conv", "40.4", "36.4", "30.4"]
    assert [" ".join(cell.split()) for cell in costs[1]] == [
        *("conv", "1,234,567 234,567", "1,500 5.0 minutes", "12,300 12,300", "67.9 67.9", "67.9 67.9"),
        "812 MB",
    ]
    assert costs[2][-1] == "unknown"
    marked = re.findall(r'<td class="yes">(.*?)</td>', comparison_page(report))
    assert len(marked) == 8, "two pairs that differ, seen from both sides, in both metrics"
    assert all("p = 0.006" in cell for cell in marked)


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    page = comparison_page(a_report())
    assert not re.search(r"https?:|//|src=|href=|url\(|@import|<script|\bon\w+=", page)
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    assert page.count("<svg") == 3
    assert page.count('role="img" aria-label=') == 3
    assert page.count('aria-label="Attention map"') == 2


def test_the_page_escapes_every_text() -> None:
    report = a_report(("conv", HOSTILE, "plain"))
    report["result"] = report["sentences"][0]["source"] = HOSTILE
    report["sentences"][0]["references"] = [HOSTILE]
    report["manifest"]["data"]["sha256"] = {HOSTILE: HOSTILE}
    report["manifest"]["plan"]["corpus"] = HOSTILE
    page = comparison_page(report)
    assert "<script" not in page
    assert not {"\x1b", "\u202e"} & set(page)
    read = Reader(page)
    assert read.find("h1") == [CLEAN]
    assert read.find("h3") == [CLEAN]
    assert CLEAN in read.find("dd")


def test_lengths_of_few_sentences_are_told_but_not_drawn() -> None:
    page = comparison_page(a_report())
    (chart,) = (part for part in page.split("<figure>") if "BLEU by length of the source</text>" in part)
    (line,) = re.findall(r'class="line hue0" points="([^"]*)">?', chart.split("translate(0")[1])[:1]
    assert len(line.split()) == 2
    assert "11 and more: 3." in page


# --- pictures


def places(root: ElementTree.Element, tag: str, kind: str, key: str) -> list[float]:
    return [
        float(one.get(key, ""))
        for one in root.iter(f"{SVG}{tag}")
        if (one.get("class") or "").startswith(kind)
    ]


@pytest.mark.parametrize("scale", [0.01, 1, 100])
def test_intervals_can_be_read_back(scale: float) -> None:
    rows = {
        "conv": (44.0 * scale, 40.0 * scale, 48.0 * scale, [43.0 * scale, 45.0 * scale]),
        HOSTILE: (30.0 * scale, 29.0 * scale, 33.0 * scale, [30.0 * scale]),
    }
    root = ElementTree.fromstring(svg_intervals(rows, title="t", x="BLEU"))
    ticks = [t for t in root.iter(f"{SVG}text") if t.get("class") == "quiet"]
    (p, a), (q, b) = ((float(t.get("x", "")), float(t.text or "")) for t in (ticks[0], ticks[-1]))

    def value(place: float) -> float:
        return a + (b - a) * (place - p) / (q - p)

    bars = [line.get("points", "").replace(",", " ").split() for line in root.iter(f"{SVG}polyline")]
    close: dict[str, float] = {"abs": 0.05 * scale, "rel": 0}
    for (start, _, end, _), (_, low, high, _) in zip(bars, rows.values(), strict=True):
        assert (value(float(start)), value(float(end))) == (
            pytest.approx(low, **close),
            pytest.approx(high, **close),
        )
    (mark,) = places(root, "circle", "mark", "cx")
    assert value(mark) == pytest.approx(44 * scale, **close)
    dots = [value(place) for place in places(root, "circle", "run", "cx")]
    assert dots == [pytest.approx(number * scale, **close) for number in (43, 45, 30)]
    names = [t.text for t in root.iter(f"{SVG}text") if t.get("text-anchor") == "end"]
    assert names == ["conv", CLEAN]
    assert "alert(1)" in (root.get("aria-label") or "")


def test_runs_of_one_name_are_alike_and_marked_at_their_ends() -> None:
    series = {"conv": [[(0, 1), (1, 5), (2, 6)], [(0, 2), (1, 4)]], "lstm": [[(0, 3), (2, 4)], []]}
    root = ElementTree.fromstring(svg_runs(series, title="t", x="minutes", y="BLEU"))
    plot = root.find(f"{SVG}g")
    assert plot is not None
    lines = list(plot.iter(f"{SVG}polyline"))
    assert [line.get("class") for line in lines] == ["line thin hue0"] * 2 + ["line thin hue1"] * 2
    assert [len(line.get("points", "").split()) for line in lines] == [3, 2, 2, 0]
    ends = [line.get("points", "").split()[-1] for line in lines[:2]]
    circles = [f"{one.get('cx')},{one.get('cy')}" for one in plot.iter(f"{SVG}circle")]
    assert circles == ends
    assert len(list(plot.iter(f"{SVG}rect"))) == 1


def test_the_summary_is_a_table_with_a_row_a_model() -> None:
    lines = comparison_summary(a_report()).splitlines()
    table = [[cell.strip() for cell in line.split(" | ")] for line in lines if line.startswith("|")]
    assert {len(row) for row in table} == {9}
    assert [row[0].strip("| ") for row in table[2:]] == ["conv", "lstm", "plain"]
    assert table[2][1:6] == ["44.4 (40.0 - 48.0)", "43.4, 45.4", "64.4", "1,234,567", "1,500"]
    assert lines[0].startswith(a_report()["result"])
    assert any(line.startswith("- BLEU: `") for line in lines)


def test_nothing_in_the_summary_is_taken_for_markup() -> None:
    text = comparison_summary(a_report((HOSTILE, "a|b", "*c*")))
    assert "\\<script\\>" in text
    assert "a\\|b" in text
    assert "\\*c\\*" in text
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 5


def test_the_summary_shows_every_picture_and_there_are_no_others() -> None:
    report = a_report()
    shown = re.findall(r"\]\(pictures/(.*)\.svg\)", comparison_summary(report))
    drawn = pictures(report)
    assert sorted(shown) == sorted(drawn)
    assert {"scores", "lengths", "curves"} < set(drawn)
    assert any(name.startswith("attention-1-") for name in drawn)
    for picture in drawn.values():
        assert ElementTree.fromstring(picture).tag == f"{SVG}svg"
