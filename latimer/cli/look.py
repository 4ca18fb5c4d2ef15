"""latimer look"""

import json
import sys
from pathlib import Path

import click

from latimer.errors import Mistake


@click.command()
@click.argument("text", nargs=-1)
@click.option("--model", "folder", required=True, metavar="DIR", help="A model directory.")
@click.option("--target", help="Look at this translation instead of the model's own.")
@click.option("--beam", default=5, show_default=True, help="Hypotheses kept in search; 1 is greedy.")
@click.option("--pieces", is_flag=True, help="Show subword pieces, not words.")
@click.option("--html", type=click.Path(path_type=Path), help="Write one page that opens from disk.")
@click.option("--json", "as_json", type=click.Path(path_type=Path), help="Write every map and piece.")
@click.option("--quiet", is_flag=True, help="Draw nothing in the terminal.")
def command(
    text: tuple[str, ...],
    folder: str,
    target: str | None,
    beam: int,
    pieces: bool,
    html: Path | None,
    as_json: Path | None,
    quiet: bool,
) -> None:
    """Translate each TEXT, or each line of standard input, and show the attention of every word."""
    from latimer.cli.show import say
    from latimer.data.lines import LineFile
    from latimer.files import replacing
    from latimer.translator import Translator
    from latimer.visualize import AttentionMap, html_page, terminal, words

    if not text and sys.stdin.isatty():
        raise Mistake("There is nothing to look at; give a TEXT, or lines on standard input.")
    texts = [line for line in text or LineFile("-", once=True).lines() if line and line.strip()]
    if not texts:
        raise Mistake("There is nothing to look at; give a TEXT, or lines on standard input.")
    if target is not None and len(texts) > 1:
        raise Mistake("--target is the translation of one TEXT; give one.")
    translator = Translator.load(folder)
    looks = [translator.look(line, target=target, beam=beam) for line in texts]
    maps = []
    for line, look in zip(texts, looks, strict=True):
        for name, weights in look.maps.items():
            title = f"{line} → {look.text}" + (f" ({name})" if len(look.maps) > 1 else "")
            whole = AttentionMap(look.source, look.target, weights, title)
            maps.append(whole if pieces else words(whole))
    if not quiet:
        say("\n\n".join(terminal(one, colour=sys.stdout.isatty()) for one in maps))
    if html is not None:
        with replacing(html) as temporary:
            temporary.write_text(html_page(maps, title="Attention"), encoding="utf-8")
    if as_json is not None:
        with replacing(as_json) as temporary:
            told = [
                {**look._asdict(), "maps": {name: weights.tolist() for name, weights in look.maps.items()}}
                for look in looks
            ]
            temporary.write_text(json.dumps(told, ensure_ascii=False) + "\n", encoding="utf-8")
