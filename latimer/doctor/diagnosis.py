"""What was found in a corpus, as it is told, and what to do about it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from latimer.doctor.terms import Drift
from latimer.presets import size_for

Row = tuple[int, str, str]  # number of the pair, source, target


class Finding(NamedTuple):
    """One kind of fault; `examples` are (number of the pair, source, target)."""

    name: str
    told: str
    action: str  # what `latimer clean` does: "mends", "drops" or "reports"
    total: int
    examples: list[Row]
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

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Diagnosis":
        """The diagnosis that `json` gave, without the lines."""
        findings = [Finding(**one, lines=[]) for one in told["findings"]]
        return cls(**{**told, "findings": findings, "drifts": [Drift(**one) for one in told["drifts"]]})


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
            f"{len(drift.lines):,}, first in pair {drift.lines[0]:,}: if they mean the same, decide for one."
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
