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
    from latimer.cli.synthetic import must_be_new, must_fit, train, write
    from latimer.data.lines import LineFile
    from latimer.data.text import normalise
    from latimer.directions import directions, load, target_of
    from latimer.folder import ModelFolder
    from latimer.report import console
    from latimer.synthesis import TAG, back

    must_be_new(into)
    model = ModelFolder(folder)
    source = target_of(model.record, to)
    targets = [one for one, other in directions(model.record) if other == source]
    direction = source, targets[0] if len(targets) == 1 else None
    must_fit(into, direction)
    file = LineFile(text)
    total = sum(1 for _ in file.lines())
    lines = (normalise(line or "") for line in file.lines())  # one over a megabyte is left out
    part = back(load(folder, to=to), lines, beam=beam, tag=TAG)
    job = {"kind": "backtranslate", "model": model.content(), "to": source, "text": file.digest, "beam": beam}
    write([part], total, into, job=job, quiet=quiet)
    if not quiet:
        advice = train("REAL.tsv", into, direction=direction, more=["--into", "model"])
        console.print(f"  {advice}", markup=False)
