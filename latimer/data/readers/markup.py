"""TMX 1.4 and XLIFF 1.2 and 2.x, streamed through expat.

Nothing outside the file is ever fetched, and a file that declares entities is refused, so what is read is
never larger than what lies there. Texts lose their inline tags: the code inside `bpt`, `ph` and the like
goes, the words inside `hi`, `g`, `pc` and `mrk` stay.
"""

from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from latimer.data.lines import LineFile
from latimer.data.readers.records import SOURCE, TARGET, Fault, Item, Record

DEPTH_LIMIT = 200
TOKEN_LIMIT = 1 << 24  # bytes that may wait for the end of one tag
TEXT_LIMIT = 1 << 20  # characters of one text
_CODE = frozenset(("bpt", "ept", "ph", "it", "ut", "sub"))  # holds the markup of the document, not words
_UNTRANSLATED = frozenset(("new", "needs-translation"))


def tmx(file: LineFile) -> Iterator[Item]:
    """Every translation unit of a TMX, with all its languages."""
    return _parse(file, _Memory())


def xliff(file: LineFile) -> Iterator[Item]:
    """Every segment of an XLIFF that is translated: by `mrk` in 1.2 where there are any, else whole units."""
    return _parse(file, _Exchange())


class _Refused(Exception):  # noqa: N818 - it never leaves this file
    """What stands in the XML is not what is read here; the text says what."""


