"""The formats by the ends of their names, and the three ways in: a text, HTML, a document."""

from pathlib import PurePath

from latimer.documents.blocks import Block, Translate, translate_blocks
from latimer.documents.docx import docx_blocks, rewritten
from latimer.documents.encoding import decoded, encoded
from latimer.documents.exchange import declare_target, tmx_blocks, xliff_blocks
from latimer.documents.html import html_blocks
from latimer.documents.markdown import markdown_blocks
from latimer.documents.po import charset, po_blocks
from latimer.documents.sentences import LIMIT
from latimer.documents.subtitles import subtitle_blocks
from latimer.errors import Mistake

FORMATS = (".docx", ".html", ".md", ".po", ".srt", ".tmx", ".txt", ".vtt", ".xliff")
"""How the name of a document may end."""

DOCUMENT_LIMIT = 16 << 20
"""Bytes of a document; a larger one is refused."""

_SAME = {".htm": ".html", ".xhtml": ".html", ".markdown": ".md", ".pot": ".po", ".xlf": ".xliff"}
_MARKUP = (".html", ".tmx", ".xliff")


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
    kind = kind_of(name)
    if kind is None:
        raise Mistake(
            f"{name}: documents end in {', '.join(FORMATS)}; rename it, or save it as one of these."
        )
    if len(data) > DOCUMENT_LIMIT:
        raise Mistake(f"{name} is over {DOCUMENT_LIMIT >> 20} MB; cut it into several documents.")
    if kind == ".docx":

        def change(part: str, text: str) -> str:
            return translate_blocks(text, docx_blocks(part, text), translate, limit)

        return rewritten(name, data, change)
    how = decoded(name, data, charset(data) if kind == ".po" else None)
    blocks = _blocks(kind, name, how.text, source, target)
    written = translate_blocks(how.text, blocks, translate, limit)
    if written == how.text:
        return data
    if kind == ".xliff":
        written = declare_target(written, target)
    return encoded(name, written, how, markup=kind in _MARKUP)


def kind_of(name: str) -> str | None:
    """Which of FORMATS a document of this name has; None where it has none."""
    suffix = PurePath(name).suffix.lower()
    suffix = _SAME.get(suffix, suffix)
    return suffix if suffix in FORMATS else None


def _blocks(kind: str, name: str, text: str, source: str | None, target: str | None) -> list[Block]:
    if kind == ".html":
        return html_blocks(text)
    if kind in (".srt", ".vtt"):
        return subtitle_blocks(text, vtt=kind == ".vtt")
    if kind == ".md":
        return markdown_blocks(text)
    if kind == ".po":
        return po_blocks(text)
    if kind == ".xliff":
        return xliff_blocks(name, text)
    if kind == ".tmx":
        return tmx_blocks(name, text, source, target)
    return [_plain(text)]


def _plain(text: str) -> Block:
    block = Block(0, len(text))
    block.add(text)
    return block
