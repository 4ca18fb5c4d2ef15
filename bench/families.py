"""Which model is best for so many pairs and minutes, and what `latimer train` makes where none is named.

    python -m bench.families D/train.en,D/train.fr --from en --to fr --validation D/val.en,D/val.fr \\
        --pairs 5000 29000 --minutes 5 20 --models lstm-parallel transformer-deep conv --into runs/families

Each of the numbers of pairs is taken evenly out of the corpus. Scores are the best BLEU on validation,
greedy, as the training saw it; test pairs choose nothing. For each number of pairs a picture is drawn.

All stays in the folder: the same command goes on where it was stopped, and more models, minutes and pairs may
be added. Minutes are those on the wall: nothing else should run meanwhile.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bench.whole import corpus_parser, train_whole
from latimer.data.corpus import Corpus
from latimer.files import write_whole
from latimer.folder import ModelFolder
from latimer.presets import AUTO, model_settings, name_of
from latimer.visualize import svg_chart


class Place(NamedTuple):
    """Where in the table something was trained."""

    pairs: int
    minutes: float
    model: str


class Reached(NamedTuple):
    """What was trained there, by the name of its settings, and how good it is."""

    model: str
    bleu: float


def take(corpus: str, source: str, target: str, wanted: Sequence[int], into: Path) -> dict[int, Path]:
    """So many usable pairs each, evenly out of all; as many as there are where fewer are."""
    opened = Corpus.open(corpus, source_language=source, target_language=target)
    paths = {number: into / f"{number}.{source}-{target}.tsv" for number in wanted}
    if not all(path.exists() for path in paths.values()):
        count = sum(1 for _ in opened.pairs())
        for number, path in paths.items():
            every = max(1, count // number)
            some = islice(opened.pairs(), 0, every * number, every)
            write_whole(path, "".join(f"{one}\t{other}\n" for one, other, *_ in some).encode())
    return paths


def reach(place: Place, corpus: Path, validation: str, into: Path) -> Reached:
    """The training of that place, once for all."""
    folder = into / f"{place.pairs}-{place.minutes:g}" / place.model
    settings = {**model_settings(place.model), "training.minutes": place.minutes}
    made = train_whole(settings, str(corpus), folder, validation=validation)
    return Reached(name_of(ModelFolder(folder).config) or place.model, made["validation_bleu"])


def table(found: dict[Place, Reached]) -> str:
    """As Markdown: a line for each number of pairs and of minutes, the best bold; last what `auto` lacks."""
    models = list(dict.fromkeys(place.model for place in found))
    heads = ["pairs", "minutes", *models, *(["auto lacks"] if AUTO in models else [])]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for pairs, minutes in dict.fromkeys(place[:2] for place in found):
        row = {model: found[Place(pairs, minutes, model)] for model in models}
        best = max(one.bleu for one in row.values())
        cells = [f"{pairs:,}", f"{minutes:g}"]
        for model, one in row.items():
            score = f"**{one.bleu:.1f}**" if one.bleu == best else f"{one.bleu:.1f}"
            cells.append(f"{score} ({one.model})" if model == AUTO else score)
        if AUTO in row:
            cells.append(f"{best - row[AUTO].bleu:.1f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def picture(found: dict[Place, Reached], pairs: int) -> str:
    """BLEU against minutes, a line for each model, as SVG."""
    series: dict[str, list[tuple[float, float]]] = {}
    for place, one in sorted(found.items(), key=lambda item: item[0].minutes):
        if place.pairs == pairs:
            series.setdefault(place.model, []).append((place.minutes, one.bleu))
    return svg_chart(series, title=f"{pairs:,} sentence pairs", x="minutes", y="BLEU on validation, greedy")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = corpus_parser(__doc__.partition("\n")[0])
    parser.add_argument("--pairs", nargs="+", type=int, required=True, help="how many to train on")
    parser.add_argument("--minutes", nargs="+", type=float, required=True, help="how long")
    parser.add_argument("--into", type=Path, default=Path("runs/families"))
    told = parser.parse_args(arguments)
    told.into.mkdir(parents=True, exist_ok=True)
    corpora = take(told.corpus, told.source, told.target, told.pairs, told.into)
    found: dict[Place, Reached] = {}
    for pairs, corpus in corpora.items():
        for minutes in told.minutes:
            for model in dict.fromkeys([*told.models, AUTO]):
                place = Place(pairs, minutes, model)
                found[place] = reach(place, corpus, told.validation, told.into)
        write_whole(told.into / f"{pairs}.svg", picture(found, pairs).encode())
    print(table(found))


if __name__ == "__main__":
    main()
