"""Documents that come with a request, in two passes: which segments they hold, and the file with answers."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from latimer.serve.limits import Refusal
from latimer.serve.requests import File
from latimer.serve.texts import Segments, translate_html, translate_text

FORMATS = (".txt", ".html")


def segments(file: File, sides: tuple[str, str]) -> list[str]:
    """What is to be translated. Raises Refusal (400) where the file can't be read."""
    asked: list[str] = []

    def collect(some: list[str]) -> list[str]:
        asked.extend(some)
        return some

    _through(file, sides, collect)
    return asked


def written(file: File, sides: tuple[str, str], answers: Sequence[str]) -> bytes:
    """The file with its segments exchanged for the answers, in their order."""
    waiting = iter(answers)
    return _through(file, sides, lambda some: [next(waiting) for _ in some])


def _through(file: File, sides: tuple[str, str], translate: Segments) -> bytes:
    try:
        text = file.content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(400, "Invalid request: the file is not UTF-8") from None
    html = PurePosixPath(file.name.lower()).suffix == ".html"
    return (translate_html if html else translate_text)(text, translate).encode()
