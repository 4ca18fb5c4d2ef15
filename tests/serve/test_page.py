"""The page at /, in a real browser before a live server: what a person types, clicks and hears."""

import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from latimer.serve.app import PAGE
from latimer.serve.keys import Keys, make_key
from latimer.serve.service import Service
from latimer.translator import Translation
from serve.conftest import MODELS, listening

playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")

SIZES = [(360, 740), (800, 1000), (1280, 800), (1920, 1000)]
ARABIC = "مرحبا بالعالم."
WATCH = "document.addEventListener('securitypolicyviolation', (e) => console.error('policy', e.blockedURI))"

PAINTED = """() => new Promise((done) => new PerformanceObserver((list) => {
    const found = list.getEntriesByName("first-contentful-paint");
    if (found.length) done(found[0].startTime);
}).observe({type: "paint", buffered: true}))"""


def made_up(texts: list[str], beam: int) -> list[list[Translation]]:
    """Capitals and one more mark a hypothesis; unsure of what has a q in it, and slow where it says so."""
    if "slow" in texts:
        time.sleep(0.6)
    return [
        [Translation(text.upper() + "!" * k, score, score, confidence=math.exp(score)) for k in range(beam)]
        for text in texts
        for score in [-2.0 if "q" in text else -0.1]
    ]


def arabic(texts: list[str], beam: int) -> list[list[Translation]]:
    return [[Translation(ARABIC, -0.1, -0.1, confidence=0.9)] for _ in texts]


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
        page.set_default_timeout(10_000)
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
    assert "Confidence 90 %" in page.locator("#text-panel").inner_text()
    page.get_by_role("button", name="Clear").click()
    says(page, "")
    assert page.evaluate("document.activeElement.id") == "text"
    assert not page.get_by_role("button", name="Copy").is_visible()


def test_an_earlier_request_is_given_up_for_a_later_one(open_page: Any) -> None:
    page, failed = open_page(), []
    page.on("requestfailed", lambda request: failed.append(request.post_data_json["q"]))
    text = page.get_by_label("Text to translate")
    with page.expect_request("**/translate"):
        text.fill("slow")
    text.fill("quick")
    says(page, "QUICK")
    page.wait_for_timeout(700)
    assert (text_of(page), failed) == ("QUICK", ["slow"])


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
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "file-tab"
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
    page.get_by_role("tab", name="Document").click()
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


def test_the_first_paint_is_quick(open_page: Any) -> None:
    """The best of several: what else the machine does is no matter of the page."""
    page = open_page()
    painted = []
    for _ in range(6):
        page.reload()
        painted.append(page.evaluate(PAINTED))
    assert 0 < min(painted) < 100, painted
