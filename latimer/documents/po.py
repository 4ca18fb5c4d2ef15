"""PO catalogues of gettext: translations that are missing or fuzzy are filled, everything else is kept.

What a program fills in (`%s` of an entry with a format, `{name}`) is handed over as a placeholder. An entry
that was fuzzy and is filled is fuzzy no more.
"""

import re
from collections.abc import Callable, Iterator

from latimer.documents.blocks import Block

_STRING = r'"(?:[^"\\\r\n]|\\.)*+"'
_LINE = re.compile(
    rf"^(?:(?P<comment>#[^\r\n]*)|[ \t]*(?P<key>msgctxt|msgid_plural|msgid|msgstr)(?:\[\d+\])?[ \t]*"
    rf"(?P<value>{_STRING}(?:\s*{_STRING})*))",
    re.MULTILINE,
)
_ESCAPE = re.compile(r"\\(.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_WRITTEN = {letter: f"\\{name}" for name, letter in _LETTERS.items()} | {'"': '\\"', "\\": "\\\\"}
_BRACES = re.compile(r"\{[\w.:!\[\]]*\}|%(?:\(\w+\))?[sdif]\b")
_PERCENT = re.compile(
    r"\{[\w.:!\[\]]*\}|%(?:\d+\$)?(?:\(\w+\))?[-+#0]*(?:\d+|\*)?(?:\.\d+)?[hlqLzjt]*[diouxXeEfFgGcrsa%@]"
)


class _Entry:
    def __init__(self) -> None:
        self.fuzzy: re.Match[str] | None = None
        self.formatted = False
        self.values: dict[str, str] = {}
        self.forms: list[re.Match[str]] = []


def charset(data: bytes) -> str | None:
    """The encoding that a catalogue's header tells."""
    found = re.search(rb"charset=([A-Za-z0-9._-]+)", data[:8192])
    return None if found is None or found[1].upper() == b"CHARSET" else found[1].decode()


def po_blocks(text: str) -> list[Block]:
    """A block for each missing form of a translation."""
    blocks = []
    end = "\r\n" if "\r\n" in text else "\n"
    for entry in _entries(text):
        values = entry.values
        if not values.get("msgid") or not entry.forms:
            continue
        several = len(entry.forms) > 1
        fuzzy = entry.fuzzy
        for place, form in enumerate(entry.forms):
            if entry.fuzzy is None and _read(form["value"]):
                continue
            plural = "msgid_plural" in values and (place > 0 or not several)
            words = values["msgid_plural" if plural else "msgid"]
            start, before = form.start("value"), ""
            if fuzzy is not None:
                before = _unfuzzy(fuzzy.group(), text[fuzzy.end() : start])
                start, fuzzy = fuzzy.start(), None
            block = Block(start, form.end("value"), finish=_quoted(before, end))
            _fill(block, words, _PERCENT if entry.formatted else _BRACES)
            blocks.append(block)
    return blocks


def _entries(text: str) -> Iterator[_Entry]:
    entry = _Entry()
    for match in _LINE.finditer(text):
        key = match["key"]
        if entry.forms and key != "msgstr":
            yield entry
            entry = _Entry()
        if key == "msgstr":
            entry.forms.append(match)
        elif key:
            entry.values[key] = _read(match["value"])
        elif match["comment"].startswith("#,"):
            if re.search(r"\bfuzzy\b", match["comment"]):
                entry.fuzzy = match
            entry.formatted |= re.search(r"(?<!no-)\b\w+-format\b", match["comment"]) is not None
    yield entry


def _read(value: str) -> str:
    whole = "".join(string[1:-1] for string in re.findall(_STRING, value))
    return _ESCAPE.sub(lambda match: _LETTERS.get(match[1], match[1]), whole)


def _fill(block: Block, words: str, filled_in: re.Pattern[str]) -> None:
    at = 0
    for match in filled_in.finditer(words):
        block.add(words[at : match.start()])
        block.tag(match.group(), "alone")
        at = match.end()
    block.add(words[at:])


def _unfuzzy(flags: str, rest: str) -> str:
    """The flags without `fuzzy`, and the lines after them; no line where no flag is left."""
    left = [flag.strip() for flag in flags[2:].split(",") if flag.strip() != "fuzzy"]
    return "#, " + ", ".join(left) + rest if left else rest.lstrip("\r\n")


def _quoted(before: str, end: str) -> Callable[[str], str]:
    def finish(written: str) -> str:
        lines = [
            '"' + "".join(_WRITTEN.get(letter, letter) for letter in line) + '"'
            for line in re.findall(r"[^\n]*\n|[^\n]+", written)
        ]
        return before + end.join(['""', *lines] if len(lines) > 1 else lines)

    return finish
