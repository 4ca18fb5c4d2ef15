"""Beam search over anything that maps (tokens, memory, state) to logits and a new state.

Every sentence keeps its `beam` best hypotheses. A finished one stays among them at no cost and
competes by its score, so that greedy search is a beam of 1 and a beam as wide as all strings is
exhaustive search. At a sentence's length limit only the end may follow: every hypothesis that is
returned is whole, and its score is the model's own score of it, the end included.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from latimer.search.arrays import (
    Likeliest,
    like,
    likeliest,
    likeliest_of,
    log_softmax,
    to_numpy,
    without_gradients,
)
from latimer.search.constraints import Constraint, Numbers
from latimer.search.terms import Offers, Terms, best_of_each_debt, offer
from latimer.state import Array, Nest, repeat, select

ABREAST = 2  # hypotheses of each of the small beams that are kept apart

__all__ = ["Constraint", "Hypothesis", "Move", "Numbers", "beam_search"]


class Step(Protocol):
    """What a decoder promises to search. If it has `likeliest` as well, that is asked in place of logits."""

    @property
    def logits(self) -> Array: ...  # N T V

    @property
    def state(self) -> Nest: ...


class Hypothesis(NamedTuple):
    """One translation: tokens without BOS and EOS, and what the model thinks of it."""

    tokens: list[int]
    log_probability: float  # natural logarithm, of all tokens and the end
    score: float  # log_probability / (tokens + 1) ** length_penalty


class Move(NamedTuple):
    """One step of the search, as whoever watches it is told: K hypotheses a sentence are kept."""

    sentence: Int[np.ndarray, " B"]  # which sentence of the batch each is
    parent: Int[np.ndarray, "B K"]  # which hypothesis of before each one continues
    token: Int[np.ndarray, "B K"]  # by what; a finished one only repeats EOS
    total: Float[np.ndarray, "B K"]  # log-probability so far; -inf is nobody
    done: Bool[np.ndarray, "B K"]
    log_probs: Float[np.ndarray, "N V"]  # what each hypothesis of before (B x K) thought of every token


class _Beams(NamedTuple):
    """The hypotheses of the sentences still searched, K rows a sentence."""

    sentence: Int[np.ndarray, " B"]  # which sentence of the batch each is
    tokens: Int[np.ndarray, "B K T"]  # BOS first
    total: Float[np.ndarray, "B K"]  # log-probability so far
    length: Int[np.ndarray, "B K"]  # tokens after BOS, EOS counted
    done: Bool[np.ndarray, "B K"]

    def of(self, kept: Int[np.ndarray, " N"]) -> "_Beams":
        """Those of some sentences."""
        return _Beams(*(array[kept] for array in self))


def beam_search(
    decoder: Callable[[Array, Nest, Nest], Step],
    memory: Nest,
    *,
    limits: ArrayLike,
    bos: int,
    eos: int,
    beam: int = 5,
    length_penalty: float = 1.0,
    constraints: Sequence[Constraint] = (),
    terms: Sequence[Terms | None] | None = None,
    diversity: float = 0.0,
    watch: Callable[[Move], None] | None = None,
) -> list[list[Hypothesis]]:
    """The `beam` best hypotheses of each sentence, best first; distinct, and fewer where no more exist.

    The decoder is given tokens of the library and on the device of `memory`, torch's or NumPy's.
    `limits` (at least 1) is the greatest number of tokens of each sentence, the end counted.
    `length_penalty` a ranks by log-probability / length ** a: 0 is the probability itself, 1 the mean.
    `terms` is what each sentence must hold. `diversity` above 0 searches with `beam` small beams (Vijayakumar
    et al. 2018), without terms: in each a token costs that much for every hypothesis of those before that
    says it at the same place. The best of each that is none of those before is given, scored without cost.
    `watch` is told of every step.
    """
    groups, beam = (beam, beam * ABREAST) if diversity and beam > 1 else (1, beam)
    limits = np.asarray(limits)
    beams = _begin(len(limits), beam, bos, groups)
    memory, state = repeat(memory, beam), None
    found: list[list[Hypothesis]] = [[] for _ in limits]
    with without_gradients(memory):
        while len(beams.sentence):
            tokens = beams.tokens.reshape(-1, beams.tokens.shape[2])
            out = decoder(like(memory, tokens[:, -1:]), memory, state)
            left, offers = limits[beams.sentence], None
            if groups > 1 or constraints or terms is not None or watch is not None:
                log_probs = _obeying(constraints, to_numpy(log_softmax(out.logits[:, -1])), tokens)
                if terms is not None:
                    log_probs, offers = offer(terms, beams.sentence, log_probs, tokens, left, eos=eos)
                best = likeliest(log_probs, beam, eos)
            else:
                best = likeliest_of(out, beam, eos)
            if groups > 1:
                beams, rows = _advance_apart(beams, log_probs, left, eos, length_penalty, groups, diversity)
            elif beam == 1 and offers is None:
                beams, rows = _go_on(beams, best, left, eos)
            else:
                beams, rows = _advance(beams, best, left, eos, length_penalty, offers)
            if watch is not None:
                parent = rows.reshape(beams.done.shape) % beam
                watch(Move(beams.sentence, parent, beams.tokens[..., -1], beams.total, beams.done, log_probs))
            finished = beams.done.all(1)
            if some := bool(finished.any()):
                for index in np.flatnonzero(finished).tolist():
                    found[beams.sentence[index]] = _hypotheses(beams, index, length_penalty, groups)
                kept = np.flatnonzero(~finished.repeat(beam))
                beams, rows = beams.of(np.flatnonzero(~finished)), rows[kept]
                memory = select(memory, like(memory, kept))
            # One move, both to the rows that are continued and away from those that are finished.
            state = select(out.state, like(memory, rows)) if some or beam > 1 else out.state
    return found


def _begin(batch: int, beam: int, bos: int, groups: int) -> _Beams:
    """One hypothesis a group, to which the others come."""
    return _Beams(
        sentence=np.arange(batch),
        tokens=np.full((batch, beam, 1), bos),
        total=np.where(np.arange(beam) % (beam // groups) == 0, 0.0, np.full((batch, beam), -np.inf)),
        length=np.zeros((batch, beam), dtype=np.int64),
        done=np.zeros((batch, beam), dtype=np.bool_),
    )


def _obeying(constraints: Sequence[Constraint], log_probs: Numbers, tokens: Numbers) -> Numbers:
    for constrain in constraints:
        log_probs = constrain(log_probs, tokens)
    return log_probs


def _advance(
    beams: _Beams,
    best: Likeliest,
    limits: Int[np.ndarray, " B"],
    eos: int,
    length_penalty: float,
    offers: Offers | None = None,
) -> tuple[_Beams, Int[np.ndarray, " N"]]:
    """The best continuations, and the row that each continues."""
    batch, beam, size = beams.tokens.shape
    choices = best.tokens.shape[1]  # of one row no more than `beam` can be among the best
    log_probs, tokens = (array.reshape(batch, beam, choices) for array in best[:2])
    # A finished hypothesis only repeats its end, at no cost.
    end = np.where(beams.done, 0.0, best.end.reshape(batch, beam))
    only_end = (beams.done | (limits <= size)[:, None])[..., None]
    first = np.arange(choices) == 0
    log_probs = np.where(only_end, np.where(first, end[..., None], -np.inf), log_probs)
    tokens = np.where(only_end, eos, tokens)
    if offers is not None:
        more = np.where(only_end, -np.inf, offers.log_prob.reshape(batch, beam, -1))
        log_probs = np.concatenate([log_probs, more], -1)
        tokens = np.concatenate([tokens, offers.token.reshape(batch, beam, -1)], -1)
        otherwise = offers.otherwise.reshape(batch, beam, 1).repeat(choices, -1)
        owed = np.concatenate([otherwise, offers.owed.reshape(batch, beam, -1)], -1).reshape(batch, -1)
        choices = log_probs.shape[-1]

    totals = (beams.total[..., None] + log_probs).reshape(batch, -1)
    lengths = beams.length + ~beams.done
    scores = totals / (lengths**length_penalty).repeat(choices, 1)
    if offers is None:
        chosen = np.argsort(-scores, 1, kind="stable")[:, :beam]
    else:
        chosen = best_of_each_debt(scores, owed, tokens.reshape(batch, -1) == eos, beam)
    place = chosen + np.arange(batch)[:, None] * totals.shape[1]  # among those of all sentences
    row = place // choices
    token, total = tokens.take(place), totals.take(place)
    return _Beams(
        sentence=beams.sentence,
        tokens=np.concatenate([beams.tokens.reshape(-1, size).take(row, 0), token[..., None]], -1),
        total=total,
        length=lengths.take(row),
        # The only child of a finished one is EOS again; where strings are fewer than beams a row is nobody's.
        done=(token == eos) | (total == -np.inf),
    ), row.reshape(-1)


def _go_on(
    beams: _Beams, best: Likeliest, limits: Int[np.ndarray, " B"], eos: int
) -> tuple[_Beams, Int[np.ndarray, " N"]]:
    """The same where each sentence has one hypothesis that is not finished: nothing is to be compared."""
    at_end = limits <= beams.tokens.shape[2]
    token = np.where(at_end, eos, best.tokens[:, 0])[:, None]
    total = beams.total + np.where(at_end, best.end, best.log_probs[:, 0])[:, None]
    return _Beams(
        sentence=beams.sentence,
        tokens=np.concatenate([beams.tokens, token[..., None]], -1),
        total=total,
        length=beams.length + 1,
        done=(token == eos) | (total == -np.inf),
    ), np.arange(len(limits))


def _advance_apart(
    beams: _Beams,
    log_probs: Float[np.ndarray, "N V"],
    limits: Int[np.ndarray, " B"],
    eos: int,
    length_penalty: float,
    groups: int,
    diversity: float,
) -> tuple[_Beams, Int[np.ndarray, " N"]]:
    """Group after group, each away from what those before it just said."""
    batch, beam, _ = beams.tokens.shape
    sentences, parts, rows = np.arange(batch)[:, None], [], []
    cost = np.zeros((batch, log_probs.shape[1]), dtype=np.float32)
    for places in np.split(np.arange(beam), groups):
        before = _Beams(beams.sentence, *(array[:, places] for array in beams[1:]))
        own = (sentences * beam + places).reshape(-1)
        paying = likeliest(log_probs[own] - cost.repeat(len(places), 0), len(places), eos)
        after, kept = _advance(before, paying, limits, eos, length_penalty)
        token, going = after.tokens[..., -1], ~before.done.reshape(-1)[kept].reshape(batch, -1)
        parts.append(after._replace(total=after.total + np.where(going, cost[sentences, token], 0))[1:])
        rows.append(own[kept].reshape(batch, -1))
        np.add.at(cost, (sentences, token), diversity * (going & (after.total > -np.inf)))
    together = (np.concatenate(arrays, 1) for arrays in zip(*parts, strict=True))
    return _Beams(beams.sentence, *together), np.concatenate(rows, 1).reshape(-1)


def _hypotheses(beams: _Beams, index: int, length_penalty: float, groups: int) -> list[Hypothesis]:
    """Those of one finished sentence, in the order of their scores; of several groups the best of each."""
    found = [
        Hypothesis(tokens[1:length], total, total / length**length_penalty)
        for tokens, total, length in zip(
            beams.tokens[index].tolist(),
            beams.total[index].tolist(),
            beams.length[index].tolist(),
            strict=True,
        )
    ]
    if groups == 1:
        return [one for one in found if one.log_probability > -np.inf]
    best: dict[tuple[int, ...], Hypothesis] = {}
    for group in np.split(np.arange(len(found)), groups):
        some = [found[place] for place in group if found[place].log_probability > -np.inf]
        new = [one for one in some if tuple(one.tokens) not in best]
        best.update((tuple(one.tokens), one) for one in new[:1])
    return sorted(best.values(), key=lambda one: -one.score)
