"""The pairs of a comparison, laid out once for all models: what is trained on, and what is tested on."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from latimer.compare.plan import Plan
from latimer.data.corpus import TRAIN, VALIDATION, Corpus, Pair, hold_out, one_direction
from latimer.errors import Mistake
from latimer.evaluate import group_references
from latimer.files import replacing
from latimer.training.log import Reporter


class Lines(NamedTuple):
    """The test set: distinct sources, each with all its references."""

    sources: list[str]
    references: list[list[str]]


class Layout:
    """The files that a comparison keeps its pairs in; where the languages are known, the names tell them."""

    def __init__(self, folder: Path, languages: tuple[str | None, str | None]) -> None:
        direction = f".{languages[0]}-{languages[1]}" if all(languages) else ""
        self.train, self.test, self.validation = (
            folder / "data" / f"{part}{direction}.tsv" for part in ("train", "test", "validation")
        )

    def read_test(self) -> Lines:
        """The test set as it was laid out."""
        rows = (line.split("\t") for line in self.test.read_text(encoding="utf-8").split("\n") if line)
        return Lines(*group_references((source, target) for source, target in rows))


def languages_of(plan: Plan) -> tuple[str | None, str | None]:
    """The one direction of all corpora. Raises Mistake for two, and for a corpus that is not there."""
    return one_direction(_open(plan).values())


def lay_out(plan: Plan, folder: Path, reporter: Reporter) -> dict[str, Any]:
    """Write the pairs of each part to its file; the facts of them for the manifest.

    Without a test corpus, test pairs are held out: no sentence of theirs is trained on.
    """
    layout = Layout(folder, languages_of(plan))
    corpora = _open(plan)
    corpus = corpora[plan.corpus]
    reporter.note(f"Reading {', '.join(corpora)}.")
    counts = {}
    if plan.test is None:
        parts = hold_out(corpus.pairs(), seed=plan.config.data.seed).parts
        for part, path in ((TRAIN, layout.train), (VALIDATION, layout.test)):
            chosen = (pair for pair, its in zip(corpus.pairs(), parts, strict=True) if its == part)
            counts[path] = _write(path, chosen)
        if not counts[layout.test]:
            raise Mistake(f"{plan.corpus} has too few pairs to hold any out; name others with --test.")
    else:
        counts[layout.train] = _write(layout.train, corpus.pairs())
        counts[layout.test] = _write(layout.test, corpora[plan.test].pairs())
    if plan.validation is not None:
        _write(layout.validation, corpora[plan.validation].pairs())
    for one in corpora.values():
        for sentence in one.report():
            reporter.note(sentence)
    return {
        "languages": list(languages_of(plan)),
        "sha256": {name: one.sha256() for name, one in corpora.items()},
        "training_pairs": counts[layout.train],
        "test_pairs": counts[layout.test],
        "test_sentences": len(layout.read_test().sources),
    }


def must_be_unchanged(plan: Plan, recorded: dict[str, str]) -> None:
    """Raise Mistake where a corpus has another content than the one recorded under its name."""
    for name, corpus in _open(plan).items():
        if corpus.sha256() != recorded[name]:
            raise Mistake(
                f"{name} has changed since the comparison was made (its SHA-256 is another); "
                "bring the old file back, or make a new comparison with another --into."
            )


def _open(plan: Plan) -> dict[str, Corpus]:
    source, target = plan.source_language, plan.target_language
    return {name: Corpus.open(name, source_language=source, target_language=target) for name in plan.corpora}


def _write(path: Path, pairs: Iterable[Pair]) -> int:
    """One pair a line; how many there were."""
    written = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for pair in pairs:
            file.write(f"{pair.source}\t{pair.target}\n")
            written += 1
    return written
