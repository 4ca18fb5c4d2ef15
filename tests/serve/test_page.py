"""The page at /, in a real browser before a live server: what a person types, clicks and hears."""

import math
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from latimer.serve.app import PAGE
from latimer.serve.keys import Keys, make_key
from latimer.serve.models import Answer, Manner
from latimer.serve.service import Service
from serve.conftest import MODELS, PATIENCE, eventually, listening, shout

playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
playwright.expect.set_options(timeout=1000 * PATIENCE)

SIZES = [(360, 740), (800, 1000), (1280, 800), (1920, 1000)]
ARABIC = "مرحبا بالعالم."
WATCH = "document.addEventListener('securitypolicyviolation', (e) => console.error('policy', e.blockedURI))"

SLOW = threading.Event()  # until when a certain text is not translated

PAINTED = """() => new Promise((done) => new PerformanceObserver((list) => {
    const found = list.getEntriesByName("first-contentful-paint");
    if (found.length) done(found[0].startTime);
}).observe({type: "paint", buffered: true}))"""


def made_up(texts: list[str], manner: Manner) -> list[list[Answer]]:
    """Capitals and one more mark a hypothesis; unsure of what has a q in it, and slow where it says so."""
    if "slow" in texts:
        assert SLOW.wait(PATIENCE)
    return [
        [one._replace(confidence=math.exp(-2.0 if "q" in text else -0.1)) for one in some]
        for text, some in zip(texts, shout(texts, manner), strict=True)
    ]


def arabic(texts: list[str], manner: Manner) -> list[list[Answer]]:
    return [[Answer(ARABIC, 0.9)] for _ in texts]


SERVED = {**MODELS, ("en", "fr"): made_up, ("fr", "en"): made_up, ("en", "ar"): arabic, ("en", "pb"): made_up}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    yield from listening(Service(SERVED))


