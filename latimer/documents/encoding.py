"""Bytes to text and back to the same bytes: UTF-8 unless a mark or the document itself says otherwise."""

import codecs
import re
from typing import NamedTuple

from latimer.errors import Mistake

_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Decoded(NamedTuple):
    """A document's text, and how it was written: its byte order mark, its encoding."""

    text: str
    mark: bytes
    encoding: str


def decoded(name: str, data: bytes, declared: str | None = None) -> Decoded:
    """The text of a document; Mistake where its bytes are not what they are said to be."""
    found = _DECLARED.match(data[:200])
    told = b"", declared or (found[1].decode() if found else "utf-8")
    mark, encoding = next((one for one in _MARKS if data.startswith(one[0])), told)
    try:
        text = data[len(mark) :].decode(encoding)
        same = text.encode(encoding) == data[len(mark) :]
    except (UnicodeError, LookupError):
        same = False
    if not same:
        raise Mistake(f"{name} is not {encoding.upper()} text; convert it to UTF-8 first (`iconv -t UTF-8`).")
    return Decoded(text, mark, encoding)


def encoded(name: str, text: str, how: Decoded, *, markup: bool = False) -> bytes:
    """The text as the document was written; in `markup`, what its encoding lacks becomes a reference."""
    try:
        return how.mark + text.encode(how.encoding, "xmlcharrefreplace" if markup else "strict")
    except UnicodeEncodeError as error:
        raise Mistake(
            f"{name} is written in {how.encoding.upper()}, which has no {error.object[error.start]!r}; "
            "convert it to UTF-8 first."
        ) from None
