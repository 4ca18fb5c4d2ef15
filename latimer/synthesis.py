"""Synthetic pairs: what a teacher makes of a text, or the way back from real target text.

Kim and Rush 2016, "Sequence-level knowledge distillation", section 3.3: a small model learns more easily what
a large one says than what people said. Sennrich et al. 2016, "Improving neural machine translation models
with monolingual data": a model of the other direction translates target text back, and real target text is
learned from it; marked with a tag, so that its mistakes are not taken for the source language (Caswell et al.
2019). Of both ways and the real pairs in one file see teaching.py.

Pairs are written in chunks to FILE.part, which takes its name when it is whole. A stopped run goes on after
the last whole chunk, to the same bytes.
"""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from latimer.errors import Mistake
from latimer.files import write_whole

CHUNK = 512  # lines that are translated, and written, together
TAG = "<BT>"


@runtime_checkable  # the test run checks arguments against it
class Translates(Protocol):
    """A `Translator`, or whatever else can."""

    def translate(self, texts: list[str], *, beam: int) -> list[str]: ...


@dataclass(frozen=True, eq=False)
class Part:
    """A stretch of a file: what its pairs are made of, and how: a pair of each item, in their order.

    A pair with an empty side says that there is none.
    """

    items: Iterable[Any]
    make: Callable[[list[Any]], list[tuple[str, str]]]


def as_they_are(pairs: Sequence[tuple[str, str]]) -> Part:
    """The pairs themselves."""
    return Part(pairs, lambda some: some)


def forth(translator: Translates, sources: Iterable[str], *, beam: int) -> Part:
    """Each source, and what is said for it."""

    def make(some: list[str]) -> list[tuple[str, str]]:
        return list(zip(some, translator.translate(some, beam=beam), strict=True))

    return Part(sources, make)


def back(translator: Translates, targets: Iterable[str], *, beam: int, tag: str = "") -> Part:
    """What a model of the other direction says for each target, with `tag` before it, and the target."""

    def make(some: list[str]) -> list[tuple[str, str]]:
        said = translator.translate(some, beam=beam)
        tagged = [f"{tag} {one}".lstrip() if one.strip() else "" for one in said]
        return list(zip(tagged, some, strict=True))

    return Part(targets, make)


def write_pairs(
    parts: Sequence[Part],
    into: Path,
    *,
    job: dict[str, Any],
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the pairs of all parts, one after the other, as TSV; returns how many there are.

    An item without a pair leaves an empty line, which readers of corpora skip. `job` tells this run from
    others: all that the pairs follow from. `progress` is told how many items were done. Raises Mistake where
    another run left an unfinished file.
    """
    part = into.with_name(f"{into.name}.part")
    done = _done(part, job)
    waiting = ((number, item) for number, one in enumerate(parts) for item in one.items)
    skipped = sum(1 for _ in islice(waiting, done))
    if progress is not None:
        progress(skipped)
    with part.open("ab") as file:
        while some := list(islice(waiting, CHUNK)):
            for number, items in groupby(some, key=itemgetter(0)):
                rows = parts[number].make([item for _, item in items])
                file.write("".join(_row(source, target) for source, target in rows).encode())
            file.flush()
            os.fsync(file.fileno())
            if progress is not None:
                progress(len(some))
    with part.open("rb") as file:
        pairs = sum(1 for line in file if line != b"\n")
    part.replace(into)
    _job_file(part).unlink()
    return pairs


def _row(source: str, target: str) -> str:
    source, target = source.replace("\t", " "), target.replace("\t", " ")
    return f"{source}\t{target}\n" if source.strip() and target.strip() else "\n"


def _job_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _done(part: Path, job: dict[str, Any]) -> int:
    """How many items of this job an earlier run has done: whole chunks only, the rest is cut off."""
    told = _job_file(part)
    if not (told.exists() and part.exists()):
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            write_whole(part, b"")
            write_whole(told, json.dumps(job).encode())
        except OSError as error:
            raise Mistake(f"{part.parent} can't be written to ({error.strerror}).") from None
        return 0
    if json.loads(told.read_text(encoding="utf-8")) != job:
        raise Mistake(f"{part} is another run's unfinished work; delete it, or choose another --into.")
    done = whole = 0
    with part.open("rb+") as file:
        for number, line in enumerate(file, start=1):
            done += len(line)
            if number % CHUNK == 0 and line.endswith(b"\n"):
                whole, kept = number, done
        file.truncate(kept if whole else 0)
    return whole
