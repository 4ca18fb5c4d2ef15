"""latimer translate"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from latimer.errors import Mistake

if TYPE_CHECKING:
    from latimer.search.settings import Wishes
    from latimer.translator import EngineName, Translation, Translator

CHUNK = 512  # lines translated together, so that a long input needs little memory


@click.command()
@click.argument("text", nargs=-1)
@click.option("--model", "folder", required=True, metavar="DIR", help="A model directory.")
@click.option("--beam", default=5, show_default=True, help="Hypotheses kept in search; 1 is greedy.")
@click.option("--n-best", default=1, show_default=True, help="Translations printed for each line.")
@click.option("--scores", is_flag=True, help="Print the score before each translation.")
@click.option("--input", "source", type=click.Path(path_type=Path), help="Read lines from a file.")
@click.option("--output", "target", type=click.Path(path_type=Path), help="Write to a file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--engine", type=click.Choice(["onnx", "torch"]), help="Who runs the model; chosen if not given."
)
@click.option("--glossary", type=click.Path(path_type=Path), help="TSV: term, how to say it, other forms.")
@click.option("--ban", "banned", multiple=True, metavar="TEXT", help="A word or phrase never to be said.")
@click.option("--no-repeat", default=0, metavar="N", help="No N pieces in a row twice in a line.")
@click.option("--min-length", default=0, metavar="N", help="Pieces that a translation has at least.")
@click.option("--max-length", type=int, metavar="N", help="Pieces that it has at most (after --prefix).")
@click.option("--prefix", default="", metavar="TEXT", help="How it begins; the last word may be half typed.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def command(
    text: tuple[str, ...],
    folder: str,
    beam: int,
    n_best: int,
    scores: bool,
    source: Path | None,
    target: Path | None,
    as_json: bool,
    engine: "EngineName | None",
    glossary: Path | None,
    banned: tuple[str, ...],
    no_repeat: int,
    min_length: int,
    max_length: int | None,
    prefix: str,
    quiet: bool,
) -> None:
    """Translate each TEXT, or each line of standard input; one line is one sentence.

    With --n-best or --scores: number of the line, score, translation, separated by tabs. The score
    is the mean log-probability of a piece.
    """
    if text and source:
        raise Mistake("TEXT and --input are both given; give one of them.")
    if beam < 1 or n_best < 1:
        raise Mistake("--beam and --n-best must be at least 1.")
    from latimer.data.glossary import read_glossary
    from latimer.files import replacing
    from latimer.search.settings import Wishes
    from latimer.translator import Translator

    wishes = Wishes(
        banned, no_repeat, min_length, max_length, prefix, read_glossary(glossary) if glossary else ()
    )
    translator = Translator.load(folder, engine=engine)
    lines, total = _lines(text, source)
    # Someone who types wants each answer at once.
    chunk = 1 if not text and source is None and sys.stdin.isatty() else CHUNK
    with ExitStack() as stack:
        out = sys.stdout
        if target is not None:
            temporary = stack.enter_context(replacing(target))
            out = stack.enter_context(temporary.open("w", encoding="utf-8", newline="\n"))
        advance = None
        if total:
            from latimer.cli.show import (
                progress_bar,
            )  # rich takes longer to import than a sentence to translate

            advance = stack.enter_context(progress_bar(total, "translating", quiet=quiet))
        for number, line, found in _translated(translator, lines, chunk, max(beam, n_best), wishes, advance):
            for row in _rows(number, line, found[:n_best], as_json, scores or n_best > 1):
                out.write(row + "\n")
            if chunk == 1:
                out.flush()


def _lines(text: Sequence[str], source: Path | None) -> tuple[Iterable[str], int]:
    """The lines to translate, and how many there are where that is known."""
    if text:
        return text, 0
    from latimer.data.lines import LineFile

    file = LineFile(str(source)) if source is not None else LineFile("-", once=True)
    total = sum(1 for _ in file.lines()) if source is not None else 0
    return _whole(file.lines(), file.name), total


def _whole(lines: Iterable[str | None], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if line is None:
            raise Mistake(f"{name}:{number}: this line is over a megabyte long; a line is one sentence.")
        yield line


def _translated(
    translator: "Translator",
    lines: Iterable[str],
    chunk: int,
    beam: int,
    wishes: "Wishes",
    advance: object,
) -> Iterator[tuple[int, str, "list[Translation]"]]:
    waiting = iter(lines)
    number = 0
    while some := list(islice(waiting, chunk)):
        found = translator.hypotheses(some, beam=beam, wishes=wishes)
        for line, translations in zip(some, found, strict=True):
            number += 1
            yield number, line, translations
        if callable(advance):
            advance(len(some))


def _rows(
    number: int, line: str, found: "Sequence[Translation]", as_json: bool, scored: bool
) -> Iterator[str]:
    if as_json:
        translations = [translation._asdict() for translation in found]
        yield json.dumps({"line": number, "source": line, "translations": translations}, ensure_ascii=False)
    elif scored:
        for translation in found:
            yield f"{number}\t{translation.score:.4f}\t{translation.text}"
    else:
        yield found[0].text if found else ""
