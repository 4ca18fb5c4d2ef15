"""latimer clean"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from latimer.errors import Mistake

if TYPE_CHECKING:
    from latimer.doctor.fitting import Fit


@click.command()
@click.argument("corpus")
@click.option("--into", required=True, type=click.Path(path_type=Path), help="The TSV to write.")
@click.option("--against", multiple=True, metavar="TEST", help="Drop what this test has. May be repeated.")
@click.option("--model", "folder", metavar="DIR", help="Drop pairs that this model finds unlikely.")
@click.option("--reverse", metavar="DIR", help="A model of the other direction: what both say is surer.")
@click.option(
    "--threshold", type=float, metavar="NATS", help="Of the models' score; from the scores if not given."
)
@click.option("--from", "source_language", help="Language of the source, where CORPUS does not tell.")
@click.option("--to", "target_language", help="Language of the target.")
@click.option("--processes", type=click.IntRange(1), help="How many work at once; all cores if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def command(
    corpus: str,
    into: Path,
    against: tuple[str, ...],
    folder: str | None,
    reverse: str | None,
    threshold: float | None,
    source_language: str | None,
    target_language: str | None,
    processes: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Mend the pairs of CORPUS, drop what breaks a rule, and keep the first of equal or nearly equal ones.

    Exchanged sides and runs of targets that slipped are put right, or dropped where that is not sure. What
    was dropped lies beside FILE, in FILE.dropped.tsv, with its number and the reason. With --model, pairs go
    whose target that model finds unlikely given the source (with --reverse, dual conditional cross-entropy),
    over a threshold that is shown. The same command again goes on where it was stopped.
    """
    from latimer.cli.show import progress_bar, say, table
    from latimer.data.corpus import Corpus
    from latimer.doctor.check import LEAKED, MOVED
    from latimer.doctor.clean import ALONE, clean
    from latimer.doctor.fitting import UNFIT
    from latimer.doctor.rules import RULES
    from latimer.folder import ModelFolder
    from latimer.report import console

    if not folder and (reverse or threshold is not None):
        raise Mistake("--reverse and --threshold go with --model, which scores the pairs.")
    fit = _fit(folder, reverse, threshold) if folder else None
    if folder:
        direction = ModelFolder(folder).record
        source_language = source_language or direction["source_language"]
        target_language = target_language or direction["target_language"]
    opened, *tests = (
        Corpus.open(name, source_language=source_language, target_language=target_language)
        for name in (corpus, *against)
    )
    with progress_bar(None, "cleaning", quiet=quiet) as advance:
        done = clean(opened, into, against=tests, fit=fit, processes=processes, progress=advance)
    if as_json:
        say(json.dumps(done._asdict()))
        return
    told = {rule.name: rule.told for rule in RULES} | MOVED | LEAKED
    told[ALONE] = "targets left over where a run was moved back"
    if done.threshold is not None:
        told[UNFIT] = f"over {done.threshold:.2f} nats a piece, by the model"
    rows = [[f"{name}: {told[name]}" if name in told else name, f"{n:,}"] for name, n in done.reasons.items()]
    table(f"{done.kept:,} of {done.pairs:,} pairs kept, {done.mended:,} mended", ["dropped", "pairs"], rows)
    if not quiet:
        for sentence in opened.skipped.report():
            console.print(sentence, markup=False)


def _fit(folder: str, reverse: str | None, threshold: float | None) -> "Fit":
    from latimer.doctor.fitting import Fit
    from latimer.scoring import Scorer, name_of

    return Fit(Scorer.load(folder, reverse), name_of(folder, reverse), threshold)
