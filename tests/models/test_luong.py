"""The decoders that step first and ask afterwards, against Luong et al. 2015 a step at a time in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import slow
import torch
from slow import Array, Numbers

from latimer.models.base import Seq2Seq

MakeModel = Callable[..., Seq2Seq]


def slow_decoder(
    p: Numbers, score: str, states: list[Array], summary: Array, *, tokens: list[int], layers: int
) -> Array:
    """One sentence without input feeding; with it where there are parameters for what was combined."""
    hidden, cell = slow.start(p, "start.linear", summary, layers)
    combined = np.zeros(p["embedding.weight"].shape[1])
    logits = []
    for token in tokens:
        embedded = slow.embed(p, token)
        for layer in range(layers):
            below = hidden[layer - 1]
            if "combined_gates.weight" not in p:
                inputs = embedded if layer == 0 else below
                gates = slow.torch_gates(slow.within(p, "lstm.lstm"), layer, inputs, hidden[layer])
            else:
                gates = slow.linear(p, f"lstm.recurrent.{layer}", hidden[layer])
                if layer > 0:
                    gates = gates + slow.linear(p, f"lstm.upward.{layer - 1}", below)
                else:
                    gates = gates + slow.linear(p, "embedding_gates", embedded)
                    gates = gates + slow.linear(p, "combined_gates", combined)
            hidden[layer], cell[layer] = slow.lstm(gates, cell[layer])
        context = summary
        if score != "none":
            context = slow.attend(slow.within(p, "attention"), score, hidden[-1], states, states)
        combined = np.tanh(slow.linear(p, "combine", np.concatenate([context, hidden[-1]])))
        logits.append(slow.linear(p, "output", combined))
    return np.array(logits)


@pytest.mark.parametrize(("layers", "score"), [(1, "general"), (2, "dot"), (2, "additive"), (1, "none")])
@pytest.mark.parametrize("decoder", ["luong", "luong-feeding"])
def test_the_decoder_is_the_papers(
    make_model: MakeModel, sentences: Any, decoder: str, layers: int, score: str
) -> None:
    model = make_model("lstm", decoder, score=score, layers=layers, embedding=6)
    logits = model(*sentences).detach()
    encoded = model.encoder(sentences.source, sentences.mask)
    p = slow.numbers(model.decoder)
    assert ("combined_gates.weight" in p) is (decoder == "luong-feeding")
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


def test_only_input_feeding_knows_what_it_has_looked_at(make_model: MakeModel, sentences: Any) -> None:
    """What the source says reaches the LSTM's next state through what was combined, and no other way."""
    for decoder, fed in (("luong", False), ("luong-feeding", True)):
        model = make_model("lstm", decoder)
        encoded = model.encoder(sentences.source, sentences.mask)
        other = encoded._replace(states=torch.randn_like(encoded.states))
        one, two = (
            model.decoder(sentences.target, model.decoder.prepare(each)).state for each in (encoded, other)
        )
        one, two = (one.lstm, two.lstm) if fed else (one, two)
        assert torch.equal(one.hidden[0], two.hidden[0]) is not fed
