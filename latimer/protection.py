"""What must come through a translation byte for byte: addresses, placeholders, tags; and long numbers.

A sentence that holds such spans can be translated in several ways, and the first that keeps them is taken: as
it stands; with a word instead of each span that models tend to copy; in parts, with the spans between them.
Tags are taken out before and put back where their words went, in all ways but the last (`latimer.tagging`). A
sentence that no way keeps stays as it is, so that the law holds for every model.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from latimer.guarding import has_letters
from latimer.tagging import TAG, Tag, strip, structure

SPAN = re.compile(
    rf"(?P<tag>{TAG.pattern})"
    r"|\{\{[^{}]*\}\}|\{[^{}\s]*\}"
    r"|%\(\w+\)[#0\- +]*\d*(?:\.\d+)?[a-zA-Z]|%\d+\$[#0\- +]*\d*(?:\.\d+)?[a-zA-Z]|%[sdfiux](?!\w)"
    r"|(?:https?|ftp)://[^\s<>\"{}]*[^\s<>\"{}.,;:!?'()\[\]]|\bwww\.[^\s<>\"{}]*[^\s<>\"{}.,;:!?'()\[\]]"
    r"|[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
)
TELLING = re.compile(r"[@<{%\d]|://|www\.")  # without one of these a text holds no span: quick to see
NUMBER = re.compile(r"\d(?:[\s.,:/\-]?\d){2,}")
THOUSANDS = re.compile(r"(?<!\d)\d{1,3}(?:[\s.,]\d{3})+(?!\d)")
_EITHER = re.compile(f"(?P<span>{SPAN.pattern})|{NUMBER.pattern}")
STAND_INS = (
    ("37", "58", "94", "62"),
    ("Alex", "Robin", "Maria", "Thomas"),
)  # numbers and names: words that models have seen copied


class Part(NamedTuple):
    """A stretch of a sentence, said as it is or translated; each word of `instead` stands for a span."""

    text: str
    translated: bool
    instead: tuple[tuple[str, str], ...] = ()
    terms: tuple[str, ...] = ()  # what search has to say
    tags: tuple[Tag, ...] = ()  # taken out of it, to be put back into its translation
    inner: bool = False  # not a sentence: its translation begins small and has no full stop of its own

    @property
    def words(self) -> str:
        """The text but for its spans, and for what stands instead of them."""
        text = SPAN.sub(" ", self.text)
        return _stand_in(self.instead).sub(" ", text) if self.instead else text

    def prefix(self, text: str) -> str:
        """How its translation begins where, with all spans, it is to begin with the text."""
        for word, span in self.instead:
            text = text.replace(span, word)
        return TAG.sub("", text) if self.tags else text


class Spans(NamedTuple):
    """What a sentence holds that must come through."""

    tags: Counter[tuple[str, str]]  # as they are paired
    others: Counter[str]
    numbers: Counter[str]  # written in one way


def find(text: str) -> Spans:
    """The spans of a text. A number, time or date has three digits or more: smaller ones may become words."""
    if not TELLING.search(text):
        return Spans(Counter(), Counter(), Counter())
    matches = list(SPAN.finditer(text))
    tags = structure([match[0] for match in matches if match["tag"]])
    others = Counter(match[0] for match in matches if not match["tag"])
    numbers = NUMBER.finditer(SPAN.sub(" x ", text))
    return Spans(tags, others, Counter(_digits(match[0]) for match in numbers))


def keeps(source: Spans, text: str) -> bool:
    """Whether exactly the protected spans of the source stand in `text`, tags paired as they were."""
    found = find(text)
    return found.tags == source.tags and found.others == source.others


def keeps_numbers(source: Spans, text: str) -> bool:
    """Whether `text` has the long numbers of the source, written in whichever way: 10:30 is also 10 h 30."""
    digits = _digits(SPAN.sub(" x ", text))
    return all(re.search(rf"(?<!\d){re.escape(number)}(?!\d)", digits) for number in source.numbers)


def _digits(text: str) -> str:
    """Numbers in one way: 1,234.5 and 1 234,5 are 1234|5, 10:30 and 10 h 30 are 10|30."""
    text = re.sub(r"\d", lambda match: str(int(match[0])), text)
    text = THOUSANDS.sub(lambda match: re.sub(r"\D", "", match[0]), text)
    return re.sub(r"(?<=\d)(?:[\s.,:/\-]|\s?h\s?)(?=\d)", "|", text)


def ranges(text: str) -> list[tuple[int, int]]:
    """Where the protected spans stand."""
    return [match.span() for match in SPAN.finditer(text)] if TELLING.search(text) else []


class Known(NamedTuple):
    """What a model's subwords tell of a text, so that nothing hopeless is tried."""

    says: Callable[[str], bool] = has_letters  # whether there is anything to translate
    spells: Callable[[str], bool] = bool  # whether it can be spelled without bytes
    copies: Callable[[str], bool] = bool  # whether a word is common enough to have been seen copied


