"""What must come through a translation byte for byte: addresses, placeholders, tags; and long numbers.

A sentence that holds such spans is translated in several ways, and the first that keeps them is taken: as it
stands; with a word instead of each span that models tend to copy; in parts, with the spans between them. A
sentence that no way keeps stays as it is, so that the law holds for every model.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from latimer.guarding import has_letters

TAG = r"</?[A-Za-z0-9](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>"
SPAN = re.compile(
    rf"(?P<tag>{TAG})"
    r"|\{\{[^{}]*\}\}|\{[^{}\s]*\}"
    r"|%\(\w+\)[#0\- +]*\d*(?:\.\d+)?[a-zA-Z]|%\d+\$[#0\- +]*\d*(?:\.\d+)?[a-zA-Z]|%[sdfiux](?!\w)"
    r"|(?:https?|ftp)://[^\s<>\"{}]*[^\s<>\"{}.,;:!?'()\[\]]|\bwww\.[^\s<>\"{}]*[^\s<>\"{}.,;:!?'()\[\]]"
    r"|[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
)
TELLING = re.compile(r"[@<{%\d]|://|www\.")  # without one of these a text holds no span: quick to see
NUMBER = re.compile(r"\d(?:[.,]?\d){2,}")
STAND_INS = (
    ("Alex", "Robin", "Maria", "Thomas"),
    ("37", "58", "94", "62"),
)  # names and numbers: words that models have seen copied


class Part(NamedTuple):
    """A stretch of a sentence, said as it is or translated; each word of `instead` stands for a span."""

    text: str
    translated: bool
    instead: tuple[tuple[str, str], ...] = ()
    inner: bool = False  # not a sentence: its translation begins small and has no full stop of its own


class Spans(NamedTuple):
    """What a sentence holds that must come through."""

    tags: list[str]  # in their order, so that they nest as they did
    others: Counter[str]
    numbers: Counter[str]  # their digits alone


def find(text: str) -> Spans:
    """The spans of a text. Numbers are those of three digits or more: smaller ones may become words."""
    if not TELLING.search(text):
        return Spans([], Counter(), Counter())
    matches = list(SPAN.finditer(text))
    tags = [match[0] for match in matches if match["tag"]]
    others = Counter(match[0] for match in matches if not match["tag"])
    bare = re.sub(r"(?<=\d)\s(?=\d)", "", SPAN.sub(" x ", text))
    return Spans(tags, others, Counter(re.sub(r"\D", "", match[0]) for match in NUMBER.finditer(bare)))


def keeps(source: Spans, text: str) -> bool:
    """Whether exactly the protected spans of the source stand in `text`, tags in their order."""
    found = find(text)
    return found.tags == source.tags and found.others == source.others


def keeps_numbers(source: Spans, text: str) -> bool:
    """Whether `text` has the long numbers of the source."""
    digits = re.sub(r"(?<=\d)[\s.,](?=\d)", "", SPAN.sub(" x ", text))
    return all(number in digits for number in source.numbers)


def ranges(text: str) -> list[tuple[int, int]]:
    """Where the protected spans stand."""
    return [match.span() for match in SPAN.finditer(text)] if TELLING.search(text) else []


def ways(text: str, says: Callable[[str], bool] = has_letters) -> list[list[Part]]:
    """How a sentence can be translated, the best first; the last keeps every span if any way does.

    `says` tells whether a stretch is anything to translate.
    """
    found = find(text)
    as_it_is = [Part(text, says(text))]
    if not (found.tags or found.others or found.numbers):
        return [as_it_is]
    tried = [as_it_is] if says(SPAN.sub(" ", text)) else []
    if tried and not found.tags:
        tried += [[part] for part in _with_stand_ins(text)]
    if found.tags or found.others:
        tried.append(list(_around(text, says)))
    return tried or [[Part(text, translated=False)]]


def put_back(part: Part, translation: str) -> str | None:
    """A part as it was translated, with its spans; None where the translation lost or doubled a stand-in."""
    if part.inner:
        translation = SPAN.sub("", translation).strip()
        if part.text[-1:] not in ".!?…":
            translation = translation.rstrip(".!?… \u202f\xa0") or translation
        if part.text[:1].islower():
            translation = translation[:1].lower() + translation[1:]
        translation = translation or part.text
    for word, _ in part.instead:
        if len(re.findall(rf"(?<!\w){word}(?!\w)", translation)) != 1:
            return None
    spans = dict(part.instead)
    if not spans:
        return translation
    return re.sub(rf"(?<!\w)(?:{'|'.join(spans)})(?!\w)", lambda match: spans[match[0]], translation)


def _with_stand_ins(text: str) -> Iterator[Part]:
    """The sentence with a word instead of each span, once for each row of words."""
    either = re.compile(f"(?P<span>{SPAN.pattern})|{NUMBER.pattern}")
    spans = [match[0] for match in either.finditer(text)]
    for words in STAND_INS:
        if len(spans) <= len(words) and not any(word in text for word in words):
            held = tuple(zip(words, spans, strict=False))
            at, pieces = 0, []
            for match, (word, _) in zip(either.finditer(text), held, strict=True):
                pieces += [text[at : match.start()], word]
                at = match.end()
            yield Part("".join([*pieces, text[at:]]), translated=True, instead=held)


def _around(text: str, says: Callable[[str], bool]) -> Iterator[Part]:
    """The spans, and what stands between them, whose outer spaces and punctuation stay."""
    at = 0
    for start, end in [*ranges(text), (len(text), len(text))]:
        between = text[at:start]
        first = next((place for place, letter in enumerate(between) if letter.isalnum()), len(between))
        size = len(between.rstrip()) if end == start else len(between)
        while size > first and not between[size - 1].isalnum():
            size -= 1
        yield Part(between[:first], translated=False)
        inner = between[first:size]
        yield Part(inner, says(inner), inner=True)
        yield Part(between[size:], translated=False)
        yield Part(text[start:end], translated=False)
        at = end
