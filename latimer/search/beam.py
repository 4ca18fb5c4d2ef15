"""Beam search over anything that maps (tokens, memory, state) to logits and a new state.

Every sentence keeps its `beam` best hypotheses. A finished one stays among them at no cost and
competes by its score, so that greedy search is a beam of 1 and a beam as wide as all strings is
exhaustive search. At a sentence's length limit only the end may follow: every hypothesis that is
returned is whole, and its score is the model's own score of it, the end included.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch

from latimer.shapes import Bool, Float, Int, Tensor
from latimer.state import Nest, repeat, select

# (log-probabilities N V, tokens so far N T) -> log-probabilities N V; -inf forbids.
Constraint = Callable[[Tensor, Tensor], Tensor]


class Step(Protocol):
    """What a decoder promises to search."""

    @property
    def logits(self) -> Tensor: ...  # N T V

    @property
    def state(self) -> Nest: ...


class Hypothesis(NamedTuple):
    """One translation: tokens without BOS and EOS, and what the model thinks of it."""

    tokens: list[int]
    log_probability: float  # natural logarithm, of all tokens and the end
    score: float  # log_probability / (tokens + 1) ** length_penalty


class Move(NamedTuple):
    """One step of the search, as whoever watches it is told: K hypotheses a sentence are kept."""

    sentence: Int[Tensor, " B"]  # which sentence of the batch each is
    parent: Int[Tensor, "B K"]  # which hypothesis of before each one continues
    token: Int[Tensor, "B K"]  # by what; a finished one only repeats EOS
    total: Float[Tensor, "B K"]  # log-probability so far; -inf is nobody
    done: Bool[Tensor, "B K"]
    log_probs: Float[Tensor, "N V"]  # what each hypothesis of before (B x K) thought of every token


class _Beams(NamedTuple):
    """The hypotheses of the sentences still searched, K rows a sentence."""

    sentence: Int[Tensor, " B"]  # which sentence of the batch each is
    tokens: Int[Tensor, "B K T"]  # BOS first
    total: Float[Tensor, "B K"]  # log-probability so far
    length: Int[Tensor, "B K"]  # tokens after BOS, EOS counted
    done: Bool[Tensor, "B K"]


@torch.inference_mode()
def beam_search(
    decoder: Callable[[Tensor, Nest, Nest], Step],
    memory: Nest,
    *,
    limits: Int[Tensor, " B"],
    bos: int,
    eos: int,
    beam: int = 5,
    length_penalty: float = 1.0,
    constraints: Sequence[Constraint] = (),
    watch: Callable[[Move], None] | None = None,
) -> list[list[Hypothesis]]:
    """The `beam` best hypotheses of each sentence, best first; distinct, and fewer where no more exist.

    `limits` (at least 1) is the greatest number of tokens of each sentence, the end counted.
    `length_penalty` a ranks by log-probability / length ** a: 0 is the probability itself, 1 the mean.
    `watch` is told of every step.
    """
    batch, device = len(limits), limits.device
    beams = _Beams(
        sentence=torch.arange(batch, device=device),
        tokens=torch.full((batch, beam, 1), bos, device=device),
        total=torch.full((batch, beam), -torch.inf, device=device).index_fill(
            1, torch.tensor([0], device=device), 0.0
        ),
        length=torch.zeros(batch, beam, dtype=torch.long, device=device),
        done=torch.zeros(batch, beam, dtype=torch.bool, device=device),
    )
    memory, state = repeat(memory, beam), None
    found: list[list[Hypothesis]] = [[] for _ in range(batch)]
    while len(beams.sentence):
        out = decoder(beams.tokens.flatten(0, 1)[:, -1:], memory, state)
        log_probs = out.logits[:, -1].float().log_softmax(-1)
        for constrain in constraints:
            log_probs = constrain(log_probs, beams.tokens.flatten(0, 1))
        beams, rows = _advance(beams, log_probs, limits[beams.sentence], eos, length_penalty)
        if watch is not None:
            parent = rows.view_as(beams.done) % beam
            watch(Move(beams.sentence, parent, beams.tokens[..., -1], beams.total, beams.done, log_probs))
        finished = beams.done.all(1)
        some = bool(finished.any())
        if some:
            for index in finished.nonzero()[:, 0].tolist():
                found[int(beams.sentence[index])] = _hypotheses(beams, index, eos, length_penalty)
            going = (~finished).nonzero()[:, 0]
            kept = (going[:, None] * beam + torch.arange(beam, device=device)).flatten()
            beams, memory, rows = select(beams, going), select(memory, kept), rows[kept]
        # One move, both to the rows that are continued and away from those that are finished.
        state = select(out.state, rows) if some or beam > 1 else out.state
    return found


def _advance(
    beams: _Beams,
    log_probs: Float[Tensor, "N V"],
    limits: Int[Tensor, " B"],
    eos: int,
    length_penalty: float,
) -> tuple[_Beams, Int[Tensor, " N"]]:
    """The best continuations, and the row that each continues."""
    batch, beam, size = beams.tokens.shape
    choices = min(beam, log_probs.shape[-1])  # of one row no more than these can be among the best
    likeliest, tokens = log_probs.topk(choices)
    likeliest, tokens = likeliest.view(batch, beam, choices), tokens.view(batch, beam, choices)
    end = log_probs[:, eos].view(batch, beam)
    end = end.masked_fill(beams.done, 0.0)  # a finished hypothesis only repeats its end, at no cost
    only_end = beams.done | (limits <= size)[:, None]
    likeliest = torch.where(only_end[..., None], _first(end, choices), likeliest)
    tokens = tokens.masked_fill(only_end[..., None], eos)

    total = beams.total[..., None] + likeliest
    length = beams.length + ~beams.done
    _, best = (total / length[..., None] ** length_penalty).flatten(1).topk(beam)
    parent, token = best // choices, tokens.flatten(1).gather(1, best)
    total = total.flatten(1).gather(1, best)
    impossible = total == -torch.inf  # fewer strings than beams: this row is nobody's
    rows = (torch.arange(batch, device=best.device)[:, None] * beam + parent).flatten()
    return _Beams(
        sentence=beams.sentence,
        tokens=torch.cat([beams.tokens.flatten(0, 1)[rows].view(batch, beam, size), token[..., None]], -1),
        total=total,
        length=length.gather(1, parent),
        done=(token == eos) | impossible,  # the only child of a finished one is EOS again
    ), rows


def _first(values: Float[Tensor, "B K"], choices: int) -> Float[Tensor, "B K N"]:
    """`values` as the first of the choices, and no others."""
    return torch.nn.functional.pad(values[..., None], (0, choices - 1), value=-torch.inf)


def _hypotheses(beams: _Beams, index: int, eos: int, length_penalty: float) -> list[Hypothesis]:
    """The hypotheses of one finished sentence, in the order of their scores."""
    return [
        Hypothesis(tokens[1:length], total, total / length**length_penalty)
        for tokens, total, length in zip(
            beams.tokens[index].tolist(),
            beams.total[index].tolist(),
            beams.length[index].tolist(),
            strict=True,
        )
        if total > -torch.inf
    ]
