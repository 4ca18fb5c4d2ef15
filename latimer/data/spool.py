"""Pairs that have been read and cleaned once, kept in a file for the passes that follow.

A corpus may be compressed, come from a pipe, or be larger than memory; learning subwords and writing token
ids want its pairs again, and so does a run that was killed in between. FILE holds a line "number, source,
target" for each usable pair, FILE.parts a byte for each (see split.py), and FILE.json, written last, what is
to be known of the corpora and the request that it answers.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from latimer.data.corpus import Corpus, Pair
from latimer.data.split import TRAIN, Division, hold_out
from latimer.data.text import SpaceCounts
from latimer.files import write_whole, written_whole

TOLD_EVERY = 10_000  # pairs


class Facts(NamedTuple):
    """What one pass through a corpus told of it."""

    name: str
    pairs: int
    skipped: dict[str, int]
    report: list[str]
    sha256: str
    spaces: list[tuple[str, str, str, int]]

    @property
    def spacing_counts(self) -> SpaceCounts:
        return Counter({(left, space, right): count for left, space, right, count in self.spaces})


class Spool(NamedTuple):
    """The usable pairs of some corpora, one after the other, each with its part."""

    path: Path
    facts: list[Facts]
    division: Division

    def pairs(self, part: int = TRAIN) -> Iterator[Pair]:
        """The pairs of one part, in their order."""
        return self.division.choose(self._all(), part)

    def sizes(self, part: int = TRAIN) -> list[int]:
        """How many pairs of that part each corpus has."""
        ends = np.cumsum([one.pairs for one in self.facts])[:-1]
        return [int((some == part).sum()) for some in np.split(self.division.parts, ends)]

    def _all(self) -> Iterator[Pair]:
        with self.path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                number, source, target = line.split("\t")
                yield Pair(source, target[:-1], int(number))

    def delete(self) -> None:
        for path in (_told(self.path), _parts(self.path), self.path):
            with suppress(OSError):
                path.unlink()

    @classmethod
    def write(
        cls,
        path: Path,
        corpora: Sequence[Corpus],
        *,
        hold: bool,
        seed: int,
        request: Any,
        progress: Callable[[float], None],
    ) -> "Spool":
        """Read the corpora into the file, and `hold` some pairs out. `progress`: what share is read.

        Raises Mistake for faults of the data.
        """
        _told(path).unlink(missing_ok=True)
        facts: list[Facts] = []
        with written_whole(path) as file:
            pairs = _passing(corpora, file, facts, progress)
            if hold:
                division = hold_out(pairs, seed=seed)
            else:
                division = Division(np.full(sum(1 for _ in pairs), TRAIN, dtype=np.uint8))
        write_whole(_parts(path), division.parts.tobytes())
        told = {"request": request, "facts": [one._asdict() for one in facts]}
        write_whole(_told(path), json.dumps(told).encode())
        return cls(path, facts, division)

    @classmethod
    def open(cls, path: Path, request: Any) -> "Spool | None":
        """What an earlier run has read for the same request; None where that is not there, or not whole."""
        try:
            told = json.loads(_told(path).read_text(encoding="utf-8"))
            facts = [Facts(**{**one, "spaces": list(map(tuple, one["spaces"]))}) for one in told["facts"]]
            parts = np.frombuffer(_parts(path).read_bytes(), dtype=np.uint8)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        whole = len(parts) == sum(one.pairs for one in facts) and path.exists()
        same = told["request"] == json.loads(json.dumps(request))
        return cls(path, facts, Division(parts)) if whole and same else None


def _passing(
    corpora: Iterable[Corpus], file: IO[bytes], facts: list[Facts], progress: Callable[[float], None]
) -> Iterator[Pair]:
    """The pairs of the corpora, each written to the file as it passes; afterwards the facts are known."""
    corpora = list(corpora)
    for place, corpus in enumerate(corpora):
        count = 0
        for pair in corpus.pairs():
            file.write(f"{pair.line}\t{pair.source}\t{pair.target}\n".encode())
            count += 1
            if count % TOLD_EVERY == 0:
                progress((place + corpus.share_read) / len(corpora))
            yield pair
        counts = sorted(corpus.spacing_counts.items())
        facts.append(
            Facts(
                name=corpus.name,
                pairs=count,
                skipped=dict(corpus.skipped.counts),
                report=corpus.report(),
                sha256=corpus.sha256(),
                spaces=[(*spaces, number) for spaces, number in counts],
            )
        )


def _told(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _parts(path: Path) -> Path:
    return path.with_name(f"{path.name}.parts")
