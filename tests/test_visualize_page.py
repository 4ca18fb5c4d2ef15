"""The page as a parser sees it; test_browser.py opens it as a person does."""

import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latimer.visualize import Candidate, Look, html_page
from latimer.visualize.looks import Branch, Forced, Step
from latimer.visualize.page import quantised

HOSTILE = "\x1b[31m\n\u202ea\"b</script><script>alert(1)</script>&'"
CLEAN = HOSTILE.replace("\x1b", "�").replace("\n", "�").replace("\u202e", "")


def dirichlet(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).dirichlet([0.3] * shape[-1], shape[:-1]).astype(np.float32)


def a_look(
    columns: int, rows: int, *, layers: int = 1, heads: int = 1, forced: int = 0, beam: int = 0
) -> Look:
    """As large as one from a model."""
    target = [f"▁wort{n}" for n in range(rows - 1)] + ["</s>"]
    steps = [Step(0.9, [(f"▁other{n}", 0.01) for n in range(5)])] * rows
    cross = [dirichlet(heads, rows, columns) for _ in range(layers)]
    past = [dirichlet(heads, rows, rows) for _ in range(layers)]
    first = Candidate(target, cross, past, steps=steps, log_probability=-1.0, score=-0.1)
    other = Forced(1, Candidate(target, [cross[0][0]], steps=[Step(0.5)] * rows))
    branches = [
        Branch("▁something", n % max(beam, 1), -1.234, -0.123, n < beam, False) for n in range(2 * beam)
    ]
    encoder = [dirichlet(heads, columns, columns) for _ in range(layers)]
    source = [f"▁word{n}" for n in range(columns - 1)] + ["</s>"]
    return Look(source, [first], encoder, beam=[branches] * rows, forced=[other] * forced)


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


def test_every_sentence_is_there_and_the_first_is_open() -> None:
    looks = [Look(["a", "b"], [Candidate(["c"], [[[0.5, 0.5]]])]), Look(["d"], encoder=[[[1.0]]])]
    page = Reader(html_page(looks, title="Attention"))
    assert not page.open
    assert page.find("title")[0][1] == page.find("h1")[0][1] == "Attention"
    assert page.find("summary") == [({}, "a b c"), ({}, "d")]
    assert ["open" in attributes for attributes, _ in page.find("details")] == [True, False]
    data = [text for attributes, text in page.find("script") if attributes.get("class") == "data"]
    assert [json.loads(text)["source"]["words"] for text in data] == [["a", "b"], ["d"]]
    assert not page.find("h1") or "<h1" not in html_page(looks, title="")


def test_the_page_asks_for_nothing() -> None:
    page = html_page([a_look(6, 5)], title="t")
    outside = re.sub(r"http://www\.w3\.org/2000/svg", "", page)  # a name, not an address
    assert not re.search(
        r"https?:|src=|href=|url\(|@import|\bfetch\(|XMLHttp|innerHTML|\bon\w+=[\"']", outside
    )
    policy = next(a for a, _ in Reader(page).find("meta") if a.get("http-equiv"))["content"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page


def test_no_text_can_leave_its_place() -> None:
    steps = [Step(1.0, [(HOSTILE, 0.5)])]
    candidate = Candidate([HOSTILE], [[[0.5]]], [[[1.0]]], HOSTILE, steps=steps)
    look = Look(
        *([HOSTILE], [candidate], [[[1.0]]], HOSTILE, [[Branch(HOSTILE, 0, -1.0, -1.0, True, True)]]),
        [Forced(0, candidate)],
    )
    page = html_page([look], title=HOSTILE)
    assert not {"\x1b", "\u202e"} & set(page)
    read = Reader(page)
    assert read.find("h1") == [({"dir": "auto"}, CLEAN)]
    assert read.find("summary") == [({}, f"{CLEAN} {CLEAN}")]
    assert len(read.find("script")) == 2
    told = json.loads(read.find("script")[0][1])
    assert told["source"] == {"pieces": [CLEAN], "words": [CLEAN], "sizes": [1]}
    assert told["candidates"][0]["text"] == told["beam"][0][0][0] == CLEAN


def test_the_weights_can_be_read_back() -> None:
    look = a_look(7, 5, layers=2, heads=3)
    told = json.loads(Reader(html_page([look], title="t")).find("script")[0][1])
    for kind, layers in (("cross", look.layers()), ("decoder", look.layers("decoder"))):
        for packed, weights in zip(told["candidates"][0][kind], layers, strict=True):
            read = np.frombuffer(b64decode(packed["weights"]), np.uint8).reshape(weights.shape) / 255
            assert packed["heads"] == 3
            np.testing.assert_allclose(read, weights, atol=1 / 255)
            np.testing.assert_allclose(read.sum(-1), 1, atol=1e-9)
    assert len(told["encoder"]) == 2


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.booleans())
def test_a_row_keeps_its_sum_as_bytes(row: list[float], whole: bool) -> None:
    """However many small weights it has; and no weight moves by a whole step."""
    total = sum(row)
    weights = np.array([row], np.float64) / (total if whole and total > 0.1 else max(total, 1.0))
    bytes_ = quantised(weights).astype(float)
    np.testing.assert_allclose(bytes_, weights * 255, atol=1 + 1e-9)
    assert abs(bytes_.sum() - weights.sum() * 255) <= 0.5 + 1e-6
    assert quantised(np.zeros((2, 3))).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize(("layers", "heads"), [(3, 4), (6, 8)])
def test_a_sentence_of_thirty_words_takes_less_than_a_megabyte(layers: int, heads: int) -> None:
    """At forty pieces a side, with a beam of 5 and forty forced words; a large Transformer too."""
    look = a_look(40, 40, layers=layers, heads=heads, forced=40, beam=5)
    assert len(html_page([look], title="t").encode()) < 1_000_000
