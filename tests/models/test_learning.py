"""Law 10: what can be learned is learned, within a fixed number of steps."""

import pytest
import torch
from grid import BLOCKS, PAIRS, Kind

from latimer.config import ModelConfig, TrainingConfig
from latimer.data.batches import TokenBatches, collate
from latimer.data.store import TokenStore
from latimer.data.tokenizer import BOS, EOS, SPECIALS
from latimer.evaluate import bleu
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.nn.attention import capture
from latimer.search.beam import beam_search
from latimer.training.loss import batch_loss
from latimer.training.optim import make_optimizer, rate_at

STEPS = 400  # at the most; training ends as soon as the loss says that nothing is left to learn
LEARNED = 0.001  # nats a token, the mean of ten batches
SYMBOLS = 8
LONGEST = 7
RATES = {"lstm": 0.01, "luong": 0.01, "luong-feeding": 0.01, "conv": 0.003}  # others: 0.005

# In every run each encoder and each decoder; in a full one all pairs, and all scores of the lesson's model.
ALWAYS = {
    ("lstm", "lstm"),
    ("lstm-residual", "luong"),
    ("conv", "luong-feeding"),
    ("transformer", "lstm-parallel"),
    ("conv", "conv"),
    ("transformer", "transformer"),
}
KINDS = [*PAIRS, *(Kind("lstm", "lstm", score) for score in ("dot", "scaled-dot", "general"))]
CASES = [
    pytest.param(
        kind,
        reverse,
        id=f"{kind.encoder}+{kind.decoder}:{kind.score}-{'reverse' if reverse else 'copy'}",
        marks=[] if (kind.encoder, kind.decoder) in ALWAYS and kind.score == "auto" else [pytest.mark.full],
    )
    for kind in KINDS
    for reverse in (False, True)
]


def drawn(count: int, *, reverse: bool, seed: int) -> TokenStore:
    """Sentences of one to seven symbols, and what they shall become."""
    chance = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(count):
        length = int(torch.randint(1, LONGEST + 1, (), generator=chance))
        symbols = (SPECIALS + torch.randperm(SYMBOLS, generator=chance)[:length]).tolist()
        rows.append((symbols, symbols[::-1] if reverse else symbols))
    return TokenStore.of(rows)


def small(kind: Kind) -> ModelConfig:
    """A layer of LSTM is enough, convolutions and self-attention get two."""
    return ModelConfig(
        encoder=kind.encoder,
        decoder=kind.decoder,
        score=kind.score,
        embedding=64,
        width=64,
        encoder_layers=2 if kind.encoder in ("conv", "transformer") else 1,
        decoder_layers=2 if kind.decoder in ("conv", "transformer") else 1,
        encoder_heads=2,
        decoder_heads=2 if kind.decoder in BLOCKS else 1,
        dropout=0.0,
    )


def learned(kind: Kind, *, reverse: bool) -> Seq2Seq:
    torch.manual_seed(1)
    rate = min(RATES.get(part, 0.005) for part in (kind.encoder, kind.decoder))
    config = TrainingConfig(rate=rate, warmup=20)
    size = SPECIALS + SYMBOLS
    model = build(small(kind), source_vocabulary=size, target_vocabulary=size, joint=True)
    optimizer = make_optimizer(model, config)
    batches = TokenBatches(drawn(6000, reverse=reverse, seed=2), 400, seed=3).stream()
    losses: list[float] = []
    for step, (_, batch) in zip(range(STEPS), batches, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, peak=config.rate, warmup=config.warmup, total=STEPS)
        loss = batch_loss(model, batch, 0.0) / batch.tokens
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if sum(losses[-10:]) < 10 * LEARNED and step > 10:
            break
    return model.eval()


def score_of(model: Seq2Seq, held: TokenStore) -> float:
    """BLEU of greedy search, a symbol a word."""
    batch = collate(held, range(len(held)))
    with torch.inference_mode():
        memory = model.memory(batch.source, batch.source_mask)
    limits = torch.full((len(held),), 12)
    found = beam_search(model.decoder, memory, limits=limits, bos=BOS, eos=EOS, beam=1)
    said = [" ".join(map(str, hypotheses[0].tokens)) for hypotheses in found]
    meant = [[" ".join(map(str, held.target(row).tolist()))] for row in range(len(held))]
    return bleu(said, meant, tokenize="none").value


def near_the_diagonal(model: Seq2Seq, held: TokenStore, names: list[str]) -> float:
    """How often the position looked at most is that of the symbol to be copied, or right beside it.

    Beside, because a state of the encoder tells of its neighbours too: a model may look there. Of several
    layers and heads the best: one that fetches the symbol is all that copying takes, the others may look
    where they like. Only the longest sentences are asked: by chance two fifths of them would be right.
    An encoder that attends can carry a symbol to another place, to be fetched there: one in seven may be.
    """
    batch = collate(held, [row for row in range(len(held)) if len(held.source(row)) == LONGEST])
    with torch.inference_mode(), capture(model) as maps:
        model(batch.source, batch.source_mask, batch.inputs)
    near = []
    for name in names:
        looked_at = maps[name][..., :LONGEST, :].argmax(-1)  # B T or B H T
        right = (looked_at - torch.arange(LONGEST)).abs() <= 1
        near += right.double().mean((0, -1)).reshape(-1).tolist()
    return max(near)


@pytest.mark.parametrize(("kind", "reverse"), CASES)
def test_copying_and_reversing_are_learned(kind: Kind, reverse: bool) -> None:
    model, held = learned(kind, reverse=reverse), drawn(200, reverse=reverse, seed=4)
    assert score_of(model, held) >= 98
    if not reverse:
        layers = small(kind).decoder_layers
        assert near_the_diagonal(model, held, kind._replace(layers=layers).over_the_source) >= 0.85


def test_every_part_is_tried_in_every_run() -> None:
    encoders, decoders = (set(part) for part in zip(*ALWAYS, strict=True))
    assert encoders == {kind.encoder for kind in PAIRS}
    assert decoders == {kind.decoder for kind in PAIRS}
