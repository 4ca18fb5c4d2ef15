"""Sentences to hypotheses: subwords, batches, and search with what is wished. Nothing is done besides."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from latimer.coverage import coverage
from latimer.data.text import Spacing, normalise
from latimer.data.tokenizer import BOS, EOS
from latimer.errors import Mistake
from latimer.folder import Tokenizers
from latimer.guarding import has_letters, safe_limit, usual_limit
from latimer.packing import batches, padded
from latimer.runtime.engine import Engine
from latimer.search.beam import Hypothesis, Move
from latimer.search.constraints import no_repeat, word_bounds
from latimer.search.scoring import log_probabilities
from latimer.search.settings import Wishes, fill_in, search
from latimer.search.terms import Forms, Terms

BLOCKED = 3  # pieces that may not come twice in a row where search is done again
POSITIONS = 4096  # source positions times beams that are searched at once
NOTHING = Wishes()


class Query(NamedTuple):
    """A sentence in pieces, none for one that isn't searched; what is wished of it, and what it must say."""

    row: list[int]
    wishes: Wishes = NOTHING
    wanted: Sequence[Forms] = ()


class Ranked(NamedTuple):
    """A hypothesis as search finds it, and what a wish for coverage adds to its score."""

    tokens: list[int]
    log_probability: float
    score: float
    coverage: float = 0.0


class Answer(NamedTuple):
    """What was found, and "glossary" or "wishes" where that could not be had."""

    hypotheses: list[Ranked]
    flags: tuple[str, ...] = ()


