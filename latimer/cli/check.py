"""latimer check"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from latimer.doctor.diagnosis import Diagnosis

DRIFTS = 10  # terms that are shown


@click.command()
@click.argument("corpus")
@click.option("--against", multiple=True, metavar="TEST", help="Is any of this test in it? May be repeated.")
@click.option("--from", "source_language", help="Language of the source, where CORPUS does not tell.")
@click.option("--to", "target_language", help="Language of the target.")
@click.option("--html", type=click.Path(path_type=Path), help="Write it all as one page.")
@click.option("--shards", type=click.Path(path_type=Path), help="A shared folder to work in together.")
@click.option("--processes", type=click.IntRange(1), help="With --shards: how many; all cores if not given.")
@click.option("--engine", type=click.Choice(["ray"]), help="With --shards: on a Ray cluster.")
@click.option("--json", "as_json", is_flag=True, help="Print it all as JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def command(
    corpus: str,
    against: tuple[str, ...],
    source_language: str | None,
    target_language: str | None,
    html: Path | None,
    shards: Path | None,
    processes: int | None,
    engine: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say what is wrong with the sentence pairs of CORPUS, how often and where, and what to do about it.

    With --shards DIR the same command, started on any number of machines that see DIR, shares the work; each
    tells the whole.
    """
    from latimer.cli.shards import finish
    from latimer.cli.show import progress_bar, say
    from latimer.data.corpus import Corpus
    from latimer.doctor.check import check
    from latimer.doctor.diagnosis import Diagnosis
    from latimer.doctor.sharded import Checking
    from latimer.files import write_whole
    from latimer.visualize.diagnosis import diagnosis_page

    if shards is not None or engine is not None:
        job = Checking(corpus, against, source_language, target_language)
        workers = processes or os.cpu_count() or 1
        told = finish(job, shards, "checking", engine=engine, processes=workers, quiet=quiet)
        found = Diagnosis.from_json(told)
    else:
        opened, *tests = (
            Corpus.open(name, source_language=source_language, target_language=target_language)
            for name in (corpus, *against)
        )
        with progress_bar(None, "checking", quiet=quiet) as advance:
            found = check(opened, tests, progress=advance)
    if html is not None:
        write_whole(html, diagnosis_page(found.json()).encode())
    if as_json:
        say(json.dumps(found.json(), ensure_ascii=False))
    else:
        show(found)


def show(found: "Diagnosis") -> None:
    """The diagnosis as tables, with one example a finding."""
    from latimer.cli.show import say, table
    from latimer.visualize.text import shorten, visible

    low, middle, high = found.length_ratio
    say(
        f"{found.corpus}: {found.pairs:,} pairs, {found.words[0]:,} and {found.words[1]:,} words; "
        f"the target has {middle:g} times the source's letters ({low:g} to {high:g}); "
        f"{found.distinct[0]:,} distinct sources, "
        f"{found.several_targets:,} of them with several targets."
    )
    for reason, count in found.skipped.items():
        say(f"Not usable: {count:,} pairs ({reason}).")
    say()
    rows = [
        [f"{one.name}: {one.told}", f"{one.total:,}", f"{100 * one.total / found.pairs:.2f}", one.action]
        for one in found.findings
    ]
    table("", ["finding", "pairs", "%", "clean"], rows)
    say()
    for one in found.findings:
        number, source, target = one.examples[0]
        say(f"{one.name}, pair {number:,}: {shorten(visible(source), 60)} | {shorten(visible(target), 60)}")
    say()
    if found.drifts:
        rows = [
            [one.term, one.usual, f"{one.pairs:,}", one.other, f"{len(one.lines):,}", f"{one.lines[0]:,}"]
            for one in found.drifts[:DRIFTS]
        ]
        table("", ["term", "usual", "pairs", "elsewhere", "pairs", "first in pair"], rows)
        say()
    for sentence in found.advice:
        say(sentence)
