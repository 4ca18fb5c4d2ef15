"""A layer beside a trained model that links the pieces of two sentences, taught by the model's attention.

Attention is asked where to look before the model knows what it will say. Who links words knows both
sentences, and so does this layer. What the decoder knew before and after it read target piece t, and the
piece itself, are compared with what the encoder made of source piece s, and s itself:

    score_ts = (W [h_t; h_t+1; y_t]) . (U [m_s; x_s]) / sqrt(width)  -  straight |t / T - s / S|
               + known . [log p(y_t | x_s); log p(x_s | y_t)]
    a = softmax over s, which source piece t translates;    b = softmax over t, which target piece s became

Every family has such h, y, m and x. (Chen et al. 2020, "Accurate word alignment induction from neural machine
translation", section 3.2, add a layer of this kind to Transformers; it knows h_t+1 and links one side.) Rare
pieces are strangers to it, and for them p counts what became what, wherever it stood (data/lexicon.py). Of
pieces that are alike the one at the same place is meant, as far as the two languages have one order (Dyer et
al. 2013, "A simple, fast, and effective reparameterization of IBM Model 2", section 2). And what stands side
by side mostly stays so (Vogel et al. 1996, "HMM-based word alignment in statistical translation"): what both
directions say of the neighbours is added to the scores, and a and b are made anew.

    score_ts += beside (a b at t - 1, s - 1  +  a b at t + 1, s + 1)

Nobody has to link anything for it to learn. Where both directions agree is where links are, and that pulls
each direction (Liang, Taskar and Klein 2006, "Alignment by agreement", section 3):

    P = a * b
    loss = - sum over t, s of P log(a b)  /  pieces,        P held fixed

In the first updates a and b of P are the model's attention, from then on they are the layer's own. The model
is frozen.
"""

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from latimer.alignment import Reading
from latimer.data.batches import Batch, TokenBatches, in_order
from latimer.data.lexicon import LEAST, Table, translations
from latimer.data.store import TokenStore
from latimer.data.tokenizer import EOS
from latimer.models.base import Seq2Seq
from latimer.nn.attention import ScaledDot, capture
from latimer.shapes import Bool, Float, Int, Tensor

WIDTH = 128
TOKENS = 2048  # in a batch, padding counted
RATE, WARMUP = 0.002, 20
UPDATES = 500  # at the least: of few pairs many passes are made
CELLS = 16_000_000  # pairs of a source and a target token that p is counted from
TAUGHT = 50  # updates that attention teaches
FAR = -1e4  # the logarithm of no probability at all
STRAIGHT, BESIDE, KNOWN = 5.0, 1.0, (0.0, 0.0)  # to begin with
SCALES = 40, 5, 40  # of these, which have farther to go than weights have
RARE = 0.001  # the chance of what isn't known


class Read(NamedTuple):
    """What a model made of B pairs, EOS left away; masks are True at real pieces, `pairs` are their codes."""

    targets: Float[Tensor, "B T Q"]
    target_mask: Bool[Tensor, "B T"]
    sources: Float[Tensor, "B S K"]
    source_mask: Bool[Tensor, "B S"]
    pairs: Int[Tensor, "B T S"]

    @property
    def both(self) -> Bool[Tensor, "B T S"]:
        return self.target_mask[:, :, None] & self.source_mask[:, None]


@torch.no_grad()
def read(model: Seq2Seq, batch: Batch) -> Read:
    """Let the model read both sides, as in training."""
    encoded = model.encoder(batch.source, batch.source_mask)
    states = model.decoder.features(batch.inputs, model.decoder.prepare(encoded)).states
    source, target = batch.source[:, :-1], batch.outputs[:, :-1]
    return Read(
        torch.cat([states[:, :-1], states[:, 1:], model.decoder.embedding(target)], -1),
        batch.target_mask[:, 1:],
        torch.cat([encoded.states, encoded.embedded], -1)[:, :-1],
        batch.source_mask[:, 1:],
        source[:, None] * model.decoder.embedding.num_embeddings + target[:, :, None],
    )


