"""Documents that come with a request, in two passes: which segments they hold, and the file with answers."""

from collections.abc import Sequence

from latimer.documents import FORMATS, Translate, translate_document
from latimer.errors import Mistake
from latimer.serve.limits import Refusal
from latimer.serve.requests import File

__all__ = ["FORMATS", "segments", "written"]


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


def _through(file: File, sides: tuple[str, str], translate: Translate) -> bytes:
    source, target = sides
    try:
        return translate_document(file.name, file.content, translate, source=source, target=target)
    except Mistake as mistake:
        raise Refusal(400, f"Invalid request: {mistake}") from None
