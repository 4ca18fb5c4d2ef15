"""CSV and JSON lines: a record a row, with its languages named by a header or by keys."""

import csv
import json
from collections.abc import Iterator, Sequence

from latimer.data.languages import is_language
from latimer.data.lines import LineFile
from latimer.data.readers.records import SOURCE, TARGET, Fault, Item, Record

_SIDES = {SOURCE: SOURCE, TARGET: TARGET, "src": SOURCE, "tgt": TARGET, "trg": TARGET}
_NUMBERS = frozenset(("id", "no"))  # names of columns, rather than Indonesian and Norwegian
_DELIMITERS = ",;\t"


def comma_separated(file: LineFile) -> Iterator[Item]:
    """Every row of a CSV. A first row of languages, or of "source" and "target", is a header.

    The delimiter is that of comma, semicolon and tab which gives the first row most columns.
    """
    faults: list[Fault] = []
    lines = _usable(file, faults)
    first = next(lines, None)
    if first is None:
        yield from faults
        return
    delimiter = max(_DELIMITERS, key=first.count)
    rows = csv.reader(_before(first, lines), delimiter=delimiter, strict=True)
    keys: list[tuple[str, int]] | None = None
    line = 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            message = (
                f"{file.name}:{line}: this row of the CSV is broken ({error}); mend its quotation marks."
            )
            yield Fault("a broken row", line, message)
            line = file.count + 1
            continue
        yield from faults
        faults.clear()
        if row is None:
            return
        if keys is None:
            keys = _header(row)
            if not keys:
                keys = [(SOURCE, 0), (TARGET, 1)]
                yield _row(file, row, keys, line)
        elif row:
            yield _row(file, row, keys, line)
        line = file.count + 1


def _row(file: LineFile, row: Sequence[str], keys: Sequence[tuple[str, int]], line: int) -> Item:
    if len(row) <= max(column for _, column in keys):
        message = f"{file.name}:{line}: {len(row)} columns in this row of the CSV, and the first has more."
        if len(row) < 2:
            message = f"{file.name}:{line}: one column in this row; a CSV needs a source and a target column."
        return Fault("a row with too few columns", line, message)
    return Record({key: row[column] for key, column in keys}, line)


def _header(row: Sequence[str]) -> list[tuple[str, int]]:
    """Which columns hold texts, when this row is a header; else nothing."""
    words = [cell.removeprefix("\ufeff").strip() for cell in row]
    sides = [(_SIDES[word.lower()], place) for place, word in enumerate(words) if word.lower() in _SIDES]
    languages = [(word, place) for place, word in enumerate(words) if _is_tag(word)]
    if len(languages) > 2:
        languages = [(word, place) for word, place in languages if word not in _NUMBERS]
    return next((found for found in (sides, languages) if len({key for key, _ in found}) > 1), [])


def _is_tag(word: str) -> bool:
    return len(word) < 12 and is_language(word) and (word[:2].islower() or word.isupper())


def _usable(file: LineFile, faults: list[Fault]) -> Iterator[str]:
    for line in file.lines():
        if line is None:
            faults.append(Fault(file.unusable, file.count))
        else:
            yield f"{line}\n"


def _before(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def json_lines(file: LineFile) -> Iterator[Item]:
    """Every line's object: {"translation": {"en": ..., "fr": ...}}, or the same without the outer one.

    Of several keys those that are languages count, or "source" and "target".
    """
    for line in file.lines():
        if line is None:
            yield Fault(file.unusable, file.count)
        elif line.strip("\ufeff \t\r"):
            yield _object(file, line.removeprefix("\ufeff"))


def _object(file: LineFile, line: str) -> Item:
    where = f"{file.name}:{file.count}"
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"
        message = f"{where}: this is not JSON ({what}); JSON lines hold one whole object a line."
        return Fault("a line that is not JSON", file.count, message)
    if isinstance(found, dict) and isinstance(found.get("translation"), dict):
        found = found["translation"]
    texts = found.items() if isinstance(found, dict) else ()
    strings = {key: text for key, text in texts if isinstance(text, str)}
    sides = {_SIDES[key]: text for key, text in strings.items() if key in _SIDES}
    languages = {key: text for key, text in strings.items() if _is_tag(key)}
    kept = sides if len(sides) > 1 else languages
    if len(kept) < 2:
        message = f'{where}: no two texts in this line; it needs {{"en": "...", "fr": "..."}} or the like.'
        return Fault("a line without two texts", file.count, message)
    return Record({key: _whole(text) for key, text in kept.items()}, file.count)


def _whole(text: str) -> str:
    """JSON can spell half a character, which no text can hold."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
