"""Tags inside a sentence: handed over as `<0>..</0>` or `<1/>`, and put back well-formed whatever comes back.

The contract with a translator: a segment is plain text in which `<N>` and `</N>` stand around the words of an
element, and `<N/>` for something that holds no text (a picture, code). It may move them. One that it loses is
put at the same share of the text, one that it makes up or repeats is dropped, and what crosses is uncrossed.
Text that happens to look so (`<3>` in a formula) is itself handed over as a `<N/>`.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

PLACEHOLDER = re.compile(r"<(/?)(\d{1,9})(/?)>")

Part = str | tuple[int, str]  # text, or a placeholder: its number and one of "open", "close", "alone"


def without_placeholders(translate: Callable[[list[str]], list[str]]) -> Callable[[list[str]], list[str]]:
    """For a translator that knows no placeholders: it never sees one, and they go by their share of the text.

    A segment that comes back as it was keeps its placeholders.
    """

    def plain(segments: list[str]) -> list[str]:
        bare = [PLACEHOLDER.sub("", segment) for segment in segments]
        pairs = zip(segments, bare, translate(bare), strict=True)
        return [segment if found == asked else found for segment, asked, found in pairs]

    return plain


def repaired(source: str, translation: str) -> list[Part]:
    """The translation in parts: text and placeholders, each of the source's exactly once, well nested."""
    wanted = [part for part in _parts(source) if not isinstance(part, str)]
    if not wanted and "<" not in translation:
        return [translation]
    found = _kept(_parts(translation), wanted)
    present = {part for part in found if not isinstance(part, str)}
    shares = _shares(source)
    length = sum(len(part) for part in found if isinstance(part, str))
    for number, kind in wanted:
        if (number, kind) in present or kind == "close":
            continue
        if kind == "alone":
            _put(found, round(shares[number, "alone"] * length), [(number, "alone")])
        else:
            first, last = (round(shares[number, end] * length) for end in ("open", "close"))
            _put(found, first, [(number, "open"), (number, "close")], last - first)
    return found


def _parts(text: str) -> list[Part]:
    parts: list[Part] = []
    at = 0
    for match in PLACEHOLDER.finditer(text):
        if match[1] and match[3]:
            continue
        parts.append(text[at : match.start()])
        parts.append((int(match[2]), "close" if match[1] else "alone" if match[3] else "open"))
        at = match.end()
    return [*parts, text[at:]]


def _kept(parts: list[Part], wanted: list[tuple[int, str]]) -> list[Part]:
    """Without placeholders that are unknown, repeated, without a partner, or that cross others."""
    left, stack, kept = set(wanted), list[int](), set[int]()
    for place, part in enumerate(parts):
        if isinstance(part, str) or part not in left:
            continue
        number, kind = part
        if kind == "alone":
            kept.add(place)
            left.remove(part)
        elif kind == "open":
            stack.append(place)
            left.remove(part)
        elif (number, "open") in [parts[opened] for opened in stack]:
            while parts[opened := stack.pop()] != (number, "open"):
                pass  # what was opened inside and not closed crosses this one
            kept |= {opened, place}
            left.remove(part)
    return [part for place, part in enumerate(parts) if isinstance(part, str) or place in kept]


def _shares(source: str) -> dict[Part, float]:
    """Before which share of the text each placeholder stands."""
    shares: dict[Part, float] = {}
    parts = _parts(source)
    length = max(1, sum(len(part) for part in parts if isinstance(part, str)))
    seen = 0
    for part in parts:
        if isinstance(part, str):
            seen += len(part)
        else:
            shares[part] = seen / length
    return shares


def _put(parts: list[Part], at: int, tags: list[Part], length: int = 0) -> None:
    """Put one tag, or two around about `length` characters, into the text that holds character `at`."""
    for place, part in enumerate(parts):
        if not isinstance(part, str):
            continue
        if at <= len(part):
            first = _word_start(part, at)
            if len(tags) == 1:
                parts[place : place + 1] = [part[:first], tags[0], part[first:]]
            else:
                last = max(first, _word_end(part, min(len(part), max(first, at + length))))
                parts[place : place + 1] = [part[:first], tags[0], part[first:last], tags[1], part[last:]]
            return
        at -= len(part)
    parts += tags


def _word_start(text: str, at: int) -> int:
    before = text.rfind(" ", 0, at) + 1
    after = text.find(" ", at) + 1 or len(text)
    if at == len(text) or (before < at and not before and after - before > 30):
        return at
    return before if at - before <= after - at else after


def _word_end(text: str, at: int) -> int:
    if at and text[at - 1] == " ":
        return at - 1
    after = text.find(" ", at)
    after = len(text) if after < 0 else after
    return after if after - at <= 30 else at


class Tag(NamedTuple):
    """Something between the words that stays as it is.

    `raw` is written as it is; `name` pairs an opening with a closing tag. `position` counts characters.
    """

    position: int
    raw: str
    kind: str  # "open", "close" or "alone"
    name: str = ""
