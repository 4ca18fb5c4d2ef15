"""Terms that drift: a source word that is nearly always said in one way, and here and there in another.

The dictionary of the corpus names the usual word of each; all pairs tell how often it stands there, in any
form (its first letters), and which other word stands in its place where it does not.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.doctor.shifts import Dictionary, words_in
from latimer.doctor.texts import Rows, Texts, once_each

SURE = 0.5  # the least Dice coefficient of a term and its usual word
LEAST_LETTERS = 4
SEEN = 20  # pairs with the term
USUAL = 0.8  # of them with the usual word
OTHERS = 3  # pairs that say it in the same other way
LIFT = 10  # times as frequent in the pairs without the usual word as in all
OWN = 0.5  # square of those over all pairs with the other word: it is no word of everywhere
_WAYS = 2  # other words that are told of a term
_KEPT = 500  # pairs of a term without its usual word


class Drift(NamedTuple):
    """`usual` stands in so many of the pairs with the term, `other` in the pairs of `lines`."""

    term: str
    usual: str
    pairs: int
    other: str
    lines: list[int]


def akin(word: str, other: str) -> bool:
    """Whether both may be forms of one word: they begin alike."""
    need = max(LEAST_LETTERS, max(len(word), len(other)) // 2)
    return word == other or (min(len(word), len(other)) >= need and word[:need] == other[:need])


@dataclass
class Uses:
    """What some pairs showed of terms, and with `extend` what later ones did; the fields can go into JSON."""

    usual: dict[str, str] = field(default_factory=dict)  # of each term that was seen
    seen: Counter[str] = field(default_factory=Counter)  # pairs with the term
    met: Counter[str] = field(default_factory=Counter)  # of them with the usual word
    # The first of the others, of each term: number, words of the target.
    misses: dict[str, list[tuple[int, list[str]]]] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)  # pairs with the word in the target
    pairs: int = 0

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Uses":
        """From the fields, as JSON gives them back."""
        counts = {name: Counter(told[name]) for name in ("seen", "met", "said")}
        misses = {term: [(number, words) for number, words in some] for term, some in told["misses"].items()}
        return cls(**{**told, **counts, "misses": misses})

    def extend(self, later: "Uses") -> None:
        """Add what was counted in later pairs."""
        self.usual |= later.usual
        self.seen.update(later.seen)
        self.met.update(later.met)
        self.said.update(later.said)
        self.pairs += later.pairs
        for term, misses in later.misses.items():
            kept = self.misses.setdefault(term, [])
            kept += misses[: _KEPT - len(kept)]

    def drifts(self) -> list[Drift]:
        """What drifts, the term with the most other pairs first."""
        found = []
        for term, misses in self.misses.items():
            if self.seen[term] < SEEN or self.met[term] < USUAL * self.seen[term]:
                continue
            others = Counter(other for _, words in misses for other in words)
            scored = sorted(
                (
                    (count * count / self.said[other], other)
                    for other, count in others.items()
                    if count >= OTHERS
                    and len(other) >= LEAST_LETTERS
                    and count * self.pairs >= LIFT * self.said[other] * len(misses)
                    and count * count >= OWN * self.said[other]
                ),
                reverse=True,
            )
            for _, other in scored[:_WAYS]:
                lines = [number for number, words in misses if other in words]
                found.append(Drift(term, self.usual[term], self.met[term], other, lines))
        return sorted(found, key=lambda drift: (-len(drift.lines), drift.term, drift.other))


class Terms:
    """The terms of a dictionary, looked for in pairs."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._terms = [
            (word, usual)
            for word, (usual, dice) in sorted(dictionary.first.items())
            if dice >= SURE and len(word) > 2 and len(usual) >= LEAST_LETTERS and not usual.isdigit()
        ]
        self._by_source = {word: place for place, (word, _) in enumerate(self._terms)}
        self._by_target: dict[str, list[int]] = defaultdict(list)
        for place, (_, usual) in enumerate(self._terms):
            self._by_target[usual[:LEAST_LETTERS]].append(place)

    def look(self, texts: Texts, rows: Rows, numbers: Sequence[int]) -> Uses:
        """What these pairs show; `numbers` name them."""
        kinds, uses = len(self._terms), Uses(pairs=rows.shape[1])
        names, ids, owners = words_in(texts, most=texts.ids.size)
        place, ours = np.zeros(len(texts.texts), dtype=np.int64), np.zeros(len(texts.texts), dtype=np.bool_)
        place[rows] = np.arange(rows.shape[1])
        ours[rows[0]] = True
        lines, ours = place[owners], ours[owners]
        spoken = once_each(lines[~ours] * len(names) + ids[~ours])
        for word, count in zip(*np.unique(spoken % max(1, len(names)), return_counts=True), strict=True):
            uses.said[names[word]] = int(count)
        if not kinds:
            return uses
        known = np.array([self._by_source.get(name, -1) for name in names], dtype=np.int64)
        terms = known[ids]
        wanted = once_each((lines * kinds + terms)[ours & (terms >= 0)])
        met = np.isin(wanted, self._usual(names, ids[~ours], lines[~ours]), assume_unique=True)
        seen, found = (np.bincount(some % kinds, minlength=kinds) for some in (wanted, wanted[met]))
        for term in np.flatnonzero(seen).tolist():
            word, uses.usual[word] = self._terms[term]
            uses.seen[word], uses.met[word] = int(seen[term]), int(found[term])
        for key in wanted[~met].tolist():
            line, term = divmod(key, kinds)
            misses = uses.misses.setdefault(self._terms[term][0], [])
            if len(misses) < _KEPT:
                first, last = np.searchsorted(spoken, (line * len(names), (line + 1) * len(names)))
                words = [names[one] for one in (spoken[first:last] % len(names)).tolist()]
                misses.append((numbers[line], words))
        return uses

    def _usual(
        self, names: Sequence[str], ids: NDArray[np.int64], lines: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """line * terms + term, for each term whose usual word stands in the target of the line."""
        of_name = [
            [
                term
                for term in self._by_target.get(name[:LEAST_LETTERS], ())
                if akin(name, self._terms[term][1])
            ]
            for name in names
        ]
        sizes = np.fromiter(map(len, of_name), dtype=np.int64, count=len(of_name))
        flat = np.array([term for terms in of_name for term in terms], dtype=np.int64)
        begun, counts = (np.cumsum(sizes) - sizes)[ids], sizes[ids]
        places = np.arange(counts.sum()) + np.repeat(begun - (np.cumsum(counts) - counts), counts)
        return once_each(np.repeat(lines, counts) * len(self._terms) + flat[places])