@pytest.fixture
def open_page(browser: Any, url: str) -> Iterator[Callable[..., Any]]:
    """Opens the page; at the end nobody but the server was asked, and the browser had nothing to say."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def open_(address: str = url, path: str = "/", locale: str = "en-US", **options: Any) -> Any:
        contexts.append(browser.new_context(locale=locale, **options))
        contexts[-1].add_init_script(WATCH)
        page = contexts[-1].new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.on("console", lambda message: "Failed to load" in message.text or wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(address) or wrong.append(asked.url))
        page.goto(address + path)
        page.locator("#target option").first.wait_for(state="attached")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


def says(page: Any, text: str) -> None:
    playwright.expect(page.get_by_role("status", name="Translation")).to_have_text(text)


def others(page: Any) -> Any:
    return page.locator("#others").get_by_role("button")


def text_of(page: Any) -> str:
    words: str = page.locator("#translation").evaluate("(one) => one.textContent")
    return words


def test_typing_translates_without_asking_for_every_letter(open_page: Any) -> None:
    page, asked = open_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.type("a good friend", delay=5)  # the page opens with the text in focus
    says(page, "A GOOD FRIEND")
    assert 1 <= len(asked) < 13
    assert "Confidence 90\xa0%" in page.locator("#text-panel").inner_text()
    page.get_by_role("button", name="Clear").click()
    says(page, "")
    assert page.evaluate("document.activeElement.id") == "text"
    assert not page.get_by_role("button", name="Copy").is_visible()


def test_an_earlier_request_is_given_up_for_a_later_one(open_page: Any) -> None:
    page = open_page()
    text = page.get_by_label("Text to translate")
    with page.expect_request("**/translate"):
        text.fill("slow")
    with page.expect_event("requestfailed") as failed:
        text.fill("quick")
    SLOW.set()
    says(page, "QUICK")
    assert failed.value.post_data_json["q"] == "slow"


def test_languages_are_called_as_the_reader_calls_them(open_page: Any) -> None:
    page = open_page(locale="de-DE")
    assert page.get_by_label("From").locator("option").all_inner_texts() == [
        *("Detect language", "Englisch", "Französisch"),
    ]
    names = page.get_by_label("To", exact=True).locator("option").all_inner_texts()
    assert names == ["Arabisch", "Französisch", "Portugiesisch (Brasilien)", "Russisch"]


def test_targets_follow_the_source_and_a_way_back_can_be_swapped(open_page: Any) -> None:
    page = open_page()
    source, target = page.get_by_label("From"), page.get_by_label("To", exact=True)
    swap = page.get_by_role("button", name="Swap languages")
    page.get_by_label("Text to translate").fill("one two.")
    says(page, "ONE TWO.")
    swap.click()
    assert (source.input_value(), target.input_value()) == ("fr", "en")
    assert page.get_by_label("Text to translate").input_value() == "ONE TWO."
    assert target.locator("option").all_inner_texts() == ["English", "German"]
    target.select_option("de")
    assert swap.is_disabled(), "nothing leads from German"
    page.reload()
    playwright.expect(target).to_have_value("de")
    assert source.input_value() == "fr", "kept in the address"


def test_a_detected_language_is_told_and_swapped_with(open_page: Any) -> None:
    page = open_page()
    source, target = page.get_by_label("From"), page.get_by_label("To", exact=True)
    source.select_option("auto")
    target.select_option("en")
    page.get_by_label("Text to translate").fill("le chat est dans la maison de mon ami")
    says(page, "LE CHAT EST DANS LA MAISON DE MON AMI")
    assert source.locator("option").first.inner_text() == "Detect language: French"
    page.get_by_role("button", name="Swap languages").click()
    assert (source.input_value(), target.input_value()) == ("en", "fr")


def test_another_way_replaces_the_translation_and_is_taken_back(open_page: Any) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Text to translate").fill("  - one\n***")
    playwright.expect(others(page)).to_have_text(["- ONE!", "- ONE!!", "- ONE!!!"])
    others(page).nth(1).press("Enter")
    assert text_of(page) == "  - ONE!!\n***"
    page.get_by_role("button", name="Copy").click()
    playwright.expect(page.locator("#said")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "  - ONE!!\n***"
    others(page).nth(1).press("Enter")
    assert text_of(page) == "  - ONE\n***"


def test_each_of_several_sentences_has_its_own_other_ways(open_page: Any) -> None:
    page = open_page()
    page.get_by_label("Text to translate").fill("One. Some quilt.\n\n three")
    sentences = page.get_by_role("status", name="Translation").get_by_role("button")
    playwright.expect(sentences).to_have_text(["ONE.", "SOME QUILT.", "THREE"])
    assert others(page).count() == 0
    sentences.nth(1).focus()
    page.keyboard.press("Space")
    playwright.expect(others(page)).to_have_text(["SOME QUILT.!", "SOME QUILT.!!", "SOME QUILT.!!!"])
    assert [one.get_attribute("aria-pressed") for one in sentences.all()] == ["false", "true", "false"]
    assert page.locator(".unsure").all_inner_texts() == ["SOME QUILT."]
    others(page).first.click()
    assert text_of(page) == "ONE. SOME QUILT.!\n\n THREE"
    sentences.nth(2).click()
    playwright.expect(others(page).first).to_have_text("THREE!")


def lit(page: Any) -> dict[str, float]:
    """The words of the text that are lit up, and how much."""
    share = "(all) => all.map((one) => [one.textContent, Number(one.style.getPropertyValue('--share'))])"
    return dict(page.locator("#lit mark").evaluate_all(share))


def test_pointing_at_a_word_lights_up_where_it_comes_from(open_page: Any) -> None:
    page = open_page()
    text = page.get_by_label("Text to translate")
    text.fill("one two  three.\n\none four.")
    words = page.locator("#translation .word")
    playwright.expect(words).to_have_text(["ONE", "TWO", "THREE.", "ONE", "FOUR."])
    told = page.locator("#looked")
    for number, seen, said in (
        (0, {"one": 0.75, "three.": 0.25}, "ONE: one 75\xa0%, three. 25\xa0%"),
        (2, {"three.": 1.0}, "THREE.: three. 100\xa0%"),
        (3, {"one": 0.75, "four.": 0.25}, "ONE: one 75\xa0%, four. 25\xa0%"),
    ):
        words.nth(number).hover()
        assert lit(page) == seen
        assert told.inner_text() == said
        assert page.locator(".looking").all_inner_texts() == [words.nth(number).inner_text()]
    box = page.locator("#lit mark").last.bounding_box()
    assert box["y"] > text.bounding_box()["y"] + 60, "the second paragraph's, on the line of its own"
    page.get_by_role("heading", name="Translate").hover()
    assert (lit(page), told.inner_text()) == ({}, "")
    words.nth(1).hover()
    text.press_sequentially("x")
    assert lit(page) == {}, "nothing stale over other words"


def test_arrows_walk_from_word_to_word(open_page: Any) -> None:
    page = open_page()
    page.get_by_label("Text to translate").fill("one two three")
    sentence = page.get_by_role("status", name="Translation").get_by_role("button")
    playwright.expect(sentence).to_have_text("ONE TWO THREE")
    sentence.focus()
    heard = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
        heard.append(page.get_by_role("status").filter(has_text="%").inner_text().split(":")[0])
    assert heard == ["ONE", "TWO", "THREE", "ONE", "THREE", "TWO"]
    assert lit(page) == {"two": 0.75, "three": 0.25}
    page.keyboard.press("Escape")
    assert lit(page) == {}
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert lit(page) == {}
    others(page).first.click()
    assert page.locator(".word").count() == 0, "nothing is known of where another way's words come from"
    others(page).first.click()
    page.locator(".word").first.hover()
    assert lit(page) == {"one": 0.75, "three": 0.25}


def test_what_lies_under_the_text_lies_exactly_under_it(open_page: Any) -> None:
    """So that the right words are lit: the same breaks, also where the text scrolls."""
    page = open_page(viewport={"width": 360, "height": 500})
    text = page.get_by_label("Text to translate")
    text.fill("a quite long word " * 60 + "end")
    page.locator("#translation .word").last.hover()
    sizes = "(one) => [one.clientWidth, one.scrollHeight, one.scrollTop]"
    under, over = page.locator("#lit").evaluate(sizes), text.evaluate(sizes)
    assert under == pytest.approx(over, abs=1)
    assert over[1] > text.evaluate("(one) => one.clientHeight"), "it scrolls"
    text.evaluate("(one) => { one.scrollTop = 77; }")
    eventually(lambda: page.locator("#lit").evaluate("(one) => one.scrollTop") == 77)


def test_a_glossary_is_kept_and_goes_along(open_page: Any) -> None:
    page = open_page()
    page.get_by_label("Text to translate").fill("the dog")
    says(page, "THE DOG")
    page.get_by_role("tab", name="Glossary").click()
    assert "English \u2192 French" in page.locator("#terms-panel").inner_text()
    for term, say in ((" dog ", "chien"), ("cat", "<b>")):
        page.get_by_label("Word or phrase").fill(term)
        page.get_by_label("Say", exact=True).fill(say)
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "term"
    rows = page.locator("#terms tbody tr")
    assert rows.all_inner_texts() == ["cat\t<b>\tRemove", "dog\tchien\tRemove"]
    page.get_by_role("tab", name="Text").click()
    says(page, "THE CHIEN")
    page.reload()
    page.get_by_label("Text to translate").fill("a dog")
    says(page, "A CHIEN")
    page.get_by_label("To", exact=True).select_option("ru")
    says(page, "A DOG")
    page.get_by_label("To", exact=True).select_option("fr")
    page.get_by_role("tab", name="Glossary").click()
    page.get_by_role("button", name="Remove dog").click()
    assert rows.all_inner_texts() == ["cat\t<b>\tRemove"]
    page.get_by_role("tab", name="Text").click()
    says(page, "A DOG")


def test_markup_is_words(open_page: Any) -> None:
    page = open_page()
    page.get_by_label("Text to translate").fill("<img src=x onerror=alert(1)>")
    says(page, "<IMG SRC=X ONERROR=ALERT(1)>")
    assert page.locator("img").count() == 0


def test_an_error_is_one_sentence_and_goes_away(open_page: Any, browser: Any) -> None:
    page = open_page()
    text, alert = page.get_by_label("Text to translate"), page.get_by_role("alert")
    text.fill("x" * 5_001)
    playwright.expect(alert).to_have_text("Invalid request: request (5001) exceeds text limit (5000).")
    text.fill("x")
    says(page, "X")
    assert alert.inner_text() == ""
    page.context.set_offline(True)
    text.fill("y")
    playwright.expect(alert).to_have_text("The server does not answer.")
    assert text_of(page) == "", "no stale translation beside other words"


def test_a_document_goes_and_comes(open_page: Any, tmp_path: Path) -> None:
    page = open_page()
    page.get_by_role("tab", name="Text").focus()
    for key, tab in (
        ("ArrowRight", "terms"),
        ("ArrowRight", "file"),
        ("ArrowRight", "text"),
        ("ArrowLeft", "file"),
    ):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id") == f"{tab}-tab"
    assert not page.get_by_label("Text to translate").is_visible()
    path = tmp_path / "a page.html"
    path.write_text('<p class="x">one</p>')
    page.locator("#file").set_input_files(path)
    page.get_by_role("button", name="Translate it").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="a page.fr.html").click()
    assert waiting.value.suggested_filename.endswith(".html")
    assert Path(waiting.value.path()).read_text() == '<p class="x">ONE</p>'
    page.locator("#file").set_input_files({"name": "a.exe", "mimeType": "x/y", "buffer": b"x"})
    page.get_by_role("button", name="Translate it").click()
    playwright.expect(page.get_by_role("alert")).to_contain_text(".exe are not supported.")
    assert page.get_by_role("link", name="a page.fr.html").count() == 0


def test_a_key_is_asked_for_where_the_server_wants_one(
    open_page: Any, start: Callable[..., str], tmp_path: Path
) -> None:
    assert not open_page().get_by_label("API key").is_visible()
    key = make_key(tmp_path / "keys", "reader")
    page = open_page(start(Service(SERVED, keys=Keys.load(tmp_path / "keys"))))
    page.get_by_label("Text to translate").fill("one")
    playwright.expect(page.get_by_role("alert")).to_contain_text("API key")
    page.get_by_label("API key").fill(key)
    says(page, "ONE")
    page.reload()
    page.get_by_label("Text to translate").fill("two")
    says(page, "TWO")


@pytest.mark.parametrize("path", ["/mt/", "/mt"])
def test_behind_a_prefix_everything_is_found(open_page: Any, start: Callable[..., str], path: str) -> None:
    page = open_page(start(Service(SERVED), "/mt"), path)
    page.get_by_label("Text to translate").fill("one")
    says(page, "ONE")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_hangs_over_the_edge(open_page: Any, size: tuple[int, int]) -> None:
    page = open_page(viewport={"width": size[0], "height": size[1]})
    page.get_by_label("Text to translate").fill("wort" * 60 + ". Two.")
    page.get_by_role("status", name="Translation").get_by_role("button").first.click()
    others(page).first.wait_for()
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= size[0]
    side = page.locator("#text").bounding_box(), page.locator("#translation").bounding_box()
    assert (side[0]["y"] == side[1]["y"]) == (size[0] > 768), "side by side where there is room"
    for tab in ("Glossary", "Document"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate(wide) <= size[0]


def test_right_to_left_is_right(open_page: Any) -> None:
    page = open_page()
    page.get_by_label("To", exact=True).select_option("ar")
    page.get_by_label("Text to translate").fill("Hello.")
    says(page, ARABIC)
    direction = "(one) => getComputedStyle(one).direction"
    assert page.locator("#translation").evaluate(direction) == "rtl"
    assert page.locator("#translation").get_attribute("lang") == "ar"
    assert page.locator("#text").evaluate(direction) == "ltr"
    page.get_by_label("Text to translate").fill(ARABIC)
    assert page.locator("#text").evaluate(direction) == "rtl"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Any, scheme: str) -> None:
    """Names, roles, landmarks, contrast: in every state of the page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe reads the page").Axe()
    page = open_page(color_scheme=scheme)
    colors = {"light": "rgb(253, 252, 249)", "dark": "rgb(21, 24, 29)"}
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colors[scheme]

    def check(state: str) -> None:
        found = axe.run(page).response
        assert len(found["passes"]) > 10
        assert [(state, one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []

    check("empty")
    page.get_by_label("Text to translate").fill("One. Some quilt.")
    page.get_by_role("status", name="Translation").get_by_role("button").first.click()
    others(page).first.wait_for()
    check("several sentences")
    page.locator(".word").first.hover()
    assert lit(page)
    check("a word that is looked into")
    page.get_by_role("tab", name="Glossary").click()
    page.get_by_label("Word or phrase").fill("dog")
    page.get_by_label("Say", exact=True).fill("chien")
    page.keyboard.press("Enter")
    check("glossary")
    page.get_by_role("tab", name="Text").click()
    page.get_by_label("Text to translate").fill("x" * 5_001)
    playwright.expect(page.get_by_role("alert")).not_to_be_empty()
    check("error")
    page.get_by_role("tab", name="Document").click()
    page.locator("#file").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"one"})
    page.get_by_role("button", name="Translate it").click()
    page.get_by_role("link", name="a.fr.txt").wait_for()
    check("document")


