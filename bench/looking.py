"""What looking costs: translating with maps captured against without, and the page that shows them.

    python -m bench.looking --models runs/lstm runs/transformer --input test.en

Sentences one by one, beam 5, in turns of ten; CPU seconds of this process. The page of the first hundred is
opened in headless Chromium, several times; first paint is what the browser itself says of it.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from latimer.translator import Translator
from latimer.visualize import Look, html_page

TURN = 10  # sentences of one way before the next has its turn
ON_A_PAGE = 100
OPENED = 5  # times


class Cost(NamedTuple):
    """CPU seconds for all sentences, and for one."""

    plain: float  # translated
    maps: float  # every map of the best translation, every step, the beam
    forced: float  # and forty other courses, a sentence


def cost(translator: Translator, sentences: Sequence[str]) -> Cost:
    """Each way translates every sentence, one by one; the most costly only a turn of them."""
    ways: list[Callable[[str], Any]] = [lambda text: translator.translate([text]), translator.look]
    seconds = [0.0] * len(ways)
    for way in ways:  # the first of each is slower than the others
        way(sentences[0])
    for begin in range(0, len(sentences), TURN):
        for number, way in enumerate(ways):
            begun = time.process_time()
            for text in sentences[begin : begin + TURN]:
                way(text)
            seconds[number] += time.process_time() - begun
    begun = time.process_time()
    for text in sentences[:TURN]:
        translator.look(text, force=40)
    forced = (time.process_time() - begun) / len(sentences[:TURN])
    return Cost(seconds[0], seconds[1], forced)


class Paint(NamedTuple):
    """A page, in megabytes and milliseconds."""

    size: float
    first_paint: float
    loaded: float  # all of it parsed, the first sentence built


def paint(looks: Sequence[Look]) -> Paint:
    """Medians over several openings from disk, each in a fresh window."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "page.html"
        path.write_text(html_page(looks, title="Attention"), encoding="utf-8")
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        readings = []
        for _ in range(OPENED):
            page = browser.new_page()
            page.goto(path.as_uri())
            # Asked for from outside: the page's own policy forbids scripts that are made of text.
            while not page.evaluate("performance.getEntriesByName('first-contentful-paint').length"):
                page.wait_for_timeout(20)
            readings.append(
                page.evaluate(
                    "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
                    " performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd]"
                )
            )
            page.close()
        browser.close()
        return Paint(path.stat().st_size / 1e6, *map(statistics.median, zip(*readings, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=Path, nargs="+", required=True)
    parser.add_argument("--input", type=Path, required=True, help="sentences, one a line")
    parser.add_argument("--sentences", type=int, default=200)
    arguments = parser.parse_args()
    sentences = arguments.input.read_text(encoding="utf-8").splitlines()[: arguments.sentences]
    print("| model | translate | with maps | | 40 forced words | page of 100 | first paint | all of it |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in arguments.models:
        translator = Translator.load(folder)
        spent = cost(translator, sentences)
        looks = [translator.look(text, force=4) for text in sentences[:ON_A_PAGE]]
        shown = paint(looks)
        more = spent.maps / spent.plain - 1
        print(
            f"| {folder.name} | {spent.plain:.1f} s | {spent.maps:.1f} s | + {more:.0%} "
            f"| {spent.forced:.2f} s a sentence | {shown.size:.1f} MB | {shown.first_paint:.0f} ms "
            f"| {shown.loaded:.0f} ms |",
            flush=True,
        )


if __name__ == "__main__":
    main()
