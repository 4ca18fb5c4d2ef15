"""What stands twice in a corpus, exactly or nearly, from 80 bytes a pair.

MinHash (Broder 1997): of the hashes of all n-grams of a text, the least under each of several hash functions;
two texts agree in as many of them as their n-grams overlap (Jaccard). Pairs that agree in one band of them
are compared in all.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.data.split import key_of_bare
from latimer.doctor.letters import bares

GRAM = 6  # bytes of UTF-8
FUNCTIONS, BANDS = 16, 4
NEAR = 13  # of the functions agree: a Jaccard index of about 0.8
_RANDOM = np.random.Generator(np.random.PCG64(1))
_FACTORS = _RANDOM.integers(1, 2**63, FUNCTIONS, dtype=np.uint64).astype(np.uint32) | np.uint32(1)
_BASE = np.uint64(0x100000001B3)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_BLOCK = 256  # texts, so that their grams stay in a processor's cache


class Marks(NamedTuple):
    """What is kept of each pair, row by row."""

    sources: NDArray[np.uint64]  # keys: the same for sentences that differ in case, punctuation and spaces
    targets: NDArray[np.uint64]
    signatures: NDArray[np.uint32]  # N x FUNCTIONS

    @property
    def pairs(self) -> NDArray[np.uint64]:
        """A key of both sides together."""
        return self.sources * np.uint64(0x9E3779B97F4A7C15) ^ self.targets


def mark(pairs: Sequence[tuple[str, str]]) -> Marks:
    """The marks of some pairs."""
    sources = bares([source for source, _ in pairs])
    targets = bares([target for _, target in pairs])
    return Marks(
        np.array([key_of_bare(source) for source in sources], dtype=np.uint64),
        np.array([key_of_bare(target) for target in targets], dtype=np.uint64),
        signatures([f"{source}\t{target}" for source, target in zip(sources, targets, strict=True)]),
    )


def joined(parts: Sequence[Marks]) -> Marks:
    """The marks of several parts, one after the other."""
    if not parts:
        return mark([])
    return Marks(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    """The MinHash of each text, a row each."""
    blocks = [_signatures(texts[first : first + _BLOCK]) for first in range(0, len(texts), _BLOCK)]
    return np.concatenate([np.zeros((0, FUNCTIONS), dtype=np.uint32), *blocks])


def _signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    coded = [text.encode()[: 1 << 14].ljust(GRAM, b"\0") for text in texts]
    lengths = np.array([len(one) - GRAM + 1 for one in coded])
    letters = np.frombuffer(b"".join(coded), dtype=np.uint8).astype(np.uint64)
    grams = np.zeros(len(letters) - GRAM + 1, dtype=np.uint64)
    for place in range(GRAM):
        grams = grams * _BASE + letters[place : place + len(grams)]
    inside = np.ones(len(grams), dtype=np.bool_)
    ends = np.cumsum(lengths + GRAM - 1)[:-1]
    for back in range(1, GRAM):
        inside[ends - back] = False  # they reach into the next text
    grams = grams[inside]
    short = ((grams ^ grams >> np.uint64(29)) * _SPREAD >> np.uint64(32)).astype(np.uint32)
    starts = np.cumsum(lengths) - lengths
    return np.stack([np.minimum.reduceat(short * factor, starts) for factor in _FACTORS], axis=1)


def near_groups(signed: NDArray[np.uint32]) -> NDArray[np.int64]:
    """For each row the first row that it is nearly the same as, itself where there is none before it."""
    first = np.arange(len(signed))
    width = FUNCTIONS // BANDS
    for band in range(BANDS):
        part = signed[:, band * width : (band + 1) * width].astype(np.uint64)
        names = part[:, 0]
        for column in part.T[1:]:
            names = names * _BASE ^ column
        _, where, group = np.unique(names, return_index=True, return_inverse=True)
        heads = where[group]
        agree = (signed == signed[heads]).sum(axis=1) >= NEAR
        first = np.where(agree, np.minimum(first, heads), first)
    return first


def leaks(marks: Marks, test: Marks) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows share a sentence with the test, and which others are nearly as a pair of it."""
    if not len(test.sources):
        none = np.zeros(len(marks.sources), dtype=np.bool_)
        return none, none
    exact = np.isin(marks.sources, test.sources) | np.isin(marks.targets, test.targets)
    near = near_groups(np.concatenate([test.signatures, marks.signatures]))[len(test.sources) :]
    return exact, ~exact & (near < len(test.sources))


def once(marks: Marks) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows repeat an earlier one exactly, and which nearly; without them there is no such row left."""
    _, where, group = np.unique(marks.pairs, return_index=True, return_inverse=True)
    exact = where[group] != np.arange(len(group))
    near = np.zeros(len(group), dtype=np.bool_)
    left = np.flatnonzero(~exact)
    while len(left):  # who was compared with one that is gone is compared again
        again = near_groups(marks.signatures[left]) != np.arange(len(left))
        if not again.any():
            break
        near[left[again]] = True
        left = left[~again]
    return exact, near
