"""latimer export"""

import json

import click


@click.command()
@click.option("--model", "folder", required=True, metavar="DIR", help="A model directory.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(folder: str, as_json: bool) -> None:
    """Write the graphs into a trained folder with which it translates without torch (ONNX Runtime).

    In int8 where that costs at most 0.3 BLEU on the validation pairs, else in float32. A training does this
    at its end.
    """
    from latimer.folder import ModelFolder
    from latimer.report import console
    from latimer.shipping import ship

    shipped = ship(ModelFolder(folder), note=lambda text: console.print(text, markup=False))
    if shipped is None:
        raise click.exceptions.Exit(1)
    if as_json:
        click.echo(json.dumps(shipped._asdict()))
