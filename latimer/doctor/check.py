"""What the doctor finds in a corpus: counts, shares and examples, and what to do about it.

Two passes: one learns words and translations from a sample, the other reads every pair once. Of the text only
marks (memory.py) and the first examples are kept.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.data.corpus import Corpus
from latimer.doctor.diagnosis import Diagnosis, Finding, Row, advice
from latimer.doctor.languages import Vocabularies
from latimer.doctor.learned import PART, SAMPLE, Learned, learn
from latimer.doctor.memory import Marks, joined, leaks, mark, once
from latimer.doctor.mending import has_entities, has_escapes, has_mojibake, mend
from latimer.doctor.rules import RULES, faulty_in
from latimer.doctor.shifts import Dictionary, find_shifts
from latimer.doctor.terms import Drift, Terms, Uses
from latimer.doctor.texts import Rows, Texts, rows_of, texts_of

EXAMPLES = 5  # of each finding
OVERLAP = 200  # pairs of the part before, so that no shifted run is cut

ODD = frozenset(
    "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t"
)
INVISIBLE = frozenset("\u200b\u2060\ufeff\u00ad\u200e\u200f")

# The findings that are no rule's, by what cleaning does about them.
MENDED = {
    "mojibake": "text read in a wrong encoding",
    "entities": "HTML entities",
    "escapes": "escapes of a programming language",
    "Unicode form": "letters in pieces (not NFC)",
    "odd spaces": "no-break, double or other odd spaces",
    "invisible": "invisible characters",
}
REPEATED = {"duplicate": "the same pair again", "near duplicate": "nearly the same pair again"}
MOVED = {
    "swapped": "source and target exchanged",
    "shifted": "lines of a run whose targets slipped by one",
}
LEAKED = {"in test": "a sentence of the test is in it", "near test": "a pair nearly as in the test"}
TOLD = {
    "one language": "both sides in one language",
    "other language": "a side in neither language",
    "several targets": "a source that had another target before",
    "drift": "a term said in another way than nearly everywhere else",
}


class Notes:
    """Finding by finding: how often, the first examples, and the lines."""

    def __init__(self, keep_lines: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[Row]] = defaultdict(list)
        self.lines: dict[str, list[int]] = defaultdict(list)
        self._keep = keep_lines

    def add(self, name: str, number: int, source: str, target: str) -> None:
        self.counts[name] += 1
        if self._keep:
            self.lines[name].append(number)
        if len(self.examples[name]) < EXAMPLES:
            self.examples[name].append((number, source, target))

    def extend(self, later: "Notes") -> None:
        """Take over what was noted of a later part."""
        self.counts.update(later.counts)
        for name in later.counts:
            self.lines[name] += later.lines[name]
            self.examples[name] = (self.examples[name] + later.examples[name])[:EXAMPLES]


class Run(NamedTuple):
    """Lines whose targets slipped: their numbers, the first of them, and where to the targets belong."""

    offset: int
    numbers: list[int]
    examples: list[Row]


class Seen(NamedTuple):
    """What one part of a corpus showed; the arrays have a row a pair, `sums` are of words and letters."""

    notes: Notes
    runs: list[Run]
    numbers: NDArray[np.int64]
    ratios: NDArray[np.float64]
    sums: NDArray[np.int64]
    marks: Marks
    uses: Uses


def check(
    corpus: Corpus,
    against: Sequence[Corpus] = (),
    *,
    keep_lines: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Diagnosis:
    """Read the corpus and say what is wrong with it; `against` are tests that must not be in it.

    `keep_lines` keeps the number of every faulty pair, and not only examples. Raises Mistake for faults of
    the data.
    """
    sample = [(pair.source, pair.target) for pair in islice(corpus.pairs(), SAMPLE)]
    learned = learn(sample, against)

    def parts() -> Iterator[Seen]:
        before = list[Row]()
        rows = ((pair.line, *corpus.as_read) for pair in corpus.pairs())
        while part := list(islice(rows, PART)):
            yield examine(part, before, learned, keep_lines=keep_lines)
            before = part[-OVERLAP:]
            if progress is not None:
                progress(len(part))

    return diagnosis(corpus, parts(), tested=bool(against))


def examine(
    part: Sequence[Row], before: Sequence[Row], learned: Learned, *, keep_lines: bool = False
) -> Seen:
    """Look at one part of a corpus, as it was read; `before` are the OVERLAP pairs before it."""
    notes = Notes(keep_lines)
    for number, *raw in part:
        for name in _mendable(*raw):
            notes.add(name, number, *raw)
    rows = _mended(part)
    pairs = [(source, target) for _, source, target in rows]
    names, placed = rows_of(pairs)
    texts = texts_of(names)
    _look(notes, learned.words, rows, texts, placed)
    runs = _runs([*_mended(before), *rows], learned.dictionary)
    marks = mark(pairs)
    for name, found in zip(LEAKED, leaks(marks, learned.test), strict=True):
        for place in np.flatnonzero(found):
            notes.add(name, *rows[place])
    numbers = np.array([number for number, _, _ in rows], dtype=np.int64)
    uses = Terms(learned.dictionary).look(texts, placed, numbers.tolist())
    letters = texts.letters[placed]
    sums = np.concatenate([texts.counts[placed].sum(axis=1), letters.sum(axis=1)])
    return Seen(notes, runs, numbers, letters[1] / letters[0], sums, marks, uses)


def _mended(part: Sequence[Row]) -> list[Row]:
    mended = ((number, mend(source), mend(target)) for number, source, target in part)
    return [row for row in mended if row[1] and row[2]]


def _mendable(source: str, target: str) -> Iterator[str]:
    both = f"{source}\n{target}"
    if has_entities(both):
        yield "entities"
    if has_escapes(both):
        yield "escapes"
    if "  " in both or not (source == source.strip() and target == target.strip()):
        yield "odd spaces"
    if both.isascii():
        return
    if "  " not in both and not ODD.isdisjoint(both):
        yield "odd spaces"
    if has_mojibake(both):
        yield "mojibake"
    if not INVISIBLE.isdisjoint(both):
        yield "invisible"
    if not unicodedata.is_normalized("NFC", both):
        yield "Unicode form"


def _look(notes: Notes, words: Vocabularies, rows: Sequence[Row], texts: Texts, placed: Rows) -> None:
    for rule in RULES:
        for place in faulty_in(rule, texts, placed):
            notes.add(rule.name, *rows[place])
    exchanged, _ = words.exchanged(texts, placed)
    foreign = words.foreign(texts, placed)
    alike = sorted({*words.alike(texts, placed)} - {*foreign})
    for name, places in (("swapped", exchanged), ("other language", foreign), ("one language", alike)):
        for place in places:
            notes.add(name, *rows[place])


def _runs(rows: Sequence[Row], dictionary: Dictionary) -> list[Run]:
    shifts = find_shifts([(source, target) for _, source, target in rows], dictionary)
    slipped = [(shift.offset, rows[shift.first : shift.last + 1]) for shift in shifts]
    return [Run(offset, [row[0] for row in some], list(some[:EXAMPLES])) for offset, some in slipped]


def diagnosis(corpus: Corpus, seen: Iterable[Seen], *, tested: bool) -> Diagnosis:
    """What all parts of the corpus together say; it is read once more, for examples of what stands twice."""
    notes, uses, shifts = Notes(), Uses(), list[dict[str, int]]()
    arrays, marks = list[tuple[NDArray[np.int64], NDArray[np.float64]]](), list[Marks]()
    sums = np.zeros(4, dtype=np.int64)
    for one in seen:
        notes.extend(one.notes)
        for run in one.runs:
            if shifts and run.numbers[0] <= shifts[-1]["last"]:
                continue  # seen in the part before
            shifts.append({"first": run.numbers[0], "last": run.numbers[-1], "offset": run.offset})
            notes.counts["shifted"] += len(run.numbers)
            notes.lines["shifted"] += run.numbers
            notes.examples["shifted"] = (notes.examples["shifted"] + run.examples)[:EXAMPLES]
        arrays.append((one.numbers, one.ratios))
        marks.append(one.marks)
        sums += one.sums
        uses.extend(one.uses)
    numbers, ratios = np.concatenate([one for one, _ in arrays]), np.concatenate([one for _, one in arrays])
    whole = joined(marks)
    return _summary(
        corpus, notes, whole, numbers.tolist(), sums, ratios, shifts, uses.drifts(), tested=tested
    )


def _summary(
    corpus: Corpus,
    notes: Notes,
    marks: Marks,
    numbers: list[int],
    sums: NDArray[np.int64],
    ratios: NDArray[np.float64],
    shifts: list[dict[str, int]],
    drifts: list[Drift],
    *,
    tested: bool,
) -> Diagnosis:
    exact, near = once(marks)
    first = np.unique(marks.sources, return_index=True)[1]
    other = ~(exact | near)
    other[first] = False
    wanted = {number: "drift" for drift in drifts for number in drift.lines}
    for name, places in (("several targets", other), ("duplicate", exact), ("near duplicate", near)):
        wanted.update((numbers[place], name) for place in np.flatnonzero(places))
    examples = _examples(corpus, wanted)
    findings = []
    for rule in RULES:
        findings.append((rule.name, rule.told, "drops" if rule.drops else "reports"))
    for action, names in (("mends", MENDED | MOVED), ("drops", REPEATED | LEAKED), ("reports", TOLD)):
        findings += [(name, told, action) for name, told in names.items()]
    for number, name in sorted(wanted.items()):
        notes.counts[name] += 1
        notes.lines[name].append(number)
        if number in examples:
            notes.examples[name].append((number, *examples[number]))
    found = [
        Finding(*one, notes.counts[one[0]], notes.examples[one[0]], notes.lines[one[0]])
        for one in findings
        if notes.counts[one[0]]
    ]
    found.sort(key=lambda one: -one.total)
    targets_of = np.unique(marks.sources[~exact], return_counts=True)[1]
    low, middle, high = (round(float(one), 2) for one in np.percentile(ratios, (5, 50, 95)))
    left = len(numbers) - int(exact.sum()) - int(near.sum())
    return Diagnosis(
        corpus.name,
        len(numbers),
        dict(corpus.skipped.counts),
        (int(sums[0]), int(sums[1])),
        (int(sums[2]), int(sums[3])),
        (low, middle, high),
        (len(np.unique(marks.sources)), len(np.unique(marks.targets))),
        int((targets_of > 1).sum()),
        found,
        shifts,
        drifts,
        advice(found, left, shifts, drifts, tested=tested),
    )


def _examples(corpus: Corpus, wanted: dict[int, str]) -> dict[int, tuple[str, str]]:
    """The texts of the first pairs of each kind, read again."""
    left = Counter(dict.fromkeys(wanted.values(), EXAMPLES))
    found: dict[int, tuple[str, str]] = {}
    for pair in corpus.pairs():
        if left[wanted.get(pair.line, "")] > 0:
            left[wanted[pair.line]] -= 1
            found[pair.line] = pair.source, pair.target
    return found
