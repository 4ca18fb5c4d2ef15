"""A corpus, streamed: sentence pairs from a TSV, two aligned files, standard input or the phrasebook.

Nothing is lost silently: a fault of the file stops with a `Mistake` that names file and line; a pair that
cannot be used is skipped, counted by reason, and reported.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from latimer.data.languages import languages_of, settle
from latimer.data.lines import STANDARD_INPUT, LineFile
from latimer.data.split import LEFT_OUT, TRAIN, VALIDATION, Division, hold_out
from latimer.data.text import SpaceCounts, Spacing, count_spaces, has_control, normalise
from latimer.errors import Mistake

__all__ = [
    "LEFT_OUT",
    "TRAIN",
    "VALIDATION",
    "Corpus",
    "Division",
    "Pair",
    "Skipped",
    "hold_out",
    "one_direction",
]

SPACING_SAMPLE = 100_000
"""Target lines from which the habits of spacing are learned."""

_BUILTIN = "builtin:"


class Pair(NamedTuple):
    """Two sentences that mean the same, normalised; `line` counts from 1."""

    source: str
    target: str
    line: int


@dataclass
class Skipped:
    """How many pairs were left out, for each reason, with the first place of each ("file:line")."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, place: str) -> None:
        self.counts[reason] += 1
        self.examples.setdefault(reason, place)

    @property
    def total(self) -> int:
        return self.counts.total()

    def report(self) -> list[str]:
        """One plain sentence for each reason, the most frequent first."""
        return [
            f"Skipped {count:,} {'pair' if count == 1 else 'pairs'}: {reason} "
            f"({'at' if count == 1 else 'first at'} {self.examples[reason]})."
            for reason, count in self.counts.most_common()
        ]


@dataclass
class Corpus:
    """One thing that CORPUS on the command line names. Open it with `Corpus.open`.

    `pairs()` may be called again and again. Each call starts `skipped`, `spacing_counts` and the digest
    anew; they are whole when it has run to its end.
    """

    name: str
    source_language: str | None = None
    target_language: str | None = None
    swapped: bool = False
    longest: int = 5000
    skipped: Skipped = field(default_factory=Skipped)
    spacing_counts: SpaceCounts = field(default_factory=Counter)
    as_read: tuple[str, str] = ("", "")  # the pair that `pairs()` yielded last, before it was normalised
    _files: tuple[LineFile, ...] = ()
    _digest: str | None = None

    @classmethod
    def open(
        cls, name: str, *, source_language: str | None = None, target_language: str | None = None
    ) -> "Corpus":
        """Name a corpus; sides are swapped where the languages asked for stand the other way in its name.

        `name` is pairs.tsv, a.en,a.fr, builtin:phrasebook[/PART] or -; a file may end in .gz.
        Raises Mistake for a missing file, and for languages that the name contradicts.
        """
        files: tuple[LineFile, ...] = ()
        if name.startswith(_BUILTIN):
            _builtin_part(name)
        else:
            names = _file_names(name)
            files = tuple(LineFile(one) for one in names)
            for one in names:
                _must_be_file(one)
        first, second = ("en", "fr") if not files else languages_of(name, (source_language, target_language))
        sides = settle(name, (first, second), (source_language, target_language))
        return cls(name, sides.source, sides.target, swapped=sides.swapped, _files=files)

    def reversed(self) -> "Corpus":
        """The same corpus in the other direction."""
        return Corpus(
            self.name,
            self.target_language,
            self.source_language,
            swapped=not self.swapped,
            longest=self.longest,
            _files=self._files,
        )

    def pairs(self) -> Iterator[Pair]:
        """Every usable pair in order, a line at a time.

        Raises Mistake for broken UTF-8, damaged gzip, unequal line counts, a TSV line without a tab, and at
        the end for a corpus without any usable pair.
        """
        self.skipped, self.spacing_counts, self._digest = Skipped(), Counter(), None
        found = 0
        for line, sides in enumerate(self._sides(), start=1):
            if sides is None:
                self._skip("a line too long", line)
                continue
            source, target = reversed(sides) if self.swapped else sides
            pair = Pair(normalise(source), normalise(target), line)
            if reason := self._reason_to_skip(pair):
                self._skip(reason, line)
                continue
            if found < SPACING_SAMPLE:
                count_spaces(target, self.spacing_counts)
            found += 1
            self.as_read = source, target
            yield pair
        if not found:
            reasons = " ".join(self.skipped.report()) or "It is empty."
            raise Mistake(f"{self._label} has no usable sentence pair. {reasons}")

    @property
    def share_read(self) -> float:
        """How much of its bytes the pass under way has read, from 0 to 1; 0 where that can't be known."""
        return self._files[0].share_read if self._files else 0.0

    def stamp(self) -> Any:
        """What would be another if its content had changed; None where nothing can tell (a pipe)."""
        stamps = [file.stamp() for file in self._files]
        return None if None in stamps else stamps

    @property
    def spacing(self) -> Spacing:
        """The target side's habits of spacing, from the pass through `pairs()` made last."""
        return Spacing.from_counts(self.spacing_counts)

    def sha256(self) -> str:
        """SHA-256 of the bytes read, as `sha256sum` gives it; of two files both, joined by a comma.

        Known after a full pass through `pairs()`; without one, the pass is made now.
        """
        if self._digest is None:
            for _ in self.pairs():
                pass
        return str(self._digest)

    @property
    def _label(self) -> str:
        return STANDARD_INPUT if self.name == "-" else self.name

    def _skip(self, reason: str, line: int) -> None:
        self.skipped.add(reason, f"{self._files[0].name if self._files else self.name}:{line}")

    def _reason_to_skip(self, pair: Pair) -> str | None:
        if not pair.source or not pair.target:
            return "an empty side"
        if len(pair.source) > self.longest or len(pair.target) > self.longest:
            return "a side longer than " + f"{self.longest:,} characters"
        if has_control(pair.source) or has_control(pair.target):
            return "a control character"
        return None

    def _sides(self) -> Iterator[tuple[str, str] | None]:
        """Both sides of every line as they stand in the corpus; None for a line too long to keep."""
        if len(self._files) == 2:
            yield from _aligned(*self._files)
        elif self._files:
            yield from _columns(self._files[0])
        else:
            from latimer.data import phrasebook

            hashed = sha256()
            for first, second in phrasebook.load(_builtin_part(self.name)):
                hashed.update(f"{first}\t{second}\n".encode())
                yield first, second
            self._digest = hashed.hexdigest()
        if self._files:
            self._digest = ",".join(str(file.digest) for file in self._files)


