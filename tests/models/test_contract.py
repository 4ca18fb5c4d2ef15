"""The contract of encoders and decoders, over the grid of `grid.py`: what any of them promises any other."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from grid import ASKING, GRID, PAIRS, WIDTHS, Kind

from latimer.models.base import Seq2Seq
from latimer.nn.attention import capture
from latimer.shapes import Tensor
from latimer.state import map_nest, select

MakeModel = Callable[..., Seq2Seq]
every_kind = pytest.mark.parametrize("kind", GRID, ids=str)
every_pair = pytest.mark.parametrize("kind", PAIRS, ids=str)


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


@every_kind
def test_any_chunking_is_teacher_forcing(make_model: MakeModel, sentences: Any, kind: Kind) -> None:
    """Law 1: logits, attention and state."""
    model = make_model(**kind._asdict())
    with torch.no_grad():
        memory = model.memory(sentences.source, sentences.mask)
        expected = model(*sentences)
    whole = decode(model, memory, sentences.target, (6,))
    torch.testing.assert_close(whole.logits, expected)
    assert leaves(whole.state)
    for chunks in ((1,) * 6, (2, 3, 1), (5, 1)):
        parts = decode(model, memory, sentences.target, chunks)
        torch.testing.assert_close(parts.logits, expected)
        torch.testing.assert_close(parts.maps, whole.maps)
        torch.testing.assert_close(leaves(parts.state), leaves(whole.state))


@every_kind
def test_a_reordered_state_continues_the_reordered_prefix(
    make_model: MakeModel, sentences: Any, kind: Kind
) -> None:
    """Law 2, with rows that are repeated and rows that are dropped."""
    model = make_model(**kind._asdict())
    rows, more = torch.tensor([2, 0, 0, 1]), torch.randint(0, 9, (4, 2))
    with torch.no_grad():
        memory = model.memory(sentences.source, sentences.mask)
        chosen = model.memory(sentences.source[rows], sentences.mask[rows])
    prefix = decode(model, memory, sentences.target, (6,))
    continued = decode(model, select(memory, rows), more, (1, 1), select(prefix.state, rows))
    expected = decode(model, chosen, torch.cat([sentences.target[rows], more], 1), (8,))
    torch.testing.assert_close(continued.logits, expected.logits[:, 6:])
    torch.testing.assert_close(leaves(continued.state), leaves(expected.state))


@every_kind
def test_padding_and_neighbours_change_nothing(make_model: MakeModel, sentences: Any, kind: Kind) -> None:
    """Law 3: each sentence of a padded batch as if it were alone."""
    model = make_model(**kind._asdict())
    wider = torch.cat([sentences.source, torch.randint(0, 9, (3, 3))], 1)
    wider_mask = torch.cat([sentences.mask, torch.zeros(3, 3, dtype=torch.bool)], 1)
    together = decode(model, model.memory(wider, wider_mask), sentences.target, (6,))
    for row, length in enumerate(sentences.mask.sum(1).tolist()):
        one = slice(row, row + 1)
        memory = model.memory(sentences.source[one, :length], sentences.mask[one, :length])
        alone = decode(model, memory, sentences.target[one], (6,))
        torch.testing.assert_close(together.logits[one], alone.logits)
        for name in kind.over_the_source:
            torch.testing.assert_close(together.maps[name][one, ..., :length], alone.maps[name])
            assert together.maps[name][one, ..., length:].count_nonzero() == 0


@every_kind
def test_a_later_token_changes_nothing_before_it(make_model: MakeModel, sentences: Any, kind: Kind) -> None:
    """But what follows it."""
    model, other = make_model(**kind._asdict()), sentences.target.clone()
    other[:, 3] = (other[:, 3] + 1) % 9
    with torch.no_grad():
        one, two = (model(sentences.source, sentences.mask, target) for target in (sentences.target, other))
    torch.testing.assert_close(one[:, :3], two[:, :3])
    assert all((one[:, position] - two[:, position]).abs().max() > 1e-6 for position in (3, 4, 5))


@every_kind
def test_every_parameter_is_used(make_model: MakeModel, sentences: Any, kind: Kind) -> None:
    """One kind can't be: what adds the same to every key's product with a query, softmax does not see."""
    model = make_model(**kind._asdict())
    products = kind.projected and kind.score != "additive"
    unseen = {f"{name}.key.bias" for name in kind.over_the_source if products}
    model(*sentences).square().sum().backward()
    unused = {
        name
        for name, value in model.named_parameters()
        if value.grad is None or float(value.grad.abs().max()) < 1e-9
    }
    assert unused == unseen


@every_kind
def test_capture_listens_and_changes_nothing(make_model: MakeModel, sentences: Any, kind: Kind) -> None:
    """Law 9: every map under its name, rows that sum to 1, the fused path's output; a float32 model too."""
    model = make_model(**kind._asdict())
    heads = (kind.heads or 2,) if kind.projected else ()
    for tolerance in (1e-12, 1e-5):
        with torch.no_grad():
            alone = model(*sentences)
            with capture(model) as maps:
                watched = model(*sentences)
        scale = max(1.0, float(alone.abs().max()))
        assert float((watched - alone).abs().max()) <= tolerance * scale
        assert set(maps) == {*kind.over_the_source, *kind.over_the_past, *kind.in_the_encoder}
        for name in kind.over_the_source:
            assert maps[name].shape == (3, *heads, 6, 5)
        for weights in maps.values():
            torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))
        model = model.float()


