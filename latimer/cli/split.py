"""latimer split"""

import json
from pathlib import Path

import click


@click.command()
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS...")
@click.option("--into", required=True, type=click.Path(path_type=Path), help="The folder for the parts.")
@click.option("--validation", default=1000, show_default=True, type=click.IntRange(0), help="Pairs of it.")
@click.option("--test", default=1000, show_default=True, type=click.IntRange(0), help="Pairs of it.")
@click.option("--from", "source_language", help="Language of the source, where CORPUS does not tell.")
@click.option("--to", "target_language", help="Language of the target.")
@click.option("--seed", default=0, show_default=True, help="Another one draws other pairs.")
@click.option("--json", "as_json", is_flag=True, help="Print how many pairs each part has as JSON.")
def command(
    corpora: tuple[str, ...],
    into: Path,
    validation: int,
    test: int,
    source_language: str | None,
    target_language: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Part CORPUS... into train.tsv, validation.tsv and test.tsv, so that no sentence is in two of them.

    Of several corpora each gives its share to every part. The same pairs and seed give the same parts.
    """
    from latimer.cli.show import say
    from latimer.data.corpus import Corpus
    from latimer.doctor.split import split

    opened = [
        Corpus.open(name, source_language=source_language, target_language=target_language)
        for name in corpora
    ]
    counts = split(opened, into, validation=validation, test=test, seed=seed)
    if as_json:
        say(json.dumps(counts))
    else:
        say(", ".join(f"{into / name}.tsv: {count:,} pairs" for name, count in counts.items()))
