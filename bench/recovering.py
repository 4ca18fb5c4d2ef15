"""What damaged pairs cost a translator, and how much of that cleaning gives back: BLEU at equal updates.

.venv/bin/python -m bench.recovering D/train.en,D/train.fr --dev D/dev.en,D/dev.fr --into WORK [--pairs 40000]
    [--share 0.4] [--steps 1500] [--seeds 1] [--set key=value]... [--json FILE]

The corpus as it is, the same damaged in a share of its lines (bench/planting.py says how; half of that share
is in runs that slipped), and what `latimer clean` makes of the damaged one. Of dev every second pair chooses
the best update, the others are the test, with all their references. The same command goes on where it was
stopped.
"""

import argparse
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.planting import KINDS
from latimer import evaluate
from latimer.config import configure, read_settings
from latimer.data.corpus import Corpus
from latimer.doctor.clean import clean
from latimer.files import write_whole
from latimer.recipe import train
from latimer.translator import Translator

CORPORA = ("original", "damaged", "cleaned")
RUNS = (20, 200)  # pairs of a run that slipped
RESAMPLES = 1000

Pairs = list[tuple[str, str]]


class Recovery(NamedTuple):
    """BLEU of each corpus, the mean of its seeds, with 95 % intervals; `share` of the loss is given back."""

    bleu: dict[str, tuple[float, float, float]]
    share: tuple[float, float, float]


def damaged(pairs: Pairs, share: float, *, seed: int = 0) -> Pairs:
    """The pairs with faults in that share of the lines: half in slipped runs, half of the kinds of KINDS."""
    chance, found = random.Random(seed), list(pairs)
    slipped, wanted = set[int](), round(share * len(pairs) / 2)
    while len(slipped) < wanted:
        first, length = chance.randrange(1, len(pairs) - RUNS[1] - 1), chance.randint(*RUNS)
        run = range(first, first + min(length, max(RUNS[0], wanted - len(slipped))))
        if slipped.isdisjoint(range(run.start - 5, run.stop + 5)):
            slipped.update(run)
            offset = chance.choice((1, -1))
            for place in run:
                found[place] = pairs[place][0], pairs[place - offset][1]
    free = [place for place in range(len(pairs)) if place not in slipped]
    damages = [damage for _, damage in KINDS.values()]
    for number, place in enumerate(chance.sample(free, wanted)):
        found[place] = damages[number % len(damages)](*pairs[place])
    return found


def recovery(counted: Mapping[str, Sequence[evaluate.Counted]]) -> Recovery:
    """From what BLEU counted in the test, by corpus and seed; the intervals are of sentences drawn anew."""
    draws = np.random.default_rng(evaluate.SEED)
    sentences = len(counted["original"][0].rows)

    def scores(often: NDArray[np.float64]) -> dict[str, float]:
        return {
            name: float(np.mean([one.value(often @ one.rows) for one in seeds]))
            for name, seeds in counted.items()
        }

    whole = scores(np.ones(sentences))
    drawn = [
        scores(np.bincount(draws.integers(sentences, size=sentences), minlength=sentences).astype(np.float64))
        for _ in range(RESAMPLES)
    ]
    bleu = {name: (whole[name], *evaluate.interval([one[name] for one in drawn])) for name in counted}
    return Recovery(bleu, (_share(whole), *evaluate.interval([_share(one) for one in drawn])))


def _share(bleu: dict[str, float]) -> float:
    lost = bleu["original"] - bleu["damaged"]
    return (bleu["cleaned"] - bleu["damaged"]) / lost if lost else float("nan")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--dev", required=True)
    parser.add_argument("--into", required=True, type=Path)
    parser.add_argument("--pairs", type=int, default=40_000)
    parser.add_argument("--share", type=float, default=0.4)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="key=value")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    sizes = _lay_out(asked)
    sources, references = evaluate.group_references(_pairs(asked.dev)[1::2])
    counted: dict[str, list[evaluate.Counted]] = {}
    for name in CORPORA:
        said = [_translations(asked, name, seed, sources) for seed in range(asked.seeds)]
        counted[name] = [evaluate.count(lines, references, metric="BLEU") for lines in said]
    found = recovery(counted)
    print(table(found, sizes))
    if asked.json:
        told = {"sizes": sizes, **found._asdict(), "asked": {k: str(v) for k, v in vars(asked).items()}}
        write_whole(asked.json, json.dumps(told).encode())


def table(found: Recovery, sizes: dict[str, int]) -> str:
    lines = ["| corpus | pairs | BLEU | 95 % |", "|---|---|---|---|"]
    for name, (value, low, high) in found.bleu.items():
        lines.append(f"| {name} | {sizes[name]:,} | {value:.1f} | {low:.1f} to {high:.1f} |")
    share, low, high = (100 * one for one in found.share)
    return "\n".join([*lines, f"\nCleaning gives back {share:.0f} % of the loss ({low:.0f} to {high:.0f})."])


def _pairs(name: str) -> Pairs:
    return [(pair.source, pair.target) for pair in Corpus.open(name).pairs()]


def _lay_out(asked: argparse.Namespace) -> dict[str, int]:
    """Write the corpora where they aren't yet; how many pairs each has."""
    asked.into.mkdir(parents=True, exist_ok=True)
    paths = {name: asked.into / f"{name}.tsv" for name in (*CORPORA, "validation")}
    if not paths["cleaned"].exists():
        pairs = _pairs(asked.corpus)
        pairs = pairs[:: max(1, len(pairs) // asked.pairs)][: asked.pairs]
        texts = {
            "original": pairs,
            "damaged": damaged(pairs, asked.share),
            "validation": _pairs(asked.dev)[::2],
        }
        for name, some in texts.items():
            write_whole(paths[name], "".join(f"{one}\t{other}\n" for one, other in some).encode())
        print(clean(Corpus.open(str(paths["damaged"])), paths["cleaned"], processes=1), flush=True)
    return {name: sum(1 for _ in Corpus.open(str(paths[name])).pairs()) for name in CORPORA}


def _translations(asked: argparse.Namespace, name: str, seed: int, sources: list[str]) -> list[str]:
    """Of the test, by a model trained on one of the corpora; kept in a file."""
    path = asked.into / f"{name}-{seed}.txt"
    if not path.exists():
        settings: dict[str, Any] = {"training.steps": asked.steps, "training.seed": seed}
        config = configure({**settings, **read_settings(tuple(asked.settings))})
        corpus, validation = str(asked.into / f"{name}.tsv"), str(asked.into / "validation.tsv")
        trained = train(config, corpus, validation=validation, into=asked.into / f"{name}-{seed}")
        lines = Translator.load(trained.folder.path).translate(sources, beam=asked.beam)
        write_whole(path, "".join(f"{line}\n" for line in lines).encode())
    return path.read_text(encoding="utf-8").split("\n")[:-1]


if __name__ == "__main__":
    main()