class Known(NamedTuple):
    """What is known of a source piece and a target piece, wherever they stand: p of both directions."""

    codes: Int[Tensor, "N"]  # source * target vocabulary + target, in order
    chances: Float[Tensor, "N 2"]  # p(target | source), p(source | target)

    def of(self, codes: Int[Tensor, "*Shape"]) -> Float[Tensor, "*Shape 2"]:
        """0 of what isn't known."""
        place = torch.searchsorted(self.codes, codes).clamp(max=len(self.codes) - 1)
        return self.chances[place] * (self.codes[place] == codes)[..., None]


NOTHING = Known(torch.tensor([-1]), torch.zeros(1, 2))


def know(store: TokenStore, sources: int, targets: int) -> Known:
    """What the pairs of `store` tell; the numbers are those of both vocabularies.

    Pieces of which neither is likely to become the other are left out.
    """
    back = TokenStore(store.targets, store.sources)
    ahead = translations(store, (sources, targets), eos=EOS, cells=CELLS)
    turned = translations(back, (targets, sources), eos=EOS, cells=CELLS)
    codes = turned.codes % sources * targets + turned.codes // sources
    order = np.argsort(codes)
    sides = ahead, Table(codes[order], turned.counts[order], turned.chances[order])
    often = np.union1d(*(side.codes[(side.counts > LEAST) & (side.chances > RARE)] for side in sides))
    chances = np.zeros((len(often), 2), dtype=np.float32)
    for column, side in enumerate(sides):
        _, here, found = np.intersect1d(often, side.codes, assume_unique=True, return_indices=True)
        chances[here, column] = side.chances[found]
    return Known(torch.from_numpy(often), torch.from_numpy(chances)) if len(often) else NOTHING


class Linked(NamedTuple):
    """Logarithms of a and b, FAR where there is no pair of pieces."""

    source_of: Float[Tensor, "B T S"]
    target_of: Float[Tensor, "B T S"]

    def agreement(self) -> Float[Tensor, "B T S"]:
        """P: the probability that both directions link t and s."""
        return (self.source_of + self.target_of).exp()


class Linker(nn.Module):
    """Links what `model` read, with what is known of its pieces."""

    codes: Tensor
    chances: Tensor

    def __init__(self, model: Seq2Seq, known: Known = NOTHING) -> None:
        super().__init__()
        encoder, decoder = model.encoder, model.decoder
        self.target = nn.Linear(2 * decoder.output.in_features + decoder.embedding.embedding_dim, WIDTH)
        self.source = nn.Linear(encoder.width + encoder.embedding.embedding_dim, WIDTH)
        self.score = ScaledDot()
        self.straight = nn.Parameter(torch.tensor(STRAIGHT / SCALES[0]))
        self.beside = nn.Parameter(torch.tensor(BESIDE / SCALES[1]))
        self.known = nn.Parameter(torch.tensor(KNOWN) / SCALES[2])
        self.register_buffer("codes", known.codes)
        self.register_buffer("chances", known.chances)

    def forward(self, seen: Read) -> Linked:
        scores = self.score(self.target(seen.targets), self.source(seen.sources))
        scores = scores - SCALES[0] * self.straight * _apart(seen)
        chances = Known(self.codes, self.chances).of(seen.pairs)
        scores = scores + SCALES[2] * (chances + RARE).log() @ self.known
        alone = _linked(scores, seen).agreement().detach()
        return _linked(scores + SCALES[1] * self.beside * _neighbours(alone), seen)


def _linked(scores: Float[Tensor, "B T S"], seen: Read) -> Linked:
    """a and b of these scores."""
    hidden = ~seen.both
    scores = scores.masked_fill(hidden, FAR)
    return Linked(*(F.log_softmax(scores, axis).masked_fill(hidden, FAR) for axis in (-1, -2)))


