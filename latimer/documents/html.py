"""HTML, whole or broken: the text of each block element is a block, inline tags are tags in it.

Attributes, comments, scripts, styles, code and what is marked `translate="no"` or `class="notranslate"` are
never touched. A page that no parser would call well-formed is read as it stands: tags without a partner stay
where they are.
"""

import re
from html import escape, unescape

from latimer.documents.blocks import Block

# Possessive, so that no input makes the search go back: it takes time in proportion to the page.
_TAG = re.compile(
    r"""<!--(?:(?s:.)*?-->|(?s:.)*+\Z)|<[!?][^>]*+(?:>|\Z)|"""
    r"""<(?P<close>/?)(?P<name>[a-zA-Z][^\s/<>"']*+)(?P<rest>(?:[^<>"']|"[^"]*+"|'[^']*+')*+)>"""
)
_INLINE = frozenset(
    """a abbr acronym b bdi bdo big cite data del dfn em font i img ins label mark q rp rt ruby s small span
    strike strong sub sup time tt u wbr""".split()  # noqa: SIM905 - a list of strings would take a page
)
_ALONE = frozenset(("img", "wbr"))
_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
_UNTOUCHED = frozenset(
    """script style textarea noscript template xmp pre code kbd samp var svg math iframe object audio video
    canvas""".split()  # noqa: SIM905
)
_UNTOUCHED_INLINE = frozenset(("code", "kbd", "samp", "var", "svg", "math"))
_RAW = frozenset(("script", "style", "textarea", "xmp", "iframe", "noscript"))
_KEPT = re.compile(
    r"""(?:^|\s)(?:translate\s*=\s*["']?no\b|class\s*=\s*(?:"[^"]*\bnotranslate\b|'[^']*\bnotranslate\b|notranslate\b))""",
    re.IGNORECASE,
)


def html_blocks(text: str) -> list[Block]:
    """The blocks of a page or of a piece of one."""
    return _Reader(text).blocks()


def write_html(text: str) -> str:
    """Text as it stands in HTML; a space that does not break keeps its name."""
    return escape(text, quote=False).replace("\xa0", "&nbsp;")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.done: list[Block] = []
        self.block: Block | None = None
        self.unclosed: set[str] = set()  # elements known to have no end any more: not searched again

    def blocks(self) -> list[Block]:
        at = 0
        while match := _TAG.search(self.text, at):
            self._words(at, match.start())
            at = self._tag(match)
        self._words(at, len(self.text))
        self._end()
        return self.done

    def _words(self, start: int, end: int) -> None:
        if start < end:
            self._open(start).add(unescape(self.text[start:end]))
            self._open(start).end = end

    def _open(self, start: int) -> Block:
        if self.block is None:
            self.block = Block(start, start, write=write_html, flows=True)
        return self.block

    def _end(self) -> None:
        if self.block is not None and not self.block.text.isspace():
            self.done.append(self.block)
        self.block = None

    def _inline(self, start: int, end: int, kind: str, name: str = "") -> None:
        block = self._open(start)
        block.tag(self.text[start:end], kind, name)
        block.end = end

    def _tag(self, match: re.Match[str]) -> int:
        """Take one tag, or an element that is not touched; where it ends."""
        start, end = match.span()
        if match["name"] is None:
            if match.group().startswith("<!--"):
                self._inline(start, end, "alone")
            else:
                self._end()
            return end
        name, rest = match["name"].lower(), match["rest"]
        if match["close"]:
            if name in _INLINE:
                self._inline(start, end, "close", name)
            else:
                self._end()
            return end
        kept = bool(_KEPT.search(rest))
        if name not in _VOID and (name in _UNTOUCHED or kept) and not rest.endswith("/"):
            end = self._element_end(name, end)
            if name in _UNTOUCHED_INLINE or name in _INLINE:
                self._inline(start, end, "alone")
            else:
                self._end()
        elif name in _INLINE:
            alone = name in _ALONE or rest.endswith("/")
            self._inline(start, end, "alone" if alone else "open", name)
        else:
            self._end()
        return end

    def _element_end(self, name: str, start: int) -> int:
        """Behind the closing tag of an element whose opening one ends at `start`; else the text's end."""
        if name in self.unclosed:
            return len(self.text) if name in _RAW else start
        depth = 1
        same = re.compile(rf"<(/?){re.escape(name)}(?=[\s/>])[^>]*+>", re.IGNORECASE)
        for match in same.finditer(self.text, start):
            if name in _RAW and not match[1]:
                continue
            depth += -1 if match[1] else 1
            if not depth:
                return match.end()
        self.unclosed.add(name)
        return len(self.text)
