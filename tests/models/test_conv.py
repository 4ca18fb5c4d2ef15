"""Convolutions that read and write, against Gehring et al. 2017 a position at a time in NumPy."""

from collections.abc import Callable
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import pytest
import slow
import torch
from grid import DECODERS, Kind
from slow import Array, Numbers

from latimer.config import ModelConfig
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.models.conv import POSITIONS, QUIET, Places

HALF = sqrt(1 / 2)
MakeModel = Callable[..., Seq2Seq]


class Read(NamedTuple):
    """What the slow encoder made of one sentence."""

    embedded: list[Array]
    states: list[Array]


def placed(p: Numbers, tokens: list[int]) -> list[Array]:
    """Token and position, a quiet sum."""
    return [
        (slow.embed(p, token) + slow.embed(p, position, "places.embedding")) * HALF * QUIET
        for position, token in enumerate(tokens)
    ]


def gated(p: Numbers, name: str, window: list[Array]) -> Array:
    a, b = np.split(slow.linear(p, name, np.concatenate(window)), 2)
    return a * slow.sigmoid(b)


def slow_encoder(p: Numbers, tokens: list[int], *, kernel: int, layers: int) -> Read:
    """Every position sees (kernel - 1) / 2 on each side, one more on the right if that is no whole number."""
    embedded = placed(p, tokens)
    x = [slow.linear(p, "inward", one) for one in embedded]
    first = -((kernel - 1) // 2)
    for layer in range(layers):
        outside = np.zeros_like(x[0])
        at = dict(enumerate(x))
        x = [
            (
                gated(
                    p,
                    f"layers.{layer}.linear",
                    [at.get(position + first + k, outside) for k in range(kernel)],
                )
                + at[position]
            )
            * HALF
            for position in at
        ]
    return Read(embedded, [slow.linear(p, "outward", one) for one in x])


def slow_decoder(p: Numbers, score: str, read: Read, *, tokens: list[int], kernel: int, layers: int) -> Array:
    """Every position sees itself and the kernel - 1 before it, and asks the source in each layer."""
    embedded = placed(p, tokens)
    x = [slow.linear(p, "inward", one) for one in embedded]
    values = [
        (state + slow.linear_or_nothing(p, "bridge", one)) * HALF
        for state, one in zip(read.states, read.embedded, strict=True)
    ]
    for layer in range(layers):
        before = [np.zeros_like(x[0])] * (kernel - 1) + x
        above = []
        for position, one in enumerate(x):
            hidden = gated(p, f"layers.{layer}.linear", before[position : position + kernel])
            wide = slow.linear_or_nothing(p, "widen", embedded[position])
            query = (slow.linear(p, f"ask.{layer}", hidden) + wide) * HALF
            attention = slow.within(p, f"attention.{layer}")
            context = slow.attend(attention, score, query, read.states, values) * sqrt(len(values))
            context = slow.linear(p, f"answer.{layer}", context)
            above.append(((hidden + context) * HALF + one) * HALF)
        x = above
    return np.array([slow.linear(p, "output", slow.linear(p, "outward", one)) for one in x])


def small(*, kernel: int, layers: int, score: str = "dot", embedding: int = 6) -> Seq2Seq:
    """A model in float64 whose zeros are no longer zero."""
    config = ModelConfig(
        encoder="conv",
        decoder="conv",
        score=score,
        embedding=embedding,
        width=8,
        encoder_layers=layers,
        decoder_layers=layers,
        kernel=kernel,
    )
    model = build(config, source_vocabulary=9, target_vocabulary=9, joint=False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model.double().eval()


@pytest.mark.parametrize(
    ("kernel", "layers", "score", "embedding"),
    [(3, 3, "dot", 6), (2, 2, "additive", 6), (5, 2, "scaled-dot", 8), (1, 1, "general", 8)],
)
def test_reading_and_writing_are_the_papers(
    sentences: Any, kernel: int, layers: int, score: str, embedding: int
) -> None:
    model = small(kernel=kernel, layers=layers, score=score, embedding=embedding)
    with torch.no_grad():
        encoded, logits = model.encoder(sentences.source, sentences.mask), model(*sentences)
    reading, writing = slow.numbers(model.encoder), slow.numbers(model.decoder)
    assert ("widen.weight" in writing) is ("bridge.weight" in writing) is (embedding != 8)
    for row, length in enumerate(sentences.mask.sum(1).tolist()):
        source, target = sentences.source[row, :length].tolist(), sentences.target[row].tolist()
        read = slow_encoder(reading, source, kernel=kernel, layers=layers)
        np.testing.assert_allclose(encoded.states[row, :length], read.states, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(encoded.embedded[row, :length], read.embedded, rtol=1e-9)
        np.testing.assert_allclose(encoded.summary[row], np.mean(read.states, 0), rtol=1e-9, atol=1e-12)
        expected = slow_decoder(writing, score, read, tokens=target, kernel=kernel, layers=layers)
        np.testing.assert_allclose(logits[row], expected, rtol=1e-9, atol=1e-12)


def test_positions_beyond_the_last_share_its_embedding() -> None:
    places, ends = Places(4), torch.tensor([[POSITIONS - 2, POSITIONS - 1, POSITIONS, 9 * POSITIONS]])
    one, two, three, four = places(torch.zeros(1, 4, 4), ends)[0]
    assert not torch.equal(one, two)
    assert torch.equal(two, three)
    assert torch.equal(two, four)


# --- gradients and first weights


def test_the_gradient_of_the_states_is_divided_and_that_of_the_embeddings_is_not(sentences: Any) -> None:
    """Section 3.4: every attention sends one. Forwards nothing changes."""
    encoder: Any = small(kernel=3, layers=2).encoder
    parameters = dict(encoder.named_parameters())
    outputs, gradients = [], []
    for attentions in (1, 4):
        encoder.attentions = attentions
        encoded = encoder(sentences.source, sentences.mask)
        outputs.append(encoded.states)
        for said in (encoded.states, encoded.summary, encoded.embedded):
            weights = torch.linspace(-1, 1, said.numel(), dtype=said.dtype).view_as(said)
            found = torch.autograd.grad(
                (said * weights).sum(), list(parameters.values()), retain_graph=True, allow_unused=True
            )
            gradients.append(dict(zip(parameters, found, strict=True)))
    assert torch.equal(*outputs)
    for whole, divided in zip(gradients[:2], gradients[3:5], strict=True):
        for name in parameters:
            assert whole[name].abs().max() > 1e-6
            torch.testing.assert_close(divided[name], whole[name] / 4)
    for name, gradient in gradients[2].items():
        assert (gradient is None) is not name.endswith("embedding.weight")
        torch.testing.assert_close(gradients[5][name], gradient)


@pytest.mark.parametrize("decoder", DECODERS)
def test_it_is_divided_by_the_number_of_attentions(make_model: MakeModel, decoder: str) -> None:
    model: Any = make_model("conv", decoder, layers=3)
    assert model.encoder.attentions == len(Kind("conv", decoder, layers=3).over_the_source)


def test_a_model_s_gradient_is_the_true_one_divided(sentences: Any) -> None:
    model: Any = small(kernel=3, layers=2)
    for name in ("outward.bias", "layers.0.linear.weight"):
        parameter = model.encoder.get_parameter(name)
        loss = model(*sentences).square().sum()
        [said] = torch.autograd.grad(loss, parameter)
        with torch.no_grad():
            place = said.abs().argmax()
            losses = []
            for step in (1e-5, -2e-5):
                parameter.view(-1)[place] += step
                losses.append(float(model(*sentences).square().sum()))
            parameter.view(-1)[place] += 1e-5
        true = (losses[0] - losses[1]) / 2e-5
        assert float(said.flatten()[place]) == pytest.approx(true / 2, rel=1e-5)


def test_the_first_weights_have_the_papers_variance() -> None:
    """Section 3.5: what comes out of each layer is as large as what goes in, dropout counted."""
    config = ModelConfig(
        encoder="conv",
        decoder="conv",
        embedding=48,
        width=96,
        kernel=5,
        encoder_layers=2,
        decoder_layers=2,
        dropout=0.4,
        tied=False,
    )
    model = build(config, source_vocabulary=300, target_vocabulary=300, joint=False)
    for part in (model.encoder, model.decoder):
        expected = {
            "embedding": 1 / 48,
            "places.embedding": 1 / 48,
            "inward": 0.6 / 48,
            "layers.0.linear": 4 * 0.6 / (5 * 96),
            "layers.1.linear": 4 * 0.6 / (5 * 96),
            "outward": 1 / 96,
        }
        if part is model.decoder:
            expected |= {f"{name}.{layer}": 1 / 96 for name in ("ask", "answer") for layer in range(2)}
        for name, variance in expected.items():
            weight = part.get_parameter(f"{name}.weight").detach()
            assert float(weight.var()) == pytest.approx(variance, rel=0.08), name
            assert abs(float(weight.mean())) < 0.1 * sqrt(variance)
        for name, bias in part.named_parameters():
            if name.endswith("bias") and not name.startswith(("widen", "bridge")):
                assert not bias.any(), name


def test_deep_layers_keep_the_size_of_what_they_are_given() -> None:
    """Section 3.5, as a whole: after the paper's twenty layers nothing is lost and little has grown."""
    config = ModelConfig(
        encoder="conv", decoder="conv", width=128, encoder_layers=20, decoder_layers=20, dropout=0.0
    )
    model = build(config, source_vocabulary=300, target_vocabulary=300, joint=False)
    source, mask = torch.randint(0, 300, (4, 30)), torch.ones(4, 30, dtype=torch.bool)
    with torch.no_grad():
        assert 0.5 * QUIET < float(model.encoder(source, mask).states.std()) < 2.5 * QUIET
        assert 0.5 * QUIET < float(model.features(source, mask, source).std()) < 2.5 * QUIET
