"""latimer distil"""

from pathlib import Path

import click


@click.command()
@click.argument("corpus")
@click.option("--model", "folder", required=True, metavar="DIR", help="The teacher.")
@click.option(
    "--into", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The pairs, as TSV."
)
@click.option("--to", help="The language to translate into, where the model has several.")
@click.option("--beam", default=5, show_default=True, help="Hypotheses kept in search; 1 is greedy.")
@click.option("--quiet", is_flag=True, help="No progress bar, and no advice.")
def command(corpus: str, folder: str, to: str | None, into: Path, beam: int, quiet: bool) -> None:
    """Translate the source side of CORPUS with a teacher, for a smaller or faster student to learn from.

    The same command goes on where it was stopped.
    """
    from latimer.cli.synthetic import write
    from latimer.directions import corpus_for
    from latimer.folder import ModelFolder
    from latimer.report import console
    from latimer.synthesis import distilled

    record = ModelFolder(folder).record
    opened = corpus_for(record, corpus, source=None, to=to)
    sources = list(dict.fromkeys(pair.source for pair in opened.pairs()))
    pairs = write(
        "distil",
        corpus,
        sources,
        len(sources),
        folder=folder,
        to=opened.target_language,
        into=into,
        beam=beam,
        pair=distilled,
        quiet=quiet,
    )
    if not quiet:
        console.print(
            f"{pairs:,} pairs in {into}. Next:\n  latimer train {into} --size tiny --into student",
            markup=False,
        )
