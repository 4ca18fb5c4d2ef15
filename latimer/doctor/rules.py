"""What is wrong with one pair: a predicate a rule, named after OpusFilter's where it has one.

A predicate takes both sides, mended, and says whether the pair is faulty. `drops`: cleaning leaves such pairs
out; the others are only reported, since translators do so on purpose now and then. `may` is a quick test of
all pairs at once: it passes over no faulty one, so that the predicate itself is asked of few.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from latimer.doctor.letters import ALIKE, ASKING, BRACKET, DIGIT, LEAD, LETTER, MARK
from latimer.doctor.texts import Flags, Rows, Texts

LONGEST_WORDS = 200
LONGEST_WORD = 45  # characters; Chinese and Thai write no spaces, so only of ASCII words
RATIO = 4.0  # of the lengths in characters, 12 added to each: a short pair may differ more
REPEATED = 3.0  # times that each distinct word stands there on average
COPIED_WORDS = 4  # a shorter copy may be a name

Predicate = Callable[[str, str], bool]


class Rule(NamedTuple):
    """One rule; `told` is what a person reads."""

    name: str
    faulty: Predicate
    may: Callable[[Texts, Rows], Flags]
    told: str
    drops: bool = True


_DIGITS = re.compile(r"[1-9]")
_MARKS = re.compile(r"<[^<>]{1,80}>|\{\{?[\w.]*\}?\}|\$\{\w+\}|%\(\w+\)[sd]|%\d*\$?[sd]\b")
_LOOK_ALIKE = re.compile("[\u0370-\u03ff\u0400-\u04ff]")
_SCRIPTS = re.compile("(?=\\w*[a-zA-Z\u00c0-\u024f])(?=\\w*[\u0370-\u03ff\u0400-\u04ff])\\w+")
_KINDS = str.maketrans({"？": "?", "！": "!", "。": ".", "؟": "?", "．": ".", "…": ".", "।": "."})


def too_long(source: str, target: str) -> bool:
    """A side of more than LONGEST_WORDS words."""
    return source.count(" ") >= LONGEST_WORDS or target.count(" ") >= LONGEST_WORDS


def unequal(source: str, target: str) -> bool:
    """One side is RATIO times as long as the other."""
    one, other = len(source) + 12, len(target) + 12
    return one > RATIO * other or other > RATIO * one


def long_word(source: str, target: str) -> bool:
    """A word of more than LONGEST_WORD characters, as where spaces were lost; but no address."""
    for side in (source, target):
        words = side.split() if len(side) > LONGEST_WORD else []
        longest = max(map(len, words), default=0)  # much faster than looking at each
        if longest > LONGEST_WORD and any(
            len(word) > LONGEST_WORD and word.isascii() and "://" not in word for word in words
        ):
            return True
    return False


def no_letters(source: str, target: str) -> bool:
    """A side without any letter: nothing to translate."""
    return not (any(map(str.isalpha, source)) and any(map(str.isalpha, target)))


def other_numbers(source: str, target: str) -> bool:
    """Each side has digits that the other lacks; zeros, and numbers written as words on one side, pass."""
    ours, theirs = sorted(_DIGITS.findall(source)), sorted(_DIGITS.findall(target))
    return bool(ours and theirs and ours != theirs) and not (_within(ours, theirs) or _within(theirs, ours))


def other_marks(source: str, target: str) -> bool:
    """Placeholders or tags of one side are not those of the other."""
    if not any(sign in side for side in (source, target) for sign in "<{%$"):
        return False
    return sorted(_MARKS.findall(source)) != sorted(_MARKS.findall(target))


def other_brackets(source: str, target: str) -> bool:
    """Round or square brackets open on one side only."""
    return any(source.count(one) != target.count(one) for one in "([")


def other_end(source: str, target: str) -> bool:
    """One side asks, calls out or goes on where the other does not."""
    ends = [side.rstrip(" \"'»”’)").translate(_KINDS)[-1:] for side in (source, target)]
    return ends[0] != ends[1] and bool({*ends} & {"?", "!", ":"})


def broken(source: str, target: str) -> bool:
    """A replacement character, or mojibake that could not be mended."""
    from latimer.doctor.mending import has_mojibake

    return any("\ufffd" in side or has_mojibake(side) for side in (source, target))


def mixed_scripts(source: str, target: str) -> bool:
    """A word of Latin and of Greek or Cyrillic letters, which look alike."""
    for side in (source, target):
        # Words are looked at only where one of them has such a letter.
        if not side.isascii() and _LOOK_ALIKE.search(side) and _SCRIPTS.search(side):
            return True
    return False


def repetitive(source: str, target: str) -> bool:
    """The same few words over and over."""
    for side in (source, target):
        if side.count(" ") < 5:
            continue
        words = side.split()
        if len(words) >= REPEATED * len(set(words)):
            return True
    return False


def copied(source: str, target: str) -> bool:
    """The target is the source, not translated."""
    return source.casefold() == target.casefold() and source.count(" ") + 1 >= COPIED_WORDS


def _either(sign: int) -> Callable[[Texts, Rows], Flags]:
    return lambda texts, rows: _any((texts.signs[rows] & sign).astype(np.bool_))


def _any(found: Flags) -> Flags:
    """Found in the source or the target; found: 2 x N."""
    return found[0] | found[1]


def _both_numbers(texts: Texts, rows: Rows) -> Flags:
    held = texts.signs[rows]
    return (held[0] & held[1] & DIGIT).astype(np.bool_)


def _no_plain_letter(texts: Texts, rows: Rows) -> Flags:
    return _any((texts.signs[rows] & LETTER) == 0)


def _many_words(texts: Texts, rows: Rows) -> Flags:
    return _any(texts.counts[rows] > LONGEST_WORDS)


def _unequal(texts: Texts, rows: Rows) -> Flags:
    one, other = texts.letters[rows] + 12
    return (one > RATIO * other) | (other > RATIO * one)


def _one_long_word(texts: Texts, rows: Rows) -> Flags:
    """Small letters are at least as many as the capitals that they stand for."""
    long = np.array([len(word) > LONGEST_WORD for word in texts.words], dtype=np.bool_)
    found = np.zeros(len(texts.texts), dtype=np.bool_)
    if long.any():
        found[texts.owners[long[texts.ids]]] = True
    return _any(found[rows])


def _same_ends(texts: Texts, rows: Rows) -> Flags:
    counts, starts = texts.counts[rows], texts.starts[rows]
    first, last = texts.ids[starts], texts.ids[starts + counts - 1]
    same = (counts[0] == counts[1]) & (first[0] == first[1]) & (last[0] == last[1])
    return same & (counts[0] >= COPIED_WORDS)


def _few_words(texts: Texts, rows: Rows) -> Flags:
    few = (texts.counts > 5) & (texts.counts >= REPEATED * texts.distinct)
    return _any(few[rows])


RULES = (
    Rule("EncodingFilter", broken, _either(LEAD), "broken encoding that can't be mended"),
    Rule("LengthFilter", too_long, _many_words, f"a side of more than {LONGEST_WORDS} words"),
    Rule("LengthRatioFilter", unequal, _unequal, f"one side {RATIO:g} times as long as the other"),
    Rule("LongWordFilter", long_word, _one_long_word, f"a word of more than {LONGEST_WORD} letters"),
    Rule("AlphabetRatioFilter", no_letters, _no_plain_letter, "a side without letters"),
    Rule("SimilarityFilter", copied, _same_ends, f"an untranslated copy of {COPIED_WORDS} words or more"),
    Rule("NonZeroNumeralsFilter", other_numbers, _both_numbers, "numbers that differ"),
    Rule("HtmlTagFilter", other_marks, _either(MARK), "placeholders or tags that differ"),
    Rule("RepetitionFilter", repetitive, _few_words, f"each word {REPEATED:g} times on average"),
    Rule("CharacterScoreFilter", mixed_scripts, _either(ALIKE), "words of two scripts"),
    Rule("BracketsFilter", other_brackets, _either(BRACKET), "brackets on one side only", drops=False),
    Rule("TerminalPunctuationFilter", other_end, _either(ASKING), "another final punctuation", drops=False),
)


def faulty_in(rule: Rule, texts: Texts, rows: Rows) -> list[int]:
    """The places of the pairs that break the rule."""
    return [
        place
        for place in np.flatnonzero(rule.may(texts, rows)).tolist()
        if rule.faulty(texts.texts[rows[0, place]], texts.texts[rows[1, place]])
    ]


def faults_of(texts: Texts, rows: Rows) -> list[str | None]:
    """`fault_of` of each pair."""
    found: list[str | None] = [None] * rows.shape[1]
    for rule in RULES:
        if rule.drops:
            for place in faulty_in(rule, texts, rows):
                found[place] = found[place] or rule.name
    return found


def fault_of(source: str, target: str) -> str | None:
    """The name of the first rule that drops the pair; None where all pass it."""
    for rule in RULES:
        if rule.drops and rule.faulty(source, target):
            return rule.name
    return None


def _within(few: list[str], many: list[str]) -> bool:
    left = list(many)
    for digit in few:
        if digit not in left:
            return False
        left.remove(digit)
    return True
