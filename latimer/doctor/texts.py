"""The texts of many pairs together, with what costs little when it is asked of all at once.

A pair is a column of `rows`: the places of its source and its target among the texts. Sides are exchanged and
targets moved by other rows; the texts stay.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.doctor.letters import signs

Rows = NDArray[np.int64]  # 2 x N
Flags = NDArray[np.bool_]
_BLOCK = 64  # texts, so that their words stay in a processor's cache


class Texts(NamedTuple):
    """N texts, mended, or at least with single spaces only."""

    texts: list[str]
    signs: NDArray[np.uint16]  # of each, see letters.py
    letters: NDArray[np.int64]  # how many each has
    counts: NDArray[np.int64]  # its words, at least 1: what spaces part, in small letters
    ids: NDArray[np.int32]  # of the words of all texts, one after the other
    words: list[str]  # by id

    @property
    def owners(self) -> NDArray[np.int64]:
        """The text of each word in `ids`."""
        return np.repeat(np.arange(len(self.texts)), self.counts)

    @property
    def starts(self) -> NDArray[np.int64]:
        """The place of each text's first word in `ids`."""
        return np.cumsum(self.counts) - self.counts

    @property
    def distinct(self) -> NDArray[np.int64]:
        """How many different words each has."""
        keys = once_each(self.owners * len(self.words) + self.ids)
        return np.bincount(keys // max(1, len(self.words)), minlength=len(self.texts))


def texts_of(texts: list[str], known: NDArray[np.uint16] | None = None) -> Texts:
    """Gather the texts; `known` are their signs."""
    letters = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    counts = np.fromiter((text.count(" ") + 1 for text in texts), dtype=np.int64, count=len(texts))
    ids, index = [np.zeros(0, dtype=np.int32)], _Numbers()
    for first in range(0, len(texts), _BLOCK):
        words = " ".join(texts[first : first + _BLOCK]).casefold().split(" ")
        ids.append(np.fromiter(map(index.__getitem__, words), dtype=np.int32, count=len(words)))
    return Texts(
        texts, signs(texts) if known is None else known, letters, counts, np.concatenate(ids), [*index]
    )


class _Numbers(dict[str, int]):
    """A number for each word, in the order in which they were asked for."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


def rows_of(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], Rows]:
    """All sources, then all targets; and the rows of the pairs."""
    texts = [source for source, _ in pairs] + [target for _, target in pairs]
    return texts, np.arange(len(texts), dtype=np.int64).reshape(2, len(pairs))


def once_each(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each of the keys once, in order; many times as fast as np.unique."""
    ordered = np.sort(keys)
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]
