"""The page in a real browser: what a person sees, points at, types and hears."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latimer.visualize import Candidate, Look, html_page
from latimer.visualize.looks import Branch, Forced, Step

SOURCE, TARGET = ["▁un", "believ", "able", "▁cat", "</s>"], ["▁chat", "▁in", "croyable", "</s>"]


def maps(heads: int, rows: int, columns: int, *, seed: int = 0) -> Any:
    generator = np.random.default_rng(seed)
    return generator.dirichlet([0.4] * columns, (heads, rows)).astype(np.float32)


def a_look() -> Look:
    steps = [Step(0.9, [("▁chien", 0.05)]), Step(0.5, [("▁noir", 0.4), ("▁in", 0.05)]), Step(1.0), Step(0.8)]
    first = Candidate(
        TARGET,
        [maps(3, 4, 5, seed=seed) for seed in (1, 2)],
        [maps(2, 4, 4)],
        "chat incroyable",
        -1.5,
        -0.375,
        steps,
    )
    second = Candidate(["▁chat", "</s>"], [maps(3, 2, 5)] * 2, [maps(2, 2, 2)], "chat", -2.0, -1.0)
    beam = [
        [Branch("▁un", 0, -1.0, -1.0, True, False), Branch("▁chat", 0, -2.0, -2.0, True, False)],
        [Branch("▁in", 1, -2.0, -1.0, True, False), Branch("</s>", 1, -3.0, -1.5, True, True)],
        [Branch("croyable", 0, -2.0, -0.7, True, False), Branch("</s>", 1, -3.0, -1.5, True, True)],
        [
            *(Branch("</s>", 0, -2.0, -0.5, True, True), Branch("</s>", 1, -3.0, -1.5, True, True)),
            Branch("s", 0, -9.0, -2.0, False, False),
        ],
    ]
    other = Candidate(
        ["▁chat", "▁noir", "</s>"], [maps(1, 3, 5)], text="chat noir", steps=[Step(0.9), Step(0.4), Step(0.7)]
    )
    encoder = [maps(4, 5, 5)]
    return Look(SOURCE, [first, second], encoder, "unbelievable cat", beam, [Forced(1, other)])


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page from disk; at the end nothing was asked for but the file, and nothing went wrong."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def open_(*looks: Look, **options: Any) -> Any:
        path = tmp_path / "page.html"
        path.write_text(html_page(looks, title="Attention"), encoding="utf-8")
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: asked.url == path.as_uri() or wrong.append(asked.url))
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


def shares(told: str) -> dict[str, float]:
    """What the page says of a word: "cat looked at chat 54 %, noir 20 %"."""
    _, _, listed = told.replace("was looked at by", "looked at").partition(" looked at ")
    return {one.rsplit(" ", 2)[0]: float(one.rsplit(" ", 2)[1]) / 100 for one in listed.split(", ")}


def expected(labels: list[str], weights: Any) -> dict[str, float]:
    best = sorted(zip(weights, labels, strict=True), reverse=True)[:6]
    return {label: float(weight) for weight, label in best if weight >= 0.01}


def check(told: str, labels: list[str], weights: Any) -> None:
    wanted = expected(labels, weights)
    assert shares(told).keys() == wanted.keys()
    for label, share in shares(told).items():
        assert share == pytest.approx(wanted[label], abs=0.01)


def test_pointing_at_a_word_tells_what_it_looked_at_and_the_reverse(open_page: Any) -> None:
    look = a_look()
    page, map_ = open_page(look), look.map(pieces=True)  # 4 x 5, so that rows are not mistaken for columns
    page.get_by_label("Between").select_option("pieces")
    told = page.get_by_role("status")
    for number, word in enumerate(map_.target):
        page.locator(".to .label").nth(number).hover()
        assert told.inner_text().startswith(f"{word} looked at")
        check(told.inner_text(), map_.source, map_.rows[number])
        assert page.locator("path.lit").count() == sum(weight >= 0.02 for weight in map_.rows[number])
    for number, word in enumerate(map_.source):
        page.locator(".from .label").nth(number).hover()
        assert told.inner_text().startswith(f"{word} was looked at by")
        check(told.inner_text(), map_.target, [row[number] for row in map_.rows])
        lit = sum(row[number] >= 0.02 for row in map_.rows)
        assert page.locator("path.lit").count() == lit
    page.locator(".from .label").first.click()
    page.get_by_role("heading", name="Attention").hover()
    assert told.inner_text().startswith("▁un"), "a click keeps it"


def test_every_layer_and_head_can_be_chosen(open_page: Any) -> None:
    """Lines between words, a matrix of pieces: what is told is what the look itself says."""
    look = a_look()
    page = open_page(look)
    places = {kind: (len(look.layers(kind)), len(look.layers(kind)[0])) for kind in look.kinds}
    views = (("lines", "words", ".to .label"), ("matrix", "pieces", ".matrix tbody .label"))
    for view, unit, rows in views:
        page.get_by_label("Drawn as").select_option(view)
        page.get_by_label("Between").select_option(unit)
        for kind, (layers, heads) in places.items():
            page.get_by_label("Attention").select_option(kind)
            for layer, head in ((None, None), (layers - 1, None), (layers - 1, heads - 1)):
                if layers > 1:
                    page.get_by_label("Layer").select_option("-1" if layer is None else str(layer))
                page.get_by_label("Head").select_option("-1" if head is None else str(head))
                map_ = look.map(kind, layer=layer, head=head, pieces=unit == "pieces")
                page.locator(rows).nth(1).focus()
                assert page.locator(rows).all_inner_texts() == map_.target
                check(page.get_by_role("status").inner_text(), map_.source, map_.rows[1])
    page.get_by_label("Translation").select_option("1")
    assert page.locator(rows).all_inner_texts() == look.map("decoder", candidate=1, pieces=True).target


def test_the_matrix_reads_as_a_table_whose_rows_sum_to_one(open_page: Any) -> None:
    page = open_page(a_look())
    page.get_by_label("Drawn as").select_option("matrix")
    table = page.get_by_role("table").first
    assert table.get_by_role("columnheader").all_inner_texts() == ["unbelievable", "cat", "</s>"]
    assert table.get_by_role("rowheader").all_inner_texts() == ["chat", "incroyable", "</s>"]
    for row in table.locator("tbody tr").all():
        assert sum(int(text or 0) for text in row.locator("td").all_inner_texts()) == pytest.approx(
            100, abs=2
        )


def test_the_keyboard_is_enough(open_page: Any) -> None:
    """Tab comes to each side once; arrows walk along it, and across to the strongest word."""
    look = a_look()
    page, map_ = open_page(look), look.map(pieces=True)
    page.get_by_label("Between").select_option("pieces")
    focused = "document.activeElement.innerText"
    page.locator("select[name=unit]").focus()
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "▁un"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "▁chat"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == "▁in"
    strongest = [int(np.argmax(row)) for row in map_.rows]
    assert len(set(strongest)) > 1
    for number, place in enumerate(strongest):
        page.locator(".to .label").nth(number).focus()
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(focused) == map_.source[place]
    assert "was looked at by" in page.get_by_role("status").inner_text()
    page.keyboard.press("End")
    assert page.evaluate(focused) == "</s>"
    page.keyboard.press("Escape")
    assert page.get_by_role("status").inner_text() == ""


def test_another_word_is_forced_and_taken_back(open_page: Any) -> None:
    page = open_page(a_look())
    page.get_by_label("Layer").select_option("1")
    steps = page.get_by_role("group", name="Step by step")
    assert [text.split("\t")[0] for text in steps.locator("tbody tr").all_inner_texts()] == TARGET
    assert "50 %" in steps.locator("tbody tr").nth(1).inner_text()
    buttons = steps.get_by_role("button")
    assert buttons.all_inner_texts() == ["▁noir 40 %"]
    buttons.press("Enter")
    assert "chat noir" in page.locator(".what-if").inner_text()
    assert page.locator(".to .label").all_inner_texts() == ["chat", "noir", "</s>"]
    assert page.locator("tr.forced").inner_text().split("\t")[0] == "▁noir"
    page.keyboard.press("Enter")  # the way back has the focus
    assert page.locator(".to .label").all_inner_texts() == ["chat", "incroyable", "</s>"]
    assert page.evaluate("document.activeElement.innerText") == "▁noir 40 %"
    assert page.get_by_label("Layer").input_value() == "1", "as it was before"


def test_the_beam_shows_which_way_the_best_came(open_page: Any) -> None:
    page = open_page(a_look())
    page.locator(".beam > summary").click()
    grown = page.get_by_role("group", name="Beam search")
    assert grown.locator("td.best bdi").all_inner_texts() == ["▁in", "croyable", "</s>", "▁chat"]
    assert grown.locator("td.out bdi").all_inner_texts() == ["s"]
    assert grown.locator("td.kept bdi").all_inner_texts() == ["▁un"], "nothing came of it"
    assert grown.locator("td.end bdi").all_inner_texts() == ["</s>"]
    assert grown.get_by_role("rowheader").all_inner_texts() == ["kept 1", "kept 2", "dropped", "dropped"]


def test_a_sentence_is_built_when_it_is_opened(open_page: Any) -> None:
    page = open_page(*[a_look()] * 100)
    assert page.locator("summary").count() == 101, "the beam's is one of them"
    assert page.locator(".inside:not(:empty)").count() == 1
    page.locator(".look > summary").nth(57).press("Enter")
    page.locator(".look").nth(57).locator(".to .label").first.wait_for()
    assert page.locator(".inside:not(:empty)").count() == 2


def test_light_dark_and_paper(open_page: Any) -> None:
    color = "getComputedStyle(document.body).backgroundColor"
    assert open_page(a_look(), color_scheme="light").evaluate(color) == "rgb(253, 252, 249)"
    dark = open_page(a_look(), color_scheme="dark")
    assert dark.evaluate(color) == "rgb(21, 24, 29)"
    dark.emulate_media(media="print")
    assert dark.evaluate(color) == "rgb(255, 255, 255)", "paper is white"
    assert not dark.locator(".choices").first.is_visible()
    assert dark.locator(".to .label").first.is_visible()
    steps = [[Branch("▁word", 0, -1.0, -1.0, True, False)]] * 30
    wide = open_page(
        Look(["a"], [Candidate(["b"], [[[1.0]]])], beam=steps), viewport={"width": 700, "height": 900}
    )
    wide.locator(".beam > summary").click()
    wide.emulate_media(media="print")
    assert wide.evaluate("document.documentElement.scrollWidth") <= 700, "the beam is made to fit"


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_hangs_over_the_edge(open_page: Any, width: int) -> None:
    long = [f"▁{'wort' * (n % 7 + 1)}" for n in range(60)] + ["▁猫が好き", "▁أريد", "</s>"]
    look = Look(long, [Candidate(long, [maps(1, 63, 63)], steps=[Step(1.0)] * 63)])
    page = open_page(look, viewport={"width": width, "height": 800})
    for view in ("lines", "matrix"):
        page.get_by_label("Drawn as").select_option(view)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_candidates_the_encoder_alone_is_shown(open_page: Any) -> None:
    page = open_page(Look(["a", "b"], encoder=[np.eye(2)]))
    page.locator(".to .label").first.hover()
    assert page.get_by_role("status").inner_text() == "a looked at a 100 %"
    assert page.locator(".steps, .beam").count() == 0
