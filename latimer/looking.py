"""What a model looked at: the maps of given translations, the course of a search, and other courses.

The maps of a hypothesis are those of the steps that made it: they are read in one pass over its tokens, since
any chunking of a target is teacher forcing (the first law of decoders); a test follows them through the beam.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from latimer.data.tokenizer import BOS, EOS, PAD, SPECIALS
from latimer.errors import Mistake
from latimer.models.base import DecoderOutput, Seq2Seq, source_attentions
from latimer.nn.attention import capture
from latimer.search.arrays import top
from latimer.search.beam import Move, beam_search
from latimer.shapes import Bool, Float, Int, Tensor
from latimer.state import Nest, repeat
from latimer.visualize.looks import Branch, Candidate, Forced, Kind, Step

OTHERS = 5  # runners-up that are told of each step
LIKELY = 0.01  # a runner-up less likely than that is not worth a course of its own

Pieces = Callable[[Sequence[int]], list[str]]  # labels of tokens


class Writer(NamedTuple):
    """How tokens of the target are written: piece by piece, and as a text."""

    pieces: Pieces
    text: Callable[[list[int]], str]


def shown_first(model: Seq2Seq, reading: Mapping[str, Any] | None) -> tuple[int | None, int | None]:
    """Layer and head of what aligns best, where `align --tune` or `train --guide` has written it down."""
    layers = list(source_attentions(model))
    if reading is None or reading["layer"] not in layers:
        return None, None
    return layers.index(reading["layer"]), reading["head"]


class Read(NamedTuple):
    """The encoder's maps (H S S a layer), and each target with its own."""

    encoder: list[Any]
    candidates: list[Candidate]
    runners_up: list[list[list[tuple[int, float]]]]  # of each target, at each step: tokens, likeliest first


@torch.inference_mode()
def read(
    model: Seq2Seq,
    source: Int[Tensor, "1 S"],
    targets: Sequence[Sequence[int]],
    writer: Writer,
    *,
    length_penalty: float = 1.0,
) -> Read:
    """All maps of one source and its targets (without BOS and EOS), by teacher forcing.

    Raises Mistake for a model without attention over the source.
    """
    inputs = _padded([[BOS, *target] for target in targets]).to(source.device)
    with capture(model) as maps:
        memory = model.memory(source, torch.ones_like(source, dtype=torch.bool))
        logits = model.decoder(inputs, repeat(memory, len(targets)), None).logits
    layers: dict[Kind, list[Tensor]] = {"cross": [], "encoder": [], "decoder": []}
    for name, weights in maps.items():
        layers[_kind(name)].append(weights.float().cpu().reshape(len(weights), -1, *weights.shape[-2:]))
    if not layers["cross"]:
        raise Mistake("This model has no attention to look at (its score is none).")
    log_probs = logits.float().log_softmax(-1).cpu()
    candidates, runners_up = [], []
    for row, target in enumerate(targets):
        said = torch.tensor([*target, EOS])
        mine = log_probs[row, : len(said)]
        others = _runners_up(mine, said)
        total = float(mine.gather(1, said[:, None]).sum())
        pieces = writer.pieces([*target, EOS])
        steps = [
            Step(float(mine[t, said[t]].exp()), [(writer.pieces([n])[0], p) for n, p in few])
            for t, few in enumerate(others)
        ]
        candidates.append(
            Candidate(
                pieces,
                cross=[weights[row, :, : len(said)].numpy() for weights in layers["cross"]],
                decoder=[weights[row, :, : len(said), : len(said)].numpy() for weights in layers["decoder"]],
                text=writer.text(list(target)),
                log_probability=total,
                score=total / len(said) ** length_penalty,
                steps=steps,
            )
        )
        runners_up.append(others)
    return Read([weights[0].numpy() for weights in layers["encoder"]], candidates, runners_up)


class Course(NamedTuple):
    """The beginning of another translation: the tokens up to `step`, the last of which is a runner-up."""

    step: int
    tokens: list[int]


def courses(
    target: Sequence[int], runners_up: Sequence[Sequence[tuple[int, float]]], most: int
) -> list[Course]:
    """The `most` likeliest ways to say another token at some step of `target`, in the order of the steps."""
    found = [
        (probability, Course(step, [*target[:step], token]))
        for step, few in enumerate(runners_up)
        for token, probability in few
        if probability >= LIKELY and (token == EOS or token >= SPECIALS)
    ]
    best = sorted(found, key=lambda one: -one[0])[:most]
    return sorted((course for _, course in best), key=lambda course: course.step)


class Prefixed(NamedTuple):
    """A memory, with what has to be said first."""

    memory: Nest
    prefix: Int[Tensor, "N P"]  # padded
    length: Int[Tensor, " N"]


class PrefixedState(NamedTuple):
    """A state, and how many tokens have been said."""

    said: Int[Tensor, " N"]
    state: Nest


