"""Word alignments out of attention: which source word each target word looked at.

Both sentences of a pair are given, and the model reads the target as in training (force-decoding).
Attention between pieces becomes attention between words: summed over the pieces of a source word, averaged
over those of a target word. A word is linked with the word of the other side that it looked at most, or that
looked at it most.

Several layers and heads look, and not all of them at what is translated: a `Reading` says which to believe. A
shifted one looks a step later. The decoder is told word t when it is asked for word t + 1, and now that it
knows the word it may look at its translation (Chen et al. 2020, "Accurate word alignment induction from
neural machine translation", section 3.1).

A model can also be given a layer that does nothing but link (linking.py): `teach` makes one and keeps it in
the model's folder. It is far better at it, and is believed wherever there is one.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from latimer.alignment import AlignmentScore, Gold, Links, Reading, reverse, score_links
from latimer.data.batches import in_order
from latimer.data.corpus import Corpus, Pair
from latimer.data.guides import linked_pairs
from latimer.data.store import TokenStore
from latimer.errors import Mistake
from latimer.folder import LINKER, ModelFolder
from latimer.linking import Linker, learn_links, link_maps, linker_of
from latimer.models.base import Seq2Seq, source_attentions
from latimer.nn.attention import capture
from latimer.translator import Translator
from latimer.wordmaps import Weights, Words, between_words, linked, one_head, word_weights

TOKENS = 4096  # in a batch, padding counted
CHUNK = 2048  # pairs that are sorted by length, and aligned, together
LESSONS = 100_000  # pairs that a linker learns from, at the most

Place = tuple[str, bool]  # a layer, and whether it is read a step later


class Aligner:
    """Aligns sentence pairs with one model, or with one of each direction: `back` reads the target first.

    >>> Aligner.load("model").align([("I like your garden .", "j' aime votre jardin .")])
    """

    def __init__(
        self,
        translator: Translator,
        reading: Reading,
        back: "Aligner | None" = None,
        linker: Linker | None = None,
    ) -> None:
        self.translator = translator
        self.reading = reading
        self.back = back
        self.linker = linker

    @classmethod
    def load(cls, folder: Path | str, reverse: Path | str | None = None) -> "Aligner":
        """With the model's linker, or the reading that was found for it, or the usual one.

        Raises Mistake for a model without attention.
        """
        translator, place = Translator.load(folder), ModelFolder(folder)
        reading = stored_reading(place) or usual_reading(translator.model)
        linker = None
        if (place.path / LINKER).exists():
            linker = place.load_beside(LINKER, lambda tensors: linker_of(translator.model, tensors))
        return cls(translator, reading, None if reverse is None else cls.load(reverse), linker)

    @property
    def described(self) -> str:
        """What links, in words."""
        return self.reading.described() if self.linker is None else "its linker"

    def weights(self, pairs: Sequence[tuple[str, str]]) -> list[Weights]:
        """T S of each pair of normalised texts, neither of them empty: how much its words have to do.

        With a model of each direction: as much as both of them say.
        """
        found = self._linked(pairs, self.linker) if self.linker else self._attended(pairs)
        if self.back is None:
            return found
        turned = self.back.weights([(target, source) for source, target in pairs])
        return [np.minimum(one, other.T) for one, other in zip(found, turned, strict=True)]

    def _attended(self, pairs: Sequence[tuple[str, str]]) -> list[Weights]:
        place = (self.reading.layer, self.reading.shifted)
        found: list[Weights] = [np.zeros((0, 0))] * len(pairs)
        for row, maps in word_maps(self.translator, pairs, [place]):
            found[row] = one_head(maps[place], self.reading.head)
        return found

    def _linked(self, pairs: Sequence[tuple[str, str]], linker: Linker) -> list[Weights]:
        """The geometric mean of both directions, each between words as attention would be."""
        store = _store(self.translator, pairs)
        found: list[Weights] = [np.zeros((0, 0))] * len(pairs)
        for row, (source_of, target_of) in link_maps(self.translator.model, linker, store):
            sources, targets = _words(self.translator, store, row)
            forward = between_words(source_of, sources, targets)
            found[row] = np.sqrt(forward * between_words(target_of.T, targets, sources).T)
        return found

    def align(self, pairs: Sequence[tuple[str, str]], how: str | None = None) -> list[Links]:
        """The links of each pair (see `linked`); by default in the way that errs least (docs/log.md)."""
        how = how or ("grow-diag-final-and" if self.linker is None else "intersection")
        return [linked(weights, how) for weights in self.weights(pairs)]


def align_corpus(aligner: Aligner, corpus: Corpus, how: str | None = None) -> Iterator[tuple[Pair, Links]]:
    """Every usable pair of the corpus in order, with its links; a chunk at a time, so memory stays constant.

    The links are (first side, second side) as the corpus is written.
    """
    pairs = corpus.pairs()
    while some := list(islice(pairs, CHUNK)):
        found = aligner.align([pair[:2] for pair in some], how)
        yield from zip(some, map(reverse, found) if corpus.swapped else found, strict=True)


def with_gold(corpus: Corpus, gold: str) -> tuple[list[tuple[str, str]], list[Gold]]:
    """The usable pairs of a small corpus, and what people linked in them, from the file `gold`."""
    both = list(linked_pairs(corpus, gold))
    return [pair[:2] for pair, _ in both], [links for _, links in both]


# --- which attention to believe


def stored_reading(folder: ModelFolder) -> Reading | None:
    """The reading that was kept in a model's folder."""
    told = folder.record.get("reading")
    return None if told is None else Reading(told["layer"], told["head"], told["shifted"])


