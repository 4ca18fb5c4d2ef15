"""The contract of encoders and decoders, over every score, depth and way to share an embedding."""

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from latimer.config import SCORES, ModelConfig
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.nn.attention import capture
from latimer.shapes import Tensor
from latimer.state import map_nest, select

MakeModel = Callable[..., Seq2Seq]
GRID = list(product(SCORES, (1, 2), (True, False)))
every_model = pytest.mark.parametrize(("score", "layers", "tied"), GRID)
every_score = pytest.mark.parametrize("score", SCORES)
with_attention = pytest.mark.parametrize("score", [score for score in SCORES if score != "none"])


class Forced(NamedTuple):
    """What a decoder says of a target, in how many calls so ever."""

    logits: Tensor
    state: Any
    maps: dict[str, Tensor]


def decode(model: Seq2Seq, memory: Any, target: Tensor, chunks: tuple[int, ...], state: Any = None) -> Forced:
    logits = []
    with capture(model) as maps, torch.no_grad():
        for part in target.split(list(chunks), 1):
            out = model.decoder(part, memory, state)
            logits.append(out.logits)
            state = out.state
    return Forced(torch.cat(logits, 1), state, maps)


def leaves(nest: Any) -> list[Tensor]:
    found: list[Tensor] = []
    map_nest(lambda tensor: found.append(tensor) or tensor, nest)  # type: ignore[func-returns-value]
    return found


@every_model
@pytest.mark.parametrize("chunks", [(1,) * 6, (2, 3, 1), (5, 1)])
def test_any_chunking_is_teacher_forcing(
    make_model: MakeModel, sentences: Any, score: str, layers: int, tied: bool, chunks: tuple[int, ...]
) -> None:
    """Law 1: logits, attention and state."""
    model = make_model(score, layers=layers, tied=tied)
    with torch.no_grad():
        memory = model.memory(sentences.source, sentences.mask)
        expected = model(sentences.source, sentences.mask, sentences.target)
    whole = decode(model, memory, sentences.target, (6,))
    parts = decode(model, memory, sentences.target, chunks)
    torch.testing.assert_close(whole.logits, expected)
    torch.testing.assert_close(parts.logits, whole.logits)
    torch.testing.assert_close(parts.maps, whole.maps)
    assert list(whole.maps) == ([] if score == "none" else ["decoder.attention"])
    assert all(weights.shape == (3, 6, 5) for weights in whole.maps.values())
    assert len(leaves(whole.state)) >= 2 * layers
    for one, other in zip(leaves(parts.state), leaves(whole.state), strict=True):
        torch.testing.assert_close(one, other)


@every_model
def test_a_reordered_state_continues_the_reordered_prefix(
    make_model: MakeModel, sentences: Any, score: str, layers: int, tied: bool
) -> None:
    """Law 2, with rows that are repeated and rows that are dropped."""
    model = make_model(score, layers=layers, tied=tied)
    rows, more = torch.tensor([2, 0, 0, 1]), torch.randint(0, 9, (4, 2))
    with torch.no_grad():
        memory = model.memory(sentences.source, sentences.mask)
        chosen = model.memory(sentences.source[rows], sentences.mask[rows])
    prefix = decode(model, memory, sentences.target, (6,))
    continued = decode(model, select(memory, rows), more, (1, 1), select(prefix.state, rows))
    expected = decode(model, chosen, torch.cat([sentences.target[rows], more], 1), (8,))
    torch.testing.assert_close(continued.logits, expected.logits[:, 6:])
    torch.testing.assert_close(leaves(continued.state), leaves(expected.state))


@every_model
def test_padding_and_neighbours_change_nothing(
    make_model: MakeModel, sentences: Any, score: str, layers: int, tied: bool
) -> None:
    """Law 3: each sentence of a padded batch as if it were alone."""
    model = make_model(score, layers=layers, tied=tied)
    wider = torch.cat([sentences.source, torch.randint(0, 9, (3, 3))], 1)
    wider_mask = torch.cat([sentences.mask, torch.zeros(3, 3, dtype=torch.bool)], 1)
    together = decode(model, model.memory(wider, wider_mask), sentences.target, (6,))
    for row, length in enumerate(sentences.mask.sum(1).tolist()):
        one = slice(row, row + 1)
        memory = model.memory(sentences.source[one, :length], sentences.mask[one, :length])
        alone = decode(model, memory, sentences.target[one], (6,))
        torch.testing.assert_close(together.logits[one], alone.logits)
        for name, weights in together.maps.items():
            torch.testing.assert_close(weights[one, :, :length], alone.maps[name])
            assert weights[one, :, length:].count_nonzero() == 0


@every_score
def test_a_later_token_changes_nothing_before_it(make_model: MakeModel, sentences: Any, score: str) -> None:
    model, other = make_model(score), sentences.target.clone()
    other[:, 3] = (other[:, 3] + 1) % 9
    one, two = (model(sentences.source, sentences.mask, target) for target in (sentences.target, other))
    torch.testing.assert_close(one[:, :3], two[:, :3])
    assert all((one[:, position] - two[:, position]).abs().max() > 1e-6 for position in (3, 4, 5))


