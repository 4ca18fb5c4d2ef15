"""Search speed: CPU time of a target token against how many stand before it, model by model.

    .venv/bin/python -m bench.search [--tokens 500] [--repeats 3] [--into runs/search]

Fresh models of size tiny, one thread, a batch of 8 random sources of 30 pieces, greedy and with a beam of 5.
The end is forbidden until the last token, so every model writes as many.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch

from bench import task
from latimer.config import configure
from latimer.errors import Mistake
from latimer.files import write_whole
from latimer.machine import keep_memory
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.presets import model_settings
from latimer.search.beam import Numbers, beam_search
from latimer.visualize import svg_chart

MODELS = ("lstm", "lstm-parallel", "conv", "transformer", "hybrid")
BEAMS = (1, 5)
SENTENCES, PIECES = 8, 30
WINDOW = 25  # tokens between two looks at the clock


class Clock:
    """A constraint that lets no sentence end before `tokens` tokens, and notes the time at each window's end.

    Search calls it once a step, after the decoder: `seconds` lie as many steps apart as a window has tokens.
    """

    def __init__(self, tokens: int, window: int) -> None:
        self.tokens = tokens
        self.window = window
        self.seconds: list[float] = []

    def __call__(self, log_probs: Numbers, tokens: Numbers) -> Numbers:
        written = tokens.shape[1] - 1
        if written % self.window == 0:
            self.seconds.append(time.process_time())
        if written < self.tokens:
            log_probs = log_probs.copy()
            log_probs[:, task.END] = -np.inf
        return log_probs


class Curve(NamedTuple):
    """Milliseconds a token, one number a window, of every run of a model with a beam."""

    model: str
    beam: int
    runs: list[list[float]]

    @property
    def middle(self) -> list[float]:
        """Of each window the median run."""
        return [median(window) for window in zip(*self.runs, strict=True)]


def make_model(name: str) -> Seq2Seq:
    """The model of that name with fresh parameters, of size tiny, ready to search."""
    torch.manual_seed(0)
    config = configure({**model_settings(name), "model.size": "tiny"}).model
    size = task.VOCABULARY
    return build(config, source_vocabulary=size, target_vocabulary=size, joint=True).eval()


def timed_search(model: Seq2Seq, *, beam: int, tokens: int, window: int = WINDOW) -> list[float]:
    """CPU milliseconds a target token in each window of one search: of a sentence, whatever the beam."""
    chance = torch.Generator().manual_seed(0)
    source = torch.randint(task.SPECIALS, task.VOCABULARY, (SENTENCES, PIECES), generator=chance)
    clock = Clock(tokens, window)
    with torch.inference_mode():
        memory = model.memory(source, torch.ones_like(source, dtype=torch.bool))
    beam_search(
        model.decoder,
        memory,
        limits=[tokens + 1] * SENTENCES,
        bos=task.BEGINNING,
        eos=task.END,
        beam=beam,
        constraints=[clock],
    )
    marks = clock.seconds
    return [1000 * (after - before) / (window * SENTENCES) for before, after in pairwise(marks)]


def measure(models: Sequence[str], *, tokens: int, repeats: int) -> list[Curve]:
    """Every model with every beam once, then again: `repeats` rounds, so that a slow minute falls on all."""
    built = {name: make_model(name) for name in models}
    curves = [Curve(name, beam, []) for beam in BEAMS for name in models]
    for number in range(repeats):
        for name, beam, runs in curves:
            runs.append(timed_search(built[name], beam=beam, tokens=tokens))
            mean = sum(runs[-1]) / len(runs[-1])
            sys.stderr.write(f"round {number + 1} {name}, beam {beam}: {mean:.2f} CPU ms a token\n")
    return curves


def format_table(curves: Sequence[Curve], window: int = WINDOW) -> str:
    """Markdown: of each curve the first, the middle and the last window, and how the last compares."""
    count = len(curves[0].middle)
    shown = sorted({0, count // 2, count - 1})
    heads = [f"tokens {window * place + 1} to {window * (place + 1)}" for place in shown]
    rows = [["model", "beam", *heads, "last / first"], ["---"] * (len(heads) + 3)]
    for curve in curves:
        middle = curve.middle
        cells = [f"{middle[place]:.2f}" for place in shown]
        rows.append([curve.model, str(curve.beam), *cells, f"{middle[-1] / middle[0]:.2f}"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def chart(curves: Sequence[Curve], beam: int, window: int = WINDOW) -> str:
    """The curves of one beam as SVG, each point at its window's end."""
    series = {
        curve.model: [(window * (place + 1), value) for place, value in enumerate(curve.middle)]
        for curve in curves
        if curve.beam == beam
    }
    how = "greedy" if beam == 1 else f"beam {beam}"
    return svg_chart(series, title=f"Search, {how}", x="tokens written so far", y="CPU milliseconds a token")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.search")
    parser.add_argument("--models", nargs="+", default=MODELS, help="names as in latimer train --model")
    parser.add_argument("--tokens", type=int, default=500, help=f"that each writes, a multiple of {WINDOW}")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    parser.add_argument("--into", type=Path, default=Path("runs/search"), help="folder for the pictures")
    arguments = parser.parse_args()
    if arguments.tokens < WINDOW or arguments.tokens % WINDOW:
        parser.error(f"--tokens must be a multiple of {WINDOW}, not {arguments.tokens}")
    torch.set_num_threads(1)
    keep_memory()  # as a Translator does
    curves = measure(arguments.models, tokens=arguments.tokens, repeats=arguments.repeats)
    print("CPU milliseconds a target token, median of the rounds\n")
    print(format_table(curves))
    arguments.into.mkdir(parents=True, exist_ok=True)
    for beam in BEAMS:
        path = arguments.into / ("greedy.svg" if beam == 1 else f"beam-{beam}.svg")
        write_whole(path, chart(curves, beam).encode())
        print(f"\n{path}", end="")
    print()


if __name__ == "__main__":
    try:
        main()
    except Mistake as mistake:
        sys.stderr.write(f"{mistake}\n")
        sys.exit(2)
