"""Models of blocks: the Transformer against torch's own layers, its recurrent sister against NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import slow
import torch
from slow import Array, Numbers
from torch import nn

from latimer.models.base import Seq2Seq
from latimer.nn.attention import MultiHead
from latimer.nn.blocks import DecoderBlock, EncoderBlock

WIDTH, HEADS = 8, 2
MakeModel = Callable[..., Seq2Seq]


def copy(one: nn.Module, other: nn.Module) -> None:
    """The parameters of a layer to another of the same make."""
    one.load_state_dict(other.state_dict())


def copy_attention(theirs: nn.MultiheadAttention, ours: MultiHead) -> None:
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
    copy(theirs.out_proj, ours.output)


def torchs_encoder(block: EncoderBlock) -> nn.TransformerEncoderLayer:
    theirs = nn.TransformerEncoderLayer(
        WIDTH, HEADS, block.feed_forward[0].out_features, 0.0, batch_first=True, norm_first=True
    )
    theirs.double()
    copy_attention(theirs.self_attn, block.reader.attention)  # type: ignore[arg-type]
    copy(theirs.norm1, block.reader_norm)
    copy(theirs.norm2, block.feed_forward_norm)
    copy(theirs.linear1, block.feed_forward[0])
    copy(theirs.linear2, block.feed_forward[2])
    return theirs


def torchs_decoder(block: DecoderBlock) -> nn.TransformerDecoderLayer:
    theirs = nn.TransformerDecoderLayer(
        WIDTH, HEADS, block.feed_forward[0].out_features, 0.0, batch_first=True, norm_first=True
    )
    theirs.double()
    copy_attention(theirs.self_attn, block.past.attention)  # type: ignore[arg-type]
    copy_attention(theirs.multihead_attn, block.attention)  # type: ignore[arg-type]
    copy(theirs.norm1, block.past_norm)
    copy(theirs.norm2, block.attention_norm)
    copy(theirs.norm3, block.feed_forward_norm)
    copy(theirs.linear1, block.feed_forward[0])
    copy(theirs.linear2, block.feed_forward[2])
    return theirs


@pytest.mark.parametrize("embedding", [8, 6])
def test_without_its_positions_the_transformer_is_torchs(
    make_model: MakeModel, sentences: Any, embedding: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embed, two layers, norm, project; between the widths of embeddings and layers where they differ."""
    monkeypatch.setattr("latimer.nn.blocks.rotate", lambda vectors, first: vectors)
    model: Any = make_model("transformer", "transformer", layers=2, embedding=embedding, activation="relu")
    encoder, decoder = model.encoder, model.decoder
    encoded, logits = encoder(sentences.source, sentences.mask), model(*sentences)

    root = embedding**0.5
    x = encoder.widen(encoder.embedding.weight[sentences.source] * root)
    for block in encoder.blocks:
        x = torchs_encoder(block)(x, src_key_padding_mask=~sentences.mask)
    states = encoder.norm(x)
    torch.testing.assert_close(encoded.states[sentences.mask], states[sentences.mask])
    for row, length in enumerate(sentences.mask.sum(1).tolist()):
        torch.testing.assert_close(encoded.summary[row], states[row, :length].mean(0))

    future = torch.ones(6, 6, dtype=torch.bool).triu(1)
    x = decoder.widen(decoder.embedding.weight[sentences.target] * root)
    for block in decoder.blocks:
        layer = torchs_decoder(block)
        x = layer(x, states, tgt_mask=future, memory_key_padding_mask=~sentences.mask)
    torch.testing.assert_close(logits, decoder.readout(decoder.norm(x)) @ decoder.output.weight.mT)


def test_with_them_the_order_of_the_words_counts(make_model: MakeModel, sentences: Any) -> None:
    """Without positions an encoder of attention alone could not tell a sentence from its reverse."""
    model = make_model("transformer", "transformer")
    mask = torch.ones_like(sentences.mask)
    with torch.no_grad():
        one = model.encoder(sentences.source, mask).states
        other = model.encoder(sentences.source.flip(1), mask).states.flip(1)
    assert (one - other).abs().amax((1, 2)).min() > 1e-3


