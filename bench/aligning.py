"""How models that were trained for equal minutes link words: by attention, and by a layer that only links.

    python -m bench.aligning a.en.gz,a.fr.gz --from en --to fr --validation dev.en,dev.fr \\
        --trial t.en,t.fr --gold links --into runs/aligning --models lstm conv --minutes 60 --guided 10

For each name a model of either direction is trained. Its attention is read as agrees best with the gold
links, which is on the kind side: they are those that it is scored on. The layer (latimer/linking.py) learns
from pairs of the corpus alone, its first teacher the reading that is usual. Then the first model is trained
further on those pairs, once guided by what both layers link, and once not.

All stays in the folder: the same command goes on where it was stopped, and another model is one more row.
"""

import json
from collections.abc import Sequence
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

from bench.whole import corpus_parser, train_whole
from latimer.aligner import Aligner, align_corpus, compare_readings, teach, with_gold
from latimer.alignment import Gold, score_links, write_links
from latimer.data.corpus import Corpus
from latimer.files import write_whole
from latimer.folder import LINKER
from latimer.presets import model_settings

DONE = "aligning.json"


class Rates(NamedTuple):
    """Alignment error rates, 0 to 1, by one way to link."""

    there: float
    back: float
    both: float  # a model of each direction


class Trial(NamedTuple):
    """Pairs that people linked."""

    pairs: list[tuple[str, str]]
    gold: list[Gold]

    def turned(self) -> "Trial":
        """The same from the other language."""
        return Trial([pair[::-1] for pair in self.pairs], [links.reversed() for links in self.gold])

    def rate(self, aligner: Aligner) -> float:
        return score_links(aligner.align(self.pairs), self.gold).error_rate

    def rates(self, there: Aligner, back: Aligner) -> Rates:
        return Rates(self.rate(there), self.turned().rate(back), self.rate(together(there, back)))

    def best_reading(self, folder: Path) -> Aligner:
        """The attention of a model, read as agrees best with the links."""
        translator = Aligner.load(folder).translator
        return Aligner(translator, compare_readings(translator, self.pairs, self.gold)[0].reading)


def together(there: Aligner, back: Aligner) -> Aligner:
    """One that links as far as both directions do."""
    return Aligner(there.translator, there.reading, back, there.linker)


class Bench(NamedTuple):
    """What all models are trained and tried on."""

    corpus: str
    validation: str
    languages: tuple[str, str]
    trial: Trial
    into: Path
    minutes: float
    guided: float  # minutes; 0: nothing is guided
    lessons: int
    size: str

    def examine(self, model: str) -> dict[str, Any]:
        """All that is asked of one, from where it stands."""
        folder = self.into / model
        if (folder / DONE).exists():
            done: dict[str, Any] = json.loads((folder / DONE).read_text(encoding="utf-8"))
            return done
        there, back = folder / "there", folder / "back"
        told: dict[str, Any] = {}
        wanted = {**model_settings(model), "model.size": self.size, "training.minutes": self.minutes}
        for place, (source, target) in ((there, self.languages), (back, self.languages[::-1])):
            languages = {"source_language": source, "target_language": target}
            made = train_whole(wanted, self.corpus, place, validation=self.validation, **languages)
            for name in ("validation_bleu", "cpu_seconds"):
                told.setdefault(name, []).append(made[name])
        attention = self.trial.best_reading(there), self.trial.turned().best_reading(back)
        told["readings"] = [one.reading.described() for one in attention]
        told["attention"] = self.trial.rates(*attention)._asdict()
        sample = self.sample(folder)
        for place, some in ((there, sample), (back, [pair[::-1] for pair in sample])):
            if not (place / LINKER).exists():
                teach(place, some)
        linkers = Aligner.load(there), Aligner.load(back)
        told["linker"] = self.trial.rates(*linkers)._asdict()
        if self.guided:
            told |= self.guide(folder, together(*linkers))
        write_whole(folder / DONE, json.dumps(told, indent=1).encode())
        return told

    def sample(self, folder: Path) -> list[tuple[str, str]]:
        """Pairs of all of the corpus, which are also written beside the model."""
        opened = Corpus.open(
            self.corpus, source_language=self.languages[0], target_language=self.languages[1]
        )
        count = sum(1 for _ in opened.pairs())
        pairs = [pair[:2] for pair in islice(opened.pairs(), 0, None, max(1, ceil(count / self.lessons)))]
        lines = "".join(f"{source}\t{target}\n" for source, target in pairs)
        write_whole(folder / "sample.tsv", lines.encode())
        return pairs

    def guide(self, folder: Path, linker: Aligner) -> dict[str, Any]:
        """The first model trained further, guided and not: how its best reading links, and its BLEU."""
        sample, links = folder / "sample.tsv", folder / "links.txt"
        source, target = self.languages
        opened = Corpus.open(str(sample), source_language=source, target_language=target)
        written = "".join(f"{write_links(found)}\n" for _, found in align_corpus(linker, opened))
        write_whole(links, written.encode())
        told = {}
        for name, guide in (("guided", links), ("not_guided", None)):
            place = folder / name
            wanted, base = {"training.minutes": self.guided}, folder / "there"
            languages = {"source_language": source, "target_language": target}
            more = {"validation": self.validation, "from_model": base, "guide": guide, **languages}
            made = train_whole(wanted, str(sample), place, **more)
            rate = self.trial.rate(self.trial.best_reading(place))
            told[name] = {"there": rate, "bleu": made["validation_bleu"]}
        return told


def table(found: dict[str, dict[str, Any]]) -> str:
    """All of it as Markdown: error rates in %."""
    lines = [
        "| model | BLEU, there and back | attention: there, back, both | a layer: there, back, both "
        "| attention after more minutes, BLEU | and guided, BLEU |",
        "|---|---|---|---|---|---|",
    ]
    for name, told in found.items():
        cells = [", ".join(f"{bleu:.1f}" for bleu in told["validation_bleu"])]
        cells += [
            ", ".join(_percent(rate) for rate in told[kind].values()) for kind in ("attention", "linker")
        ]
        for kind in ("not_guided", "guided"):
            cells.append(f"{_percent(told[kind]['there'])}, {told[kind]['bleu']:.1f}" if kind in told else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = corpus_parser(__doc__.partition("\n")[0])
    parser.add_argument("--trial", required=True, help="pairs with gold links")
    parser.add_argument("--gold", required=True, help="the links, a line a pair")
    parser.add_argument("--minutes", type=float, default=60, help="of training, for each model and direction")
    parser.add_argument("--guided", type=float, default=0, help="minutes more, guided and not")
    parser.add_argument("--lessons", type=int, default=100_000, help="pairs that the layer learns from")
    parser.add_argument("--size", default="tiny", help="of the models")
    parser.add_argument("--into", type=Path, default=Path("runs/aligning"))
    told = parser.parse_args(arguments)
    languages = (told.source, told.target)
    opened = Corpus.open(told.trial, source_language=told.source, target_language=told.target)
    bench = Bench(
        corpus=told.corpus,
        validation=told.validation,
        languages=languages,
        trial=Trial(*with_gold(opened, told.gold)),
        into=told.into,
        minutes=told.minutes,
        guided=told.guided,
        lessons=told.lessons,
        size=told.size,
    )
    print(table({model: bench.examine(model) for model in told.models}))


if __name__ == "__main__":
    main()