def keep_reading(folder: ModelFolder, found: "Found", gold: str) -> None:
    """Write down what was found for whoever wants alignments; `gold` names what it was found on."""
    told = {**found.reading._asdict(), "error_rate": round(found.score.error_rate, 4), "gold": gold}
    folder.write_record({**folder.record, "reading": told})


def usual_reading(model: Seq2Seq) -> Reading:
    """What to believe where nobody looked for better. Raises Mistake for a model without attention."""
    layers = list(source_attentions(model))
    if not layers:
        raise Mistake("This model has no attention to read alignments from (its score is none).")
    return Reading(layers[len(layers) // 2], None, shifted=False)


class Found(NamedTuple):
    """A reading, and how its links compare with gold ones."""

    reading: Reading
    score: AlignmentScore


def compare_readings(
    translator: Translator, pairs: Sequence[tuple[str, str]], gold: Sequence[Gold]
) -> list[Found]:
    """Every reading of the model, scored on normalised pairs with gold links, the best first."""
    layers = source_attentions(translator.model)
    links: dict[Reading, list[Links]] = {}
    for row, maps in word_maps(translator, pairs, list(product(layers, (False, True)))):
        for (layer, shifted), weights in maps.items():
            for head in (None, *range(len(weights))) if len(weights) > 1 else (None,):
                ours = links.setdefault(Reading(layer, head, shifted), [frozenset()] * len(pairs))
                ours[row] = linked(one_head(weights, head))
    found = [Found(reading, score_links(ours, gold)) for reading, ours in links.items()]
    return sorted(found, key=lambda one: one.score.error_rate)


# --- a layer that only links


def teach(
    folder: Path | str,
    pairs: Sequence[tuple[str, str]],
    *,
    advance: Callable[[float], Any] = lambda share: None,
) -> None:
    """Make a linker for the model from normalised pairs, none of which is half empty, and keep it.

    It takes the place of an older one. `advance` is told how much of the work was done, in shares of it.
    """
    translator, place = Translator.load(folder), ModelFolder(folder)
    reading = stored_reading(place) or usual_reading(translator.model)
    linker = learn_links(translator.model, _store(translator, pairs), reading, advance=advance)
    place.save_beside(LINKER, linker.state_dict())


# --- from maps to links


def word_maps(
    translator: Translator, pairs: Sequence[tuple[str, str]], places: Collection[Place]
) -> Iterator[tuple[int, dict[Place, Weights]]]:
    """Force-decode normalised pairs; yields a pair's number and, for each place, H T S between its words.

    The shortest pairs come first. Neither side of a pair may be empty.
    """
    store = _store(translator, pairs)
    for row, maps in attention_maps(translator.model, store, {layer for layer, _ in places}):
        words = _words(translator, store, row)
        yield (
            row,
            {
                (layer, shifted): word_weights(maps[layer], *words, shifted=shifted)
                for layer, shifted in places
            },
        )


def attention_maps(
    model: Seq2Seq, store: TokenStore, layers: Collection[str]
) -> Iterator[tuple[int, dict[str, Weights]]]:
    """What the named layers of the decoder looked at in every pair of the store, the shortest first.

    Yields a row of the store and, for each layer, weights H T+1 S+1: the last source position is the end, and
    at step t the decoder has read t target pieces and is asked for the next.
    """
    model.eval()
    device = next(model.parameters()).device
    for batch in in_order(store, TOKENS):
        with torch.inference_mode(), ExitStack() as stack:
            heard = {name: stack.enter_context(capture(model.get_submodule(name))) for name in layers}
            model.features(*batch.to(device)[:3])
        maps = {name: told[""].float().cpu().numpy() for name, told in heard.items()}
        for place, row in enumerate(batch.rows.tolist()):
            steps, positions = len(store.target(row)) + 1, len(store.source(row)) + 1
            yield (
                row,
                {
                    name: weights[place].reshape(-1, *weights.shape[-2:])[:, :steps, :positions]
                    for name, weights in maps.items()
                },
            )


def _store(translator: Translator, pairs: Sequence[tuple[str, str]]) -> TokenStore:
    tokenizers = translator.tokenizers
    sources = tokenizers.source.encode_many([source for source, _ in pairs])
    targets = tokenizers.target.encode_many([target for _, target in pairs])
    return TokenStore.of(zip(sources, targets, strict=True))


def _words(translator: Translator, store: TokenStore, row: int) -> tuple[Words, Words]:
    """Which word each piece of a stored pair belongs to, of the source and of the target."""
    source, target = translator.tokenizers
    return source.word_of(store.source(row).tolist()), target.word_of(store.target(row).tolist())