# --- the parallel LSTM


def slow_decoder(p: Numbers, states: list[Array], summary: Array, *, tokens: list[int], blocks: int) -> Array:
    """One sentence, block over block: step, ask the source, think; each adds to what came in."""
    parts = [slow.within(p, f"blocks.{number}") for number in range(blocks)]
    begun = [slow.start(part, "past.first.linear", summary, 1) for part in parts]
    hidden, cell = [one[0][0] for one in begun], [one[1][0] for one in begun]
    logits = []
    for token in tokens:
        x = slow.linear_or_nothing(p, "widen", slow.embed(p, token))
        for number, part in enumerate(parts):
            lstm = slow.within(part, "past.lstm.lstm")
            gates = slow.torch_gates(lstm, 0, slow.norm(part, "past_norm", x), hidden[number])
            hidden[number], cell[number] = slow.lstm(gates, cell[number])
            x = x + hidden[number]
            query, attention = slow.norm(part, "attention_norm", x), slow.within(part, "attention")
            x = x + slow.attend_with_heads(attention, "scaled-dot", HEADS, query, states, states)
            inner = slow.linear(part, "feed_forward.0", slow.norm(part, "feed_forward_norm", x))
            gate, values = np.split(inner, 2)
            x = x + slow.linear(part, "feed_forward.2", gate / (1 + np.exp(-gate)) * values)
        features = slow.linear_or_nothing(p, "readout", slow.norm(p, "norm", x))
        logits.append(slow.linear(p, "output", features))
    return np.array(logits)


@pytest.mark.parametrize(("blocks", "embedding"), [(1, 8), (2, 6)])
def test_the_parallel_lstm_is_its_equations(
    make_model: MakeModel, sentences: Any, blocks: int, embedding: int
) -> None:
    model = make_model("transformer", "lstm-parallel", layers=blocks, embedding=embedding)
    with torch.no_grad():
        encoded, logits = model.encoder(sentences.source, sentences.mask), model(*sentences)
    p = slow.numbers(model.decoder)
    for row, length in enumerate(sentences.mask.sum(1).tolist()):
        states, summary = list(encoded.states[row, :length].numpy()), encoded.summary[row].numpy()
        tokens = sentences.target[row].tolist()
        expected = slow_decoder(p, states, summary, tokens=tokens, blocks=blocks)
        np.testing.assert_allclose(logits[row], expected, rtol=1e-9, atol=1e-12)


def test_the_parallel_lstm_runs_once_for_all_positions(make_model: MakeModel, sentences: Any) -> None:
    """That is what it is for: no step waits for an attention."""
    model, calls = make_model("lstm-residual", "lstm-parallel", layers=2), []
    for name, module in model.decoder.named_modules():
        if isinstance(module, nn.LSTM):
            module.register_forward_hook(lambda *_, name=name: calls.append(name))
    model(*sentences)
    assert calls == ["blocks.0.past.lstm.lstm", "blocks.1.past.lstm.lstm"]


def test_the_residual_encoder_is_its_equations(make_model: MakeModel, sentences: Any) -> None:
    """Norm, read both ways, add; norm, think, add; and a norm at the end."""
    model: Any = make_model("lstm-residual", "lstm", layers=2)
    encoder = model.encoder
    with torch.no_grad():
        encoded = encoder(sentences.source, sentences.mask)
        for row, length in enumerate(sentences.mask.sum(1).tolist()):
            x = encoder.embedding.weight[sentences.source[row, :length]] * 8**0.5
            for block in encoder.blocks:
                read, _ = block.reader.lstm.lstm(block.reader_norm(x))
                x = x + read
                gate, values = block.feed_forward[0](block.feed_forward_norm(x)).chunk(2, -1)
                x = x + block.feed_forward[2](gate * gate.sigmoid() * values)
            states = encoder.norm(x)
            torch.testing.assert_close(encoded.states[row, :length], states)
            torch.testing.assert_close(encoded.summary[row], states.mean(0))
