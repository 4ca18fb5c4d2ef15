"""latimer export"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from latimer.folder import ModelFolder

FORMATS = ("argos", "ctranslate2", "huggingface", "onnx")


@click.command()
@click.option("--model", "folder", required=True, metavar="DIR", help="A model directory.")
@click.option("--to", "wanted", type=click.Choice(FORMATS), help="Write for another system, into a folder.")
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="A new folder, with --to.")
@click.option(
    "--weights",
    type=click.Choice(("float32", "int8")),
    help="Of what --to writes; argos: int8, else float32.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    folder: str,
    wanted: str | None,
    into: Path | None,
    weights: Literal["float32", "int8"] | None,
    as_json: bool,
) -> None:
    """Write what runs a model without torch: its own graphs, or with --to another system's files.

    Without --to: graphs for ONNX Runtime, into the folder itself, with which latimer translates. In int8
    where that costs at most 0.3 BLEU on the validation pairs, else in float32. A training does this at its
    end.
    """
    from latimer.errors import Mistake
    from latimer.folder import ModelFolder
    from latimer.report import console
    from latimer.shipping import ship

    if wanted is not None:
        if into is None:
            raise Mistake("Say where to: --into DIR, a new folder.")
        written = _write(ModelFolder(folder), wanted, into, weights)
        click.echo(
            json.dumps({"format": wanted, "written": str(written)}) if as_json else f"Wrote {written}."
        )
        return
    if into is not None or weights is not None:
        raise Mistake(f"--into and --weights want --to; formats are {', '.join(FORMATS)}.")
    shipped = ship(ModelFolder(folder), note=lambda text: console.print(text, markup=False))
    if shipped is None:
        raise click.exceptions.Exit(1)
    if as_json:
        click.echo(json.dumps(shipped._asdict()))


def _write(
    folder: "ModelFolder", wanted: str, into: Path, weights: Literal["float32", "int8"] | None
) -> Path:
    """Write one format; returns what was written."""
    from latimer.directions import tags
    from latimer.errors import Mistake

    if (known := tags(folder)) and wanted != "argos":
        told = f"Whoever runs it puts one of these pieces before those of a source: {', '.join(known)}."
        click.echo(told, err=True)
    if wanted == "argos":
        from latimer.export import argos

        return argos.write(folder, into, weights=weights or "int8")
    if wanted == "ctranslate2":
        from latimer.export import ctranslate2

        ctranslate2.write(folder, into, weights=weights or "float32")
    elif wanted == "huggingface":
        from latimer.export import huggingface

        if weights is not None:
            raise Mistake("--to huggingface writes the parameters as they are; leave --weights out.")
        huggingface.write(folder, into)
        click.echo(huggingface.CAN_NOT, err=True)
    else:
        from latimer.export import onnx

        onnx.write(folder, into, weights=weights or "float32")
    return into
