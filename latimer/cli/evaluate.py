"""latimer evaluate"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from latimer.errors import Mistake

if TYPE_CHECKING:
    from latimer.data.corpus import Corpus
    from latimer.evaluate import Comparison, LengthBucket, Score
    from latimer.translator import EngineName, Translator


class Report(NamedTuple):
    """All that is said of a model on a test set."""

    pairs: int
    sentences: int  # distinct sources, each with all its references
    beam: int
    seconds: float
    scores: "list[Score]"
    one_reference: "list[Score]"  # every pair for itself; empty where no source has several targets
    by_length: "list[LengthBucket]"
    against: "list[Comparison]"

    def json(self) -> dict[str, Any]:
        told = self._asdict()
        for name in ("scores", "one_reference", "by_length", "against"):
            told[name] = [entry._asdict() for entry in told[name]]
        for comparison in told["against"]:
            comparison.update(a=comparison["a"]._asdict(), b=comparison["b"]._asdict())
        return told


@click.command()
@click.argument("corpus")
@click.option(
    "--model", "folders", required=True, multiple=True, metavar="DIR", help="A model; several are averaged."
)
@click.option("--against", metavar="DIR", help="Another model: are they significantly different?")
@click.option("--beam", default=5, show_default=True, help="Hypotheses kept in search; 1 is greedy.")
@click.option(
    "--engine", type=click.Choice(["onnx", "torch"]), help="Who runs the model; chosen if not given."
)
@click.option("--from", "source_language", help="Language of the source, where CORPUS holds several.")
@click.option("--to", help="The language to translate into, where the model has several.")
@click.option("--domain", metavar="NAME", help="What kind of text it is, of the domains of the model.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the translations, a line a source.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def command(
    corpus: str,
    folders: tuple[str, ...],
    against: str | None,
    beam: int,
    engine: "EngineName | None",
    source_language: str | None,
    to: str | None,
    domain: str | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Score a model on CORPUS with sacreBLEU: BLEU and chrF2++, 95 % bootstrap intervals.

    Where CORPUS has one source several times, its targets are references of one sentence.
    """
    from latimer.cli.show import say
    from latimer.folder import ModelFolder

    direction: Any = {"source": source_language, "to": to, "domain": domain}
    given: Any = {"beam": beam, "engine": engine, "output": output, "quiet": quiet}
    report = score(corpus, folders[0], more=folders[1:], against=against, **direction, **given)
    if as_json:
        say(json.dumps(report.json(), ensure_ascii=False))
    else:
        show(report, " + ".join(folders), against)
    if len(folders) == 1:
        _remember(ModelFolder(folders[0]), corpus, report)


def score(
    corpus: str,
    folder: str,
    *,
    more: Sequence[str] = (),
    against: str | None = None,
    beam: int = 5,
    engine: "EngineName | None" = None,
    source: str | None = None,
    to: str | None = None,
    domain: str | None = None,
    output: Path | None = None,
    quiet: bool = False,
) -> Report:
    """Translate a corpus's sources and score the translations against its targets.

    Models of `more` folders speak with the first (see ensemble.py); `source`, `to` and `domain` choose where
    it has several (see directions.py).
    """
    from latimer import evaluate
    from latimer.cli.show import Stopwatch
    from latimer.directions import corpus_for, load
    from latimer.ensemble import load_together
    from latimer.folder import ModelFolder

    record = ModelFolder(folder).record
    opened = corpus_for(record, corpus, source=source, to=to)
    chosen: Any = {"to": opened.target_language, "domain": domain, "engine": engine}
    pairs = [(pair.source, pair.target) for pair in opened.pairs()]
    sources, references = evaluate.group_references(pairs)
    translator = load_together([folder, *more], **chosen)
    watch = Stopwatch()
    texts = _translate(translator, sources, beam, folder, quiet)
    seconds = watch.seconds
    if output is not None:
        from latimer.files import write_whole

        write_whole(output, "".join(text + "\n" for text in texts).encode())
    tokenize = evaluate.tokenizer_for(opened.target_language)
    single: list[Score] = []
    if len(sources) < len(pairs):
        of_source = dict(zip(sources, texts, strict=True))
        single = _scores([of_source[source] for source, _ in pairs], [[one] for _, one in pairs], tokenize)
    comparisons: list[Comparison] = []
    if against is not None:
        _must_go_the_same_way(folder, against, opened)
        others = _translate(load(against, **chosen), sources, beam, against, quiet)
        comparisons = [evaluate.paired(others, texts, references)]
    return Report(
        len(pairs),
        len(sources),
        beam,
        round(seconds, 2),
        _scores(texts, references, tokenize),
        single,
        evaluate.bleu_by_length(
            sources, texts, references, tokenize=tokenize, source_language=opened.source_language
        ),
        comparisons,
    )


