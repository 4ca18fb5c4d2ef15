"""latimer corpus"""

from pathlib import Path

import click


@click.group()
def command() -> None:
    """Fetch public corpora."""


@command.command("get")
@click.argument("name")
@click.option(
    "--into", default=".", show_default=True, type=click.Path(path_type=Path), help="The folder for it."
)
@click.option("--quiet", is_flag=True, help="Print only the name of the file.")
def get(name: str, into: Path, quiet: bool) -> None:
    """Fetch the corpus NAME: opus://Tatoeba/en-fr, manythings://eng-fra, or what mtdata calls
    Statmt-europarl-10-deu-eng, where it is installed; says what to train on.

    Beside it stands whose it is and on which terms. The same command again goes on where it was stopped.
    """
    from latimer.data import origins
    from latimer.data.corpus import Corpus

    last = 0

    def tell(done: int, total: int | None) -> None:
        nonlocal last
        if not quiet and done - last >= 10_000_000:
            last = done
            of = f" of {total / 1e6:,.0f}" if total else ""
            click.echo(f"{done / 1e6:,.0f}{of} MB", err=True)

    path = origins.get(name, into, tell)
    if not quiet:
        for origin in Corpus.open(str(path)).origins():
            licence = origin.licence.split("\n")[0]
            click.echo(f"{origin.attribution.splitlines()[0]}\nLicence: {licence}", err=True)
    click.echo(str(path))