@every_score
def test_the_encoder_says_nothing_where_it_was_told_to_see_nothing(
    make_model: MakeModel, sentences: Any, score: str
) -> None:
    encoder = make_model(score).encoder
    encoded = encoder(sentences.source, sentences.mask)
    assert encoded.states.shape == (3, 5, encoder.width)
    assert encoded.summary.shape == (3, encoder.width)
    assert torch.equal(encoded.mask, sentences.mask)
    assert encoded.states[~sentences.mask].count_nonzero() == 0
    assert bool(encoded.states[sentences.mask].abs().min(-1).values.gt(0).all())


@every_score
def test_an_empty_source_is_answered_in_finite_numbers(
    make_model: MakeModel, sentences: Any, score: str
) -> None:
    """Law 8, through the whole model: and its neighbour's gradients stay what they were."""
    model, mask = make_model(score), sentences.mask.clone()
    mask[2] = False
    with capture(model) as maps:
        logits = model(sentences.source, mask, sentences.target)
    assert logits.isfinite().all()
    assert all(weights[2].count_nonzero() == 0 for weights in maps.values())
    torch.testing.assert_close(logits[:2], model(sentences.source, sentences.mask, sentences.target)[:2])
    logits.square().sum().backward()
    assert all(
        parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None
    )


@every_score
def test_nothing_is_written_into_an_argument(make_model: MakeModel, sentences: Any, score: str) -> None:
    model = make_model(score, layers=2)
    with torch.no_grad():
        encoded = model.encoder(sentences.source, sentences.mask)
        memory = model.decoder.prepare(encoded)
        state = model.decoder(sentences.target, memory).state
        nests = (*sentences, tuple(encoded), memory, state)
        before = [tensor.clone() for tensor in leaves(nests)]
        model.decoder.prepare(encoded)
        model.decoder(sentences.target, memory, state)
        model(*sentences)
    assert all(torch.equal(one, other) for one, other in zip(leaves(nests), before, strict=True))


@every_score
def test_a_module_holds_parameters_and_nothing_else(
    make_model: MakeModel, sentences: Any, score: str
) -> None:
    model = make_model(score)
    before = [{name: id(value) for name, value in vars(module).items()} for module in model.modules()]
    first = model(*sentences)
    assert torch.equal(model(*sentences), first), "a second call must not see the first"
    after = [{name: id(value) for name, value in vars(module).items()} for module in model.modules()]
    assert after == before
    assert not list(model.buffers())


@every_model
def test_every_parameter_is_used(
    make_model: MakeModel, sentences: Any, score: str, layers: int, tied: bool
) -> None:
    model = make_model(score, layers=layers, tied=tied)
    model(*sentences).square().sum().backward()
    unused = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert not unused


@every_score
def test_capture_leaves_the_model_as_it_is(make_model: MakeModel, sentences: Any, score: str) -> None:
    """Law 9, in float32 and with dropout: even the random numbers are the same."""
    model = make_model(score).float().train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3
    torch.manual_seed(5)
    alone = model(*sentences)
    torch.manual_seed(5)
    with capture(model) as maps:
        watched = model(*sentences)
    assert torch.equal(alone, watched)
    for weights in maps.values():
        torch.testing.assert_close(weights.sum(-1), torch.ones(3, 6))


def test_without_attention_the_summary_is_all_there_is(make_model: MakeModel, sentences: Any) -> None:
    for score in SCORES:
        model = make_model(score)
        encoded = model.encoder(sentences.source, sentences.mask)
        other = encoded._replace(states=torch.randn_like(encoded.states))
        one, two = (
            model.decoder(sentences.target, model.decoder.prepare(each)).logits for each in (encoded, other)
        )
        assert torch.equal(one, two) is (score == "none")


@with_attention
def test_the_memory_is_made_once_a_sentence(make_model: MakeModel, sentences: Any, score: str) -> None:
    """However many steps: the keys are projected once."""
    model, calls = make_model(score), []
    memory = model.memory(sentences.source, sentences.mask)
    for name, module in model.named_modules():
        if name.endswith("score.key") or name.startswith("encoder"):
            module.register_forward_hook(lambda *_, name=name: calls.append(name))
    decode(model, memory, sentences.target, (1,) * 6)
    assert calls == []


# --- build


def test_a_tied_output_is_the_embedding_and_a_joint_embedding_is_one() -> None:
    for tied, joint in product((True, False), (True, False)):
        config = ModelConfig(embedding=4, width=6, tied=tied)
        model = build(config, source_vocabulary=7, target_vocabulary=7, joint=joint)
        decoder: Any = model.decoder
        encoder: Any = model.encoder
        assert (decoder.output.weight is decoder.embedding.weight) is tied
        assert (encoder.embedding.weight is decoder.embedding.weight) is joint


