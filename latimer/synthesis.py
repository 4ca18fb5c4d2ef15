"""Synthetic pairs: what a teacher makes of a text, or the way back from real target text.

Kim and Rush 2016, "Sequence-level knowledge distillation", section 3.3: a small model learns more easily what
a large one says than what people said. Sennrich et al. 2016, "Improving neural machine translation models
with monolingual data": a model of the other direction translates target text back, and real target text is
learned from it; marked with a tag, so that its mistakes are not taken for the source language (Caswell et al.
2019).

Pairs are written in chunks to FILE.part, which takes its name when it is whole. A stopped run goes on after
the last whole chunk, to the same bytes.
"""

import json
import os
from collections.abc import Callable, Iterable
from hashlib import file_digest
from itertools import islice
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


def distilled(source: str, translation: str) -> tuple[str, str]:
    """The pair that a student learns."""
    return source, translation


def backtranslated(target: str, translation: str) -> tuple[str, str]:
    """The pair whose target a person wrote; the source says that it is synthetic."""
    return f"{TAG} {translation}" if translation else "", target


def write_pairs(
    translator: Translates,
    lines: Iterable[str],
    into: Path,
    *,
    pair: Callable[[str, str], tuple[str, str]],
    job: dict[str, Any],
    beam: int,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Translate every line and write `pair(line, translation)` as TSV; returns how many pairs there are.

    A line without a translation leaves an empty line, which readers of corpora skip. `job` tells this run
    from others. `progress` is told how many lines were done. Raises Mistake where another run left an
    unfinished file.
    """
    part = into.with_name(f"{into.name}.part")
    done = _done(part, {**job, "beam": beam})
    waiting = iter(lines)
    skipped = sum(1 for _ in islice(waiting, done))
    if progress is not None:
        progress(skipped)
    with part.open("ab") as file:
        while some := list(islice(waiting, CHUNK)):
            translations = translator.translate(some, beam=beam)
            rows = (pair(*both) for both in zip(some, translations, strict=True))
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


def job_of(kind: str, model: Path, text: str) -> dict[str, Any]:
    """What a run is told from others by: what it does, with which parameters, to which text."""
    path = model / "model.safetensors"
    if not path.exists():
        raise Mistake(f"{model} holds no trained model; make one: latimer train CORPUS --into DIR.")
    with path.open("rb") as file:
        return {"kind": kind, "model": file_digest(file, "sha256").hexdigest(), "text": text}


def _row(source: str, target: str) -> str:
    source, target = source.replace("\t", " "), target.replace("\t", " ")
    return f"{source}\t{target}\n" if source.strip() and target.strip() else "\n"


def _job_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _done(part: Path, job: dict[str, Any]) -> int:
    """How many lines of this job an earlier run has done: whole chunks only, the rest is cut off."""
    told = _job_file(part)
    if not told.exists():
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
