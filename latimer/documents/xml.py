"""XML read by place: elements as spans of the text, so that a document is changed only where it must be.

The standard library's expat says whether it is well-formed; documents that declare entities are refused, and
nothing outside the document is ever read.
"""

import re
from collections.abc import Iterator
from html import unescape
from xml.parsers import expat

from latimer.documents.blocks import Block
from latimer.errors import Mistake

ELEMENT_LIMIT = 400_000
"""Tags in a document; one with more is refused."""

_TOKEN = re.compile(
    r"""<!--(?s:.)*?-->|<!\[CDATA\[(?P<data>(?s:.)*?)\]\]>|<\?(?s:.)*?\?>|<![^>]*+>|"""
    r"""<(?P<close>/?)(?P<name>[^\s/>]++)(?P<rest>(?:[^>"'/]|"[^"]*+"|'[^']*+'|/(?!>))*+)(?P<alone>/?)>"""
)
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


class Element:
    """One element: its local name, where it starts and ends, and where what it holds does."""

    __slots__ = ("children", "end", "inner", "inner_end", "name", "prefix", "rest", "start")

    def __init__(self, name: str, rest: str, start: int, inner: int) -> None:
        prefix, _, local = name.rpartition(":")
        self.prefix, self.name, self.rest = (f"{prefix}:" if prefix else ""), local, rest
        self.start, self.inner, self.inner_end, self.end = start, inner, inner, inner
        self.children: list[Element] = []

    def attribute(self, name: str) -> str | None:
        """The value of an attribute, its name as it stands in the document."""
        found = re.search(rf"""\s{name}\s*=\s*(?:"([^"]*)"|'([^']*)')""", self.rest)
        return None if found is None else unescape(found[1] if found[1] is not None else found[2])

    def child(self, name: str) -> "Element | None":
        """The first child of this name."""
        return next((one for one in self.children if one.name == name), None)

    def all(self, *names: str) -> "Iterator[Element]":
        """The elements of these names inside, in order."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            if one.name in names:
                yield one
            waiting += reversed(one.children)


def elements(name: str, text: str) -> Element:
    """The root of a document; Mistake where it is not well-formed, declares entities or is too large."""
    if text.count("<") > 2 * ELEMENT_LIMIT:
        raise Mistake(f"{name} has over {ELEMENT_LIMIT:,} XML elements; cut it into several documents.")
    _check(name, text)
    stack = [Element("", "", 0, 0)]
    for match in _TOKEN.finditer(text):
        if match["name"] is None:
            continue
        if match["close"]:
            stack[-1].inner_end, stack[-1].end = match.start(), match.end()
            stack.pop()
            continue
        one = Element(match["name"], match["rest"], match.start(), match.end())
        stack[-1].children.append(one)
        if not match["alone"]:
            stack.append(one)
    return stack[0].children[0]


def _check(name: str, text: str) -> None:
    def doctype(_name: str, _system: str | None, _public: str | None, internal: int) -> None:
        if internal:
            raise Mistake(
                f"{name} declares its own XML entities, which no translation file needs; remove its DOCTYPE."
            )

    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise Mistake(f"{name}:{error.lineno}: this is not well-formed XML ({error}).") from None


def write_xml(text: str) -> str:
    """Text as it stands in XML, without what XML cannot hold."""
    return _FORBIDDEN.sub("", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def read_xml(raw: str) -> str:
    """The text that stands in XML; entities that XML itself does not know stay as they are."""
    return _ENTITY.sub(lambda match: unescape(match.group()), raw)


def fill(block: Block, text: str, element: Element, pairs: frozenset[str]) -> Block:
    """Put what an element holds into a block: `pairs` are names of tags around words, others hold none."""
    at, hidden = element.inner, 0
    opened = 0
    for match in _TOKEN.finditer(text, element.inner, element.inner_end):
        if not hidden:
            block.add(read_xml(text[at : match.start()]))
        name = (match["name"] or "").rpartition(":")[2]
        if match["data"] is not None and not hidden:
            block.add(match["data"])
        elif match["name"] is None or name in pairs or (match["alone"] and not hidden):
            if not hidden:
                kind = "alone" if not name or match["alone"] else "close" if match["close"] else "open"
                block.tag(match.group(), kind, name)
        elif not match["alone"]:
            opened = match.start() if not hidden else opened
            hidden += -1 if match["close"] else 1
            if not hidden:
                block.tag(text[opened : match.end()], "alone")
        at = match.end()
    block.add(read_xml(text[at : element.inner_end]))
    return block
