"""Which translation of a line is taken where it is not the likeliest; a choice stands in for a Translator.

The `score` of a translation is then what it was chosen by, and `log_probability` stays the model's.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from latimer.data.text import normalise
from latimer.directions import directions, load, target_of
from latimer.ensemble import load_together
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.search.risk import expected_agreement
from latimer.search.sampling import Sampling
from latimer.search.settings import Wishes
from latimer.translator import EngineName, Translation, Translator

BACKWARDS = 0.25  # how much the other direction counts: the best of five on one validation set (docs/log.md)


class Choice(ABC):
    """Chooses among what a translator says."""

    def __init__(self, translator: Translator) -> None:
        self.translator = translator

    def translate(
        self,
        texts: Sequence[str],
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
        wishes: Wishes | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """As with a Translator."""
        found = self.hypotheses(
            texts, beam=beam, length_penalty=length_penalty, wishes=wishes, progress=progress
        )
        return [translations[0].text if translations else "" for translations in found]

    def hypotheses(
        self,
        texts: Sequence[str],
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
        wishes: Wishes | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[list[Translation]]:
        """As with a Translator: at most `beam` of each line, the best first."""
        searched = self.translator.hypotheses(
            texts, beam=beam, length_penalty=length_penalty, wishes=wishes, progress=progress
        )
        chosen = self.choose(texts, searched, length_penalty=length_penalty, wishes=wishes or Wishes())
        return [found[:beam] for found in chosen]

    @abstractmethod
    def choose(
        self,
        texts: Sequence[str],
        searched: Sequence[list[Translation]],
        *,
        length_penalty: float,
        wishes: Wishes,
    ) -> list[list[Translation]]:
        """The candidates of each line, the best first, from what was searched for it."""

    def _is_settled(self, text: str, found: Sequence[Translation]) -> bool:
        """Whether there is no choice: nothing was searched, the guard stepped in, or the line is too long."""
        if not found or found[0].flags or found[0].log_probability == 0:
            return True
        return len(self.translator.tokenizers.source.encode(normalise(text))) > self.translator.longest


AnyTranslator = Translator | Choice


class LeastRisk(Choice):
    """What agrees best, by chrF, with `draws` of the model (search/risk.py): its score, from 0 to 100.

    Candidates are the beam's hypotheses and the draws; where a glossary is wished only the beam's, which hold
    its terms. Lines that the guard sees to are left as they are, and so are those whose draws it sees to.
    """

    def __init__(self, translator: Translator, *, draws: int = 32, sampling: Sampling | None = None) -> None:
        super().__init__(translator)
        self.sampling = sampling or Sampling()
        if draws < 1:
            raise Mistake(f"--mbr must be at least 1, not {draws}: so many translations are drawn.")
        self.draws = draws

    def choose(
        self,
        texts: Sequence[str],
        searched: Sequence[list[Translation]],
        *,
        length_penalty: float,
        wishes: Wishes,
    ) -> list[list[Translation]]:
        left = [
            "" if self._is_settled(text, found) else text for text, found in zip(texts, searched, strict=True)
        ]
        drawing = replace(wishes, glossary=(), diversity=0.0, sampling=self.sampling)
        drawn = self.translator.hypotheses(
            left, beam=self.draws, length_penalty=length_penalty, wishes=drawing
        )
        return [
            _best(found, draws, free=not wishes.glossary) if draws and not draws[0].flags else found
            for found, draws in zip(searched, drawn, strict=True)
        ]


def _best(searched: list[Translation], drawn: list[Translation], *, free: bool) -> list[Translation]:
    """The candidates of a line, the best first; the draws are among them where they are `free`."""
    times: dict[str, int] = dict.fromkeys((one.text for one in searched), 0)
    for one in drawn:
        times[one.text] = times.get(one.text, 0) + 1
    candidates: dict[str, Translation] = {}
    for one in [*searched, *(drawn if free else [])]:
        candidates.setdefault(one.text, one)
    places = {text: place for place, text in enumerate(times)}
    often = np.array([*times.values()], dtype=np.float64)
    scores = expected_agreement([*times], often, [places[text] for text in candidates])
    scored = [
        one._replace(score=float(score)) for one, score in zip(candidates.values(), scores, strict=True)
    ]
    return sorted(scored, key=lambda one: -one.score)


class BothWays(Choice):
    """Of the hypotheses that from which the source follows best, too, by a model of the reverse direction.

    score = log p(target | source) / target pieces ** length_penalty
            + BACKWARDS log p(source | target) / source pieces                     after Li et al. 2016

    Lines that the guard sees to are left as they are.
    """

    def __init__(self, translator: Translator, reverse: Translator) -> None:
        super().__init__(translator)
        self.reverse = reverse

    def choose(
        self,
        texts: Sequence[str],
        searched: Sequence[list[Translation]],
        *,
        length_penalty: float,
        wishes: Wishes,
    ) -> list[list[Translation]]:
        asked = [
            (line, rank)
            for line, found in enumerate(searched)
            if not self._is_settled(texts[line], found)
            for rank in range(len(found))
        ]
        found = [list(some) for some in searched]
        pairs = [(searched[line][rank].text, texts[line]) for line, rank in asked]
        for (line, rank), score in zip(asked, self.reverse.agreement(pairs), strict=True):
            one = found[line][rank]
            found[line][rank] = one._replace(score=one.score + BACKWARDS * score)
        lines = {line for line, _ in asked}
        return [
            sorted(some, key=lambda one: -one.score) if line in lines else some
            for line, some in enumerate(found)
        ]


@dataclass(frozen=True)
class Voice:
    """Who translates: models that speak together, in which direction, and what of it is chosen."""

    folders: tuple[str, ...]
    to: str | None = None
    domain: str | None = None
    engine: EngineName | None = None
    draws: int | None = None  # of so many what agrees best; None: the likeliest
    sampling: Sampling | None = None
    reverse: str | None = None  # a model of the other direction, which chooses too

    def open(self) -> AnyTranslator:
        """Load it. Raises Mistake as `load_together` does, and where `reverse` doesn't go the other way."""
        translator = load_together(self.folders, to=self.to, domain=self.domain, engine=self.engine)
        if self.reverse is not None:
            if self.draws is not None:
                raise Mistake("--mbr and --rerank choose, each in its way; give one of them.")
            return BothWays(translator, self._backwards(self.reverse))
        if self.draws is None:
            return translator
        return LeastRisk(translator, draws=self.draws, sampling=self.sampling)

    def _backwards(self, folder: str) -> Translator:
        record = ModelFolder(self.folders[0]).record
        ours, theirs = (directions(ModelFolder(one).record) for one in (self.folders[0], folder))
        target = target_of(record, self.to)
        back = [way for way in theirs if way[0] == target and way[::-1] in ours]
        if not back:
            raise Mistake(f"{folder} doesn't translate from {target} back; --rerank wants a model that does.")
        return load(folder, to=back[0][1], engine=self.engine)
