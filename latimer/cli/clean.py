"""latimer clean"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from latimer.errors import Mistake

if TYPE_CHECKING:
    from latimer.doctor.clean import Cleaned
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
@click.option("--shards", type=click.Path(path_type=Path), help="A shared folder to work in together.")
@click.option("--engine", type=click.Choice(["ray"]), help="With --shards: on a Ray cluster.")
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
    shards: Path | None,
    engine: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Mend the pairs of CORPUS, drop what breaks a rule, and keep the first of equal or nearly equal ones.

    Exchanged sides and runs of targets that slipped are put right, or dropped where that is not sure. What
    was dropped lies beside FILE, in FILE.dropped.tsv, with its number and the reason. With --model, pairs go
    whose target that model finds unlikely given the source (with --reverse, dual conditional cross-entropy),
    over a threshold that is shown. The same command again goes on where it was stopped.

    With --shards DIR the same command, started on any number of machines that see DIR, shares the work; each
    ends when FILE is whole, with the bytes of one process.
    """
    from latimer.cli.show import progress_bar
    from latimer.data.corpus import Corpus
    from latimer.doctor.clean import Cleaned, clean
    from latimer.folder import ModelFolder

    if not folder and (reverse or threshold is not None):
        raise Mistake("--reverse and --threshold go with --model, which scores the pairs.")
    if shards is not None or engine is not None:
        from latimer.cli.shards import finish
        from latimer.doctor.sharded import Cleaning

        if folder:
            raise Mistake(
                "--model scores in one process: clean with --shards first, what is left with --model."
            )
        job = Cleaning(corpus, against, source_language, target_language, into=into)
        workers = processes or os.cpu_count() or 1
        found = finish(job, shards, "cleaning", engine=engine, processes=workers, quiet=quiet)
        skipped = found.pop("skipped")
        done = Cleaned(**found)
    else:
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
        skipped = opened.skipped.report()
    _show(done, [] if quiet else skipped, as_json=as_json)


def _show(done: "Cleaned", skipped: Sequence[str], *, as_json: bool) -> None:
    from latimer.cli.show import say, table
    from latimer.doctor.check import LEAKED, MOVED
    from latimer.doctor.clean import ALONE
    from latimer.doctor.fitting import UNFIT
    from latimer.doctor.rules import RULES
    from latimer.report import console

    if as_json:
        say(json.dumps(done._asdict()))
        return
    told = {rule.name: rule.told for rule in RULES} | MOVED | LEAKED
    told[ALONE] = "targets left over where a run was moved back"
    if done.threshold is not None:
        told[UNFIT] = f"over {done.threshold:.2f} nats a piece, by the model"
    rows = [[f"{name}: {told[name]}" if name in told else name, f"{n:,}"] for name, n in done.reasons.items()]
    table(f"{done.kept:,} of {done.pairs:,} pairs kept, {done.mended:,} mended", ["dropped", "pairs"], rows)
    for sentence in skipped:
        console.print(sentence, markup=False)


def _fit(folder: str, reverse: str | None, threshold: float | None) -> "Fit":
    from latimer.doctor.fitting import Fit
    from latimer.scoring import Scorer, name_of

    return Fit(Scorer.load(folder, reverse), name_of(folder, reverse), threshold)