def test_every_control_shows_that_it_has_the_focus(open_page: Any) -> None:
    page, seen = open_page(), []
    page.get_by_label("Text to translate").fill("One. Two.")
    page.get_by_role("status", name="Translation").get_by_role("button").first.wait_for()
    page.locator("#text-tab").focus()
    for _ in range(9):
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.innerText"))
        assert outline == "solid", seen
        page.keyboard.press("Tab")
    assert seen == ["text-tab", "source", "swap", "target", "text", "clear", "ONE.", "TWO.", "copy"]


def test_the_page_is_light_and_brings_everything_itself(url: str) -> None:
    files = list(PAGE.iterdir())
    assert sum(path.stat().st_size for path in files) < 100_000
    html = (PAGE / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|//", html)
    assert httpx.get(url + "/").headers["content-security-policy"] == "default-src 'self'"
    assert httpx.get(url + "/nothing").json() == {"error": "Not Found"}
    assert httpx.get(url + "/page/../keys.py").status_code == 404
    assert httpx.get(url + "/translate").status_code == 405


def test_the_first_paint_waits_for_no_script(open_page: Any) -> None:
    page, held = open_page(), []
    page.route("**/*.js", lambda route: held.append(route))
    page.reload(wait_until="commit")
    assert page.evaluate(PAINTED) > 0
    assert held
    assert page.locator("#target option").count() == 0, "nothing was run"
    for route in held:
        route.continue_()
    page.locator("#target option").first.wait_for(state="attached")
