"""latimer align"""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from latimer.alignment import SYMMETRIES, Gold, score_links, write_links
from latimer.errors import Mistake

if TYPE_CHECKING:
    from latimer.aligner import Aligner
    from latimer.alignment import AlignmentScore, Links
    from latimer.data.corpus import Corpus, Pair


@click.command()
@click.argument("corpus")
@click.option("--model", "folder", required=True, metavar="DIR", help="A model directory.")
@click.option("--reverse", metavar="DIR", help="A model of the other direction: what both say is surer.")
@click.option(
    "--symmetrise",
    type=click.Choice(SYMMETRIES),
    help="How the links of source words and those of target words become one; by default intersection where "
    "the model learned to link, else grow-diag-final-and.",
)
@click.option(
    "--gold", metavar="FILE", help="Links that people made, a line a pair: score ours against them."
)
@click.option(
    "--tune",
    is_flag=True,
    help="With --gold: find the best layer and head, and keep them, for look and where nothing is learned.",
)
@click.option(
    "--learn",
    is_flag=True,
    help="Teach the model on CORPUS to link words, and keep that in its folder: better than attention.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the scores, or an object a line.")
@click.option("--quiet", is_flag=True, help="No progress bar, and no word of skipped pairs.")
def command(
    corpus: str,
    folder: str,
    reverse: str | None,
    symmetrise: str | None,
    gold: str | None,
    tune: bool,
    learn: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Link the words of CORPUS, which are what spaces part: pairs.tsv, or a.en,a.fr, .gz of either, or -.

    Prints a line for each line of CORPUS: links i-j from word i of the first side to word j of the second,
    counted from 0. A pair that can't be used gives an empty line.
    """
    from latimer.aligner import Aligner, with_gold

    if tune and not gold:
        raise Mistake("--tune finds what agrees best with what people linked; give their links with --gold.")
    if learn and gold:
        raise Mistake("--learn wants no --gold: it learns from CORPUS alone. Learn first, then score.")
    opened = _opened(corpus, folder, reverse)
    if learn:
        _learn(opened, folder, reverse, corpus, quiet=quiet)
        return
    pairs, links = with_gold(opened, gold) if gold else ([], [])
    if tune:
        _tune(folder, pairs, links, str(gold))
    if tune and reverse:
        _tune(reverse, [pair[::-1] for pair in pairs], [one.reversed() for one in links], str(gold))
    aligner = Aligner.load(folder, reverse)
    if gold:
        linkers = {folder: aligner} | ({str(reverse): aligner.back} if aligner.back else {})
        _show(score_links(aligner.align(pairs, symmetrise), links), linkers, as_json=as_json)
    else:
        _write(aligner, opened, symmetrise, as_json=as_json, quiet=quiet)


def _opened(corpus: str, folder: str, reverse: str | None) -> "Corpus":
    """The corpus in the direction of the model. Raises Mistake where `reverse` has the same one."""
    from latimer.data.corpus import Corpus
    from latimer.directions import tags
    from latimer.folder import ModelFolder

    names = ("source_language", "target_language")
    for one in (folder, reverse):
        if one and tags(ModelFolder(one)):
            raise Mistake(f"{one} has several target languages or domains; align with one that has not.")
    direction = [ModelFolder(folder).record[name] for name in names]
    if reverse and all(direction) and [ModelFolder(reverse).record[name] for name in names] == direction:
        raise Mistake(f"{folder} and {reverse} both translate {' to '.join(direction)}; --reverse goes back.")
    return Corpus.open(corpus, source_language=direction[0], target_language=direction[1])


def _tune(folder: str, pairs: list[tuple[str, str]], gold: list[Gold], name: str) -> None:
    from latimer.aligner import compare_readings, keep_reading
    from latimer.folder import ModelFolder
    from latimer.translator import Translator

    keep_reading(ModelFolder(folder), compare_readings(Translator.load(folder), pairs, gold)[0], name)


def _learn(opened: "Corpus", folder: str, reverse: str | None, corpus: str, *, quiet: bool) -> None:
    from itertools import islice

    from latimer.aligner import LESSONS, teach
    from latimer.cli.show import progress_bar, say

    pairs = [pair[:2] for pair in islice(opened.pairs(), LESSONS)]
    for place, some in ((folder, pairs), (reverse, [pair[::-1] for pair in pairs])):
        if place is not None:
            with progress_bar(100, f"{place} learns to link, %", quiet=quiet) as advance:
                teach(place, some, advance=_hundredfold(advance))
    if not quiet:
        back = f" --reverse {reverse}" if reverse else ""
        say(f"Learned from {len(pairs):,} pairs.")
        say(f"Next:\n  latimer align {corpus} --model {folder}{back} > links.txt")


def _hundredfold(advance: Callable[[float], Any]) -> Callable[[float], Any]:
    return lambda share: advance(100 * share)


def _show(score: "AlignmentScore", linkers: "dict[str, Aligner]", *, as_json: bool) -> None:
    from latimer.cli.show import say, table

    if as_json:
        told = {
            folder: None if aligner.linker else aligner.reading._asdict()
            for folder, aligner in linkers.items()
        }
        say(json.dumps({**score._asdict(), "readings": told}))
        return
    shares = {"precision": score.precision, "recall": score.recall, "error rate (AER)": score.error_rate}
    title = f"{score.sentences:,} sentences with gold links"
    table(title, ["", "%"], [[name, f"{100 * share:.1f}"] for name, share in shares.items()])
    say()
    for folder, aligner in linkers.items():
        say(f"{folder}: {aligner.described}")


def _write(aligner: "Aligner", corpus: "Corpus", how: str | None, *, as_json: bool, quiet: bool) -> None:
    from latimer.aligner import align_corpus
    from latimer.cli.show import progress_bar
    from latimer.report import console

    # Taken before the bar begins, which takes over standard output; lines on a terminal are progress enough.
    write, usable, written = sys.stdout.write, 0, 0
    nothing = "null\n" if as_json else "\n"
    with progress_bar(None, "aligning", quiet=quiet or sys.stdout.isatty()) as advance:
        for usable, (pair, links) in enumerate(align_corpus(aligner, corpus, how), start=1):  # noqa: B007
            write(nothing * (pair.line - written - 1))
            write((_as_json(pair, links, corpus) if as_json else write_links(links)) + "\n")
            advance(pair.line - written)
            written = pair.line
        write(nothing * (usable + corpus.skipped.total - written))
    if not quiet:
        for sentence in corpus.report():
            console.print(sentence, markup=False)


def _as_json(pair: "Pair", links: "Links", corpus: "Corpus") -> str:
    sides = pair[1::-1] if corpus.swapped else pair[:2]
    told = {"words": [side.split() for side in sides], "links": sorted(links)}
    return json.dumps(told, ensure_ascii=False)
