"""Holding out validation pairs, so that no sentence of theirs is also trained on."""

import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from latimer.data.corpus import Pair

TRAIN, VALIDATION, LEFT_OUT = 0, 1, 2


class Division(NamedTuple):
    """Each pair's part, in order: TRAIN, VALIDATION, or LEFT_OUT (one of its sentences is held out)."""

    parts: NDArray[np.uint8]

    def count(self, part: int) -> int:
        return int((self.parts == part).sum())

    def choose(self, pairs: "Iterable[Pair]", part: int) -> "Iterator[Pair]":
        """The pairs of one part, in a second pass through the same corpus."""
        for pair, its_part in zip(pairs, self.parts, strict=True):
            if its_part == part:
                yield pair


def hold_out(
    pairs: "Iterable[Pair]", *, share: float = 0.02, most: int = 1000, least: int = 50, seed: int = 0
) -> Division:
    """Choose about `share` of the pairs for validation, between `least` and `most`, but never over a quarter.

    A source goes there with all its targets. Sentences count as the same when they differ only in case,
    punctuation and spaces; no source and no target of VALIDATION is in TRAIN. The choice follows from the
    sentences and the seed, not from their order. One pass; of the text only hashes are kept.
    """
    source_keys, target_keys = array("Q"), array("Q")
    for pair in pairs:
        source_keys.append(key(pair.source))
        target_keys.append(key(pair.target))
    total = len(source_keys)
    goal = min(max(round(share * total), least), most, total // 4)
    parts = np.zeros(total, dtype=np.uint8)
    if not goal:
        return Division(parts)
    names, sources = np.unique(np.array(source_keys, dtype=np.uint64), return_inverse=True)
    _, targets, sharing = np.unique(
        np.array(target_keys, dtype=np.uint64), return_inverse=True, return_counts=True
    )
    chosen = _choose(names, sources, targets, sharing, goal=goal, seed=seed)
    held = np.isin(sources, chosen)
    parts[np.isin(targets, targets[held])] = LEFT_OUT
    parts[held] = VALIDATION
    return Division(parts)


def _choose(
    names: NDArray[np.uint64],
    sources: NDArray[np.intp],
    targets: NDArray[np.intp],
    sharing: NDArray[np.intp],
    *,
    goal: int,
    seed: int,
) -> list[int]:
    """Whole sources in random order, until `goal` pairs are held out; at most `goal` are left out for them.

    sources, targets: the group of each pair; sharing: how many pairs have each target.
    """
    by_source = np.argsort(sources, kind="stable")
    ends = np.cumsum(np.bincount(sources, minlength=len(names)))
    chosen: list[int] = []
    held = left_out = 0
    for source in np.argsort(scrambled(names, seed), kind="stable"):
        rows = by_source[(ends[source - 1] if source else 0) : ends[source]]
        # "Yes." translates a hundred sentences: holding it out would cost the training all of them.
        lost = int(sharing[np.unique(targets[rows])].sum()) - len(rows)
        if held + len(rows) > goal or left_out + lost > goal:
            continue
        chosen.append(int(source))
        held += len(rows)
        left_out += lost
        if held == goal:
            break
    return chosen


def scrambled(names: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Other numbers for other seeds, so that a corpus that grows keeps most of what was held out."""
    salt = int.from_bytes(blake2b(str(seed).encode(), digest_size=8).digest(), "little")
    mixed: NDArray[np.uint64] = (names ^ np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return mixed


class _WithoutMarks(dict[int, str | None]):
    """For str.translate: spaces, punctuation and symbols go, everything else stays."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        self[code] = None if unicodedata.category(character)[0] in "ZPS" else character
        return self[code]


_WITHOUT_MARKS = _WithoutMarks()


def bare(sentence: str) -> str:
    """The sentence without case, punctuation and spaces; as it is where nothing else is in it."""
    return sentence.casefold().translate(_WITHOUT_MARKS) or sentence


def key(sentence: str) -> int:
    """The same 64 bits for sentences that differ only in case, punctuation and spaces."""
    return key_of_bare(bare(sentence))


def key_of_bare(sentence: str) -> int:
    """The key of a sentence that `bare` was applied to already."""
    return int.from_bytes(blake2b(sentence.encode(), digest_size=8).digest(), "little")