def test_vocabularies_and_layers_are_as_asked() -> None:
    config = ModelConfig(embedding=4, width=6, encoder_layers=3, decoder_layers=2, dropout=0.25)
    model = build(config, source_vocabulary=7, target_vocabulary=9, joint=False)
    encoder: Any = model.encoder
    decoder: Any = model.decoder
    assert encoder.embedding.weight.shape == (7, 4)
    assert decoder.output.weight.shape == (9, 4)
    assert encoder.lstm.lstm.num_layers == 3
    assert len(decoder.lstm.recurrent) == 2
    dropouts = [module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    assert sorted(set(dropouts)) == [0.0, 0.25]  # attention weights are never dropped unless asked for
    assert encoder.lstm.lstm.dropout == 0.25


def test_names_that_no_configuration_can_hold_are_refused() -> None:
    for field in ("encoder", "decoder", "score"):
        with pytest.raises(ValueError, match="abacus"):
            build(ModelConfig(**{field: "abacus"}), source_vocabulary=7, target_vocabulary=9, joint=False)


def test_a_fresh_model_is_calm() -> None:
    """What goes in has variance 1, and no token is likely before anything is learned."""
    config = ModelConfig(embedding=64, width=64)
    model = build(config, source_vocabulary=500, target_vocabulary=500, joint=True)
    tokens = torch.arange(500)[None]
    encoder: Any = model.encoder
    assert float(encoder.embedding(tokens).detach().std()) == pytest.approx(1, abs=0.05)
    logits = model(tokens, torch.ones(1, 500, dtype=torch.bool), tokens[:, :5]).detach()
    assert float(logits.std()) < 1.1


# --- the decoder, a step at a time, in NumPy


def slow_decoder(
    p: dict[str, NDArray[np.float64]],
    score: str,
    states: NDArray[np.float64],
    summary: NDArray[np.float64],
    tokens: list[int],
    layers: int,
) -> NDArray[np.float64]:
    """One sentence, from the equations of Bahdanau et al. and of an LSTM: the top layer is the query."""

    def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 / (1 + np.exp(-x))

    start = np.split(np.tanh(p["start.weight"] @ summary + p["start.bias"]), 2 * layers)
    hidden, cell = start[:layers], start[layers:]
    logits = []
    for token in tokens:
        energies = []
        for state in states:
            query = hidden[-1]
            if score == "additive":
                inner = p["attention.score.query.weight"] @ query + p["attention.score.key.weight"] @ state
                energies.append(p["attention.score.energy"] @ np.tanh(inner))
            elif score == "general":
                energies.append(query @ p["attention.score.key.weight"] @ state)
            else:
                energies.append(query @ state / (np.sqrt(len(state)) if score == "scaled-dot" else 1))
        weights = np.exp(energies) / np.exp(energies).sum()
        context = summary if score == "none" else sum(w * s for w, s in zip(weights, states, strict=True))
        embedded = p["embedding.weight"][token] * np.sqrt(p["embedding.weight"].shape[1])
        gates = p["embedding_gates.weight"] @ embedded + p["embedding_gates.bias"]
        gates = gates + p["context_gates.weight"] @ context
        for layer in range(layers):
            if layer:
                gates = p["lstm.upward.0.weight"] @ hidden[0] + p["lstm.upward.0.bias"]
            all_gates = gates + p[f"lstm.recurrent.{layer}.weight"] @ hidden[layer]
            into, forget, new, out = np.split(all_gates, 4)
            cell[layer] = sigmoid(forget) * cell[layer] + sigmoid(into) * np.tanh(new)
            hidden[layer] = sigmoid(out) * np.tanh(cell[layer])
        seen = np.concatenate([hidden[-1], context, embedded])
        logits.append(p["output.weight"] @ np.tanh(p["readout.weight"] @ seen + p["readout.bias"]))
    return np.array(logits)


@every_model
def test_the_decoder_is_the_papers(
    make_model: MakeModel, sentences: Any, score: str, layers: int, tied: bool
) -> None:
    model = make_model(score, layers=layers, tied=tied)
    logits = model(*sentences).detach()
    encoded = model.encoder(sentences.source, sentences.mask)
    parameters = {name: value.numpy() for name, value in model.decoder.state_dict().items()}
    for row, length in enumerate(sentences.mask.sum(1).tolist()):
        states = encoded.states[row, :length].detach().numpy()
        summary = encoded.summary[row].detach().numpy()
        expected = slow_decoder(parameters, score, states, summary, sentences.target[row].tolist(), layers)
        np.testing.assert_allclose(logits[row].numpy(), expected, rtol=1e-9, atol=1e-12)


def test_a_fresh_decoder_begins_by_remembering() -> None:
    decoder: Any = build(ModelConfig(width=4), source_vocabulary=7, target_vocabulary=9, joint=False).decoder
    assert decoder.embedding_gates.bias.tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8