def _apart(seen: Read) -> Float[Tensor, "B T S"]:
    """How far apart the places are, of the middles of both pieces in sentences of length 1."""
    target, source = (
        (torch.arange(mask.shape[1], device=mask.device) + 0.5) / mask.sum(1, keepdim=True).clamp(min=1)
        for mask in (seen.target_mask, seen.source_mask)
    )
    return (target[:, :, None] - source[:, None]).abs()


def _neighbours(links: Float[Tensor, "B T S"]) -> Float[Tensor, "B T S"]:
    """Of each place the sum of that before, on both sides, and that after."""
    around = F.pad(links, (1, 1, 1, 1))
    return around[:, :-2, :-2] + around[:, 2:, 2:]


def linker_of(model: Seq2Seq, tensors: dict[str, Tensor]) -> Linker:
    """The linker of which `tensors` is the state, where the model is.

    Raises KeyError where they do not fit.
    """
    linker = Linker(model, Known(tensors["codes"], tensors["chances"]))
    for name, expected in linker.state_dict().items():
        if tensors[name].shape != expected.shape:
            raise KeyError(name)
    linker.load_state_dict(tensors, strict=False)  # all of its own names are there
    return linker.to(next(model.parameters()).device).eval()


def learn_links(
    model: Seq2Seq,
    store: TokenStore,
    reading: Reading,
    *,
    advance: Callable[[float], Any] = lambda share: None,
) -> Linker:
    """A linker taught by the pairs of `store`; its first teacher is the attention of `reading`.

    `advance` is told after every update which share of all it was. The same pairs give the same linker.
    """
    model.eval()
    kind = next(model.parameters())
    torch.manual_seed(1)
    known = know(store, model.encoder.embedding.num_embeddings, model.decoder.embedding.num_embeddings)
    linker = Linker(model, known).to(kind.device, kind.dtype)
    optimizer = torch.optim.AdamW(linker.parameters(), lr=RATE)
    batches = TokenBatches(store, TOKENS, seed=1)
    a_pass = len(batches.epoch(0))
    updates = a_pass * math.ceil(UPDATES / a_pass)
    for update, (_, batch) in enumerate(islice(batches.stream(), updates)):
        batch = batch.to(kind.device)
        with capture(model.get_submodule(reading.layer)) as maps:
            seen = read(model, batch)
        linked = linker(seen)
        taught = update < TAUGHT
        fixed = _attended(maps[""], seen, reading) if taught else linked.agreement().detach()
        loss = -(fixed * (linked.source_of + linked.target_of)).sum() / seen.target_mask.sum().clamp(min=1)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (update + 1) / WARMUP) * (1 - update / updates)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        advance(1 / updates)
    return linker.eval()


def link_maps(
    model: Seq2Seq, linker: Linker, store: TokenStore
) -> Iterator[tuple[int, tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]]]:
    """a and b of every pair, T S each between its pieces, with its row in the store; the shortest first."""
    model.eval()
    device = next(model.parameters()).device
    for batch in in_order(store, 2 * TOKENS):
        with torch.inference_mode():
            found = [logs.exp().cpu().numpy() for logs in linker(read(model, batch.to(device)))]
        for place, row in enumerate(batch.rows.tolist()):
            pieces = slice(len(store.target(row))), slice(len(store.source(row)))
            yield row, (found[0][place][pieces], found[1][place][pieces])


def _attended(weights: Tensor, seen: Read, reading: Reading) -> Float[Tensor, "B T S"]:
    """P of the model's attention: each row is a, and each column, made to sum to 1, is b."""
    if weights.dim() == 4:
        weights = weights.mean(1) if reading.head is None else weights[:, reading.head]
    rows = weights[:, 1:] if reading.shifted else weights[:, :-1]
    rows = rows[:, :, :-1] * seen.both
    return rows * rows / rows.sum(1, keepdim=True).clamp(min=1e-6)
