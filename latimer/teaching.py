"""What a student learns from: corpora as their teachers say them, or said anew in both directions.

Nguyen et al. 2020, "Data diversification: a simple strategy for neural machine translation", section 3:
models that were trained on a corpus translate it, its sources forth and its targets back, without any tag;
one more model is trained on what came of that and the corpus itself, and is better than they are.

Here the teachers of a direction speak together, where each of theirs makes a corpus of its own; no sentence
is translated twice, and what they say as the corpus does stays in (docs/log.md).
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from latimer.data.corpus import one_direction
from latimer.data.directions import Direction, to_tag
from latimer.data.languages import agree, exchanged, refuse_exchanged
from latimer.data.split import key
from latimer.directions import corpus_for, directions
from latimer.ensemble import load_together
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.synthesis import Part, as_they_are, back, forth

Pairs = list[tuple[str, str]]


class Lesson(NamedTuple):
    """What is to be said anew, by whom, and what the student is to be validated on.

    No pair shares a sentence with what the first teacher held out of its own corpus.
    """

    teachers: Sequence[str]
    reverse: Sequence[str]  # of the other direction
    direction: Direction
    pairs: Pairs  # of the corpora, each once
    held: Pairs  # what the first teacher was validated on; none where its folder doesn't tell any more
    notes: list[str]  # on how the corpora were read

    def content(self) -> list[list[str]]:
        """All that what the teachers say follows from, and in which order."""
        hashed = sha256()
        for source, target in self.pairs:
            hashed.update(f"{source}\t{target}\n".encode())
        models = ([one for folder in some for one in ModelFolder(folder).content()] for some in self[:2])
        return [*models, [str(language) for language in self.direction], [hashed.hexdigest()]]

    def parts(self, beam: int) -> list[Part]:
        """The sources forth; with a model of the other direction first the pairs, and the targets back.

        Raises Mistake as `load_together` does.
        """
        source, target = self.direction
        teacher = load_together(self.teachers, to=target)
        sources, targets = (dict.fromkeys(pair[side] for pair in self.pairs) for side in (0, 1))
        said = forth(teacher, sources, beam=beam)
        if not self.reverse:
            return [said]
        returning = load_together(self.reverse, to=_way(self.reverse[0], (target, source))[1])
        return [as_they_are(self.pairs), said, back(returning, targets, beam=beam)]


def lesson(
    corpora: Sequence[str], teachers: Sequence[str], reverse: Sequence[str] = (), *, to: str | None = None
) -> Lesson:
    """Read the corpora in the direction of the teachers; `to` says into which language, if they know several.

    Raises Mistake for faults of the data, and for a model that doesn't go its way: that of the first teacher,
    or with `reverse` back.
    """
    record = ModelFolder(teachers[0]).record
    first = corpus_for(record, corpora[0], source=None, to=to)
    settled = first.source_language, first.target_language
    opened = [first, *(corpus_for(record, name, source=settled[0], to=settled[1]) for name in corpora[1:])]
    direction = one_direction(opened)
    for folders, wanted in ((teachers, direction), (reverse, direction[::-1])):
        for folder in folders:
            _way(folder, wanted)
    pairs = list(dict.fromkeys((pair.source, pair.target) for one in opened for pair in one.pairs()))
    held = _held(teachers[0], direction)
    names = ", ".join(corpora)
    refuse_exchanged(pairs, held, names=(names, str(ModelFolder(teachers[0]).held_file)))
    for folder in reverse:
        if exchanged(pairs, [(source, target) for target, source in _held(folder, direction[::-1])]):
            raise Mistake(
                f"{folder} doesn't translate the targets of {names} back; --reverse wants a model that does."
            )
    notes = [told for one in opened for told in one.report()]
    if not held:
        notes.append(
            f"{teachers[0]} doesn't tell what it was validated on; name real pairs with --validation."
        )
    elif not record.get("validation"):
        left = _apart(pairs, held)
        if not left:
            raise Mistake(
                f"{teachers[0]} was validated on all of {names}; name the corpus that it learned from."
            )
        if gone := len(pairs) - len(left):
            notes.append(f"Pairs left out, for {teachers[0]} held out one of their sentences: {gone:,}.")
        pairs = left
    return Lesson(teachers, reverse, direction, pairs, held, notes)


def _way(folder: str, wanted: Direction) -> Direction:
    """The direction of a model that may be the one that is wanted. Raises Mistake where it has none."""
    known = directions(ModelFolder(folder).record)
    for way in known:
        if agree(way[0], wanted[0]) and agree(way[1], wanted[1]):
            return way
    told = " and ".join(f"{one} to {other}" for one, other in known)
    raise Mistake(f"{folder} translates {told}, and here {wanted[0]} to {wanted[1]} is wanted.")


def _held(folder: str, direction: Direction) -> Pairs:
    """The pairs of that direction that a model was validated on, as far as its folder tells."""
    directory = ModelFolder(folder)
    target = _way(folder, direction)[1]
    targets = [other for _, other in directions(directory.record)]
    if targets.count(target) > 1:  # several sources, which no tag tells apart
        return []
    with suppress(FileNotFoundError):
        lines = directory.held_lines()
        return [
            (source, other)
            for source, other, *tags in lines
            if len(targets) == 1 or to_tag(str(target)) in tags
        ]
    return []


def _apart(pairs: Iterable[tuple[str, str]], held: Pairs) -> Pairs:
    """The pairs that share no sentence with those that are held out."""
    known = [{key(pair[side]) for pair in held} for side in (0, 1)]
    return [pair for pair in pairs if key(pair[0]) not in known[0] and key(pair[1]) not in known[1]]
