"""Sides that are exchanged or in a third language, told by the words of the corpus itself.

A word's log-odds say on which side of the corpus it stands; a sentence whose words all belong to the other
side is on the wrong one. Words that neither side knows, in a sentence without one known word, are of neither.
"""

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from latimer.doctor.texts import Rows, Texts

SAMPLE = 50_000  # pairs that are learned from
LEAST_PAIRS = 500  # fewer tell nothing of words
SURE = 4.0  # nats by which both sides must speak for being exchanged
UNSURE = 3.0  # from here on they may be


class Vocabularies:
    """The log-odds of words, positive for those of the source side."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        for pair in pairs:
            for count, side in zip(counts, pair, strict=True):
                count.update(side.casefold().split())
        ours, theirs = counts
        totals = [math.log(count.total() + 1) for count in counts]
        self._odds = {
            word: math.log(ours[word] + 0.5) - totals[0] - math.log(theirs[word] + 0.5) + totals[1]
            for word in ours.keys() | theirs.keys()
            if ours[word] + theirs[word] > 2
        }

    def swapped(self, source: str, target: str, *, sure: float = SURE) -> bool:
        """Whether both sides look like the other language, by so many nats."""
        return self._lean(source) < -sure and self._lean(target) > sure

    def same_language(self, source: str, target: str) -> bool:
        """Whether both sides look like one of the two languages."""
        one, other = self._lean(source), self._lean(target)
        return min(one, other) > SURE or max(one, other) < -SURE

    def leans(self, texts: Texts) -> NDArray[np.float64]:
        """The log-odds of all words of each text; but for rounding what the other questions go by."""
        odds = np.array([self._odds.get(word, 0.0) for word in texts.words])
        sums = np.bincount(texts.owners, odds[texts.ids], minlength=len(texts.texts))
        return sums.astype(np.float64)

    def exchanged(self, texts: Texts, rows: Rows) -> tuple[list[int], list[int]]:
        """The pairs that are `swapped`, and those that only may be."""
        sources, targets = self.leans(texts)[rows]
        sure, unsure = list[int](), list[int]()
        margin = UNSURE - 0.01
        for place in np.flatnonzero((sources < -margin) & (targets > margin)).tolist():
            pair = texts.texts[rows[0, place]], texts.texts[rows[1, place]]
            if self.swapped(*pair):
                sure.append(place)
            elif self.swapped(*pair, sure=UNSURE):
                unsure.append(place)
        return sure, unsure

    def _lean(self, text: str) -> float:
        odds = self._odds
        return sum(odds.get(word, 0.0) for word in text.casefold().split())
