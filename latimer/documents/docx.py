"""Word documents: the words of each paragraph, its differently formatted runs as tags; other parts stay.

A paragraph that is translated is written with the formatting that most of it has, and runs that differ, and
links, stand around their words again. Tabs, line breaks, fields and pictures part the text.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from latimer.documents.blocks import Block
from latimer.documents.xml import Element, elements, read_xml, write_xml
from latimer.errors import Mistake

PART_LIMIT = 32 << 20
"""Bytes of one part of a document, unpacked."""

_WHOLE_LIMIT = 4 * PART_LIMIT
_PARTS = re.compile(r"word/(?:document|footnotes|endnotes|header\d*|footer\d*)\.xml")
_MARKS = frozenset(("bookmarkStart", "bookmarkEnd", "commentRangeStart", "commentRangeEnd"))
_NOTHING = frozenset(("proofErr", "pPr", "lastRenderedPageBreak"))


class _Run(NamedTuple):
    """Words of one formatting; `link` is the opening tag of the link around them. A mark has no words."""

    start: int
    end: int
    words: str
    look: str
    link: str
    mark: str


def rewritten(name: str, data: bytes, change: Callable[[str, str], str]) -> bytes:
    """The document with `change(name of a part, its XML)` in place of it; the same bytes if all is same."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old:
            _check(name, old.infolist())
            new: dict[str, bytes] = {}
            for part in old.namelist():
                if _PARTS.fullmatch(part):
                    before = old.read(part)
                    after = change(f"{name}, {part},", before.decode("utf-8-sig")).encode("utf-8")
                    if after != before.removeprefix(b"\xef\xbb\xbf"):
                        new[part] = after
            return _packed(old, new) if new else data
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        UnicodeDecodeError,
        NotImplementedError,
        OSError,
        ValueError,
    ) as error:
        raise Mistake(f"{name} is not a Word document that can be read ({error}).") from None


def _check(name: str, parts: list[zipfile.ZipInfo]) -> None:
    if "word/document.xml" not in [part.filename for part in parts]:
        raise Mistake(f"{name} is not a Word document: it has no word/document.xml.")
    if len({part.filename for part in parts}) < len(parts) or len(parts) > 10_000:
        raise Mistake(f"{name} holds too many parts, or one of them twice; save it anew.")
    for part in parts:
        if part.filename.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", part.filename):
            raise Mistake(
                f"{name} holds a part that would leave its folder ({part.filename!r}); it is not read."
            )
        if part.flag_bits & 1:
            raise Mistake(f"{name} is encrypted; save it without a password.")
    if (
        max(part.file_size for part in parts) > PART_LIMIT
        or sum(part.file_size for part in parts) > _WHOLE_LIMIT
    ):
        raise Mistake(f"{name} unpacks to over {PART_LIMIT >> 20} MB; it is not read.")


def _packed(old: zipfile.ZipFile, new: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        out.comment = old.comment
        for part in old.infolist():
            content = new[part.filename] if part.filename in new else old.read(part)
            out.writestr(part, content, compress_type=part.compress_type)
    return buffer.getvalue()


def docx_blocks(name: str, text: str) -> list[Block]:
    """The blocks of one part."""
    blocks = []
    for paragraph in elements(name, text).all("p"):
        for runs in _groups(text, paragraph):
            while runs and runs[0].mark:
                del runs[0]
            while runs and runs[-1].mark:
                del runs[-1]
            if runs:
                blocks.append(_filled(runs, paragraph.prefix))
    return sorted(blocks, key=lambda block: block.start)


def _groups(text: str, paragraph: Element) -> Iterator[list[_Run]]:
    """Runs that follow each other with nothing between them that parts the text."""
    runs: list[_Run] = []
    for one in paragraph.children:
        if one.name in _NOTHING:
            continue
        found = None
        if one.name in _MARKS:
            found = [_Run(one.start, one.end, "", "", "", text[one.start : one.end])]
        elif one.name == "r":
            found = _run(text, one, one, "")
        elif one.name == "hyperlink" and all(child.name == "r" for child in one.children):
            inside = [_run(text, child, one, text[one.start : one.inner]) for child in one.children]
            if inside and all(inside):
                words = "".join(run[0].words for run in inside if run)
                found = [(inside[0] or [])[0]._replace(words=words)]
        if found is None:
            yield runs
            runs = []
        else:
            runs += found
    yield runs


def _run(text: str, run: Element, whole: Element, link: str) -> list[_Run] | None:
    """The run, or None where it holds something else than words."""
    look, words = "", ""
    for child in run.children:
        if child.name == "rPr":
            look = text[child.start : child.end]
        elif child.name == "t":
            words += read_xml(text[child.inner : child.inner_end])
        elif child.name not in _NOTHING:
            return None
    return [_Run(whole.start, whole.end, words, look, link, "")]


def _filled(runs: list[_Run], prefix: str) -> Block:
    sizes: dict[str, int] = {}
    for run in runs:
        if not run.link and not run.mark:
            sizes[run.look] = sizes.get(run.look, 0) + len(run.words)
    usual = max(sizes, key=lambda look: sizes[look]) if sizes else ""
    looks = {usual, *(run.look for run in runs if not run.mark)}

    def opened(look: str) -> str:
        return f'<{prefix}r>{look}<{prefix}t xml:space="preserve">'

    closed = f"</{prefix}t></{prefix}r>"

    def finish(written: str) -> str:
        written = opened(usual) + written + closed
        for look in looks:
            written = written.replace(opened(look) + closed, "")
        return written

    block = Block(runs[0].start, runs[-1].end, write=write_xml, finish=finish)
    before = ("", usual)
    for run in runs:
        now = ("", usual) if run.mark else (run.link, run.look)
        if before != now and before != ("", usual):
            block.tag(closed + (f"</{prefix}hyperlink>" if before[0] else "") + opened(usual), "close", "run")
        if run.mark:
            block.tag(closed + run.mark + opened(usual), "alone")
        if before != now and now != ("", usual):
            block.tag(closed + run.link + opened(run.look), "open", "run")
        block.add(run.words)
        before = now
    if before != ("", usual):
        block.tag(closed + (f"</{prefix}hyperlink>" if before[0] else "") + opened(usual), "close", "run")
    return block