@every_pair
def test_the_encoder_says_nothing_where_it_was_told_to_see_nothing(
    make_model: MakeModel, sentences: Any, kind: Kind
) -> None:
    encoder = make_model(**kind._asdict()).encoder
    encoded = encoder(sentences.source, sentences.mask)
    assert encoded.states.shape == (3, 5, encoder.width)
    assert encoded.summary.shape == (3, encoder.width)
    assert encoded.embedded.shape == (3, 5, 8)
    assert torch.equal(encoded.mask, sentences.mask)
    assert encoded.states[~sentences.mask].count_nonzero() == 0
    assert bool(encoded.states[sentences.mask].abs().min(-1).values.gt(0).all())


@every_kind
def test_an_empty_source_is_answered_in_finite_numbers(
    make_model: MakeModel, sentences: Any, kind: Kind
) -> None:
    """Law 8, through the whole model, watched or not; and its neighbours get what they got."""
    model, mask = make_model(**kind._asdict()), sentences.mask.clone()
    mask[2] = False
    with capture(model) as maps:
        watched = model(sentences.source, mask, sentences.target)
    assert all(maps[name][2].count_nonzero() == 0 for name in (*kind.over_the_source, *kind.in_the_encoder))
    fused = model(sentences.source, mask, sentences.target)
    torch.testing.assert_close(watched, fused)
    torch.testing.assert_close(fused[:2], model(*sentences)[:2])
    for logits in (watched, fused):
        assert logits.isfinite().all()
        model.zero_grad()
        logits.square().sum().backward()
        assert all(value.grad is None or value.grad.isfinite().all() for value in model.parameters())


@every_pair
def test_an_empty_sentence_says_nothing_of_what_it_hides(
    make_model: MakeModel, sentences: Any, kind: Kind
) -> None:
    model, mask = make_model(**kind._asdict()), torch.zeros(3, 5, dtype=torch.bool)
    with torch.no_grad():
        one, two = (
            model(source, mask, sentences.target)
            for source in (sentences.source, torch.randint(0, 9, (3, 5)))
        )
    assert torch.equal(one, two)


@every_pair
def test_nothing_is_written_into_an_argument(make_model: MakeModel, sentences: Any, kind: Kind) -> None:
    model = make_model(**kind._asdict())
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


@every_pair
def test_a_module_holds_parameters_and_nothing_else(
    make_model: MakeModel, sentences: Any, kind: Kind
) -> None:
    model = make_model(**kind._asdict())
    before = [{name: id(value) for name, value in vars(module).items()} for module in model.modules()]
    first = model(*sentences)
    assert torch.equal(model(*sentences), first), "a second call must not see the first"
    after = [{name: id(value) for name, value in vars(module).items()} for module in model.modules()]
    assert after == before
    assert not list(model.buffers())


@pytest.mark.parametrize("kind", [*PAIRS, *ASKING], ids=str)
def test_the_memory_is_made_once_a_sentence(make_model: MakeModel, sentences: Any, kind: Kind) -> None:
    """However many steps: what works for the memory works once, and never for a step."""
    model = make_model(**kind._asdict())
    calls: list[str] = []
    for name, module in model.named_modules():
        module.register_forward_hook(lambda *_, name=name: calls.append(name))
    memory = model.memory(sentences.source, sentences.mask)
    made = [name for name in calls if name.startswith("decoder.")]
    assert len(set(made)) == len(made)
    calls.clear()
    with torch.no_grad():
        state = None
        for token in sentences.target.unbind(1):
            state = model.decoder(token[:, None], memory, state).state
    assert not set(made) & set(calls)
    assert all(name.startswith("decoder") for name in calls)


@pytest.mark.parametrize(
    "kind", [kind for kind in GRID if kind.decoder not in ("conv", "transformer")], ids=str
)
def test_a_recurrent_decoder_starts_from_the_summary(
    make_model: MakeModel, sentences: Any, kind: Kind
) -> None:
    """And without attention that is all it gets."""
    model = make_model(**kind._asdict())
    with torch.no_grad():
        encoded = model.encoder(sentences.source, sentences.mask)
        other_states = encoded._replace(states=torch.randn_like(encoded.states))
        other_summary = encoded._replace(summary=torch.randn_like(encoded.summary))
        logits, without, from_elsewhere = (
            model.decoder(sentences.target, model.decoder.prepare(each)).logits
            for each in (encoded, other_states, other_summary)
        )
    assert torch.equal(logits, without) is (kind.score == "none")
    assert (logits - from_elsewhere).abs().amax((1, 2)).min() > 1e-6


@every_pair
def test_dropout_is_drawn_alike_watched_or_not(make_model: MakeModel, sentences: Any, kind: Kind) -> None:
    """Law 9 in training: capture costs no random number."""
    model = make_model(**kind._asdict()).train()
    with torch.no_grad():
        torch.manual_seed(5)
        alone = model(*sentences)
        torch.manual_seed(5)
        with capture(model):
            watched = model(*sentences)
        other = model(*sentences)
    torch.testing.assert_close(watched, alone, rtol=0, atol=1e-12 * float(alone.abs().max()))
    assert (other - alone).abs().max() > 1e-3, "other numbers, another output"


def test_the_grid_has_everything() -> None:
    """What `grid.py` says of itself."""
    assert (len(set(PAIRS)), len(set(ASKING)), len(set(WIDTHS))) == (24, 51, 6)
    assert {kind.encoder for kind in WIDTHS} == {kind.encoder for kind in PAIRS}
    assert {kind.decoder for kind in WIDTHS} == {kind.decoder for kind in PAIRS}
