"""Faults planted in known lines, and how many of them `check` finds: recall and precision of each kind.

.venv/bin/python -m bench.planting D/train.en,D/train.fr [--pairs 20000] [--against D/dev.en,D/dev.fr]
    [--foreign D/other.de]

Precision counts as false what is found in the damaged corpus beyond what was found there before, unless it
was planted as another kind of the same finding. The last column: how many of the lines `clean` leaves as they
are.
"""

import argparse
import random
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from latimer.data.corpus import Corpus
from latimer.data.split import bare
from latimer.doctor.check import check
from latimer.doctor.clean import clean
from latimer.doctor.diagnosis import Diagnosis
from latimer.doctor.memory import GRAM, joined, mark, near_groups

TERMS = {
    "voiture": "bagnole",
    "argent": "pognon",
    "maison": "baraque",
    "livre": "bouquin",
    "police": "flicaille",
}
EACH = 100  # lines of a kind; a run has RUN
RUN = 40
SHARED = (0.0, 0.7, 0.8, 0.9)  # of the n-grams of a pair and its copy

Damage = Callable[[str, str], tuple[str, str]]
KINDS: dict[str, tuple[str, Damage]] = {
    "mojibake": ("mojibake", lambda s, t: (s, f"{t} é".encode().decode("cp1252", "replace"))),
    "HTML entities": ("entities", lambda s, t: (s, f"{t} &quot;")),
    "replacement character": ("EncodingFilter", lambda s, t: (s, f"{t[:3]}\ufffd{t[3:]}")),
    "invisible characters": ("invisible", lambda s, t: (f"{s[:2]}\u200b{s[2:]}", t)),
    "number mismatch": ("NonZeroNumeralsFilter", lambda s, t: (f"{s} 47", f"{t} 58")),
    "lost tag": ("HtmlTagFilter", lambda s, t: (f"<b>{s}</b>", t)),
    "cut": ("LengthRatioFilter", lambda s, t: (f"{s} " * 8, t[:6])),
    "repeated words": ("RepetitionFilter", lambda s, t: (s, f"{t.split()[0]} " * 12)),
    "untranslated": ("SimilarityFilter", lambda s, _: (s, s)),
    "exchanged": ("swapped", lambda s, t: (t, s)),
}

Again = Callable[[str, str, random.Random], tuple[str, str]]
# How a pair that stands elsewhere comes again; the finding where it stands in the corpus, and in a test.
AGAIN: dict[str, tuple[str, str, Again]] = {
    "as it was": ("duplicate", "in test", lambda s, t, _: (s, t)),
    "other case and marks": (
        "duplicate",
        "in test",
        lambda s, t, _: (s.upper(), f"« {t.rstrip('.?!')} »..."),
    ),
    "one word other in the source": (
        "near duplicate",
        "in test",
        lambda s, t, chance: (_reworded(s, chance), t),
    ),
    "one word other in both": (
        "near duplicate",
        "near test",
        lambda s, t, chance: (_reworded(s, chance), _reworded(t, chance)),
    ),
}


def _reworded(text: str, chance: random.Random) -> str:
    words = text.split()
    words[chance.randrange(len(words))] = "".join(chance.choices("aeiklmnorstu", k=5))
    return " ".join(words)


def plant(
    pairs: list[tuple[str, str]], foreign: Sequence[str] = (), test: Sequence[tuple[str, str]] = ()
) -> tuple[list[tuple[str, str]], dict[str, tuple[str, set[int]]]]:
    """The damaged pairs, and for each kind the finding that it should be and its lines (from 1).

    foreign: sentences in a third language; test: pairs that must not be there.
    """
    chance, damaged = random.Random(0), list(pairs)
    unseen = chance.sample(test, len(test))
    run = len(pairs) // 2
    free = [n for n, (s, _) in enumerate(pairs) if len(s.split()) > 4 and not run - 1 <= n <= run + RUN]
    chance.shuffle(free)
    planted = {}
    for kind, (name, damage) in KINDS.items():
        chosen = [free.pop() for _ in range(EACH)]
        for number in chosen:
            damaged[number] = damage(*pairs[number])
        planted[kind] = name, {number + 1 for number in chosen}
    for kind, (name, in_test, again) in AGAIN.items():
        twins = [sorted((free.pop(), free.pop())) for _ in range(EACH)]
        for earlier, number in twins:
            damaged[number] = again(*pairs[earlier], chance)
        planted[f"twice, {kind}"] = name, {number + 1 for _, number in twins}
        if test:
            chosen = [free.pop() for _ in range(EACH)]
            for number in chosen:
                damaged[number] = again(*unseen.pop(), chance)
            planted[f"of the test, {kind}"] = in_test, {number + 1 for number in chosen}
    for number in range(run, run + RUN):
        damaged[number] = pairs[number][0], pairs[number + 1][1]
    # The target of the first is gone, it fits no neighbour.
    planted["off by one"] = "shifted", {number + 1 for number in range(run + 1, run + RUN)}
    if foreign:
        chosen = [free.pop() for _ in range(EACH)]
        for number in chosen:
            source, target = pairs[number]
            said = foreign[chance.randrange(len(foreign))]
            damaged[number] = (said, target) if number % 2 else (source, said)
        planted["third language"] = "other language", {number + 1 for number in chosen}
    planted["term"] = "drift", _drift(damaged, set(free))
    return damaged, planted


