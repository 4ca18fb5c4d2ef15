"""What the words of a translation looked at, by whatever engine runs the model: torch is not needed.

The translation is given, and the model reads it as in training, so it need not be its own. How attention
between pieces becomes attention between words, and links, stands in `wordmaps`.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.alignment import Links
from latimer.data.text import normalise
from latimer.data.tokenizer import Tokenizer
from latimer.translator import Translator
from latimer.wordmaps import Weights, between_words, linked

LONGER = 2  # times as long as training has seen: what is longer than that is not looked at


class Explained(NamedTuple):
    """A pair in words. `attention` (T S): what is missing to 1 in a row looked at the end of the source."""

    source: list[str]
    target: list[str]
    attention: Weights
    alignment: Links

    def after(self, earlier: "Explained") -> "Explained | None":
        """Through a language between, whose words both have to count alike."""
        if earlier.target != self.source:
            return None
        attention = self.attention @ earlier.attention
        return Explained(earlier.source, self.target, attention, linked(attention))


def explain(translator: Translator, pairs: Sequence[tuple[str, str]]) -> list[Explained | None]:
    """Each pair of texts explained; None where one is empty or much too long, or the engine gives no maps."""
    source, target = translator.tokenizers
    rows = source.encode_many([normalise(one) for one, _ in pairs])
    said = target.encode_many([normalise(other) for _, other in pairs])
    most = LONGER * translator.longest
    readable = [
        index
        for index in range(len(pairs))
        if rows[index] and 0 < len(said[index]) <= most >= len(rows[index])
    ]
    found: list[Explained | None] = [None] * len(pairs)
    looked = translator.looked_at([(rows[index], said[index]) for index in readable])
    for index, weights in zip(readable, looked, strict=True):
        if weights is None:
            continue
        tags = int((source.word_of(rows[index]) < 0).sum())
        its, ours = words(source, rows[index][tags:]), words(target, said[index])
        attention = between_words(weights[:, tags:-1], its.number, ours.number)
        found[index] = Explained(its.words, ours.words, attention, linked(attention))
    return found


class Words(NamedTuple):
    """The words of a text, and which of them each of its pieces belongs to."""

    words: list[str]
    number: NDArray[np.int64]


def words(tokenizer: Tokenizer, ids: Sequence[int]) -> Words:
    """Words are what spaces part; in scripts that put none between words, the pieces themselves.

    Put one after the other, but for the spaces, they are the text.
    """
    number = tokenizer.word_of(ids)
    found = _joined(tokenizer, ids, number)
    if any(map(_is_wide, "".join(found))):
        pieces = tokenizer.pieces(ids)
        goes_on = [
            before == "\u2581" or (_is_byte(before) and _is_byte(piece))
            for before, piece in pairwise(["", *pieces])
        ]
        number = np.cumsum(~np.array(goes_on)) - 1
        found = _joined(tokenizer, ids, number)
    return Words(found, number)


def _is_wide(letter: str) -> bool:
    """Whether it is a letter of a script without spaces between words; Korean has them."""
    return (
        letter.isalpha()
        and unicodedata.east_asian_width(letter) in "WF"
        and not "\uac00" <= letter <= "\ud7af"
    )


def _is_byte(piece: str) -> bool:
    return re.fullmatch("<0x[0-9A-F]{2}>", piece) is not None


def _joined(tokenizer: Tokenizer, ids: Sequence[int], number: NDArray[np.int64]) -> list[str]:
    edges = [*np.unique(number, return_index=True)[1].tolist(), len(ids)]
    return [tokenizer.decode(ids[left:right]).strip() for left, right in pairwise(edges)]
