"""latimer look"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from latimer.errors import Mistake

if TYPE_CHECKING:
    from latimer.visualize import AttentionMap, Look

COURSES = 400  # other words that are tried on one page, all sentences together
EACH = 40  # and in one sentence

A_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("text", nargs=-1)
@click.option("--model", "folder", required=True, metavar="DIR", help="A model directory.")
@click.option("--target", help="Look at this translation instead of the model's own.")
@click.option("--to", help="The language to translate into, where the model has several.")
@click.option("--domain", metavar="NAME", help="What kind of text it is, of the domains of the model.")
@click.option("--beam", default=5, show_default=True, help="Hypotheses kept in search; 1 is greedy.")
@click.option("--n-best", default=1, show_default=True, help="Translations shown, each with its own maps.")
@click.option(
    "--kind",
    default="cross",
    show_default=True,
    type=click.Choice(["cross", "encoder", "decoder"]),
    help="From target to source, or the self-attention of a side.",
)
@click.option("--layer", type=int, help="One layer, from 0; without it the mean of all.")
@click.option("--head", type=int, help="One head, from 0; without it the mean of all.")
@click.option("--pieces", is_flag=True, help="Show subword pieces, not words.")
@click.option("--html", type=A_FILE, help="Write one page with everything, that opens from disk.")
@click.option("--png", type=A_FILE, help="Write the map as a picture; several are numbered.")
@click.option("--svg", type=A_FILE, help="The same as SVG, for a paper.")
@click.option(
    "--json", "as_json", type=A_FILE, help="Write every map of every layer and head, and every piece."
)
@click.option("--quiet", is_flag=True, help="Draw nothing in the terminal.")
def command(
    text: tuple[str, ...],
    folder: str,
    target: str | None,
    to: str | None,
    domain: str | None,
    beam: int,
    n_best: int,
    kind: str,
    layer: int | None,
    head: int | None,
    pieces: bool,
    html: Path | None,
    png: Path | None,
    svg: Path | None,
    as_json: Path | None,
    quiet: bool,
) -> None:
    """Translate each TEXT, or each line of standard input, and show the attention of every word.

    In the terminal and in pictures: what each target word looked at in the source, by the head that aligns
    best where it is known (latimer align --tune), else the mean of all; --layer and --head choose another.
    The page shows them all.
    """
    texts = _texts(text)
    if target is not None and len(texts) > 1:
        raise Mistake("--target is the translation of one TEXT; give one.")
    if target is not None and n_best > 1:
        raise Mistake("--target is one translation, --n-best asks for more; give one of them.")
    from latimer.cli.show import say
    from latimer.directions import load
    from latimer.visualize import html_page, svg_map, terminal
    from latimer.visualize.handover import json_lines
    from latimer.visualize.svg import png as drawn

    if png:
        import resvg_py  # noqa: F401  # before the work, not after it

    translator = load(folder, to=to, domain=domain)
    force = min(EACH, COURSES // len(texts)) if html else 0
    looks = [translator.look(line, target=target, beam=beam, n_best=n_best, force=force) for line in texts]
    try:
        if kind == "cross" and layer is None and head is None:
            layer, head = translator.shown_first
        maps = [one for look in looks for one in _maps(look, kind, layer, head, pieces)]
    except ValueError as error:
        raise Mistake(f"--kind, --layer and --head must be of this model: {error}.") from None
    if not quiet:
        say("\n\n".join(terminal(one, colour=sys.stdout.isatty()) for one in maps))
    if html:
        _write(html, html_page(looks, title="Attention").encode())
    if as_json:
        _write(as_json, json_lines(looks).encode())
    for number, one in enumerate(maps, start=1):
        picture = svg_map(one, titled=False) if svg or png else ""
        if svg:
            _write(_numbered(svg, number, len(maps)), picture.encode())
        if png:
            _write(_numbered(png, number, len(maps)), drawn(picture))


def _texts(text: Sequence[str]) -> list[str]:
    from latimer.data.lines import LineFile

    given = text or (() if sys.stdin.isatty() else LineFile("-", once=True).lines())
    texts = [line for line in given if line and line.strip()]
    if not texts:
        raise Mistake("There is nothing to look at; give a TEXT, or lines on standard input.")
    return texts


def _maps(
    look: "Look", kind: str, layer: int | None, head: int | None, pieces: bool
) -> Iterator["AttentionMap"]:
    """One for each translation."""
    for number, candidate in enumerate(look.candidates):
        title = f"{look.sentence} → {candidate.text}"
        yield look.map(kind, layer=layer, head=head, candidate=number, pieces=pieces, title=title)  # type: ignore[arg-type]


def _numbered(path: Path, number: int, count: int) -> Path:
    return path if count == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def _write(path: Path, content: bytes) -> None:
    from latimer.files import write_whole

    write_whole(path, content)
