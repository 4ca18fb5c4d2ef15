"""Sides that are exchanged or in a third language, told by the words of the corpus itself.

A word's log-odds say on which side of the corpus it stands; a sentence whose words all belong to the other
side is on the wrong one. Where hardly a word is known on either side, the sentence is in neither language;
names and numbers, which both sides have, don't count.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from latimer.doctor.texts import Rows, Texts

SAMPLE = 50_000  # pairs that are learned from
LEAST_PAIRS = 500  # fewer tell nothing of words
SURE = 4.0  # nats by which both sides must speak for being exchanged
UNSURE = 3.0  # from here on they may be
OWN = 1.0  # nats a word by which a text should speak for either side; most speak for theirs by 4
OWN_WORDS = 5  # shorter ones may be names


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

    def alike(self, texts: Texts, rows: Rows) -> list[int]:
        """The pairs that are of the `same_language`, and not swapped."""
        sources, targets = self.leans(texts)[rows]
        both = np.minimum(np.abs(sources), np.abs(targets)) > SURE - 0.01
        return [
            place
            for place in np.flatnonzero(both & ((sources > 0) == (targets > 0))).tolist()
            if self.same_language(texts.texts[rows[0, place]], texts.texts[rows[1, place]])
        ]

    def foreign(self, texts: Texts, rows: Rows) -> list[int]:
        """The pairs with a side in neither language, as far as its words tell."""
        if not self._odds:
            return []
        counts = texts.counts[rows]
        strange = (counts >= OWN_WORDS) & (np.abs(self.leans(texts)[rows]) < OWN * counts)
        found = []
        for place in np.flatnonzero(strange[0] | strange[1]).tolist():
            sides = [texts.texts[row].casefold().split() for row in rows[:, place]]
            if any(
                strange[side, place] and self._is_strange(sides[side], sides[1 - side]) for side in (0, 1)
            ):
                found.append(place)
        return found

    def _is_strange(self, words: Sequence[str], opposite: Sequence[str]) -> bool:
        """Whether its words speak for no language; names and numbers, which both sides have, don't count."""
        shared = {*opposite}
        own = [word for word in words if word not in shared and any(map(str.isalpha, word))]
        return len(own) >= OWN_WORDS and abs(sum(self._odds.get(word, 0.0) for word in own)) < OWN * len(own)

    def _lean(self, text: str) -> float:
        odds = self._odds
        return sum(odds.get(word, 0.0) for word in text.casefold().split())
