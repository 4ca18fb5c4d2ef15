"""Parts of a corpus without leaks: pairs that share a side, or nearly one another, stay together.

Pairs are the nodes of a graph, joined where their sources, or their targets, differ at most in case,
punctuation and spaces, and where both sides together are nearly the same (memory.py). Whole components go to
a part, drawn by the sentences in them and the seed: the order of the lines decides nothing.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latimer.data.corpus import Corpus
from latimer.data.split import scrambled
from latimer.doctor.memory import joined, mark, near_groups
from latimer.errors import Mistake
from latimer.files import written_whole

PARTS = ("train", "validation", "test")
READ = 20_000  # pairs that are marked together


def split(
    corpora: Sequence[Corpus], into: Path, *, validation: int, test: int, seed: int = 0
) -> dict[str, int]:
    """Write train.tsv, validation.tsv and test.tsv into a folder; how many pairs each holds.

    Each corpus gives as much of the `validation` and `test` pairs as it is of the whole; a part may hold
    fewer where its components don't fit. Raises Mistake for fewer pairs than 4 times those of both parts.
    """
    marks, origins = [], list[int]()
    for origin, corpus in enumerate(corpora):
        pairs = ((pair.source, pair.target) for pair in corpus.pairs())
        while part := list(islice(pairs, READ)):
            marks.append(mark(part))
            origins += [origin] * len(part)
    kept, total = joined(marks), len(origins)
    if total < 4 * (validation + test):
        raise Mistake(
            f"{total:,} pairs are too few for {validation + test:,} of validation and test; "
            "have 4 times as many, or ask for less with --validation and --test."
        )
    components = _components(kept.sources, kept.targets, near_groups(kept.signatures))
    names = np.full(total, np.iinfo(np.uint64).max)
    np.minimum.at(names, components, kept.pairs)
    parts = _draw(components, names, np.array(origins), (test, validation), seed)
    return _write(corpora, into, parts)


def _components(*keys: NDArray[np.generic]) -> NDArray[np.int64]:
    """For each pair the first one of its component: pairs are joined that are equal in one of the keys."""
    groups = [np.unique(key, return_inverse=True)[1] for key in keys]
    roots = np.arange(len(groups[0]))
    while True:
        before = roots
        for group in groups:
            least = np.full(group.max() + 1, len(roots))
            np.minimum.at(least, group, roots)
            roots = least[group]
        if (roots == before).all():
            return roots


def _draw(
    components: NDArray[np.int64],
    names: NDArray[np.uint64],
    origins: NDArray[np.int64],
    goals: Sequence[int],
    seed: int,
) -> NDArray[np.uint8]:
    """The part of each pair, as a place in PARTS; components go where every origin in them still fits."""
    by_component = np.argsort(components, kind="stable")
    firsts, starts = np.unique(components[by_component], return_index=True)
    members = np.split(by_component, starts[1:])
    shares = np.bincount(origins) / len(origins)
    left = [np.floor(goal * shares + 0.5) for goal in goals]
    parts = np.zeros(len(components), dtype=np.uint8)
    for place in np.argsort(scrambled(names[firsts], seed), kind="stable"):
        rows = members[place]
        counts = np.bincount(origins[rows], minlength=len(shares))
        for number, room in enumerate(left):
            if (counts <= room).all():
                room -= counts
                parts[rows] = len(PARTS) - 1 - number
                break
        if not any(room.any() for room in left):
            break
    return parts


def _write(corpora: Sequence[Corpus], into: Path, parts: NDArray[np.uint8]) -> dict[str, int]:
    counts = Counter(dict.fromkeys(PARTS, 0))
    with ExitStack() as stack:
        files = [stack.enter_context(written_whole(into / f"{name}.tsv")) for name in PARTS]
        for part, pair in zip(parts, _all(corpora), strict=True):
            files[part].write(f"{pair[0]}\t{pair[1]}\n".encode())
            counts[PARTS[part]] += 1
    return dict(counts)


def _all(corpora: Sequence[Corpus]) -> Iterator[tuple[str, str]]:
    for corpus in corpora:
        yield from ((pair.source, pair.target) for pair in corpus.pairs())
