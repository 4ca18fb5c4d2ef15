"""latimer clean"""

import json
import os
from pathlib import Path

import click


@click.command()
@click.argument("corpus")
@click.option("--into", required=True, type=click.Path(path_type=Path), help="The TSV to write.")
@click.option("--against", multiple=True, metavar="TEST", help="Drop what this test has. May be repeated.")
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
    was dropped lies beside FILE, in FILE.dropped.tsv, with its number and the reason. The same command again
    goes on where it was stopped.

    With --shards DIR the same command, started on any number of machines that see DIR, shares the work; each
    ends when FILE is whole, with the bytes of one process.
    """
    from latimer.cli.shards import finish
    from latimer.cli.show import progress_bar, say, table
    from latimer.data.corpus import Corpus
    from latimer.doctor.check import LEAKED, MOVED
    from latimer.doctor.clean import ALONE, Cleaned, clean
    from latimer.doctor.rules import RULES
    from latimer.doctor.sharded import Cleaning
    from latimer.report import console

    if shards is not None or engine is not None:
        job = Cleaning(corpus, against, source_language, target_language, into=into)
        workers = processes or os.cpu_count() or 1
        found = finish(job, shards, "cleaning", engine=engine, processes=workers, quiet=quiet)
        skipped = found.pop("skipped")
        done = Cleaned(**found)
    else:
        opened, *tests = (
            Corpus.open(name, source_language=source_language, target_language=target_language)
            for name in (corpus, *against)
        )
        with progress_bar(None, "cleaning", quiet=quiet) as advance:
            done = clean(opened, into, against=tests, processes=processes, progress=advance)
        skipped = opened.skipped.report()
    if as_json:
        say(json.dumps(done._asdict()))
        return
    told = {rule.name: rule.told for rule in RULES} | MOVED | LEAKED
    told[ALONE] = "targets left over where a run was moved back"
    rows = [[f"{name}: {told[name]}" if name in told else name, f"{n:,}"] for name, n in done.reasons.items()]
    table(f"{done.kept:,} of {done.pairs:,} pairs kept, {done.mended:,} mended", ["dropped", "pairs"], rows)
    if not quiet:
        for sentence in skipped:
            console.print(sentence, markup=False)
