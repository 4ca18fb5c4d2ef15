"""What the doctor finds in a corpus: counts, shares and examples, and what to do about it.

Two passes: one learns words and translations from a sample, the other reads every pair once. Of the text only
marks (memory.py) and the first examples are kept.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.data.corpus import Corpus
from latimer.doctor.learned import PART, SAMPLE, Learned, learn
from latimer.doctor.memory import Marks, joined, leaks, mark, once
from latimer.doctor.mending import has_entities, has_escapes, has_mojibake, mend
from latimer.doctor.rules import RULES, faulty_in
from latimer.doctor.shifts import Dictionary, find_shifts
from latimer.doctor.terms import Drift, Terms
from latimer.doctor.texts import rows_of, texts_of
from latimer.presets import size_for

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


class Finding(NamedTuple):
    """One kind of fault; `examples` are (number of the pair, source, target)."""

    name: str
    told: str
    action: str  # what `latimer clean` does: "mends", "drops" or "reports"
    total: int
    examples: list[tuple[int, str, str]]
    lines: list[int]  # all numbers, where they were asked for


class Diagnosis(NamedTuple):
    """All that was found."""

    corpus: str
    pairs: int
    skipped: dict[str, int]
    words: tuple[int, int]
    letters: tuple[int, int]  # characters
    length_ratio: tuple[float, float, float]  # of characters: 5 %, median, 95 %
    distinct: tuple[int, int]  # sources, targets
    several_targets: int  # sources with more than one
    findings: list[Finding]
    shifts: list[dict[str, int]]
    drifts: list[Drift]
    advice: list[str]

    def json(self) -> dict[str, Any]:
        findings = [{k: v for k, v in one._asdict().items() if k != "lines"} for one in self.findings]
        return {**self._asdict(), "findings": findings, "drifts": [one._asdict() for one in self.drifts]}


class _Notes:
    """Finding by finding: how often, the first examples, and the lines."""

    def __init__(self, keep_lines: bool) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
        self.lines: dict[str, list[int]] = defaultdict(list)
        self._keep = keep_lines

    def add(self, name: str, number: int, source: str, target: str) -> None:
        self.counts[name] += 1
        if self._keep:
            self.lines[name].append(number)
        if len(self.examples[name]) < EXAMPLES:
            self.examples[name].append((number, source, target))


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
    terms = Terms(learned.dictionary)
    notes, marks, ratios, shifts = _Notes(keep_lines), list[Marks](), list[float](), list[dict[str, int]]()
    sums, last = np.zeros(4, dtype=np.int64), list[tuple[int, str, str]]()
    numbers: list[int] = []
    for part in _parts(corpus, notes):
        sums += _look(notes, learned, terms, part)
        ratios += [len(target) / len(source) for _, source, target in part]
        numbers += [number for number, _, _ in part]
        _shifted(notes, shifts, [*last, *part], learned.dictionary)
        last = part[-OVERLAP:]
        texts = [(source, target) for _, source, target in part]
        marked = mark(texts)
        for name, rows in zip(LEAKED, leaks(marked, learned.test), strict=True):
            for place in np.flatnonzero(rows):
                notes.add(name, *part[place])
        marks.append(marked)
        if progress is not None:
            progress(len(part))
    drifts = terms.drifts()
    return _diagnosis(corpus, notes, joined(marks), numbers, sums, ratios, shifts, drifts, bool(against))


def _parts(corpus: Corpus, notes: _Notes) -> Iterator[list[tuple[int, str, str]]]:
    part: list[tuple[int, str, str]] = []
    for pair in corpus.pairs():
        raw = corpus.as_read
        for name in _mendable(*raw):
            notes.add(name, pair.line, *raw)
        source, target = mend(raw[0]), mend(raw[1])
        if source and target:
            part.append((pair.line, source, target))
        if len(part) == PART:
            yield part
            part = []
    if part:
        yield part


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


def _look(
    notes: _Notes, learned: Learned, terms: Terms, part: list[tuple[int, str, str]]
) -> NDArray[np.int64]:
    """Note what is wrong with each pair of a part; its words and letters, of the sources and the targets."""
    names, rows = rows_of([(source, target) for _, source, target in part])
    texts = texts_of(names)
    for rule in RULES:
        for place in faulty_in(rule, texts, rows):
            notes.add(rule.name, *part[place])
    exchanged, _ = learned.words.exchanged(texts, rows)
    foreign = learned.words.foreign(texts, rows)
    alike = sorted({*learned.words.alike(texts, rows)} - {*foreign})
    for name, places in (("swapped", exchanged), ("other language", foreign), ("one language", alike)):
        for place in places:
            notes.add(name, *part[place])
    terms.look(texts, rows, [number for number, _, _ in part])
    return np.concatenate([texts.counts[rows].sum(axis=1), texts.letters[rows].sum(axis=1)])


def _shifted(
    notes: _Notes, shifts: list[dict[str, int]], rows: list[tuple[int, str, str]], dictionary: Dictionary
) -> None:
    for shift in find_shifts([(source, target) for _, source, target in rows], dictionary):
        first, last = rows[shift.first][0], rows[shift.last][0]
        if shifts and first <= shifts[-1]["last"]:
            continue  # seen in the part before
        shifts.append({"first": first, "last": last, "offset": shift.offset})
        for number, source, target in rows[shift.first : shift.last + 1]:
            notes.add("shifted", number, source, target)


def _diagnosis(
    corpus: Corpus,
    notes: _Notes,
    marks: Marks,
    numbers: list[int],
    sums: NDArray[np.int64],
    ratios: list[float],
    shifts: list[dict[str, int]],
    drifts: list[Drift],
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


def advice(
    findings: Sequence[Finding],
    left: int,
    shifts: Sequence[dict[str, int]],
    drifts: Sequence[Drift],
    *,
    tested: bool,
) -> list[str]:
    """What to do, the most urgent first, and what training on what is left will give."""
    counts = {one.name: one.total for one in findings}
    told = []
    if leaked := counts.get("in test", 0) + counts.get("near test", 0):
        told.append(
            f"{leaked:,} pairs share a sentence with the test: take them out before you train on this "
            "(latimer clean --against)."
        )
    elif tested:
        told.append("No sentence of the test is in it.")
    for shift in shifts[:5]:
        told.append(
            f"From pair {shift['first']:,} to {shift['last']:,} each source fits the target of the "
            f"{'next' if shift['offset'] > 0 else 'previous'} pair; latimer clean moves them back."
        )
    if counts.get("swapped"):
        told.append(f"{counts['swapped']:,} pairs look exchanged; latimer clean puts their sides right.")
    for drift in drifts[:3]:
        told.append(
            f'"{drift.term}" is "{drift.usual}" in {drift.pairs:,} pairs and "{drift.other}" in '
            f"{len(drift.lines):,}, first in pair {drift.lines[0]:,}: decide for one."
        )
    if any(one.action != "reports" for one in findings):
        told.append("latimer clean mends and drops what it can, and keeps what it drops beside the result.")
    told.append(f"About {left:,} pairs are distinct; {_promise(left)}")
    return told


def _promise(pairs: int) -> str:
    """In docs/log.md: 5,000 pairs gave 21 BLEU, 29,000 of one kind 52 to 57."""
    size = size_for(pairs)[0]
    if pairs < 2_000:
        return "too few to learn a language from: go on from a trained model (latimer train --from-model)."
    if pairs < 20_000:
        return (
            "enough for the gist of short sentences (5,000 gave 21 BLEU); back-translation adds most now, "
            "8 BLEU there."
        )
    if pairs < 200_000:
        return (
            "enough to translate text of the same kind well (29,000 captions gave 57 BLEU), other text not."
        )
    return f"enough for a general translator of size {size}."
