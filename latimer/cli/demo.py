"""latimer demo"""

import sys
from pathlib import Path

import click

MINUTES = 3.7
# A small language wants a small model: it learns more in the same minutes.
SETTINGS = {
    "model.embedding": 128,
    "model.dropout": 0.05,
    "data.vocabulary": 4000,
    "training.batch": 512,
}
PARTS = ("test", "test-new-combinations", "test-long")
SHOWN = slice(125, None, 250)  # of the ordinary test part: by place, not by how well they come out


@click.command()
@click.option("--into", default="demo", show_default=True, help="The folder for the model.")
@click.option("--minutes", default=MINUTES, show_default=True, help="How long to train.")
@click.option("--quiet", is_flag=True, help="Print results only.")
def command(into: str, minutes: float, quiet: bool) -> None:
    """The whole story in five minutes: train on the built-in English-French phrasebook, score the
    model on sentences that it has not seen, translate, and draw what it attends to.
    """
    from latimer.cli.evaluate import score
    from latimer.cli.show import say, score_row, table
    from latimer.config import configure
    from latimer.data.phrasebook import load
    from latimer.files import write_whole
    from latimer.recipe import train
    from latimer.report import Watcher
    from latimer.translator import Translator
    from latimer.visualize import html_page, terminal

    with Watcher(quiet=quiet) as watcher:
        watcher.note("1. Train an LSTM with additive attention, English to French.")
        trained = train(
            configure({**SETTINGS, "training.minutes": minutes}),
            "builtin:phrasebook",
            into=into,
            validation="builtin:phrasebook/validation",
            reporter=watcher,
        )
        if not trained.progress.finished:
            watcher.note("Stopped. The same command goes on from there.")
            raise KeyboardInterrupt
        watcher.note("\n2. Score it on sentences that it has never seen.")
    reports = {part: score(f"builtin:phrasebook/{part}", into, beam=1, quiet=quiet) for part in PARTS}
    for part, report in reports.items():
        table(
            f"{part}, {report.sentences:,} sentences",
            ["score", "value", "95 % interval"],
            map(score_row, report.scores),
        )
        say()
    for entry in reports["test"].scores:
        say(f"{entry.name}: {entry.signature}")

    watcher.note("\n3. Translate.")
    translator = Translator.load(into)
    shown = load("test")[SHOWN]
    texts = [english for english, _ in shown]
    for (text, reference), translation in zip(shown, translator.translate(texts), strict=True):
        say(f"{text}  →  {translation}    (the phrasebook: {reference})")

    watcher.note("\n4. Look: each French word, and the English words it came from.")
    looks = [translator.look(text, n_best=3, force=20) for text in texts]
    shown_map = looks[2].map(title=f"{looks[2].sentence} → {looks[2].text}")
    say(terminal(shown_map, colour=sys.stdout.isatty()))
    page = Path(into) / "attention.html"
    write_whole(page, html_page(looks, title="What the demo attends to").encode())
    say(f"The model is in {into}, and {page} shows its attention in a browser. Next:")
    say(f"  latimer translate --model {into} 'We used to live in Paris.'")
    say(f"  latimer look --model {into} 'Where do you work?'")
    say("  latimer train YOUR.tsv --into model --minutes 20")