class PlainTranslator:
    """A model with its subwords."""

    def __init__(self, engine: Engine, tokenizers: Tokenizers, spacing: Spacing | None = None) -> None:
        self.engine = engine
        self.tokenizers = tokenizers
        self.spacing = spacing
        self.reading: Mapping[str, Any] | None = None  # which attention aligns best, where it is known

    def answer(
        self,
        queries: Sequence[Query],
        beam: int,
        length_penalty: float,
        *,
        safely: bool = False,
        advance: Callable[[list[int]], None] = lambda chosen: None,
    ) -> list[Answer]:
        """The hypotheses of each query, the best first; `advance` is told which ones a batch held.

        Where no translation can have all that is wished it is searched without the glossary, else without
        any wish. `safely`: no three pieces come twice, and fewer are allowed; there may be none.

        Raises Mistake where coverage is wished, and the engine doesn't tell what the model looks at.
        """
        answers = [Answer([])] * len(queries)
        # Those with terms to say go by themselves: their beam is wider.
        groups = dict.fromkeys((query.wishes, bool(query.wanted)) for query in queries if query.row)
        for wishes, bound in groups:
            rows = [
                query.row if (query.wishes, bool(query.wanted)) == (wishes, bound) else []
                for query in queries
            ]
            wide = beam * (1 + (bound or wishes.diversity > 0))
            for chosen in batches(rows, POSITIONS // wide):
                found = self._wished([queries[index] for index in chosen], beam, length_penalty, safely)
                if wishes.coverage:
                    found = self._covering([queries[index].row for index in chosen], found, wishes.coverage)
                for index, answer in zip(chosen, found, strict=True):
                    answers[index] = answer
                advance(chosen)
        return answers

    def limit(self, query: Query, *, safely: bool) -> int:
        """How many pieces its translation may have, the end counted; `safely`: how many a sound one has."""
        wishes, source = query.wishes, len(query.row) + 1
        if safely:
            limit = wishes.sound_limit(safe_limit(source), self.ids)
        else:
            limit = wishes.limit(usual_limit(source), self.ids)
        return limit + sum(min(map(len, forms)) for forms in query.wanted)

    def _wished(
        self, queries: Sequence[Query], beam: int, length_penalty: float, safely: bool
    ) -> list[Answer]:
        """Some queries with the same wishes, at once."""
        wishes = queries[0].wishes
        found = self._search(queries, beam, length_penalty, safely=safely)
        if safely:
            return [Answer(_ranked(hypotheses)) for hypotheses in found]

        def again(left: list[int], less: Wishes) -> list[list[Hypothesis]]:
            kept = [queries[index] for index in left]
            if less is not wishes:
                kept = [Query(query.row, less) for query in kept]
            return self._search(kept, 4 * beam, length_penalty)

        lost = fill_in(found, wishes, again)
        return [Answer(_ranked(some[:beam]), lost.get(index, ())) for index, some in enumerate(found)]

    def _search(
        self,
        queries: Sequence[Query],
        beam: int,
        length_penalty: float,
        watch: Callable[[Move], None] | None = None,
        *,
        safely: bool = False,
    ) -> list[list[Hypothesis]]:
        """Queries with the same wishes, searched at once."""
        wishes = queries[0].wishes
        limits = [self.limit(query, safely=False) for query in queries]
        constraints = wishes.constraints(self.ids, self.pieces, bos=BOS, eos=EOS)
        if safely:
            limits = [
                min(limit, self.limit(query, safely=True))
                for limit, query in zip(limits, queries, strict=True)
            ]
            constraints.append(no_repeat(BLOCKED, eos=EOS))
        terms = None
        if any(query.wanted for query in queries):
            bounds = word_bounds(self.pieces, bos=BOS, eos=EOS)
            terms = [Terms(query.wanted, bounds) for query in queries]
        rows = [query.row for query in queries]
        return search(
            self.engine.decoder,
            self.engine.memory(*padded(rows)),
            wishes,
            keys=rows,
            limits=limits,
            bos=BOS,
            eos=EOS,
            beam=beam,
            length_penalty=length_penalty,
            constraints=constraints,
            terms=terms,
            watch=watch,
        )

    def _covering(self, rows: Sequence[list[int]], answers: Sequence[Answer], weight: float) -> list[Answer]:
        """The answers, the hypotheses of each ranked by their scores and `weight` times their coverage."""
        pairs = [
            (row, one.tokens) for row, answer in zip(rows, answers, strict=True) for one in answer.hypotheses
        ]
        looked = iter(self.looked_at(pairs))
        found = []
        for row, (hypotheses, flags) in zip(rows, answers, strict=True):
            spoken = self.tokenizers.source.word_of(row) >= 0  # a tag stands before the first word
            ranked = []
            for one in hypotheses:
                weights = next(looked)
                if weights is None:
                    raise Mistake(
                        "--coverage goes by attention, of which this model tells nothing: it has none, or "
                        "its graphs are of an earlier version, and latimer export --model makes new ones."
                    )
                ranked.append(one._replace(coverage=weight * coverage(weights[:, :-1][:, spoken])))
            ranked.sort(key=lambda one: -(one.score + one.coverage))
            found.append(Answer(ranked, flags))
        return found

    def agreement(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The mean log-probability (natural) of a piece of each target text after its source text."""
        encoded = self.tokenizers.source.encode_many([normalise(source) for source, _ in pairs])
        encoded = [row or [EOS] for row in encoded]  # an empty text is asked of, too
        said = self.tokenizers.target.encode_many([normalise(target) for _, target in pairs])
        found = [0.0] * len(pairs)
        for chosen in batches(encoded, POSITIONS):
            memory = self.engine.memory(*padded([encoded[index] for index in chosen]))
            targets = [said[index] for index in chosen]
            totals = log_probabilities(self.engine.decoder, memory, targets, bos=BOS, eos=EOS)
            for index, total in zip(chosen, totals.tolist(), strict=True):
                found[index] = total / (len(said[index]) + 1)
        return found

    def looked_at(
        self, pairs: Sequence[tuple[list[int], list[int]]]
    ) -> list[Float[np.ndarray, "T S"] | None]:
        """What each target piece of each pair looked at, the end of the source last; None if that isn't told.

        As the folder's reading says, else the mean of the heads of the middle layer.
        """
        found: list[Any] = [None] * len(pairs)
        for chosen in batches([[*source, *target] for source, target in pairs], POSITIONS):
            source, mask = padded([pairs[index][0] for index in chosen])
            target, _ = padded([[BOS, *pairs[index][1]] for index in chosen])
            maps = self.engine.maps(source, mask, target[:, :-1])
            if not maps:
                break
            read = self.reading
            if read is None or read["layer"] not in maps:
                read = {"layer": list(maps)[len(maps) // 2], "head": None, "shifted": False}
            head, shift = read["head"], int(read["shifted"])
            for weights, index in zip(maps[read["layer"]], chosen, strict=True):
                one = weights.mean(0) if head is None else weights[head]
                row, tokens = pairs[index]
                found[index] = one[shift : len(tokens) + shift, : len(row) + 1]
        return found

    @cached_property
    def pieces(self) -> list[str]:
        """How each id of the target is spelled."""
        return self.tokenizers.target.all_pieces()

    @cached_property
    def says(self) -> Callable[[str], bool]:
        """Whether a stretch is anything to translate: of models that know letters, what has any."""
        pieces = self.tokenizers.source.all_pieces()
        return has_letters if any(has_letters(piece) for piece in pieces if piece[0] != "<") else bool

    def spells(self, text: str) -> bool:
        """Whether the source's subwords can spell it, not only in bytes."""
        pieces = self.tokenizers.source.pieces(self.tokenizers.source.encode(normalise(text)))
        return not any(piece.startswith("<0x") for piece in pieces)

    def count(self, text: str) -> int:
        """How many pieces a source text has."""
        return len(self.tokenizers.source.encode(normalise(text)))

    def ids(self, text: str) -> list[int]:
        """Those of a target text."""
        return self.tokenizers.target.encode(normalise(text))

    def text(self, tokens: list[int]) -> str:
        """What they say, spaced as is usual."""
        return self.spaced(self.tokenizers.target.decode(tokens))

    def spaced(self, text: str) -> str:
        """A text, normalised, but for the target's habits of spacing."""
        text = normalise(text)
        return self.spacing.restore(text) if self.spacing else text


def _ranked(found: Sequence[Hypothesis]) -> list[Ranked]:
    """As search ranks them."""
    return [Ranked(*one) for one in found]
