"""PO and POT files of gettext: what is translated and not marked as doubtful."""

import codecs
import re
from collections.abc import Iterator

from latimer.data.lines import LineFile
from latimer.data.readers.records import SOURCE, TARGET, Fault, Item, Record

_FIELD = re.compile(rb'\s*(msgctxt|msgid|msgid_plural|msgstr|msgstr\[(\d{1,2})\])\s*"(.*)"\s*\Z')
_MORE = re.compile(rb'\s*"(.*)"\s*\Z')
_ESCAPE = re.compile(rb"\\(.)")
_CHARSET = re.compile(rb"charset=([\w.:-]+)", re.IGNORECASE)
_LANGUAGE = re.compile(rb"^Language:[ \t]*([A-Za-z]{2,3}([_-][A-Za-z0-9]+)*)", re.MULTILINE)
_SPECIAL = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"", b"b": b"", b"f": b"\n", b"v": b"\n"}
_ENTRY_LIMIT = 1 << 20  # bytes


class _Entry:
    """One entry while it is read: its fields, and the line where it begins."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.fields: dict[bytes, list[bytes]] = {}
        self.doubtful = False
        self.size = 0


class _Catalogue:
    def __init__(self, file: LineFile) -> None:
        self.file = file
        self.encoding = "UTF-8"
        self.language = TARGET

    def finish(self, entry: _Entry) -> Iterator[Item]:
        fields = {name: b"".join(parts) for name, parts in entry.fields.items()}
        if b"msgid" not in fields:
            return
        if not fields[b"msgid"]:
            yield from self._header(fields.get(b"msgstr", b""), entry.line)
            return
        if entry.doubtful:
            yield Fault("marked as fuzzy", entry.line)
            return
        forms = sorted(
            (name for name in fields if name.startswith(b"msgstr[")), key=lambda name: int(name[7:-1])
        )
        pairs = [(b"msgid", b"msgstr")]
        if forms and b"msgid_plural" in fields:
            pairs = [(b"msgid_plural", forms[-1])]
            if len(forms) > 1:
                pairs.insert(0, (b"msgid", forms[0]))
        for ours, theirs in pairs:
            try:
                texts = [fields.get(name, b"").decode(self.encoding) for name in (ours, theirs)]
            except UnicodeDecodeError as error:
                byte = f"0x{error.object[error.start]:02X}"
                message = (
                    f"{self.file.name}:{entry.line}: a byte of this entry ({byte}) is not {self.encoding}; "
                    "say the encoding of the file in its header (charset=...)."
                )
                yield Fault(f"an entry that is not {self.encoding}", entry.line, message)
                return
            yield Record({SOURCE: texts[0], self.language: texts[1]}, entry.line)

    def _header(self, text: bytes, line: int) -> Iterator[Item]:
        if (found := _CHARSET.search(text)) and found[1].upper() != b"CHARSET":
            try:
                self.encoding = codecs.lookup(found[1].decode()).name.upper()
                if "é".encode(self.encoding).decode("latin-1") == "" or not b" ".decode(self.encoding):
                    raise LookupError
            except (LookupError, ValueError, TypeError):
                name = found[1].decode("ascii", "replace")
                message = f"{self.file.name}:{line}: the encoding {name} in the header is not known; mend it."
                yield Fault("an encoding that is not known", line, message)
        if found := _LANGUAGE.search(text):
            self.language = found[1].decode()
        self.file.encoding = self.encoding


def gettext(file: LineFile) -> Iterator[Item]:
    """Every translated entry; a plural gives a pair of the singular and one of the last plural form."""
    catalogue, entry, field = _Catalogue(file), _Entry(1), None
    for raw in file.raw_lines():
        line = b"" if raw is None else raw.strip().removeprefix(codecs.BOM_UTF8)
        if line.startswith(b"#") or not line:
            if b"msgid" in entry.fields:
                yield from catalogue.finish(entry)
                entry, field = _Entry(file.count), None
            entry.doubtful |= line.startswith(b"#,") and b"fuzzy" in line
            continue
        if found := _FIELD.match(line):
            if found[1] in entry.fields or (found[1] == b"msgctxt" and b"msgid" in entry.fields):
                yield from catalogue.finish(entry)
                entry = _Entry(file.count)
            if not entry.fields:
                entry.line = file.count
            field, text = found[1], found[3]
            entry.fields[field] = []
        elif (found := _MORE.match(line)) and field:
            text = found[1]
        else:
            message = f"{file.name}:{file.count}: this line is none of a PO file; mend it."
            yield Fault("a line that is none of a PO file", file.count, message)
            continue
        entry.size += len(text)
        if entry.size <= _ENTRY_LIMIT:
            entry.fields[field].append(_ESCAPE.sub(lambda one: _SPECIAL.get(one[1], one[1]), text))
    yield from catalogue.finish(entry)
