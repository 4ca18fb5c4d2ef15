"""A corpus, streamed: sentence pairs from files of many formats, standard input or the phrasebook.

Nothing is lost silently: a fault of the file stops with a `Mistake` that names file and line; a pair that
cannot be used is skipped, counted by reason, and reported.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from latimer.data.languages import settle
from latimer.data.lines import STANDARD_INPUT, LineFile
from latimer.data.origins import Origin, origins_of
from latimer.data.readers.formats import Part, Sides, part_of, parts_in
from latimer.data.readers.records import Fault
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
    """Two sentences that mean the same, normalised; `line` counts all that the corpus holds from 1.

    In a TSV or two files that is the line; elsewhere the unit, entry, row or subtitle, usable or not.
    """

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
    keep_going: bool = False
    skipped: Skipped = field(default_factory=Skipped)
    spacing_counts: SpaceCounts = field(default_factory=Counter)
    as_read: tuple[str, str] = ("", "")  # the pair that `pairs()` yielded last, before it was normalised
    _parts: Sequence[Part] = ()
    _unread: Sequence[str] = ()
    _digest: str | None = None
    _reading: int = 0  # which of the parts

    @classmethod
    def open(
        cls,
        name: str,
        *,
        source_language: str | None = None,
        target_language: str | None = None,
        keep_going: bool = False,
    ) -> "Corpus":
        """Name a corpus; sides are swapped where the languages asked for stand the other way in its name.

        `name` is a file (see readers/formats.py), a.en,a.fr, a folder of them, builtin:phrasebook[/PART]
        or -; a file may end in .gz, .xz or .zst. With `keep_going` what is broken is skipped and counted.
        Raises Mistake for a missing file, and for languages that the name or the file contradicts.
        """
        asked = source_language, target_language
        if name.startswith(_BUILTIN):
            _builtin_part(name)
            sides = settle(name, ("en", "fr"), asked)
            return cls(name, sides.source, sides.target, swapped=sides.swapped)
        names, unread = _file_names(name), list[str]()
        if len(names) == 1 and names[0] != "-" and Path(names[0]).is_dir():
            parts, unread = parts_in(Path(names[0]), asked, keep_going=keep_going)
        else:
            for one in names:
                _must_be_file(one)
            parts = [part_of(names, asked, keep_going=keep_going)]
        sides = settle(name, parts[0].languages, asked)
        for place, part in enumerate(parts[1:], start=1):
            if (
                settle(part.files[0].name, part.languages, (sides.source, sides.target)).swapped
                != sides.swapped
            ):
                parts[place] = part.turned()
        return cls(
            name,
            sides.source,
            sides.target,
            swapped=sides.swapped,
            keep_going=keep_going,
            _parts=parts,
            _unread=unread,
        )

    def reversed(self) -> "Corpus":
        """The same corpus in the other direction."""
        return Corpus(
            self.name,
            self.target_language,
            self.source_language,
            swapped=not self.swapped,
            longest=self.longest,
            keep_going=self.keep_going,
            _parts=self._parts,
            _unread=self._unread,
        )

    def pairs(self) -> Iterator[Pair]:
        """Every usable pair in order, as it is read.

        Raises Mistake for what is broken: bytes that are no text, damaged archives, unequal line counts, a
        TSV line without a tab, XML that ends in the middle; at the end for a corpus without any usable pair.
        """
        self.skipped, self.spacing_counts, self._digest = Skipped(), Counter(), None
        found = 0
        for number, (name, sides) in enumerate(self._sides(), start=1):
            if isinstance(sides, Fault):
                if sides.message and not self.keep_going:
                    raise Mistake(sides.message)
                self.skipped.add(sides.reason, f"{name}:{sides.line}")
                continue
            first, second, line = sides
            source, target = (second, first) if self.swapped else (first, second)
            pair = Pair(normalise(source), normalise(target), number)
            if reason := self._reason_to_skip(pair):
                self.skipped.add(reason, f"{name}:{line}")
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
    def tells_languages(self) -> bool:
        """Whether its names or its content say which languages it holds."""
        return not self._parts or all(all(part.languages) for part in self._parts)

    @property
    def share_read(self) -> float:
        """How much of its bytes the pass under way has read, from 0 to 1; 0 where that can't be known."""
        shares = [part.files[0].share_read for part in self._parts]
        return (self._reading + shares[self._reading]) / len(shares) if shares else 0.0

    def stamp(self) -> Any:
        """What would be another if its content had changed; None where nothing can tell (a pipe)."""
        stamps = [file.stamp() for file in self._files]
        return None if None in stamps else stamps

    def report(self) -> list[str]:
        """After a pass: what a person should know of how the corpus was read, a sentence each."""
        told = [
            f"{file.name} is in {file.encoding}, as it says itself."
            for file in self._files
            if file.encoding != "UTF-8"
        ]
        if self._unread:
            told.append(f"Not read in {self.name}, for no pairs are in them: {', '.join(self._unread)}.")
        return told + self.skipped.report()

    def origins(self) -> list[Origin]:
        """Where its files were fetched, as far as that stands beside them."""
        names = {str(file.path): None for file in self._files if file.path}
        return origins_of(list(names))

    @property
    def _files(self) -> list[LineFile]:
        return [file for part in self._parts for file in part.files]

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

    def _reason_to_skip(self, pair: Pair) -> str | None:
        if not pair.source or not pair.target:
            return "an empty side"
        if len(pair.source) > self.longest or len(pair.target) > self.longest:
            return "a side longer than " + f"{self.longest:,} characters"
        if has_control(pair.source) or has_control(pair.target):
            return "a control character"
        return None

    def _sides(self) -> Iterator[tuple[str, Sides]]:
        """Both sides of all as they stand in the corpus, or what is wrong; each with its file's name."""
        if not self._parts:
            yield from self._phrasebook()
            return
        for place, part in enumerate(self._parts):
            self._reading = place
            for sides in part.read():
                yield part.files[0].name, sides
        self._digest = ",".join(str(file.digest) for file in self._files)

    def _phrasebook(self) -> Iterator[tuple[str, Sides]]:
        from latimer.data import phrasebook

        hashed = sha256()
        for line, (first, second) in enumerate(phrasebook.load(_builtin_part(self.name)), start=1):
            hashed.update(f"{first}\t{second}\n".encode())
            yield self.name, (first, second, line)
        self._digest = hashed.hexdigest()


def one_direction(corpora: Iterable[Corpus]) -> tuple[str | None, str | None]:
    """Source and target language of all corpora, None where no name tells. Raises Mistake for two of them."""
    known = {(corpus.source_language, corpus.target_language): corpus.name for corpus in corpora}
    known.pop((None, None), None)
    if len(known) > 1:
        told = " and ".join(f"{name} is {one}-{other}" for (one, other), name in known.items())
        raise Mistake(
            f"The corpora are of different directions: {told}; say which with --from and --to, or for all of "
            "them in one model, with commas: --to fr,de."
        )
    return next(iter(known), (None, None))


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
        raise Mistake(f"{name} is a folder; of two aligned files each must be a file.")


def _builtin_part(name: str) -> str:
    from latimer.data import phrasebook

    book, _, part = name.removeprefix(_BUILTIN).partition("/")
    part = part or "train"
    if book != "phrasebook" or part not in phrasebook.PARTS:
        known = ", ".join(f"builtin:phrasebook/{one}" for one in phrasebook.PARTS)
        raise Mistake(f"{name} is not built in; there are {known}.")
    return part
