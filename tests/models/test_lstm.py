"""The lesson's decoder, against Bahdanau et al. 2015 a step at a time in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import slow
from slow import Array, Numbers

from latimer.config import SCORES, ModelConfig
from latimer.models.base import Seq2Seq
from latimer.models.build import build


def slow_decoder(
    p: Numbers, score: str, states: list[Array], summary: Array, *, tokens: list[int], layers: int
) -> Array:
    """One sentence: attend with the top layer's last state, then step."""
    hidden, cell = slow.start(p, "start.linear", summary, layers)
    logits = []
    for token in tokens:
        context = summary
        if score != "none":
            context = slow.attend(slow.within(p, "attention"), score, hidden[-1], states, states)
        embedded = slow.embed(p, token)
        gates = slow.linear(p, "embedding_gates", embedded) + slow.linear(p, "context_gates", context)
        for layer in range(layers):
            if layer > 0:
                gates = slow.linear(p, f"lstm.upward.{layer - 1}", hidden[layer - 1])
            gates = gates + slow.linear(p, f"lstm.recurrent.{layer}", hidden[layer])
            hidden[layer], cell[layer] = slow.lstm(gates, cell[layer])
        seen = np.concatenate([hidden[-1], context, embedded])
        logits.append(slow.linear(p, "output", np.tanh(slow.linear(p, "readout", seen))))
    return np.array(logits)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("score", SCORES)
def test_the_decoder_is_the_papers(
    make_model: Callable[..., Seq2Seq], sentences: Any, score: str, layers: int
) -> None:
    model = make_model(score=score, layers=layers, embedding=6, tied=layers == 1)
    logits = model(*sentences).detach()
    encoded = model.encoder(sentences.source, sentences.mask)
    p = slow.numbers(model.decoder)
    for row, length in enumerate(sentences.mask.sum(1).tolist()):
        expected = slow_decoder(
            p,
            score,
            list(encoded.states[row, :length].detach().numpy()),
            encoded.summary[row].detach().numpy(),
            tokens=sentences.target[row].tolist(),
            layers=layers,
        )
        np.testing.assert_allclose(logits[row].numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("decoder", ["lstm", "luong-feeding"])
def test_a_fresh_decoder_begins_by_remembering(decoder: str) -> None:
    config = ModelConfig(decoder=decoder, width=4)
    fresh: Any = build(config, source_vocabulary=7, target_vocabulary=9, joint=False).decoder
    assert fresh.embedding_gates.bias.tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8
