"""What attention buys: BLEU by sentence length, with and without it, after equal minutes.

    python -m bench.with_and_without --minutes 3.7 --into runs/attention --svg docs/bleu-by-length.svg

The figure is that of Bahdanau et al. 2015 (figure 2), on the built-in phrasebook.
"""

import argparse
import time
from pathlib import Path

from latimer import evaluate
from latimer.cli.demo import SETTINGS
from latimer.config import configure
from latimer.data.corpus import Corpus
from latimer.files import write_whole
from latimer.presets import model_settings
from latimer.recipe import train
from latimer.translator import Translator
from latimer.visualize import svg_chart

PARTS = ("test", "test-new-combinations", "test-long")
MODELS = {"lstm": "with attention (lstm)", "lstm-plain": "without (lstm-plain)"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=3.7)
    parser.add_argument("--into", type=Path, default=Path("runs/attention"))
    parser.add_argument("--svg", type=Path)
    arguments = parser.parse_args()

    parts = {part: list(Corpus.open(f"builtin:phrasebook/{part}").pairs()) for part in PARTS}
    pairs = [pair for part in parts.values() for pair in part]
    sources, references = [pair.source for pair in pairs], [[pair.target] for pair in pairs]
    curves = {}
    print(
        "| model | part | BLEU | chrF2++ | updates | minutes | CPU minutes |\n|---|---|---|---|---|---|---|"
    )
    for name, label in MODELS.items():
        began, cpu = time.monotonic(), time.process_time()
        trained = train(
            configure({**model_settings(name), **SETTINGS, "training.minutes": arguments.minutes}),
            "builtin:phrasebook",
            into=arguments.into / name,
            validation="builtin:phrasebook/validation",
        )
        minutes, cpu_minutes = (time.monotonic() - began) / 60, (time.process_time() - cpu) / 60
        translator = Translator.load(arguments.into / name)
        hypotheses = translator.translate(sources, beam=1)
        begin = 0
        for part, its_pairs in parts.items():
            end = begin + len(its_pairs)
            bleu = evaluate.bleu(hypotheses[begin:end], references[begin:end])
            chrf = evaluate.chrf(hypotheses[begin:end], references[begin:end])
            print(
                f"| {name} | {part} | {bleu.value:.1f} | {chrf.value:.1f} | {trained.progress.update:,} "
                f"| {minutes:.1f} | {cpu_minutes:.1f} |",
                flush=True,
            )
            begin = end
        buckets = evaluate.bleu_by_length(sources, hypotheses, references)
        curves[label] = [(bucket.words, bucket.value) for bucket in buckets]
    print(f"\n{bleu.signature}\n{chrf.signature}")
    for label, points in curves.items():
        print(f"{label}: " + ", ".join(f"{words:.0f} words {value:.1f}" for words, value in points))
    if arguments.svg:
        title = "BLEU by length of the source, after equal minutes"
        chart = svg_chart(curves, title=title, x="words in the source", y="BLEU")
        write_whole(arguments.svg, chart.encode())


if __name__ == "__main__":
    main()
