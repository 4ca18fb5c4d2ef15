"""latimer translate"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import click

from latimer.cli.sections import Sections
from latimer.errors import Mistake

if TYPE_CHECKING:
    from latimer.choosing import AnyTranslator, Voice
    from latimer.search.sampling import Sampling
    from latimer.search.settings import Wishes
    from latimer.translator import EngineName, Translation

CHUNK = 512  # lines translated together, so that a long input needs little memory


class _Command(Sections):
    sections: ClassVar[dict[str, tuple[str, ...]]] = {
        "What a translation must and must not hold": (
            *("glossary", "banned", "no_repeat", "min_length", "max_length", "prefix"),
        ),
        "Other than the likeliest": (
            "diversity",
            "coverage",
            "drawn",
            "draws",
            "reverse",
            "temperature",
            "top_k",
            "top_p",
            "min_p",
            "seed",
        ),
    }


def _gather(context: click.Context, parameter: click.Parameter, value: int | float | None) -> None:
    if value is not None:
        context.meta.setdefault(SHAPE, {})[parameter.name] = value


SHAPE = f"{__name__}.shape"  # where a call's context keeps how to draw
_shape = partial(click.option, callback=_gather, expose_value=False)


@click.command(cls=_Command)
@click.argument("text", nargs=-1)
@click.option(
    "--model", "folders", required=True, multiple=True, metavar="DIR", help="A model; several are averaged."
)
@click.option("--beam", default=5, show_default=True, help="Hypotheses kept in search; 1 is greedy.")
@click.option("--n-best", default=1, show_default=True, help="Translations printed for each line.")
@click.option("--scores", is_flag=True, help="Print the score before each translation.")
@click.option("--input", "source", type=click.Path(path_type=Path), help="A file of lines, or a document.")
@click.option("--output", "target", type=click.Path(path_type=Path), help="Write to a file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--engine", type=click.Choice(["onnx", "torch", "ray"]), help="Who runs the model, or the shards."
)
@click.option("--glossary", type=click.Path(path_type=Path), help="TSV: term, how to say it, other forms.")
@click.option("--ban", "banned", multiple=True, metavar="TEXT", help="A word or phrase never to be said.")
@click.option("--no-repeat", default=0, metavar="N", help="No N pieces in a row twice in a line.")
@click.option("--min-length", default=0, metavar="N", help="Pieces that a translation has at least.")
@click.option("--max-length", type=int, metavar="N", help="Pieces that it has at most (after --prefix).")
@click.option("--prefix", default="", metavar="TEXT", help="How it begins; the last word may be half typed.")
@click.option("--to", help="The language to translate into, where the model has several.")
@click.option("--domain", metavar="NAME", help="What kind of text it is, of the domains of the model.")
@click.option("--shards", type=click.Path(path_type=Path), help="A shared folder to work in together.")
@click.option("--sample", "drawn", is_flag=True, help="Draw by the model's probabilities; --n-best times.")
@click.option("--diversity", default=0.0, metavar="X", help="How far --n-best is kept apart; 1 is a lot. [0]")
@click.option("--coverage", default=0.0, metavar="B", help="What leaving some out costs; 0.02 is much. [0]")
@click.option("--mbr", "draws", type=int, metavar="N", help="Of N draws and the beam, what agrees with all.")
@click.option("--rerank", "reverse", metavar="DIR", help="A model of the other direction, which chooses too.")
@_shape("--temperature", type=float, metavar="T", help="Under 1 the likely is drawn more often. [1]")
@_shape("--top-k", type=int, metavar="K", help="Only the K likeliest pieces. [all]")
@_shape("--top-p", type=float, metavar="P", help="The fewest likeliest with P of the probability. [1]")
@_shape("--min-p", type=float, metavar="P", help="Those with P of the likeliest one's. [0.05]")
@_shape("--seed", type=int, metavar="N", help="Another seed, other draws. [1]")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def command(
    text: tuple[str, ...],
    folders: tuple[str, ...],
    beam: int,
    n_best: int,
    scores: bool,
    source: Path | None,
    target: Path | None,
    as_json: bool,
    engine: "EngineName | Literal['ray'] | None",
    glossary: Path | None,
    banned: tuple[str, ...],
    no_repeat: int,
    min_length: int,
    max_length: int | None,
    prefix: str,
    to: str | None,
    domain: str | None,
    shards: Path | None,
    drawn: bool,
    diversity: float,
    coverage: float,
    draws: int | None,
    reverse: str | None,
    quiet: bool,
) -> None:
    """Translate each TEXT, or each line of standard input; one line is one sentence.

    An --input that ends in .docx, .html, .md, .po, .srt, .tmx, .vtt or .xliff is translated as a document:
    only what people read in it changes. Of an over-long line the sentences are translated one by one.

    With --n-best or --scores: number of the line, score, translation, separated by tabs. The score
    is the mean log-probability of a piece; with --mbr the mean chrF with all draws; with --rerank
    a quarter of that of the source is added, with --coverage what leaving out costs.

    With --shards DIR the same command, on any machines that see DIR, shares the work with the others.
    """
    if text and source:
        raise Mistake("TEXT and --input are both given; give one of them.")
    if beam < 1 or n_best < 1:
        raise Mistake("--beam and --n-best must be at least 1.")
    from latimer.choosing import Voice

    sampling = _sampling(drawn, draws)
    held = banned, no_repeat, min_length, max_length, prefix
    wishes = _wishes(*held, glossary, sampling, drawn, diversity, coverage)
    voice = Voice(folders, to, domain, None if engine == "ray" else engine, draws, sampling, reverse)
    count, scored = n_best if drawn else max(beam, n_best), scores or n_best > 1
    if shards is not None or engine == "ray":
        from latimer.cli.translating import Translating, in_shards

        job = Translating(voice, source, target, count, n_best, scored, as_json, wishes)
        in_shards(job, shards, engine=engine, quiet=quiet)
    elif source is not None and _is_document(source):
        if scored or as_json:
            raise Mistake(f"{source} is a document: --n-best, --scores and --json are for lines.")
        _translate_document(voice, source, target, beam=count, wishes=wishes, quiet=quiet)
    else:
        given: Any = {"beam": count, "n_best": n_best, "as_json": as_json, "scored": scored}
        _translate_lines(voice.open(), text, source, target, wishes=wishes, quiet=quiet, **given)


def _wishes(
    banned: tuple[str, ...],
    no_repeat: int,
    min_length: int,
    max_length: int | None,
    prefix: str,
    glossary: Path | None,
    sampling: "Sampling | None",
    drawn: bool,
    diversity: float,
    coverage: float,
) -> "Wishes | None":
    """What is asked of a translation; None where nothing is."""
    from latimer.data.glossary import read_glossary
    from latimer.search.settings import Wishes

    terms = read_glossary(glossary) if glossary else ()
    Wishes(sampling=sampling, coverage=coverage)  # --mbr, too, is told at once that they don't go together
    held = banned, no_repeat, min_length, max_length, prefix, terms
    asked = Wishes(*held, sampling=sampling if drawn else None, diversity=diversity, coverage=coverage)
    return None if asked == Wishes() else asked


def _sampling(drawn: bool, draws: int | None) -> "Sampling | None":
    """What is drawn from, where anything is to be drawn."""
    from latimer.search.sampling import Sampling

    if drawn and draws is not None:
        raise Mistake("--sample prints what is drawn, --mbr chooses among it; give one of them.")
    given = click.get_current_context().meta.get(SHAPE, {})
    if given and not drawn and draws is None:
        option = next(iter(given)).replace("_", "-")
        raise Mistake(f"--{option} says how to draw; give it with --sample or --mbr.")
    return Sampling(**given) if drawn or draws is not None else None


def _translate_lines(
    translator: "AnyTranslator",
    text: Sequence[str],
    source: Path | None,
    target: Path | None,
    *,
    beam: int,
    n_best: int,
    wishes: "Wishes | None",
    as_json: bool,
    scored: bool,
    quiet: bool,
) -> None:
    """Line by line, `n_best` translations of each."""
    from latimer.files import replacing

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
            # Rich takes longer to import than a sentence to translate.
            from latimer.cli.show import progress_bar

            advance = stack.enter_context(progress_bar(total, "translating", quiet=quiet))
        for number, line, found in translated(translator, lines, chunk, beam, wishes, advance):
            for row in rows_of(number, line, found[:n_best], as_json, scored):
                out.write(row + "\n")
            if chunk == 1:
                out.flush()


def _is_document(source: Path) -> bool:
    """Whether the file is more than lines, by its name."""
    from latimer.documents import kind_of

    return kind_of(source.name) not in (None, ".txt")


def _translate_document(
    voice: "Voice",
    source: Path,
    target: Path | None,
    *,
    beam: int,
    wishes: "Wishes | None",
    quiet: bool,
) -> None:
    from latimer.cli.show import progress_bar
    from latimer.directions import target_of
    from latimer.documents import DOCUMENT_LIMIT, translate_document
    from latimer.files import replacing
    from latimer.folder import ModelFolder

    record = ModelFolder(voice.folders[0]).record
    translator = voice.open()

    def translate(segments: list[str]) -> list[str]:
        with progress_bar(len(segments), "translating", quiet=quiet) as advance:
            return translator.translate(segments, beam=beam, wishes=wishes, progress=advance)

    try:
        with source.open("rb") as file:
            data = file.read(DOCUMENT_LIMIT + 1)
    except OSError as error:
        raise Mistake(f"{source} cannot be read ({error.strerror}).") from None
    written = translate_document(
        source.name,
        data,
        translate,
        source=record["source_language"],
        target=target_of(record, voice.to),
    )
    if target is None:
        sys.stdout.buffer.write(written)
        return
    with replacing(target) as temporary:
        temporary.write_bytes(written)


def _lines(text: Sequence[str], source: Path | None) -> tuple[Iterable[str], int]:
    """The lines to translate, and how many there are where that is known."""
    if text:
        return text, 0
    from latimer.data.lines import LineFile

    file = LineFile(str(source)) if source is not None else LineFile("-", once=True)
    total = sum(1 for _ in file.lines()) if source is not None else 0
    return whole(file.lines(), file.name), total


def whole(lines: Iterable[str | None], name: str) -> Iterator[str]:
    """The lines; raises Mistake at one that is too long."""
    for number, line in enumerate(lines, 1):
        if line is None:
            raise Mistake(f"{name}:{number}: this line is over a megabyte long; a line is one sentence.")
        yield line


def translated(
    translator: "AnyTranslator",
    lines: Iterable[str],
    chunk: int,
    beam: int,
    wishes: "Wishes | None",
    advance: object,
) -> Iterator[tuple[int, str, "list[Translation]"]]:
    """Number, line and translations of each; so many lines at a time are translated together."""
    waiting = iter(lines)
    number = 0
    while some := list(islice(waiting, chunk)):
        found = translator.hypotheses(some, beam=beam, wishes=wishes)
        for line, translations in zip(some, found, strict=True):
            number += 1
            yield number, line, translations
        if callable(advance):
            advance(len(some))


def rows_of(
    number: int, line: str, found: "Sequence[Translation]", as_json: bool, scored: bool
) -> Iterator[str]:
    """What is printed for one line."""
    if as_json:
        translations = [translation._asdict() for translation in found]
        yield json.dumps({"line": number, "source": line, "translations": translations}, ensure_ascii=False)
    elif scored:
        for translation in found:
            yield f"{number}\t{translation.score:.4f}\t{translation.text}"
    else:
        yield found[0].text if found else ""
