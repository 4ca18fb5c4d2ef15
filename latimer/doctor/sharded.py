"""Checking and cleaning as jobs in shards (see latimer/sharding.py), with what one process would give.

A shard has a pair a line, `[number, source, target]` as it was read.
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from latimer.data.corpus import Corpus
from latimer.data.text import normalise
from latimer.doctor import clean as cleaning
from latimer.doctor.check import OVERLAP, Notes, Run, Seen, diagnosis, examine
from latimer.doctor.diagnosis import Row
from latimer.doctor.learned import PART, SAMPLE, Learned, learn
from latimer.doctor.memory import Marks
from latimer.doctor.rules import RULES
from latimer.doctor.terms import Uses
from latimer.errors import Mistake
from latimer.files import written_whole

VERSION = 4  # of what checking leaves of a shard


@dataclass(frozen=True)
class Read:
    """A corpus, the tests that must not be in it, and how many of its pairs are a shard."""

    corpus: str
    against: tuple[str, ...] = ()
    source_language: str | None = None
    target_language: str | None = None
    size: int = PART

    @property
    def ahead(self) -> int:
        """The shards that words are learned from."""
        return -(-SAMPLE // self.size)

    def open(self, name: str) -> Corpus:
        """The corpus of that name, in the direction asked for."""
        return Corpus.open(name, source_language=self.source_language, target_language=self.target_language)

    def request(self) -> dict[str, Any]:
        """Raises Mistake for standard input, which others can't read."""
        read = [self.open(name) for name in (self.corpus, *self.against)]
        stamps = [one.stamp() for one in read]
        if None in stamps:
            raise Mistake("Standard input is read once, by one process; put it into a file for --shards.")
        corpora = [[one.name, one.swapped, stamp] for one, stamp in zip(read, stamps, strict=True)]
        return {"corpora": corpora, "pairs of a shard": self.size}

    def cut(self, facts: dict[str, Any]) -> Iterator[bytes]:
        """So many pairs a shard."""
        corpus = self.open(self.corpus)
        rows = ((pair.line, *corpus.as_read) for pair in corpus.pairs())
        while some := list(islice(rows, self.size)):
            yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some).encode()
        facts["skipped"] = corpus.skipped.report()


@dataclass(frozen=True)
class Cleaning(Read):
    """`clean` in shards: `request`, `work` and `join` as latimer/sharding.py wants them."""

    into: Path = Path("clean.tsv")

    def request(self) -> dict[str, Any]:
        rules = [rule.told for rule in RULES]
        return {**super().request(), "into": str(self.into), "rules": [cleaning.VERSION, *rules]}

    def work(self, stem: Path) -> None:
        """Leave what `judge` leaves."""
        cleaning.judge(_rows(stem), stem, _learned(self, stem.parent))

    def join(self, stems: Sequence[Path], facts: dict[str, Any]) -> dict[str, Any]:
        """Write the clean file and the side file; returns what `Cleaned` says, and what was skipped."""
        told = [done for stem in stems if (done := cleaning.done(stem))]
        count, mended = (sum(one[field] for one in told) for field in (0, 1))
        found = cleaning.join(stems, self.into, cleaning.Cleaned(count, 0, mended, {}))
        if not found.kept:
            raise Mistake(f"Nothing of {self.corpus} is left: {self.into}.dropped.tsv says why.")
        return {**found._asdict(), **facts}


@dataclass(frozen=True)
class Checking(Read):
    """`check` in shards; `into` is no file: the outcome is what `join` returns."""

    into: None = None

    def request(self) -> dict[str, Any]:
        return {**super().request(), "version": VERSION}

    def work(self, stem: Path) -> None:
        """Leave what `examine` has seen, as arrays."""
        number = int(stem.name)
        before = _rows(stem.with_name(f"{number - 1:06d}"))[-OVERLAP:] if number else []
        seen = examine(_rows(stem), before, _learned(self, stem.parent))
        notes = {"counts": seen.notes.counts, "examples": seen.notes.examples, "runs": seen.runs}
        notes["uses"] = vars(seen.uses)
        arrays = {**seen.marks._asdict(), "numbers": seen.numbers, "ratios": seen.ratios, "sums": seen.sums}
        with written_whole(stem.with_suffix(".npz")) as file:
            np.savez(file, notes=np.frombuffer(json.dumps(notes).encode(), np.uint8), **arrays)

    def join(self, stems: Sequence[Path], facts: dict[str, Any]) -> dict[str, Any]:
        """The diagnosis as JSON."""
        found = diagnosis(self.open(self.corpus), map(_seen, stems), tested=bool(self.against))
        return found.json()


def _seen(stem: Path) -> Seen:
    with np.load(io.BytesIO(stem.with_suffix(".npz").read_bytes())) as held:
        told = json.loads(held["notes"].tobytes())
        notes = Notes()
        notes.counts.update(told["counts"])
        for name, rows in told["examples"].items():
            notes.examples[name] = _tuples(rows)
        runs = [Run(offset, numbers, _tuples(rows)) for offset, numbers, rows in told["runs"]]
        marks = Marks(held["sources"], held["targets"], held["signatures"])
        uses = Uses.from_json(told["uses"])
        return Seen(notes, runs, held["numbers"], held["ratios"], held["sums"], marks, uses)


def _tuples(rows: Sequence[Sequence[Any]]) -> list[Row]:
    return [(number, source, target) for number, source, target in rows]


def _rows(stem: Path) -> list[Row]:
    with stem.with_suffix(".shard").open(encoding="utf-8", newline="\n") as file:
        return _tuples([json.loads(line) for line in file])


@lru_cache(maxsize=1)
def _learned(job: Read, parts: Path) -> Learned:
    """What is learned from the first pairs, by each process for itself."""
    stems = (parts / f"{number:06d}" for number in range(job.ahead))
    rows = chain.from_iterable(_rows(stem) for stem in stems if stem.with_suffix(".shard").exists())
    sample = [(normalise(source), normalise(target)) for _, source, target in islice(rows, SAMPLE)]
    return learn(sample, [job.open(name) for name in job.against])
