"""Markdown: paragraphs, headings, list items and the cells of tables are blocks.

Code, front matter, HTML, link targets and rules stay. The lines of a paragraph are one text: where it is
translated, it becomes one line.
"""

import re
from collections.abc import Iterator

from latimer.documents.blocks import Block

_FRONT = re.compile(r"\A(---|\+\+\+)[ \t]*\r?\n(?s:.)*?^(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_FENCE = re.compile(r"[ \t]*(?:>[ \t]?)*(?:(?:[-*+]|\d+[.)])[ \t]+)?(`{3,}|~{3,})")
# Possessive where space meets space: a line of a million blanks is read once.
_SEPARATOR = re.compile(r"[ \t]*+\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+$")
_UNTOUCHED = re.compile(r"[ \t]{0,3}(?:(?:[-*_=][ \t]*+){2,}+|\[[^\]]++\]:.*|=)$")
_HTML = re.compile(
    r"[ \t]{0,3}<(?:!|\?|/?(?:address|article|aside|blockquote|body|center|details|dialog|dd|div|dl|dt|"
    r"fieldset|"
    r"figure|figcaption|footer|form|h[1-6]|head|header|hr|html|iframe|li|link|main|menu|meta|nav|ol|p|pre|script|"
    r"section|style|summary|table|tbody|td|tfoot|th|thead|title|tr|ul|video|img|picture)\b)",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    r"[ \t]*(?:>[ \t]?)*[ \t]*(?:(?P<item>[-*+]|\d{1,9}[.)])[ \t]+)*(?:\[[ xX]\][ \t]+)?"
    r"(?P<head>#{1,6}[ \t]+)?"
)
_INLINE = re.compile(
    r"""(?P<code>(?<!`)(`{1,3})(?!`)[^`]{1,1000}(?<!`)\2(?!`))|(?P<escape>\\[!-/:-@\[-`{-~])"""
    r"""|(?P<picture>!\[[^\[\]\n]{0,500}\](?:\([^()\n]{0,1000}\)|\[[^\]\n]{0,200}\]))|(?P<note>\[\^[^\]\s]{1,100}\])"""
    r"""|(?P<from>\[(?=[^\[\]]{1,500}\](?:\([^()\n]{0,1000}\)|\[[^\]\n]{0,200}\])))"""
    r"""|(?P<to>\](?:\([^()\n]{0,1000}\)|\[[^\]\n]{0,200}\]))"""
    r"""|(?P<auto><[a-zA-Z][a-zA-Z0-9+.-]{1,30}:[^<>\s]{0,1000}>|https?://[^\s<>()\[\]]{1,1000})"""
    r"""|(?P<tag></?(?P<name>[a-zA-Z][\w-]{0,30})(?:\s[^<>]{0,500})?/?>)"""
    r"""|(?P<math>\$[^\s$][^$\n]{0,200}\$(?!\d))|(?P<stress>\*{1,3}|_{1,3}|~~)"""
)


def markdown_blocks(text: str) -> list[Block]:
    """The blocks of a Markdown document."""
    front = _FRONT.match(text)
    at = front.end() if front else 0
    return [_filled(text, start, end) for start, end in _Lines(text, at).spans() if start < end]


class _Lines:
    """Walks over the lines and tells paragraphs, headings and cells from what stays."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.lines = [match.span() for match in re.finditer(r"[^\n]*\n|[^\n]+\Z", text[at:])]
        self.lines = [(start + at, end + at) for start, end in self.lines]

    def spans(self) -> Iterator[tuple[int, int]]:
        place, blank, item, table = 0, True, False, False
        open_span: tuple[int, int] | None = None
        while place < len(self.lines):
            line = self._line(place)
            stays = self._stays(place, line, blank=blank, item=item)
            if stays or not line.strip():
                if open_span:
                    yield open_span
                open_span, blank = None, not line.strip()
                table = stays == 1 and "|" in line
                place += max(1, stays)
                continue
            prefix = _PREFIX.match(line)
            assert prefix is not None  # it matches the empty text
            marked = prefix["item"] or prefix["head"] or ">" in prefix.group()
            start = self.lines[place][0]
            span = (start + prefix.end(), start + len(line.rstrip()))
            item = bool(prefix["item"]) or (item and (not blank or line[:1] in " \t"))
            row = table = "|" in line and (table or self._begins_table(place, line))
            if open_span and not marked and not row:
                open_span = (open_span[0], span[1])
            else:
                if open_span:
                    yield open_span
                open_span = None
                if row:
                    yield from _cells(self.text, start, start + len(line))
                else:
                    open_span = span
            if open_span and (prefix["head"] or ">" in prefix.group() or line.endswith(("  ", "\\"))):
                yield _without_marks(self.text, open_span)
                open_span = None
            blank = False
            place += 1
        if open_span:
            yield open_span

    def _line(self, place: int) -> str:
        start, end = self.lines[place]
        return self.text[start:end].rstrip("\r\n")

    def _stays(self, place: int, line: str, *, blank: bool, item: bool) -> int:
        """How many lines from here are no text."""
        if fence := _FENCE.match(line):
            for after in range(place + 1, len(self.lines)):
                if re.match(rf"[ \t]*(?:>[ \t]?)*{re.escape(fence[1])}[`~]*[ \t]*$", self._line(after)):
                    return after + 1 - place
            return len(self.lines) - place
        if blank and not item and re.match(r"(?: {4}|\t)[ \t]*\S", line):
            return 1
        if blank and _HTML.match(line):
            after = place
            while after < len(self.lines) and self._line(after).strip():
                after += 1
            return after - place
        return 1 if _UNTOUCHED.match(line) or _SEPARATOR.match(line) else 0

    def _begins_table(self, place: int, line: str) -> bool:
        """Whether this is the first row of a table: by its bar, or by the separator under it."""
        following = self._line(place + 1) if place + 1 < len(self.lines) else ""
        return line.lstrip().startswith("|") or ("|" in following and _SEPARATOR.match(following) is not None)


def _cells(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for bar in [*re.finditer(r"(?<!\\)\|", text[start:end]), None]:
        stop = start + bar.start() if bar else end
        if text[at:stop].strip():
            yield at, stop
        at = stop + 1


def _without_marks(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """The span without a heading's closing marks or the backslash of a hard line break."""
    line = text[span[0] : span[1]].rstrip(" \t")
    unmarked = line.rstrip("#")
    line = unmarked if unmarked.endswith((" ", "\t")) else line.removesuffix("\\")
    return span[0], span[0] + len(line.rstrip(" \t"))


def _filled(text: str, start: int, end: int) -> Block:
    block = Block(start, end, flows=True)
    at = start
    for match in _INLINE.finditer(text, start, end):
        kind, name = _kind(text, match)
        if kind:
            block.add(text[at : match.start()])
            block.tag(match.group(), kind, name)
            at = match.end()
    block.add(text[at:end])
    return block


def _kind(text: str, match: re.Match[str]) -> tuple[str, str]:
    if match["from"]:
        return "open", "link"
    if match["to"]:
        return "close", "link"
    if match["tag"]:
        raw = match.group()
        alone = raw.endswith("/>") or match["name"].lower() in ("br", "img", "wbr", "hr")
        return "alone" if alone else "close" if raw[1] == "/" else "open", match["name"].lower()
    if not match["stress"]:
        return "alone", ""
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    opens = bool(after.strip()) and not (before.isalnum() or before in (".", ",", "!", "?", ")", "*", "_"))
    closes = bool(before.strip()) and not after.isalnum()
    return (
        "open" if opens and (not before.strip() or not closes) else "close" if closes else ""
    ), match.group()
