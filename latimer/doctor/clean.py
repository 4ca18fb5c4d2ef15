"""Cleaning: mended pairs that pass every rule, each once, in their order; what was dropped beside them.

Exchanged sides are put right, and runs that slipped moved back, where that is sure; else they are dropped.

Chunks of the corpus are mended and judged by as many processes as there are cores. Each leaves two files in
FILE.work, written whole: a run that was killed goes on with the chunks that are missing, and its bytes
are those of a run that was not.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.data.corpus import Corpus
from latimer.data.text import normalise
from latimer.doctor.fitting import UNFIT, Fit, scored, usual_threshold
from latimer.doctor.learned import SAMPLE, Learned, learn
from latimer.doctor.memory import FUNCTIONS, Marks, joined, leaks, mark, once
from latimer.doctor.mending import mend_all
from latimer.doctor.rules import RULES, faults_of
from latimer.doctor.shifts import realigned
from latimer.doctor.texts import Flags, Rows, Texts, rows_of, texts_of
from latimer.errors import Mistake
from latimer.files import sweep, write_whole, written_whole

CHUNK = 20_000  # pairs
VERSION = 6  # of what a chunk holds
ALONE = "without a source"  # why a target is beside the result whose run was moved away from it

Chunk = list[tuple[int, str, str]]  # number in the corpus, source, target


class Cleaned(NamedTuple):
    """What cleaning did; `reasons` counts what was dropped; `threshold` is that of a model's score."""

    pairs: int
    kept: int
    mended: int
    reasons: dict[str, int]
    threshold: float | None = None


