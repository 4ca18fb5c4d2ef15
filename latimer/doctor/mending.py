"""Repairs of a text: what was broken on its way and can be put back. Mending twice changes nothing."""

import html
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latimer.data.text import has_control, normalise
from latimer.doctor.letters import AMPERSAND, BACKSLASH, LEAD, ODD, SPACED, signs

# UTF-8 read as Windows-1252 or Latin-1: a lead byte's letter, then a continuation byte's letter or sign.
_TAIL = "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122"
_MOJIBAKE = re.compile(f"[\u00c2-\u00c5\u00ce-\u00d1\u00d8\u00d9][{_TAIL}]|\u00e2[{_TAIL}]{{2}}")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{2,6}|#x[0-9a-fA-F]{2,5});")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\([nrt])(?=\s|$)")


def has_mojibake(text: str) -> bool:
    """Whether the text looks like UTF-8 that was read in another encoding."""
    return not text.isascii() and _MOJIBAKE.search(text) is not None


def has_entities(text: str) -> bool:
    """Whether HTML entities stand in the text, once or doubly escaped."""
    return "&" in text and _ENTITY.search(text) is not None


def has_escapes(text: str) -> bool:
    r"""Whether escapes of a programming language, \u00e9 or a \n at the end of a word, stand in the text."""
    return "\\" in text and _ESCAPE.search(text) is not None


def mend(text: str) -> str:
    """The text with mojibake, entities and escapes undone where that is safe, and normalised."""
    while True:
        before = text
        while (once := _once(text)) != text:  # text can be broken several times over
            text = once
        text = normalise(text)
        if text == before:
            return text


def mend_all(texts: Sequence[str]) -> tuple[list[str], NDArray[np.uint16]]:
    """`mend` of each text, and the signs (letters.py) of the mended ones."""
    mended, held = list(texts), signs(texts)
    doubtful = np.flatnonzero(held & (ODD | SPACED | AMPERSAND | BACKSLASH | LEAD))
    for place in doubtful.tolist():
        mended[place] = mend(texts[place])
    changed = [place for place in doubtful.tolist() if mended[place] != texts[place]]
    held[changed] = signs([mended[place] for place in changed])
    return mended, held


def _once(text: str) -> str:
    if has_mojibake(text):
        text = _encoded_again(text)
    if has_entities(text):
        text = _ENTITY.sub(lambda found: _text(html.unescape(found[0])), text)
    if has_escapes(text):
        text = _ESCAPE.sub(lambda found: _text(chr(int(found[1], 16))) if found[1] else " ", text)
    return text


def _text(character: str) -> str:
    """Nothing for a control character that is no space: no corpus may hold it."""
    return "" if has_control(normalise(character)) else character


def _encoded_again(text: str) -> str:
    """What the text was before it was read wrongly; as it is where the bytes are no UTF-8."""
    data = bytearray()
    for character in text:
        for encoding in ("cp1252", "latin-1"):
            try:
                data += character.encode(encoding)
                break
            except UnicodeEncodeError:
                continue
        else:
            return text
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return text