def ways(text: str, known: Known = Known()) -> list[list[Part]]:  # noqa: B008 - it can't be changed
    """How a sentence can be translated, the likeliest to keep its spans first."""
    found = find(text)
    if not any(found):
        return [[Part(text, known.says(text))]]
    if not known.says(SPAN.sub(" ", text)):
        return [[Part(text, translated=False)]]
    bare, tags = strip(text)
    spans = [match[0] for match in _EITHER.finditer(bare)]
    tried = [Part(bare, translated=True, tags=tags)] if all(map(known.spells, spans)) else []
    if tags and all(known.spells(tag.raw) for tag in tags):
        tried.insert(0, Part(text, translated=True))
    if spans:
        tried += _with_stand_ins(text, known, names=bool(found.others))
    return [*([part] for part in tried), list(_around(text, known.says))]


def whole_ways(text: str, known: Known = Known()) -> list[list[Part]]:  # noqa: B008
    """Those for a sentence whose translation is begun, which leaves no parts.

    In their place the spans are terms that search has to say; at last they are left to the model.
    """
    if not known.says(text):
        return [[Part(text, translated=False)]]
    bare, tags = strip(text)
    spans = [match[0] for match in _EITHER.finditer(bare)]
    left = Part(bare, translated=True, tags=tags)
    held = [[left._replace(terms=tuple(dict.fromkeys(spans)))]] if spans else []
    return [*(way for way in ways(text, known) if len(way) == 1 and way[0].translated), *held, [left]]


def put_back(part: Part, translation: str) -> str | None:
    """A part as it was translated, with its spans; None where the translation lost or doubled a stand-in."""
    if part.inner:
        translation = SPAN.sub("", translation).strip()
        if part.text[-1:] not in ".!?…":
            translation = translation.rstrip(".!?… \u202f\xa0") or translation
        if part.text[:1].islower():
            translation = translation[:1].lower() + translation[1:]
        translation = translation or part.text
    if not part.instead:
        return translation
    words = _stand_in(part.instead)
    spans = dict(part.instead)
    if sorted(words.findall(translation)) != sorted(spans):
        return None
    return words.sub(lambda match: spans[match[0]], translation)


def _stand_in(instead: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(word for word, _ in instead)})(?!\w)")


def _with_stand_ins(text: str, known: Known, *, names: bool) -> Iterator[Part]:
    """The sentence without tags, with a word instead of each span, once for each row of words."""
    rest = _EITHER.sub(lambda match: match[0] if match["tag"] else " ", text)
    for words in STAND_INS if names else STAND_INS[:1]:
        held: list[tuple[str, str]] = []

        def word(
            match: re.Match[str], words: tuple[str, ...] = words, held: list[tuple[str, str]] = held
        ) -> str:
            if match["tag"]:
                return match[0]
            held.append((words[len(held) % len(words)], match[0]))
            return held[-1][0]

        tagged = _EITHER.sub(word, text)
        used = [word for word, _ in held]
        if len(set(used)) == len(used) and all(known.copies(word) and word not in rest for word in used):
            bare, tags = strip(tagged)
            yield Part(bare, translated=True, instead=tuple(held), tags=tags)


def _around(text: str, says: Callable[[str], bool]) -> Iterator[Part]:
    """The spans, and what stands between them, whose outer spaces and punctuation stay."""
    at = 0
    for start, end in [*(match.span() for match in _EITHER.finditer(text)), (len(text), len(text))]:
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
