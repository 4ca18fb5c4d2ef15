"""The formats by the ends of their names, and the three ways in: a text, HTML, a document."""

from pathlib import PurePath

from latimer.documents.blocks import Block, Translate, translate_blocks
from latimer.documents.encoding import decoded, encoded
from latimer.documents.html import html_blocks
from latimer.documents.sentences import LIMIT
from latimer.documents.subtitles import subtitle_blocks
from latimer.errors import Mistake

FORMATS = (".html", ".srt", ".txt", ".vtt")
"""How the name of a document may end."""

DOCUMENT_LIMIT = 32 << 20
"""Bytes of a document; a larger one is refused."""


def translate_text(text: str, translate: Translate, *, limit: int = LIMIT) -> str:
    """A text, sentence by sentence; the space between them, and every line's end, stays.

    `translate` gets segments of at most `limit` characters (and the placeholders in them) and gives as many
    back; one call for the whole text.
    """
    return translate_blocks(text, [_plain(text)], translate, limit)


def translate_html(html: str, translate: Translate, *, limit: int = LIMIT) -> str:
    """A page, or a piece of one; only what a reader reads is changed."""
    return translate_blocks(html, html_blocks(html), translate, limit)


def translate_document(
    name: str,
    data: bytes,
    translate: Translate,
    *,
    source: str | None = None,
    target: str | None = None,
    limit: int = LIMIT,
) -> bytes:
    """A document, of the format that its name ends with; Mistake where it cannot be read.

    `source` and `target` are the codes of the languages.
    """
    kind = PurePath(name).suffix.lower()
    if kind not in FORMATS:
        raise Mistake(
            f"{name}: documents end in {', '.join(FORMATS)}; rename it, or save it as one of these."
        )
    if len(data) > DOCUMENT_LIMIT:
        raise Mistake(f"{name} is over {DOCUMENT_LIMIT >> 20} MB; cut it into several documents.")
    how = decoded(name, data)
    written = translate_blocks(how.text, _blocks(kind, how.text), translate, limit)
    return data if written == how.text else encoded(name, written, how, markup=kind == ".html")


def _blocks(kind: str, text: str) -> list[Block]:
    if kind == ".html":
        return html_blocks(text)
    if kind in (".srt", ".vtt"):
        return subtitle_blocks(text, vtt=kind == ".vtt")
    return [_plain(text)]


def _plain(text: str) -> Block:
    block = Block(0, len(text))
    block.add(text)
    return block
