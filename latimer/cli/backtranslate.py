"""latimer backtranslate"""

from pathlib import Path

import click


@click.command()
@click.argument("text")
@click.option("--model", "folder", required=True, metavar="DIR", help="A model of the other direction.")
@click.option(
    "--into", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The pairs, as TSV."
)
@click.option("--to", help="The language to translate into, where the model has several.")
@click.option("--beam", default=5, show_default=True, help="Hypotheses kept in search; 1 is greedy.")
@click.option("--quiet", is_flag=True, help="No progress bar, and no advice.")
def command(text: str, folder: str, to: str | None, into: Path, beam: int, quiet: bool) -> None:
    """Make pairs of TEXT, a file of sentences in the language that you translate into, by translating them
    back: a synthetic source, tagged <BT>, and the real sentence as target.

    The same command goes on where it was stopped.
    """
    from latimer.cli.synthetic import write
    from latimer.data.lines import LineFile
    from latimer.data.text import normalise
    from latimer.report import console
    from latimer.synthesis import backtranslated

    file = LineFile(text)
    total = sum(1 for _ in file.lines())
    lines = (normalise(line or "") for line in file.lines())  # one over a megabyte is left out
    pairs = write(
        "backtranslate",
        text,
        lines,
        total,
        folder=folder,
        to=to,
        into=into,
        beam=beam,
        pair=backtranslated,
        quiet=quiet,
    )
    if not quiet:
        console.print(
            f"{pairs:,} pairs in {into}. Next:\n  latimer train REAL.tsv {into} --into model", markup=False
        )
