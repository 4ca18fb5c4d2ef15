"""Minimum Bayes risk: of some texts the one that agrees best with all that could be said.

expected(h) = sum over texts r of p(r) chrF(h, r)       Kumar and Byrne 2004; Eikema and Aziz 2022

where p(r) is how often r was drawn. chrF (Popović 2015) as sacreBLEU has it: stretches of up to six
characters without spaces, recall weighted twice.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

ORDER, WEIGHT = 6, 4  # the longest stretch; the square of how much more recall counts


def expected_agreement(
    texts: Sequence[str], times: Float[np.ndarray, " N"], chosen: Sequence[int]
) -> Float[np.ndarray, " C"]:
    """Of each of the `chosen` texts its mean chrF, from 0 to 100, with all, of which each came `times`."""
    return chrf(texts)[list(chosen)] @ times / times.sum()


def chrf(texts: Sequence[str]) -> Float[np.ndarray, "N N"]:
    """From 0 to 100: of text i with text j as its reference."""
    spelled = [[ord(letter) for letter in "".join(text.split())] for text in texts]
    text_of = np.repeat(np.arange(len(texts)), [len(letters) for letters in spelled])
    letters = np.unique([one for some in spelled for one in some], return_inverse=True)[1]
    left = np.concatenate([np.arange(len(some), 0, -1) for some in spelled]) if spelled else letters
    precision = np.zeros((len(texts), len(texts)))
    recall, orders = precision.copy(), precision.copy()
    grams = np.zeros_like(letters)  # which stretch begins at each letter
    for size in range(1, ORDER + 1):
        at = np.flatnonzero(left >= size)
        wider = grams[at] * (letters.max(initial=0) + 1) + letters[at + size - 1]
        kinds, grams[at] = np.unique(wider, return_inverse=True)
        both = text_of[at] * len(kinds) + grams[at]
        counts = np.bincount(both, minlength=len(texts) * len(kinds)).reshape(len(texts), len(kinds))
        # The lesser of two counts is how many numbers are less than both.
        reached = [(counts > number).astype(np.float32) for number in range(counts.max(initial=0))]
        common = sum((some @ some.T for some in reached), np.zeros(precision.shape, np.float32))
        of_each = counts.sum(1)
        precision += common / np.maximum(of_each, 1)[:, None]
        recall += common / np.maximum(of_each, 1)
        orders += (of_each > 0)[:, None] & (of_each > 0)
    precision, recall = (each / np.maximum(orders, 1) for each in (precision, recall))
    return 100 * (1 + WEIGHT) * precision * recall / np.maximum(WEIGHT * precision + recall, 1e-16)
