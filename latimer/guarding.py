"""A guard around search, in pieces and letters alone: it knows of no model.

A translation in trouble repeats itself, says the source again, or is absurdly long. Search is then done again
where no three pieces may come twice, and fewer are allowed. A line longer than training has seen is cut; what
it says more than LOOP times in a row is searched as if it said it three times.
"""

import re
from collections import Counter
from collections.abc import Callable, Container, Sequence
from itertools import pairwise

import numpy as np

LOOP = 8  # a sentence that says something more often than this in a row is none
WORDS = 4  # so many words that are said again are no name
SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”»)]*\s+|(?<=[。！？])")


def usual_limit(source: int) -> int:
    """How many pieces a translation may have, the end counted, for a number of source pieces."""
    return 2 * source + 20


def safe_limit(source: int) -> int:
    """How many pieces a sound translation may have, the end counted, for a number of source pieces."""
    return source + source // 2 + 12


def repeats(tokens: Sequence[int], *, longest: int = 12) -> int:
    """How often the most repeated stretch of at most `longest` tokens follows itself; 1 is no repetition."""
    row = np.asarray(tokens)
    most = min(1, len(row))
    for period in range(1, min(longest, len(row) // 2) + 1):
        changes = np.flatnonzero(row[period:] != row[:-period])
        edges = np.concatenate([[-1], changes, [len(row) - period]])
        most = max(most, (int(np.diff(edges).max()) - 1) // period + 1)
    return most


def trouble(
    source: Sequence[int],
    target: Sequence[int],
    said: tuple[str, str],
    *,
    limit: int,
    begun: Sequence[int] = (),
) -> str | None:
    """What is wrong with a translation: "repetition", "length", "copy" or None.

    `source` and `target` are pieces without the end, `said` the two texts; `limit` is how many a sound one
    has, the end counted, and `begun` the pieces that it was told to begin with, which may repeat themselves.
    """
    often = max(Counter(target).values(), default=0)  # no stretch comes more often than its tokens
    if often > 2 and repeats(target) > max(2, repeats(source), repeats(begun)):
        return "repetition"
    if len(target) >= limit:
        return "length"
    given, found = (text.casefold().split() for text in said)
    if given == found and sum(any(map(str.isalpha, word)) for word in given) >= WORDS:
        return "copy"
    return None


def collapse(tokens: Sequence[int], *, most: int = 3) -> list[int]:
    """The tokens, each stretch that follows itself more often than LOOP times said `most` times only.

    What is left out of it are whole rounds, so that bytes stay those of letters.
    """
    row = list(tokens)
    for period in range(1, 13):
        if len(row) <= LOOP * period:
            break
        kept: list[int] = []
        run = 0  # so many tokens in a row are those of a period before
        left_out = 0  # tokens of a loop, which are not kept
        for token in row:
            if left_out and token == kept[left_out % period - period]:
                left_out += 1
                continue
            if left_out % period:
                kept += kept[-period:][: left_out % period]
            run = run + 1 if len(kept) >= period and kept[-period] == token else 0
            kept.append(token)
            left_out = 0
            if run == LOOP * period:
                left_out = (LOOP + 1 - most) * period
                del kept[-left_out:]
                run = 0
        row = kept + kept[-period:][: left_out % period]
    return row


def cut(text: str, count: Callable[[str], int], longest: int, whole: Sequence[tuple[int, int]]) -> list[str]:
    """The text in parts that together are it, each of at most `longest` by `count`.

    At the ends of sentences, else between clauses or at the space nearest to the middle, else in the middle;
    never inside of the ranges of `whole`, so that only such a part may be longer. What has no sentences and
    is over twice as long is cut smaller than `longest`: so long a stretch is hardly language, and the time of
    a search grows with its square.
    """
    inside = {place for left, right in whole for place in range(left + 1, right)}
    parts: list[str] = []
    waiting = [(0, len(text), longest)]
    while waiting:
        start, end, most = waiting.pop()
        part = text[start:end]
        if count(part) <= most:
            parts.append(part)
            continue
        ends = [start + match.end() for match in SENTENCE_END.finditer(part)]
        places = [at for at in ends if start < at < end and at not in inside]
        if not places:
            places = _middle(part, start, inside)
            most = most if count(part) <= 2 * most else max(1, longest // 3)
        if not places:
            parts.append(part)
            continue
        edges = [start, *places, end]
        waiting.extend((left, right, most) for left, right in reversed(list(pairwise(edges))))
    return parts


def sentence_ends(text: str) -> int:
    """How many there are."""
    return sum(1 for _ in SENTENCE_END.finditer(text))


def _middle(part: str, start: int, inside: Container[int]) -> list[int]:
    """The place to cut a part of the text that begins at `start`; none if it is all one."""
    middle = start + len(part) / 2
    quarter = len(part) / 4
    clauses = (match.end() for match in re.finditer(r"[,;:،；：，]\s+|[，；：]", part))
    for places in (
        (at for at in clauses if quarter < at < 3 * quarter),
        (match.end() for match in re.finditer(r"\s+", part)),
        range(1, len(part)),
    ):
        free = [start + at for at in places if at < len(part) and start + at not in inside]
        if free:
            return [min(free, key=lambda at: abs(at - middle))]
    return []


def has_letters(text: str) -> bool:
    """Whether there is anything to translate: digits, punctuation and emoji stay as they are."""
    return any(map(str.isalpha, text))


def unknown(pieces: Sequence[str]) -> bool:
    """Whether most of it is letters that the subwords can only spell by their bytes."""
    return sum(piece.startswith("<0x") for piece in pieces) > len(pieces) / 2
