"""latimer distil"""

from pathlib import Path

import click

from latimer.errors import Mistake


@click.command()
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS...")
@click.option(
    "--model", "folders", required=True, multiple=True, metavar="DIR", help="A teacher; several are averaged."
)
@click.option(
    "--reverse", multiple=True, metavar="DIR", help="A model of the other direction; several are averaged."
)
@click.option(
    "--into", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The pairs, as TSV."
)
@click.option("--to", help="The language to translate into, where the model has several.")
@click.option("--beam", default=5, show_default=True, help="Hypotheses kept in search; 1 is greedy.")
@click.option("--quiet", is_flag=True, help="No progress bar, and no advice.")
def command(
    corpora: tuple[str, ...],
    folders: tuple[str, ...],
    reverse: tuple[str, ...],
    into: Path,
    to: str | None,
    beam: int,
    quiet: bool,
) -> None:
    """Translate the source side of CORPUS... with a teacher, for a smaller or faster student to learn from.

    With --reverse the target side is translated back, too, and the pairs of CORPUS are put before both: a
    student of all three can be better than its teachers, who learned from CORPUS (Nguyen et al. 2020).

    What the first teacher was validated on is for the student, too: it is put beside FILE (all.validation.tsv
    for all.tsv), and pairs of CORPUS that share a sentence with what the teacher held out are left out. Pairs
    held out of FILE itself would be what machines said, and their siblings would be trained on.

    The same command goes on where it was stopped.
    """
    from latimer.cli.synthetic import must_be_new, must_fit, train, write
    from latimer.report import console
    from latimer.teaching import lesson

    must_be_new(into)
    wanted = lesson(corpora, folders, reverse, to=to)
    must_fit(into, wanted.direction)
    parts = wanted.parts(beam)
    validation = _validation(into, wanted.held)
    if not quiet:
        for told in wanted.notes:
            console.print(told, markup=False)
    job = {"kind": "distil", "beam": beam, "content": wanted.content()}
    write(parts, sum(1 for part in parts for _ in part.items), into, job=job, quiet=quiet)
    if not quiet:
        size = _like(folders[0]) if reverse else ["--size", "tiny"]
        more = [*(["--validation", str(validation)] if validation else []), *size, "--into", "student"]
        console.print("  " + train(into, direction=wanted.direction, more=more), markup=False)


def _like(folder: str) -> list[str]:
    """What asks `latimer train` for a model like the one in the folder; nothing where that has no name."""
    from latimer.folder import ModelFolder
    from latimer.presets import name_of

    name = name_of(ModelFolder(folder).config)
    return [] if name is None else ["--model", name]


def _validation(into: Path, held: list[tuple[str, str]]) -> Path | None:
    """What the student is to be validated on, written beside the pairs; None where there is nothing."""
    from latimer.files import write_whole

    if not held:
        return None
    path = into.with_name(f"{into.stem}.validation.tsv")
    content = "".join(f"{source}\t{target}\n" for source, target in held).encode()
    if path.exists() and path.read_bytes() != content:
        raise Mistake(f"{path} is another run's; delete it, or choose another --into.")
    write_whole(path, content)
    return path
