"""Text as the model sees it: one Unicode form (NFC), plain single spaces, no invisible spaces.

What is lost on the way, the no-break spaces of French and the like, is learned once from the target side of
the corpus and put back into every translation: `Spacing`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Zero-width space, word joiner, byte order mark. U+200C and U+200D spell words and emoji: they stay.
_INVISIBLE = re.compile("[\u200b\u2060\ufeff]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

# A space beside punctuation or a symbol, or between two digits: elsewhere a no-break space is no habit.
_TELLING = re.compile(
    r"[ \xa0\u1680\u2000-\u200a\u202f\u205f\u3000](?=(?<=\S.)[^\w\s]|(?<=[^\w\s].)\S|(?<=\d.)\d)", re.DOTALL
)


def normalise(text: str) -> str:
    """NFC with single plain spaces, none at the ends; applying it twice changes nothing.

    Every Unicode space, tab and line end counts as a space, and so do the old separators U+001C to U+001F.
    Zero-width spaces disappear; a lone surrogate, which no file can hold, becomes U+FFFD.
    """
    if text.isascii():
        return " ".join(text.split())
    text = _LONE_SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
    # NFC comes last: taking an invisible character away can bring a letter and its accent together.
    return unicodedata.normalize("NFC", " ".join(text.split()))


def has_control(text: str) -> bool:
    """Whether control characters (NUL and the rest of Cc) are left in a normalised text."""
    return not text.isprintable() and _CONTROL.search(text) is not None


SpaceCounts = Counter[tuple[str, str, str]]
"""How often which space stood between what: (left, space, right), a digit as "0", a letter as ""."""


def count_spaces(text: str, counts: SpaceCounts) -> None:
    """Add the telling spaces of a line, not normalised, to `counts`; counts of several corpora add up."""
    for match in _TELLING.finditer(text):
        at = match.start()
        counts[_kind(text[at - 1]), text[at], _kind(text[at + 1])] += 1


def _kind(character: str) -> str:
    if character.isdigit():
        return "0"
    return "" if character.isalnum() or character == "_" else character


@dataclass(frozen=True)
class Spacing:
    """The no-break habits of a language: which space stands before, and after, which character.

    A habit is what the corpus does in most of the places where it puts any space at all; the digit "0" in
    `between_digits` stands for the space of 10 000.
    """

    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    between_digits: str = " "

    @classmethod
    def learn(cls, lines: Iterable[str]) -> "Spacing":
        """Learn the habits from lines that are not normalised."""
        counts: SpaceCounts = Counter()
        for line in lines:
            count_spaces(line, counts)
        return cls.from_counts(counts)

    @classmethod
    def from_counts(cls, counts: SpaceCounts) -> "Spacing":
        before: dict[str, Counter[str]] = {}
        after: dict[str, Counter[str]] = {}
        digits: Counter[str] = Counter()
        for (left, space, right), count in sorted(counts.items()):
            if left == right == "0":
                digits[space] += count
            if right not in ("", "0"):
                before.setdefault(right, Counter())[space] += count
            if left not in ("", "0"):
                after.setdefault(left, Counter())[space] += count
        return cls(before=_habits(before), after=_habits(after), between_digits=_habit(digits))

    def restore(self, text: str) -> str:
        """Put the habitual spaces back into a normalised text; every other character stays."""
        if not (self.before or self.after or self.between_digits != " "):
            return text
        characters = list(text)
        at = text.find(" ", 1)
        while 0 < at < len(text) - 1:
            left, right = text[at - 1], text[at + 1]
            if left.isdigit() and right.isdigit():
                characters[at] = self.between_digits
            else:
                characters[at] = self.before.get(right) or self.after.get(left) or " "
            at = text.find(" ", at + 1)
        return "".join(characters)

    def to_json(self) -> dict[str, Any]:
        return {
            "before": dict(self.before),
            "after": dict(self.after),
            "between_digits": self.between_digits,
        }

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> "Spacing":
        return cls(
            before=dict(json["before"]), after=dict(json["after"]), between_digits=json["between_digits"]
        )


def _habits(counts: Mapping[str, Counter[str]]) -> dict[str, str]:
    """The characters whose habit is not the plain space."""
    habits = {character: _habit(spaces) for character, spaces in counts.items()}
    return {character: space for character, space in habits.items() if space != " "}


def _habit(spaces: Counter[str]) -> str:
    """The commonest special space, where special spaces are the majority; else the plain one."""
    special = {space: count for space, count in spaces.items() if space != " "}
    if sum(special.values()) <= spaces[" "]:
        return " "
    return max(special, key=lambda space: (special[space], space))