def after_prefix(decoder: Callable[[Tensor, Nest, Nest], Any]) -> Callable[[Tensor, Nest, Nest], Any]:
    """The decoder, for search with a `Prefixed` memory: it can't say anything but the prefix first."""

    def step(tokens: Tensor, memory: Prefixed, state: PrefixedState | None) -> DecoderOutput:
        said, inner = state or PrefixedState(torch.zeros_like(memory.length), None)
        out = decoder(tokens, memory.memory, inner)
        place = said.clamp(max=memory.prefix.shape[1] - 1)[:, None]
        wanted = memory.prefix.gather(1, place)
        only = torch.full_like(out.logits[:, -1], -torch.inf).scatter(1, wanted, 0.0)
        logits = torch.where((said < memory.length)[:, None], only, out.logits[:, -1])
        return DecoderOutput(logits[:, None], PrefixedState(said + 1, out.state))

    return step


@torch.inference_mode()
def force(
    model: Seq2Seq, source: Int[Tensor, "1 S"], some: Sequence[Course], writer: Writer, *, limit: int
) -> list[Forced]:
    """Where each course leads when it goes on greedily; the mean of its cross-attention is kept."""
    if not some:
        return []
    memory = model.memory(source, torch.ones_like(source, dtype=torch.bool))
    prefix = _padded([course.tokens for course in some]).to(source.device)
    lengths = torch.tensor([len(course.tokens) for course in some], device=source.device)
    found = beam_search(
        after_prefix(model.decoder),
        Prefixed(repeat(memory, len(some)), prefix, lengths),
        limits=[len(course.tokens) + limit for course in some],
        bos=BOS,
        eos=EOS,
        beam=1,
    )
    candidates = read(model, source, [best.tokens for best, *_ in found], writer).candidates
    return [
        Forced(course.step, _reduced(candidate)) for course, candidate in zip(some, candidates, strict=True)
    ]


class Recorder:
    """Watches the search of one sentence: `steps` holds its branches, at every step those kept first."""

    def __init__(self, pieces: Pieces, *, length_penalty: float = 1.0) -> None:
        self.steps: list[list[Branch]] = []
        self._pieces = pieces
        self._length_penalty = length_penalty
        self._totals: Float[np.ndarray, " K"] | None = None
        self._done: Bool[np.ndarray, " K"] | None = None

    def __call__(self, move: Move) -> None:
        if len(move.sentence) != 1:
            raise ValueError("a recorder watches one sentence at a time")
        step, [parents], [tokens] = len(self.steps) + 1, move.parent.tolist(), move.token.tolist()
        [totals], [done] = move.total.tolist(), move.done.tolist()
        branches = []
        for parent, token, total, ended in zip(parents, tokens, totals, done, strict=True):
            if total == -np.inf:  # nobody, and so are those after it
                break
            before = self.steps[-1][parent] if self.steps else None
            if before is not None and before.ended:
                branches.append(before._replace(parent=parent, kept=True))
            else:
                branches.append(self._branch(token, parent, total, step, kept=True, ended=ended))
        taken = set(zip(parents, tokens, strict=True))
        self.steps.append([*branches, *self._dropped(move, taken, step)])
        self._totals, self._done = move.total[0], move.done[0]

    def _dropped(self, move: Move, taken: set[tuple[int, int]], step: int) -> list[Branch]:
        """The best that were not kept, as many as were."""
        beam = move.parent.shape[1]
        log_probs = move.log_probs
        if self._totals is None or self._done is None:
            log_probs = log_probs[:1]  # at the beginning they are all one
        else:
            log_probs = np.where(self._done[:, None], -np.inf, log_probs + self._totals[:, None])
        [totals], [places] = top(log_probs.reshape(1, -1), min(2 * beam, log_probs.size))
        rest = [
            (total, *divmod(place, log_probs.shape[1]))
            for total, place in zip(totals.tolist(), places.tolist(), strict=True)
            if total > -np.inf
        ]
        return [
            self._branch(token, parent, total, step, kept=False, ended=token == EOS)
            for total, parent, token in rest
            if (parent, token) not in taken
        ][:beam]

    def _branch(self, token: int, parent: int, total: float, step: int, *, kept: bool, ended: bool) -> Branch:
        score = total / step**self._length_penalty
        return Branch(self._pieces([token])[0], parent, total, score, kept, ended)


def _reduced(candidate: Candidate) -> Candidate:
    """With the mean of its cross-attention alone, and no runners-up."""
    return replace(
        candidate,
        cross=[np.mean([heads.mean(0) for heads in candidate.cross], 0)],
        decoder=(),
        steps=[Step(step.probability) for step in candidate.steps],
    )


def _kind(name: str) -> Kind:
    """Of an attention, by the name of its module: what a decoder reads its past with is called `past`."""
    if name.startswith("encoder."):
        return "encoder"
    return "decoder" if ".past." in name else "cross"


def _padded(rows: Sequence[Sequence[int]]) -> Int[Tensor, "N T"]:
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD)


def _runners_up(log_probs: Float[Tensor, "T V"], said: Int[Tensor, " T"]) -> list[list[tuple[int, float]]]:
    """At each step the likeliest tokens but the one that was said, with their probabilities."""
    values, tokens = log_probs.topk(min(OTHERS + 1, log_probs.shape[1]))
    return [
        [(token, probability) for token, probability in zip(row, some, strict=True) if token != mine][:OTHERS]
        for row, some, mine in zip(tokens.tolist(), values.exp().tolist(), said.tolist(), strict=True)
    ]
