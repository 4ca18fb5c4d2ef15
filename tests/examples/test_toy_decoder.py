"""The toy decoder of docs/adding-a-model.md keeps the laws, in float64 and with large parameters."""

from typing import Any

import pytest
import torch
from torch import nn

from examples.toy_decoder import TraceDecoder
from latimer.data.batches import TokenBatches, collate
from latimer.data.store import TokenStore
from latimer.data.tokenizer import BOS, EOS, SPECIALS
from latimer.models.base import Seq2Seq
from latimer.models.lstm import LSTMEncoder
from latimer.nn.attention import Additive, Attention, MultiHead, ScaledDot, capture
from latimer.nn.embedding import Embedding
from latimer.search.beam import beam_search
from latimer.shapes import Tensor
from latimer.state import select
from latimer.training.loss import batch_loss

WORDS, WIDTH = 9, 8


@pytest.fixture(params=["one head", "two heads"])
def model(request: Any) -> Seq2Seq:
    attention = Attention(Additive(WIDTH, WIDTH, WIDTH))
    if request.param == "two heads":
        attention = MultiHead(ScaledDot(), WIDTH, WIDTH, width=WIDTH, heads=2)
    made = Seq2Seq(
        LSTMEncoder(Embedding(WORDS, 5), WIDTH),
        TraceDecoder(Embedding(WORDS, 6), WIDTH, attention=attention),
    )
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(2)
    return made.double().eval()


def decode(model: Seq2Seq, memory: Any, target: Tensor, chunks: tuple[int, ...], state: Any = None) -> Any:
    """Logits, last state and attention of a target given in portions."""
    logits = []
    with capture(model) as maps, torch.no_grad():
        for part in target.split(list(chunks), 1):
            out = model.decoder(part, memory, state)
            logits.append(out.logits)
            state = out.state
    return torch.cat(logits, 1), state, maps


@pytest.mark.parametrize("chunks", [(1,) * 6, (2, 3, 1), (5, 1)])
def test_any_chunking_is_teacher_forcing(model: Seq2Seq, sentences: Any, chunks: tuple[int, ...]) -> None:
    """Law 1: logits, state and attention."""
    with torch.no_grad():
        memory = model.memory(sentences.source, sentences.mask)
        expected = model(*sentences)
    logits, state, maps = decode(model, memory, sentences.target, chunks)
    whole, last, whole_maps = decode(model, memory, sentences.target, (6,))
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(whole, expected)
    torch.testing.assert_close(state, last)
    assert list(maps) == ["decoder.attention"]
    torch.testing.assert_close(maps, whole_maps)


def test_a_reordered_state_continues_the_reordered_prefix(model: Seq2Seq, sentences: Any) -> None:
    """Law 2, with a row that is repeated and others that change places."""
    rows, more = torch.tensor([2, 0, 0, 1]), torch.randint(0, WORDS, (4, 2))
    with torch.no_grad():
        memory = model.memory(sentences.source, sentences.mask)
        chosen = model.memory(sentences.source[rows], sentences.mask[rows])
    _, state, _ = decode(model, memory, sentences.target, (6,))
    continued, last, _ = decode(model, select(memory, rows), more, (1, 1), select(state, rows))
    expected, end, _ = decode(model, chosen, torch.cat([sentences.target[rows], more], 1), (8,))
    torch.testing.assert_close(continued, expected[:, 6:])
    torch.testing.assert_close(last, end)


def test_padding_and_neighbours_change_nothing(model: Seq2Seq, sentences: Any) -> None:
    """Law 3: each sentence of the batch as if it were alone."""
    together = model(*sentences)
    for row, length in enumerate(sentences.mask.sum(1).tolist()):
        one = slice(row, row + 1)
        alone = model(sentences.source[one, :length], sentences.mask[one, :length], sentences.target[one])
        torch.testing.assert_close(together[one], alone)


def test_a_later_token_changes_nothing_before_it(model: Seq2Seq, sentences: Any) -> None:
    other = sentences.target.clone()
    other[:, 3] = (other[:, 3] + 1) % WORDS
    changed = (model(*sentences) - model(sentences.source, sentences.mask, other)).abs().amax((0, 2))
    assert changed[:3].max() < 1e-12
    assert changed[3:].min() > 1e-6


def test_an_empty_source_is_answered_in_finite_numbers(model: Seq2Seq, sentences: Any) -> None:
    """Law 8, through the whole model."""
    mask = sentences.mask.clone()
    mask[2] = False
    logits = model(sentences.source, mask, sentences.target)
    assert logits.isfinite().all()
    torch.testing.assert_close(logits[:2], model(*sentences)[:2])


def test_every_parameter_is_used(model: Seq2Seq, sentences: Any) -> None:
    model(*sentences).square().sum().backward()
    unused = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    # Softmax does not see what is the same for every key, so no bias of the keys can matter to it.
    assert [name for name in unused if not name.endswith("attention.key.bias")] == []


def test_scores_of_search_are_the_models_own(model: Seq2Seq, sentences: Any) -> None:
    """Law 5, for every hypothesis of every sentence."""
    with torch.no_grad():
        memory = model.memory(sentences.source, sentences.mask)
    limits = torch.full((3,), 6)
    for row, found in enumerate(beam_search(model.decoder, memory, limits=limits, bos=BOS, eos=EOS, beam=4)):
        one = slice(row, row + 1)
        for hypothesis in found:
            given = torch.tensor([[BOS, *hypothesis.tokens]])
            said = torch.tensor([*hypothesis.tokens, EOS])
            with torch.no_grad():
                log_probs = model(sentences.source[one], sentences.mask[one], given)[0].log_softmax(-1)
            own = float(log_probs.gather(1, said[:, None]).sum())
            assert hypothesis.log_probability == pytest.approx(own, abs=1e-4)


def test_it_learns_to_copy() -> None:
    """Law 10: of sentences never seen, with the attention on the symbol to be copied or beside it."""
    drawn = [(SPECIALS + torch.randperm(8)[: 1 + number % 7]).tolist() for number in range(3_100)]
    embedding = Embedding(SPECIALS + 8, 32)
    attention = Attention(ScaledDot())
    pupil = Seq2Seq(LSTMEncoder(embedding, 32), TraceDecoder(embedding, 32, attention=attention))
    optimizer = torch.optim.Adam(pupil.parameters(), lr=0.01)
    seen = TokenStore.of((sentence, sentence) for sentence in drawn[100:])
    for _, (_, batch) in zip(range(200), TokenBatches(seen, 400, seed=1).stream(), strict=False):
        loss = batch_loss(pupil, batch, 0.0) / batch.tokens
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        optimizer.step()

    held = collate(TokenStore.of((sentence, sentence) for sentence in drawn[:100]), range(100))
    pupil.eval()
    with torch.inference_mode():
        memory = pupil.memory(held.source, held.source_mask)
    limits = torch.full((100,), 12)
    found = beam_search(pupil.decoder, memory, limits=limits, bos=BOS, eos=EOS, beam=1)
    right = [best.tokens == sentence for [best], sentence in zip(found, drawn[:100], strict=True)]
    assert sum(right) >= 98

    longest = [row for row, sentence in enumerate(drawn[:100]) if len(sentence) == 7]
    with torch.inference_mode(), capture(pupil) as maps:
        pupil(held.source, held.source_mask, held.inputs)
    looked_at = maps["decoder.attention"][longest, :7].argmax(-1)
    assert ((looked_at - torch.arange(7)).abs() <= 1).float().mean() >= 0.9
