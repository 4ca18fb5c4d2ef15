"""Texts and HTML to the segments that a model translates, and back.

A segment is a sentence of a line; what holds no letter is none and stays as it is, and so do spaces, tags and
their attributes.
"""

import re
from collections.abc import Callable

Segments = Callable[[list[str]], list[str]]
LONGEST = 400  # characters of a segment

_END = re.compile(r"(?<=[.!?…])[\"'»”)]*\s+(?=\S)|(?<=[。！？؟।])\s*(?=\S)")
_TAG = re.compile(
    r"<!--.*?-->|<(script|style|code|pre|textarea)\b[^>]*>.*?</\1\s*>|<[/!?a-zA-Z][^>]*>",
    re.DOTALL | re.IGNORECASE,
)
_ENTITY = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def translate_text(text: str, translate: Segments) -> str:
    """The text with its segments translated."""
    return _translated([(piece, True) for piece in text.splitlines(keepends=True)], translate)


def translate_html(text: str, translate: Segments) -> str:
    """The text between the tags translated; tags, comments and code stay as they are."""
    from html import unescape

    pieces: list[tuple[str, bool]] = []
    at = 0
    for match in _TAG.finditer(text):
        pieces += [(text[at : match.start()], True), (match.group(), False)]
        at = match.end()
    pieces.append((text[at:], True))

    def escaped(segments: list[str]) -> list[str]:
        plain = [unescape(segment) for segment in segments]
        return [
            segment if before == after else re.sub("[&<>]", lambda match: _ENTITY[match.group()], after)
            for segment, before, after in zip(segments, plain, translate(plain), strict=True)
        ]

    return _translated(pieces, escaped)


def _translated(pieces: list[tuple[str, bool]], translate: Segments) -> str:
    parts: list[tuple[str, bool]] = []
    for piece, words in pieces:
        parts += _segments(piece) if words else [(piece, False)]
    answers = iter(translate([part for part, wanted in parts if wanted]))
    return "".join(next(answers) if wanted else part for part, wanted in parts)


def _segments(piece: str) -> list[tuple[str, bool]]:
    """Sentences and what stands between them."""
    found: list[tuple[str, bool]] = []
    at = 0
    cuts = [match.end() for match in _END.finditer(piece)]
    for end in [*cuts, len(piece)]:
        while end > at:
            to = end if end - at <= LONGEST else (piece.rfind(" ", at + 1, at + LONGEST) + 1 or at + LONGEST)
            raw = piece[at:to]
            words = raw.strip()
            start = len(raw) - len(raw.lstrip())
            if any(character.isalpha() for character in words):
                found += [
                    (raw[:start], False),
                    (words, True),
                    (raw[start + len(words) :], False),
                ]
            else:
                found.append((raw, False))
            at = to
    return found