def clean(
    corpus: Corpus,
    into: Path,
    *,
    against: Sequence[Corpus] = (),
    fit: Fit | None = None,
    processes: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Cleaned:
    """Write the clean pairs of the corpus to `into`, a TSV, and the others to `into`.dropped.tsv.

    No pair that shares a sentence with a test of `against`, or is nearly as one of its pairs, is left. The
    side file has a line "number, reason, source, target" a pair, and one without a source for a target
    whose run was moved away from it. Those that `fit` finds unfit have their score at the end of the line.
    The result follows from the corpora alone, not from the number of processes. Raises Mistake for faults of
    the data, and where nothing is left.
    """
    work = into.with_name(f"{into.name}.work")
    _begin(work, corpus, against, fit)
    count, mended = 0, 0
    judged = _judged(corpus, against, work, processes or os.cpu_count() or 1)
    for number, (pairs, changed) in enumerate(judged):
        count, mended = count + pairs, mended + changed
        if progress is not None:
            progress(pairs)
        chunks = number + 1
    stems = [work / f"{number:06d}" for number in range(chunks)]
    cleaned = join(stems, into, Cleaned(count, 0, mended, {}), fit=fit)
    shutil.rmtree(work)
    if not cleaned.kept:
        raise Mistake(f"Nothing of {corpus.name} is left: {into}.dropped.tsv says why.")
    return cleaned


def judge(chunk: Chunk, stem: Path, learned: Learned) -> tuple[int, int]:
    """Mend and judge one chunk, and leave the result beside `stem`; how many pairs, and how many mended."""
    raw, rows = rows_of([(source, target) for _, source, target in chunk])
    texts = texts_of(*mend_all(raw))
    rows, faults, alone = _put_right(texts, rows, learned)
    empty = (texts.letters[rows] == 0).any(axis=0)
    broken = faults_of(texts, rows)
    for place, fault in enumerate(faults):
        faults[place] = fault or ("an empty side" if empty[place] else broken[place])
    left = [place for place, fault in enumerate(faults) if not fault]
    marks = mark([(texts.texts[source], texts.texts[target]) for source, target in rows.T[left].tolist()])
    exact, near = leaks(marks, learned.test)
    for place, in_test, near_test in zip(left, exact, near, strict=True):
        if in_test or near_test:
            faults[place] = "in test" if in_test else "near test"
    stays = ~(exact | near)
    # Where mending left nothing, the side file has what stood there.
    written = [text or normalise(was) for text, was in zip(texts.texts, raw, strict=True)]
    lines, changed = [], 0
    for place, ((number, *read), (source, target)) in enumerate(zip(chunk, rows.T.tolist(), strict=True)):
        fault = faults[place]
        changed += [texts.texts[source], texts.texts[target]] != read
        lines.append(f"{number}\t{fault or ''}\t{written[source]}\t{written[target]}\n")
        if place in alone:
            lines.append(f"{number}\t{ALONE}\t\t{written[alone[place]]}\n")
    write_whole(stem.with_suffix(".marks"), b"".join(array[stays].tobytes() for array in marks))
    # Written last: where it stands, the chunk is done.
    head = f"{len(chunk)}\t{changed}\t{stays.sum()}\n"
    write_whole(stem.with_suffix(".tsv"), f"{head}{''.join(lines)}".encode())
    return len(chunk), changed


def _put_right(texts: Texts, rows: Rows, learned: Learned) -> tuple[Rows, list[str | None], dict[int, int]]:
    """The rows with their sides and targets where they belong, and a reason where that can't be told.

    Last, by place, the targets that no source is left for.
    """
    faults: list[str | None] = [None] * rows.shape[1]
    sure, unsure = learned.words.exchanged(texts, rows)
    rows = rows.copy()
    rows[:, sure] = rows[::-1, sure]
    for place in unsure:
        faults[place] = "swapped"
    targets = list(range(rows.shape[1]))
    for place, found in enumerate(realigned(texts, rows, learned.dictionary)):
        if found is None:
            faults[place] = "shifted"
        elif found != place:
            faults[place] = None  # sides were judged with the wrong target
            targets[place] = found
    alone = {place: int(rows[1, place]) for place in set(targets).symmetric_difference(range(len(targets)))}
    return np.stack([rows[0], rows[1, targets]]), faults, alone


_in_process: list[Learned] = []  # what every chunk wants to know, in a process of the pool


def _prepare(learned: Learned) -> None:
    _in_process[:] = [learned]


def _judge(task: tuple[Chunk, Path]) -> tuple[int, int]:
    return judge(*task, _in_process[0])


def _judged(
    corpus: Corpus, against: Sequence[Corpus], work: Path, processes: int
) -> Iterator[tuple[int, int]]:
    rows = ((pair, corpus.as_read) for pair in corpus.pairs())
    first = list(islice(rows, SAMPLE))
    learned = learn([(pair.source, pair.target) for pair, _ in first], against)
    chunks = _chunks((pair.line, *read) for pair, read in chain(first, rows))
    tasks = ((chunk, work / f"{number:06d}") for number, chunk in enumerate(chunks))
    if processes == 1 or len(first) < SAMPLE:  # starting processes would take longer
        yield from (done(stem) or judge(chunk, stem, learned) for chunk, stem in tasks)
        return
    with get_context("spawn").Pool(processes, _prepare, (learned,)) as pool:
        waiting = []
        for chunk, stem in tasks:
            told = done(stem)
            waiting.append(told or pool.apply_async(_judge, ((chunk, stem),)))
            if len(waiting) > 2 * processes:  # or the reader would run ahead and fill the memory
                yield _result(waiting.pop(0))
        for one in waiting:
            yield _result(one)


def _result(told: object) -> tuple[int, int]:
    found: tuple[int, int] = told if isinstance(told, tuple) else told.get()  # type: ignore[attr-defined]
    return found


def _chunks(rows: Iterator[tuple[int, str, str]]) -> Iterator[Chunk]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def done(stem: Path) -> tuple[int, int] | None:
    """How many pairs a chunk had, and how many mended, where it is done."""
    path = stem.with_suffix(".tsv")
    if not path.exists():
        return None
    with path.open(encoding="utf-8") as file:
        pairs, changed, _ = map(int, file.readline().split("\t"))
    return pairs, changed


def _begin(work: Path, corpus: Corpus, against: Sequence[Corpus], fit: Fit | None) -> None:
    """Keep what an earlier run left for the same corpus and rules; nothing of another's."""
    read = [(one.name, one.swapped, one.stamp()) for one in (corpus, *against)]
    asked = [VERSION, CHUNK, SAMPLE, read, [rule.told for rule in RULES], fit and fit.name]
    request, told = json.dumps(asked), work / "request.json"
    if work.exists():
        known = all(stamp is not None for *_, stamp in read)
        same = known and told.exists() and told.read_text(encoding="utf-8") == request
        if same:
            sweep(work)
            return
        shutil.rmtree(work)
    work.mkdir(parents=True)
    write_whole(told, request.encode())


def _marks(path: Path, rows: int) -> Marks:
    raw = path.read_bytes()
    sources, targets = (np.frombuffer(raw, np.uint64, rows, 8 * rows * place) for place in (0, 1))
    return Marks(sources, targets, np.frombuffer(raw, np.uint32, offset=16 * rows).reshape(rows, FUNCTIONS))


def join(stems: Sequence[Path], into: Path, told: Cleaned, *, fit: Fit | None = None) -> Cleaned:
    """Bring the chunks together, and leave out what stands there already, and what doesn't fit.

    `told` with what was kept.
    """
    marks = []
    for stem in stems:
        with stem.with_suffix(".tsv").open(encoding="utf-8") as file:
            marks.append(_marks(stem.with_suffix(".marks"), int(file.readline().split("\t")[2])))
    exact, near = once(joined(marks))
    scores, threshold = np.zeros(len(exact)), None
    if fit is not None:
        scores, threshold = _scores(stems, [len(part.sources) for part in marks], ~(exact | near), fit)
    reasons: Counter[str] = Counter()
    place = kept = 0
    dropped = into.with_name(f"{into.name}.dropped.tsv")
    with written_whole(dropped) as aside, written_whole(into) as clean_file:
        for number, reason, rest in chain.from_iterable(map(_rows, stems)):
            if not reason:
                reason = "duplicate" if exact[place] else "near duplicate" if near[place] else ""
                if not reason and threshold is not None and scores[place] > threshold:
                    reason, rest = UNFIT, f"{rest[:-1]}\t{scores[place]:.2f}\n"
                place += 1
            if reason:
                reasons[reason] += 1
                aside.write(f"{number}\t{reason}\t{rest}".encode())
            else:
                kept += 1
                clean_file.write(rest.encode())
    return told._replace(kept=kept, reasons=dict(reasons.most_common()), threshold=threshold)


def _rows(stem: Path) -> Iterator[tuple[str, str, str]]:
    """Number, reason and the rest of each line of a chunk."""
    with stem.with_suffix(".tsv").open(encoding="utf-8", newline="\n") as file:
        next(file)
        for line in file:
            number, reason, rest = line.split("\t", 2)
            yield number, reason, rest


def _scores(
    stems: Sequence[Path], sizes: Sequence[int], stays: Flags, fit: Fit
) -> tuple[NDArray[np.float64], float]:
    """A score for each pair that passed the rules, 0 for those that do not stay; and the threshold."""
    scores, first = np.zeros(len(stays)), 0
    for stem, size in zip(stems, sizes, strict=True):
        places = first + np.flatnonzero(stays[first : first + size])
        passed = [rest for _, reason, rest in _rows(stem) if not reason]
        pairs = [passed[place - first][:-1].split("\t") for place in places.tolist()]
        scores[places] = scored(stem, [(source, target) for source, target in pairs], fit)
        first += size
    if fit.threshold is not None:
        return scores, fit.threshold
    return scores, usual_threshold(scores[stays]) if stays.any() else 0.0
