"""latimer serve"""

from pathlib import Path

import click

from latimer.errors import Mistake


@click.command()
@click.option(
    "--model", "folders", multiple=True, metavar="DIR", type=click.Path(path_type=Path),
    help="A model directory; several for several directions.",
)  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="Whom to listen to; 0.0.0.0 is anyone.")
@click.option("--port", default=5000, show_default=True, help="0 is any free one.")
@click.option("--pivot", is_flag=True, help="Translate through a language that two models share.")
@click.option("--workers", default=1, show_default=True, help="Batches of a model translated at once.")
@click.option("--beam", default=5, show_default=True, help="Hypotheses kept in search; 1 is greedy.")
@click.option("--prefix", default="", metavar="PATH", help="Path under which a proxy shows the server.")
@click.option(
    "--suggestions", type=click.Path(path_type=Path), metavar="DIR", help="Save suggestions there, as TSV."
)
@click.option("--keys", type=click.Path(path_type=Path), metavar="FILE", help="Want an API key of this file.")
@click.option("--make-key", metavar="NAME", help="Add a key to the file of --keys, print it, and stop.")
@click.option("--characters", default=5_000, show_default=True, help="Longest text.")
@click.option("--texts", default=128, show_default=True, help="Most texts in a request.")
@click.option("--seconds", default=30.0, show_default=True, help="Longest time until an answer.")
@click.option("--requests-per-minute", default=0, help="Most requests of a client; any number if not given.")
@click.option("--characters-per-minute", default=0, help="Most characters of a client, likewise.")
def command(
    folders: tuple[Path, ...],
    host: str,
    port: int,
    pivot: bool,
    workers: int,
    beam: int,
    prefix: str,
    suggestions: Path | None,
    keys: Path | None,
    make_key: str | None,
    characters: int,
    texts: int,
    seconds: float,
    requests_per_minute: int,
    characters_per_minute: int,
) -> None:
    """Serve models to every client of LibreTranslate, and of DeepL.

    Logs one JSON object a line, without texts. SIGHUP loads the models anew, SIGTERM ends it.
    """
    from latimer.serve.keys import Keys
    from latimer.serve.keys import make_key as made

    if make_key is not None:
        if keys is None:
            raise Mistake("--make-key needs the file to add to; give --keys FILE.")
        click.echo(made(keys, make_key))
        return
    if not folders:
        raise Mistake("Give a model directory: latimer serve --model DIR.")
    if (
        min(workers, beam, characters, texts, seconds) <= 0
        or min(requests_per_minute, characters_per_minute) < 0
    ):
        raise Mistake(
            "--workers, --beam, --characters, --texts and --seconds must be above 0, the rates not below."
        )
    if prefix and not prefix.startswith("/"):
        raise Mistake(f"--prefix is a path such as /translate, not {prefix}.")
    from latimer.serve.limits import Limits
    from latimer.serve.running import load, log_as_json, run
    from latimer.serve.service import Service

    log_as_json()
    rates = {"requests_per_minute": requests_per_minute, "characters_per_minute": characters_per_minute}
    limits = Limits(characters=characters, texts=texts, seconds=seconds, **rates)
    service = Service(
        load(folders),
        limits=limits,
        workers=workers,
        beam=beam,
        pivot=pivot,
        keys=Keys.load(keys) if keys is not None else None,
        suggestions=suggestions,
    )
    run(service, folders, host=host, port=port, prefix=prefix)
