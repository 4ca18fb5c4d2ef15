"""Several corpora in one training: how often the pairs of each are seen.

A weight w, written `a.tmx:3`, lets each pair of a corpus be seen w times where one of weight 1 is seen once;
below 1 it leaves out a share, evenly. A temperature T evens out sizes: of n pairs, beside the largest corpus
of m pairs, each is seen (m / n)^(1 - 1/T) times, so that corpora stand in the proportion n^(1/T); 1 leaves
them as they are.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import NamedTuple, TypeVar

from latimer.errors import Mistake

T = TypeVar("T")
_WEIGHT = re.compile(r"(?P<name>.*[^:/\\]|-):(?P<weight>[0-9]*\.?[0-9]+)")
_DOMAIN = re.compile(r"\w[\w-]*")
MOST = 1000  # times that a pair may be seen in one pass


class Weighted(NamedTuple):
    """What CORPUS says with a weight behind it, 1 where there is none, and perhaps a domain before it."""

    name: str
    weight: float
    domain: str | None = None


def weighted(text: str) -> Weighted:
    """`a.tmx:3` is a.tmx with weight 3, and `law=a.tmx` is a.tmx of the domain law.

    A file of that very name, or one on the drive C:, is only a file. Raises Mistake for a weight that is zero
    or enormous.
    """
    domain, equals, rest = text.partition("=")
    if (
        equals
        and _DOMAIN.fullmatch(domain)
        and not any(map(Path.exists, (Path(text), Path(text.rpartition(":")[0] or text))))
    ):
        return weighted(rest)._replace(domain=domain)
    found = _WEIGHT.fullmatch(text)
    if not found or re.fullmatch("[A-Za-z]", found["name"]) or Path(text).exists():
        return Weighted(text, 1.0)
    weight = float(found["weight"])
    if not 0 < weight <= MOST:
        raise Mistake(f"{text}: a weight must be above 0 and at most {MOST}.")
    return Weighted(found["name"], weight)


def repetitions(sizes: Sequence[int], weights: Sequence[float], temperature: float) -> list[float]:
    """How often each pair of each corpus is seen in one pass. sizes: how many pairs each has to train on."""
    most = max(sizes, default=0)
    evened = [(most / size) ** (1 - 1 / temperature) if size else 1.0 for size in sizes]
    return [min(weight * times, MOST) for weight, times in zip(weights, evened, strict=True)]


def rows(sizes: Sequence[int], times: Sequence[float]) -> int:
    """How many items `mixed` gives."""
    return sum(math.floor(size * often) for size, often in zip(sizes, times, strict=True))


def mixed(items: Iterable[T], sizes: Sequence[int], times: Sequence[float]) -> Iterator[T]:
    """The items, which are those of one corpus after the other, each as often as it is to be seen."""
    stream = iter(items)
    for size, often in zip(sizes, times, strict=True):
        for place, item in enumerate(islice(stream, size)):
            yield from repeat(item, math.floor((place + 1) * often) - math.floor(place * often))