class _Elements:
    """Follows the elements of a document; a subclass says what to make of them."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.parents: list[str] = []
        self.line = 0
        self.encoding = "UTF-8"
        self.told: dict[str, str] = {}  # the attributes of the root
        self._text: list[str] | None = None
        self._size = 0
        self._code = 0

    def open(self, name: str, attributes: dict[str, str], line: int) -> None:
        name = name.rpartition(":")[2]
        if not self.parents:
            self.told = attributes
            self.root(name)
        if len(self.parents) >= DEPTH_LIMIT:
            raise _Refused("elements nested deeper than any document has them")
        self.parents.append(name)
        if self._text is not None and self.is_code(name, attributes):
            self._code += 1
        elif self._text is not None and "lb" in (attributes.get("ctype"), attributes.get("subType")):
            self._text.append(" ")
        self.opened(name, attributes, line)

    def is_code(self, name: str, attributes: dict[str, str]) -> bool:
        return name in _CODE

    def close(self, name: str) -> None:
        name = name.rpartition(":")[2]
        self.closed(name)
        self.parents.pop()
        if self._text is not None and self._code and self.is_code(name, {}):
            self._code -= 1

    def words(self, text: str) -> None:
        if self._text is not None and not self._code and self._size <= TEXT_LIMIT:
            self._text.append(text)
            self._size += len(text)

    def begin(self) -> None:
        """A text begins."""
        self._text, self._size, self._code = [], 0, 0

    def end(self) -> str:
        """A text has ended; what it says."""
        text, self._text = "".join(self._text or ()), None
        return text

    def root(self, name: str) -> None:
        raise NotImplementedError

    def opened(self, name: str, attributes: dict[str, str], line: int) -> None:
        raise NotImplementedError

    def closed(self, name: str) -> None:
        raise NotImplementedError


class _Memory(_Elements):
    """tmx > body > tu > tuv > seg."""

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[str, str] = {}
        self._language = ""

    def root(self, name: str) -> None:
        if name != "tmx":
            raise _Refused(f"the root is <{name}>, and a TMX begins with <tmx>")

    def opened(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "tu":
            self._texts, self.line = {}, line
        elif name == "tuv":
            self._language = attributes.get("xml:lang") or attributes.get("lang") or ""
            if not self._language:
                raise _Refused("<tuv> without xml:lang")
        elif name == "seg":
            self.begin()

    def closed(self, name: str) -> None:
        if name == "seg":
            self._texts.setdefault(self._language, self.end())
        elif name == "tu":
            self.items.append(Record(self._texts, self.line))


class _Exchange(_Elements):
    """xliff > file > ... > trans-unit > source, target; or xliff > file > unit > segment > source, target."""

    def __init__(self) -> None:
        super().__init__()
        self._languages = (SOURCE, TARGET)
        self._sides: dict[str, str] = {}
        self._parts: dict[str, dict[str, str]] = {}
        self._side = self._mark = ""
        self._marked = 0
        self._state = ""

    def root(self, name: str) -> None:
        if name != "xliff":
            raise _Refused(f"the root is <{name}>, and an XLIFF begins with <xliff>")
        self._languages = self.told.get("srcLang") or SOURCE, self.told.get("trgLang") or TARGET

    def opened(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "file" and ("source-language" in attributes or "target-language" in attributes):
            self._languages = (
                attributes.get("source-language") or SOURCE,
                attributes.get("target-language") or TARGET,
            )
        elif name in ("trans-unit", "segment"):
            self._sides, self._parts, self._state, self.line = {}, {}, "", line
        elif name in ("source", "seg-source", "target") and self._inside():
            self._side = SOURCE if name == "seg-source" else name
            if name == "target":
                self._state = attributes.get("state", "")
            self.begin()
        elif name == "mrk" and attributes.get("mtype") == "seg" and self._text is not None:
            self._mark, self._marked = attributes.get("mid", ""), len(self.parents)
            self.begin()

    def closed(self, name: str) -> None:
        if self._marked == len(self.parents) and self._text is not None and name == "mrk":
            self._parts.setdefault(self._side, {})[self._mark] = self.end()
            self.begin()
            self._marked = 0
        elif name in ("source", "seg-source", "target") and self._inside() and self._text is not None:
            self._sides.setdefault(self._side, self.end())
        elif name in ("trans-unit", "segment"):
            self._finish()

    def _inside(self) -> bool:
        """Whether the element stands in a unit itself, not in the matches that a tool proposed for it."""
        return len(self.parents) > 1 and self.parents[-2] in ("trans-unit", "segment")

    def _finish(self) -> None:
        ours, theirs = self._languages
        if self._state in _UNTRANSLATED:
            self.items.append(Fault("not translated yet", self.line))
        elif marked := self._parts.get(TARGET):
            for mark, text in marked.items():
                self.items.append(
                    Record({ours: self._parts.get(SOURCE, {}).get(mark, ""), theirs: text}, self.line)
                )
        else:
            self.items.append(
                Record({ours: self._sides.get(SOURCE, ""), theirs: self._sides.get(TARGET, "")}, self.line)
            )


def _parse(file: LineFile, elements: _Elements) -> Iterator[Item]:
    parser = _parser(elements)
    blocks, fed = file.blocks(), 0
    try:
        for block in blocks:
            if not fed and block.startswith((b"\xff\xfe", b"\xfe\xff")):
                elements.encoding = "UTF-16"
            fed += len(block)
            parser.Parse(block, False)
            yield from elements.items
            elements.items.clear()
            if fed - parser.CurrentByteIndex > TOKEN_LIMIT:
                raise _Refused("a tag that does not end")
        parser.Parse(b"", True)
        yield from elements.items
    except (expat.ExpatError, _Refused, ValueError, LookupError) as error:
        yield from elements.items
        line = parser.CurrentLineNumber
        what = expat.ErrorString(error.code) if isinstance(error, expat.ExpatError) else str(error)
        yield Fault("the rest of a broken file", line, f"{file.name}:{line}: {what}; mend the XML there.")
        for _ in blocks:
            pass
    file.encoding = elements.encoding


def _parser(elements: _Elements) -> Any:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def declared(version: str, encoding: str | None, standalone: int) -> None:
        if elements.encoding == "UTF-8" and encoding:
            elements.encoding = encoding.upper()

    def refuse(*_: Any) -> None:
        raise _Refused("entities of its own are declared, which no translation file needs")

    def skipped(name: str, parameter: int) -> None:
        if not parameter:
            raise _Refused(f"the entity &{name}; is not known")

    parser.XmlDeclHandler = declared
    parser.EntityDeclHandler = refuse
    parser.SkippedEntityHandler = skipped
    parser.StartElementHandler = lambda name, given: elements.open(name, given, parser.CurrentLineNumber)
    parser.EndElementHandler = elements.close
    parser.CharacterDataHandler = elements.words
    return parser