def one_direction(corpora: Iterable[Corpus]) -> tuple[str | None, str | None]:
    """Source and target language of all corpora, None where no name tells. Raises Mistake for two of them."""
    known = {(corpus.source_language, corpus.target_language): corpus.name for corpus in corpora}
    known.pop((None, None), None)
    if len(known) > 1:
        told = " and ".join(f"{name} is {one}-{other}" for (one, other), name in known.items())
        raise Mistake(f"The corpora are of different directions: {told}; say which with --from and --to.")
    return next(iter(known), (None, None))


def _columns(file: LineFile) -> Iterator[tuple[str, str] | None]:
    for line in file.lines():
        if line is None:
            yield None
            continue
        columns = line.split("\t", 2)
        if len(columns) > 1:
            yield columns[0], columns[1]
        elif not line.strip():
            yield "", ""
        else:
            raise Mistake(
                f"{file.name}:{file.count}: no tab in this line; a TSV needs a source and a target column "
                "(two aligned files are written with a comma between them: a.en,a.fr)."
            )


def _aligned(first: LineFile, second: LineFile) -> Iterator[tuple[str, str] | None]:
    ours, theirs = first.lines(), second.lines()
    end = object()
    while True:
        left, right = next(ours, end), next(theirs, end)
        if left is end and right is end:
            return
        if left is end or right is end:
            for rest in (ours, theirs):
                for _ in rest:
                    pass
            raise Mistake(
                f"{first.name} has {first.count:,} lines and {second.name} has {second.count:,}; "
                "aligned files need as many lines, so find the line where they part."
            )
        yield (left, right) if isinstance(left, str) and isinstance(right, str) else None


def _file_names(name: str) -> list[str]:
    """One file, or the two of "a.en,a.fr". A comma in the name of a file that exists is only a comma."""
    if name == "-" or "," not in name or Path(name).exists():
        return [name]
    names = [one.strip() for one in name.split(",")]
    if len(names) != 2 or not all(names):
        raise Mistake(f"{name}: two aligned files are written as a.en,a.fr; this names {len(names)}.")
    if "-" in names:
        raise Mistake(f"{name}: standard input is one TSV; two aligned files must both be files.")
    return names


def _must_be_file(name: str) -> None:
    if name != "-" and not Path(name).exists():
        raise Mistake(f"{name} does not exist; check the name of the corpus.")
    if name != "-" and Path(name).is_dir():
        raise Mistake(f"{name} is a folder; name the file, or the two files, in it.")


def _builtin_part(name: str) -> str:
    from latimer.data import phrasebook

    book, _, part = name.removeprefix(_BUILTIN).partition("/")
    part = part or "train"
    if book != "phrasebook" or part not in phrasebook.PARTS:
        known = ", ".join(f"builtin:phrasebook/{one}" for one in phrasebook.PARTS)
        raise Mistake(f"{name} is not built in; there are {known}.")
    return part