def _drift(pairs: list[tuple[str, str]], free: set[int]) -> set[int]:
    """Say some words otherwise, in every twentieth of the free pairs that have them; the lines of those."""
    lines = set()
    for usual, other in TERMS.items():
        said = re.compile(rf"\b{usual}", re.IGNORECASE)
        for place in [place for place in sorted(free) if said.search(pairs[place][1])][4::20]:
            pairs[place] = pairs[place][0], said.sub(other, pairs[place][1])
            lines.add(place + 1)
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--foreign", type=Path, help="sentences in a third language")
    parser.add_argument("--against", help="a test whose lines are planted")
    asked = parser.parse_args(arguments)
    pairs = _pairs(asked.corpus)
    pairs = pairs[:: max(1, len(pairs) // asked.pairs)]  # the first ones may all be short
    foreign = asked.foreign.read_text(encoding="utf-8").splitlines() if asked.foreign else []
    test = [pair for pair in _pairs(asked.against) if len(pair[0].split()) > 4] if asked.against else []
    damaged, planted = plant(pairs, foreign, test)
    against = [Corpus.open(asked.against)] if asked.against else []
    before, after = _found(pairs, against), _found(damaged, against)
    left = _left(damaged, against)
    print("| planted | finding | recall | precision | left by clean |\n|---|---|---|---|---|")
    for kind, (name, lines) in planted.items():
        told = after.get(name, set())
        same = set[int]().union(*(some for other, some in planted.values() if other == name))
        false = len(told - before.get(name, set()) - same)
        recall, precision = len(told & lines) / len(lines), 1 - false / max(1, false + len(told & same))
        print(f"| {kind} | {name} | {recall:.2f} | {precision:.2f} | {len(lines & left)} |")
    _print_nearness(pairs)


def _print_nearness(pairs: list[tuple[str, str]]) -> None:
    """How many of copies with one word other are told, by what they share."""
    chance, copies = random.Random(0), list[tuple[str, str]]()
    pairs = chance.sample(pairs, min(len(pairs), 5000))
    for number, (source, target) in enumerate(pairs):
        copies.append((_reworded(source, chance), _reworded(target, chance) if number % 2 else target))
    near = near_groups(joined([mark(pairs), mark(copies)]).signatures)
    told = near[len(pairs) :] == near[: len(pairs)]
    shared = np.array([_overlap(*both) for both in zip(pairs, copies, strict=True)])
    print("\n| shared | copies | told |\n|---|---|---|")
    for low, high in zip(SHARED, [*SHARED[1:], 2.0], strict=True):
        some = (low <= shared) & (shared < high)
        print(f"| from {low:.2f} | {some.sum():,} | {told[some].mean() if some.any() else 0:.2f} |")


def _overlap(pair: tuple[str, str], other: tuple[str, str]) -> float:
    """The Jaccard index of their n-grams."""
    ones, others = (
        {text[at : at + GRAM] for at in range(max(1, len(text) - GRAM + 1))}
        for text in ("\t".join(map(bare, sides)).encode() for sides in (pair, other))
    )
    return len(ones & others) / len(ones | others)


def _pairs(name: str) -> list[tuple[str, str]]:
    return [(pair.source, pair.target) for pair in Corpus.open(name).pairs()]


def _found(pairs: list[tuple[str, str]], against: Sequence[Corpus]) -> dict[str, set[int]]:
    with tempfile.TemporaryDirectory() as folder:
        found: Diagnosis = check(_corpus(Path(folder), pairs), against, keep_lines=True)
    return {one.name: set(one.lines) for one in found.findings}


def _left(pairs: list[tuple[str, str]], against: Sequence[Corpus]) -> set[int]:
    """The lines that cleaning neither drops nor changes."""
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "clean.tsv"
        clean(_corpus(Path(folder), pairs), into, against=against, processes=1)
        kept = set(_pairs(str(into)))
        dropped = Path(f"{into}.dropped.tsv").read_text(encoding="utf-8").split("\n")[:-1]
    gone = {int(number) for number, _, source, *_ in (line.split("\t") for line in dropped) if source}
    return {number for number, pair in enumerate(pairs, 1) if number not in gone and pair in kept}


def _corpus(folder: Path, pairs: list[tuple[str, str]]) -> Corpus:
    path = folder / "pairs.tsv"
    path.write_text("".join(f"{s}\t{t}\n" for s, t in pairs), encoding="utf-8")
    return Corpus.open(str(path))


if __name__ == "__main__":
    main()
