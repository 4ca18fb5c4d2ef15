"""Faults planted in known lines, and how many of them `check` finds: recall and precision of each kind.

.venv/bin/python -m bench.planting D/train.en,D/train.fr [--pairs 20000] [--foreign D/other.de]

Precision counts as false what is found in the damaged corpus beyond what was found there before.
"""

import argparse
import random
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from latimer.data.corpus import Corpus
from latimer.doctor.check import check
from latimer.doctor.diagnosis import Diagnosis

TERMS = {
    "voiture": "bagnole",
    "argent": "pognon",
    "maison": "baraque",
    "livre": "bouquin",
    "police": "flicaille",
}
EACH = 100  # lines of a kind; a run has RUN
RUN = 40

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


def plant(
    pairs: list[tuple[str, str]], foreign: Sequence[str] = ()
) -> tuple[list[tuple[str, str]], dict[str, tuple[str, set[int]]]]:
    """The damaged pairs, and for each kind the finding that it should be and its lines (from 1).

    foreign: sentences in a third language.
    """
    chance, damaged = random.Random(0), list(pairs)
    run = len(pairs) // 2
    free = [n for n, (s, _) in enumerate(pairs) if len(s.split()) > 4 and not run - 1 <= n <= run + RUN]
    chance.shuffle(free)
    planted = {}
    for kind, (name, damage) in KINDS.items():
        chosen = [free.pop() for _ in range(EACH)]
        for number in chosen:
            damaged[number] = damage(*pairs[number])
        planted[kind] = name, {number + 1 for number in chosen}
    chosen = [free.pop() for _ in range(EACH)]
    for number in chosen:
        damaged[number] = damaged[chance.randrange(number)]
    planted["duplicate"] = "duplicate", {number + 1 for number in chosen}
    for number in range(run, run + RUN):
        damaged[number] = pairs[number][0], pairs[number + 1][1]
    planted["off by one"] = "shifted", {number + 1 for number in range(run, run + RUN)}
    if foreign:
        chosen = [free.pop() for _ in range(EACH)]
        for number in chosen:
            source, target = pairs[number]
            said = foreign[chance.randrange(len(foreign))]
            damaged[number] = (said, target) if number % 2 else (source, said)
        planted["third language"] = "other language", {number + 1 for number in chosen}
    planted["term"] = "drift", _drift(damaged)
    return damaged, planted


def _drift(pairs: list[tuple[str, str]]) -> set[int]:
    """Say some words otherwise, in every twentieth of the pairs that have them; the lines of those."""
    lines = set()
    for usual, other in TERMS.items():
        said = re.compile(rf"\b{usual}", re.IGNORECASE)
        places = [place for place, (_, target) in enumerate(pairs) if said.search(target)]
        for place in places[4::20]:
            pairs[place] = pairs[place][0], said.sub(other, pairs[place][1])
            lines.add(place + 1)
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--foreign", type=Path, help="sentences in a third language")
    asked = parser.parse_args(arguments)
    opened = Corpus.open(asked.corpus)
    pairs = [(pair.source, pair.target) for pair in opened.pairs()]
    pairs = pairs[:: max(1, len(pairs) // asked.pairs)]  # the first ones may all be short
    foreign = asked.foreign.read_text(encoding="utf-8").splitlines() if asked.foreign else []
    damaged, planted = plant(pairs, foreign)
    before, after = _found(pairs), _found(damaged)
    print("| planted | finding | recall | precision |\n|---|---|---|---|")
    for kind, (name, lines) in planted.items():
        told = after.get(name, set())
        hits, new = len(told & lines), len(told - before.get(name, set()) | told & lines)
        print(f"| {kind} | {name} | {hits / len(lines):.2f} | {hits / max(1, new):.2f} |")


def _found(pairs: list[tuple[str, str]]) -> dict[str, set[int]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.tsv"
        path.write_text("".join(f"{s}\t{t}\n" for s, t in pairs), encoding="utf-8")
        found: Diagnosis = check(Corpus.open(str(path)), keep_lines=True)
    return {one.name: set(one.lines) for one in found.findings}


if __name__ == "__main__":
    main()
