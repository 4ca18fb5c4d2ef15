"""Law 10: what can be learned is learned, within a fixed number of steps."""

import pytest
import torch

from latimer.config import SCORES, ModelConfig, TrainingConfig
from latimer.data.batches import TokenBatches, collate
from latimer.data.store import TokenStore
from latimer.data.tokenizer import BOS, EOS, SPECIALS
from latimer.evaluate import bleu
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.nn.attention import capture
from latimer.search.beam import beam_search
from latimer.training.optim import make_optimizer, rate_at
from latimer.training.trainer import batch_loss

STEPS = 220
SYMBOLS = 8
LONGEST = 7
with_attention = [score for score in SCORES if score != "none"]


def drawn(count: int, *, reverse: bool, seed: int) -> TokenStore:
    """Sentences of one to seven symbols, and what they shall become."""
    chance = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(count):
        length = int(torch.randint(1, LONGEST + 1, (), generator=chance))
        symbols = (SPECIALS + torch.randperm(SYMBOLS, generator=chance)[:length]).tolist()
        rows.append((symbols, symbols[::-1] if reverse else symbols))
    return TokenStore.of(rows)


def learned(score: str, *, reverse: bool) -> Seq2Seq:
    torch.manual_seed(1)
    model_config = ModelConfig(score=score, embedding=32, width=64, dropout=0.0)
    config = TrainingConfig(rate=0.015, warmup=20)
    size = SPECIALS + SYMBOLS
    model = build(model_config, source_vocabulary=size, target_vocabulary=size, joint=True)
    optimizer = make_optimizer(model, config)
    batches = TokenBatches(drawn(6000, reverse=reverse, seed=2), 500, seed=3).stream()
    for step, (_, batch) in zip(range(STEPS), batches, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, peak=config.rate, warmup=config.warmup, total=STEPS)
        loss = batch_loss(model, batch, 0.0) / batch.tokens
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        optimizer.zero_grad()
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


def near_the_diagonal(model: Seq2Seq, held: TokenStore) -> float:
    """How often the position looked at most is that of the symbol to be copied, or right beside it.

    Beside, because a state of the encoder tells of its neighbours too: a model may look there. Only the
    longest sentences are asked: by chance a third of them would be right.
    """
    batch = collate(held, [row for row in range(len(held)) if len(held.source(row)) == LONGEST])
    with torch.inference_mode(), capture(model) as maps:
        model(batch.source, batch.source_mask, batch.inputs)
    looked_at = maps["decoder.attention"][:, :LONGEST].argmax(-1)
    return float(((looked_at - torch.arange(LONGEST)).abs() <= 1).float().mean())


@pytest.mark.parametrize("reverse", [False, True], ids=["copy", "reverse"])
@pytest.mark.parametrize("score", with_attention)
def test_copying_and_reversing_are_learned(score: str, reverse: bool) -> None:
    model, held = learned(score, reverse=reverse), drawn(200, reverse=reverse, seed=4)
    assert score_of(model, held) >= 98
    if not reverse:
        assert near_the_diagonal(model, held) >= 0.9