def _must_go_the_same_way(folder: str, against: str, corpus: "Corpus") -> None:
    from latimer.directions import directions
    from latimer.folder import ModelFolder

    ours, theirs = (directions(ModelFolder(one).record) for one in (folder, against))
    if ours != theirs and (corpus.source_language, corpus.target_language) not in theirs:
        raise Mistake(f"{folder} and {against} translate in different directions; compare like with like.")


def show(report: Report, folder: str, against: str | None) -> None:
    """The report as tables."""
    from latimer.cli.show import say, score_row, table

    if report.one_reference:
        title = f"{report.sentences:,} distinct sources, all {report.pairs:,} targets as references"
    else:
        title = f"{report.sentences:,} sentences"
    table(f"{folder}: {title}", ["score", "value", "95 % interval"], map(score_row, report.scores))
    if report.one_reference:
        say()
        table(
            f"every one of {report.pairs:,} pairs, one reference each",
            ["score", "value", "95 % interval"],
            map(score_row, report.one_reference),
        )
    say()
    table(
        "by length of the source",
        ["words", "sentences", "BLEU"],
        [
            [f"{b.low} to {b.high}" if b.high else f"{b.low} and more", f"{b.sentences:,}", f"{b.value:.1f}"]
            for b in report.by_length
        ],
    )
    for c in report.against:
        say(
            f"\n{c.b.name} {c.b.value:.1f} against {c.a.value:.1f} of {against}: {c.difference:+.1f} "
            f"({c.low:+.1f} to {c.high:+.1f}), p = {c.p_value:.3f} ({c.method})"
        )
    say()
    for entry in report.scores:
        say(f"{entry.name}: {entry.signature}")
    say(f"{report.sentences / max(report.seconds, 1e-9):,.0f} sentences/s, beam {report.beam}")


def _scores(hypotheses: list[str], references: list[list[str]], tokenize: str) -> "list[Score]":
    """BLEU and chrF2++ with intervals."""
    from latimer import evaluate

    return [
        evaluate.bleu(hypotheses, references, resamples=1000, tokenize=tokenize),
        evaluate.chrf(hypotheses, references, resamples=1000),
    ]


def _translate(
    translator: "Translator", sources: Sequence[str], beam: int, folder: str, quiet: bool
) -> list[str]:
    from latimer.cli.show import progress_bar

    with progress_bar(len(sources), f"translating with {folder}", quiet=quiet) as advance:
        return translator.translate(sources, beam=beam, progress=advance)


def _remember(folder: Any, corpus: str, report: Report) -> None:
    """Put the scores into config.json, for `latimer info`; a read-only folder goes without."""
    from latimer.report import console

    told = report.json()
    scores = {name: told[name] for name in ("scores", "one_reference", "beam")}
    record = dict(folder.record)
    try:
        folder.write_record({**record, "scores": {**record.get("scores", {}), corpus: scores}})
    except Mistake:
        console.print(f"The scores could not be written into {folder.path}.", markup=False)
