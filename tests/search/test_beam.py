"""Beam search, against exhaustive search, against a slow search, and against the model's own scores."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.models.base import Seq2Seq
from latimer.search.arrays import likeliest, log_softmax, top
from latimer.search.beam import (
    ABREAST,
    Constraint,
    Hypothesis,
    Numbers,
    _advance,
    _Beams,
    _go_on,
    beam_search,
)
from latimer.shapes import Tensor
from latimer.state import leaves, map_nest

BOS, EOS = 1, 2
MakeModel = Callable[..., Seq2Seq]


# --- a decoder that remembers what it was told, and whose answers are drawn by lot


class Told(NamedTuple):
    prefix: tuple[Tensor, None]  # N T


class Out(NamedTuple):
    logits: Tensor
    state: Told


class Lots:
    """Logits that depend on the sentence and on the whole prefix, so that no mistake in either is lost."""

    def __init__(self, vocabulary: int, *, spread: float = 2.0, seed: int = 0) -> None:
        self.vocabulary, self.spread, self.seed = vocabulary, spread, seed
        self.rows: list[int] = []

    def log_probs(self, sentence: int, prefix: tuple[int, ...]) -> Tensor:
        chance = random.Random(f"{self.seed} {sentence} {prefix}")
        logits = torch.tensor([chance.gauss(0, self.spread) for _ in range(self.vocabulary)])
        return logits.log_softmax(-1)

    def __call__(self, tokens: Tensor, memory: tuple[Tensor], state: Told | None) -> Out:
        assert tokens.shape == (len(memory[0]), 1), "a step a time"
        self.rows.append(len(tokens))
        prefix = tokens if state is None else torch.cat([state.prefix[0], tokens], 1)
        logits = [
            self.log_probs(int(sentence), tuple(row.tolist()))
            for sentence, row in zip(memory[0], prefix, strict=True)
        ]
        return Out(torch.stack(logits)[:, None], Told((prefix, None)))


def search(
    decoder: Lots,
    limits: list[int],
    *,
    sentences: list[int] | None = None,
    beam: int = 5,
    length_penalty: float = 1.0,
    constraints: tuple[Constraint, ...] = (),
) -> list[list[Hypothesis]]:
    memory = (torch.tensor(sentences if sentences is not None else list(range(len(limits)))),)
    return beam_search(
        decoder,
        memory,
        limits=limits,
        bos=BOS,
        eos=EOS,
        beam=beam,
        length_penalty=length_penalty,
        constraints=constraints,
    )


def whole(decoder: Lots, sentence: int, tokens: list[int]) -> float:
    """The log-probability of a hypothesis and its end."""
    text = [BOS, *tokens, EOS]
    return float(sum(decoder.log_probs(sentence, tuple(text[:at]))[text[at]] for at in range(1, len(text))))


def same(found: list[Hypothesis], expected: list[tuple[list[int], float, float]]) -> None:
    assert [one.tokens for one in found] == [tokens for tokens, _, _ in expected]
    for one, (_, log_probability, score) in zip(found, expected, strict=True):
        assert one.log_probability == pytest.approx(log_probability, abs=1e-4)
        assert one.score == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_beam_of_full_width_is_brute_force(length_penalty: float, seed: int) -> None:
    """Law 4. Three words and the end, at most four tokens: forty strings."""
    decoder = Lots(4, seed=seed)
    words = [token for token in range(4) if token != EOS]
    strings = [list(text) for size in range(4) for text in product(words, repeat=size)]
    scored = [
        (text, total := whole(decoder, 0, text), total / (len(text) + 1) ** length_penalty)
        for text in strings
    ]
    scored.sort(key=lambda one: -one[2])
    found = search(decoder, [4], beam=len(strings) + 3, length_penalty=length_penalty)[0]
    assert len(found) == len(strings) == 40, "fewer than the beam where no more exist"
    same(found, scored)


def slow_search(
    decoder: Lots, sentence: int, limit: int, *, beam: int, length_penalty: float
) -> list[tuple[list[int], float, float]]:
    """The same search in plain lists: (tokens after BOS with EOS, log-probability), the best first."""
    hypotheses: list[tuple[list[int], float]] = [([], 0.0)]

    def score(one: tuple[list[int], float]) -> float:
        return one[1] / max(1, len(one[0])) ** length_penalty

    while not all(tokens[-1:] == [EOS] for tokens, _ in hypotheses):
        nexts: list[tuple[list[int], float]] = []
        for tokens, total in hypotheses:
            if tokens[-1:] == [EOS]:
                nexts.append((tokens, total))
                continue
            log_probs = decoder.log_probs(sentence, (BOS, *tokens)).tolist()
            allowed = [EOS] if len(tokens) == limit - 1 else range(decoder.vocabulary)
            nexts += [([*tokens, token], total + log_probs[token]) for token in allowed]
        hypotheses = sorted(nexts, key=score, reverse=True)[:beam]
    return [(tokens[:-1], total, score((tokens, total))) for tokens, total in hypotheses]


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 999),
    beam=st.integers(1, 6),
    limits=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    length_penalty=st.sampled_from([0.0, 0.7, 1.0]),
)
def test_search_is_the_slow_search_in_batches_too(
    seed: int, beam: int, limits: list[int], length_penalty: float
) -> None:
    """Law 4: sentences of other lengths, that end at other moments, change nothing."""
    decoder = Lots(5, seed=seed)
    found = search(decoder, limits, beam=beam, length_penalty=length_penalty)
    for sentence, limit in enumerate(limits):
        expected = slow_search(decoder, sentence, limit, beam=beam, length_penalty=length_penalty)
        same(found[sentence], expected)
        texts = [tuple(one.tokens) for one in found[sentence]]
        assert len(set(texts)) == len(texts)  # law 6
        assert all(EOS not in text and len(text) < limit for text in texts)


def test_a_batch_gives_its_sentences_back_in_order() -> None:
    decoder, order = Lots(6), [4, 0, 3, 1, 2]
    limits = [2, 9, 4, 7, 1]
    together = search(decoder, [limits[sentence] for sentence in order], sentences=order)
    for place, sentence in enumerate(order):
        alone = search(decoder, [limits[sentence]], sentences=[sentence])[0]
        same(together[place], [tuple(one) for one in alone])  # type: ignore[misc]


def test_finished_sentences_are_searched_no_more() -> None:
    decoder = Lots(6)
    search(decoder, [1, 3, 6], beam=2)
    assert decoder.rows == sorted(decoder.rows, reverse=True)
    assert decoder.rows[0] == 6
    assert decoder.rows[1] == 4, "the sentence of one token ended with the first step"
    assert len(decoder.rows) <= 6


class InNumpy:
    """The same decoder behind NumPy's arrays, as an engine without torch has them."""

    def __init__(self, decoder: Any) -> None:
        self.decoder = decoder

    def __call__(self, tokens: Numbers, memory: Any, state: Any) -> Out:
        given = (tokens, *leaves(memory), *leaves(state))
        assert all(isinstance(array, np.ndarray) for array in given)
        out = self.decoder(
            torch.from_numpy(tokens), *(map_nest(torch.from_numpy, n) for n in (memory, state))
        )
        return Out(out.logits.numpy(), map_nest(lambda leaf: leaf.numpy(), out.state))


@pytest.mark.parametrize("beam", [1, 2, 7])
def test_search_is_the_same_over_arrays_of_either_library(beam: int) -> None:
    limits, options = [4, 1, 7, 3], {"bos": BOS, "eos": EOS, "beam": beam}
    for constraints in ((), (forbid(3), never_twice)):
        found = search(Lots(6, seed=4), limits, beam=beam, constraints=constraints)
        decoder, memory = InNumpy(Lots(6, seed=4)), (np.arange(4),)
        again = beam_search(decoder, memory, limits=limits, constraints=constraints, **options)  # type: ignore[arg-type]
        for one, other in zip(found, again, strict=True):
            same(one, [tuple(each) for each in other])  # type: ignore[misc]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 999), width=st.integers(1, 9), count=st.integers(1, 9))
def test_the_greatest_of_a_row_are_found_by_either_library(seed: int, width: int, count: int) -> None:
    values = np.random.default_rng(seed).permuted(np.arange(4.0 * width).reshape(4, width), axis=1)
    count = min(count, width)
    expected = np.sort(values, 1)[:, ::-1][:, :count]
    for library in (values, torch.from_numpy(values)):
        greatest, places = top(library, count)
        assert np.array_equal(greatest, expected)
        assert np.array_equal(np.take_along_axis(values, places, 1), expected)


def test_log_probabilities_of_either_library_are_those_of_the_definition() -> None:
    logits = np.array([[0.0, 700.0, -3.0], [1e4, 1e4, 1e4]])
    expected = [[-700, 0, -703], [-np.log(3)] * 3]
    np.testing.assert_allclose(log_softmax(logits), expected, atol=1e-12)
    np.testing.assert_allclose(log_softmax(torch.from_numpy(logits)), expected, atol=1e-4)


def test_greedy_is_a_beam_of_one() -> None:
    decoder = Lots(7)
    for sentence, found in enumerate(search(decoder, [6] * 8, beam=1)):
        tokens: list[int] = []
        while len(tokens) < 5:
            best = int(decoder.log_probs(sentence, (BOS, *tokens)).argmax())
            if best == EOS:
                break
            tokens.append(best)
        assert [one.tokens for one in found] == [tokens]


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 4), st.floats(0, 2))
def test_the_short_way_of_a_beam_of_one_is_the_long_one(
    seed: int, batch: int, size: int, length_penalty: float
) -> None:
    """To the last bit, where scores are equal or impossible and where the limit is reached, too."""
    draw = np.random.default_rng(seed)
    beams = _Beams(
        sentence=np.sort(draw.permutation(9)[:batch]),
        tokens=draw.integers(3, 9, (batch, 1, size)),
        total=draw.integers(-3, 1, (batch, 1)) * 1.1,
        length=np.full((batch, 1), size - 1),
        done=np.zeros((batch, 1), dtype=np.bool_),
    )
    log_probs = log_softmax(draw.integers(-2, 3, (batch, 7)).astype(np.float32))
    log_probs[draw.random((batch, 7)) < 0.4] = -np.inf
    limits = draw.integers(size, size + 3, batch)
    best = likeliest(log_probs, 1, EOS)
    short, short_rows = _go_on(beams, best, limits, EOS)
    long, long_rows = _advance(beams, best, limits, EOS, length_penalty)
    for one, other in zip([*short, short_rows], [*long, long_rows], strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_few_strings_fill_no_wide_beam() -> None:
    found = search(Lots(3), [1, 2], beam=9)
    assert [one.tokens for one in found[0]] == [[]]
    assert sorted(one.tokens for one in found[1]) == [[], [0], [1]]
    assert sum(2.718281828**one.log_probability for one in found[1]) < 1.0001
    assert search(Lots(3), [], beam=2) == []


def test_scores_come_best_first_and_say_what_they_are() -> None:
    decoder = Lots(5)
    for length_penalty in (0.0, 1.0):
        found = search(decoder, [6], beam=4, length_penalty=length_penalty)[0]
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        for one in found:
            expected = one.log_probability / (len(one.tokens) + 1) ** length_penalty
            assert one.score == pytest.approx(expected, rel=1e-5)


# --- constraints


def forbid(token: int) -> Constraint:
    def constrain(log_probs: Numbers, tokens: Numbers) -> Numbers:
        return np.where(np.arange(log_probs.shape[1]) == token, -np.inf, log_probs)

    return constrain


def never_twice(log_probs: Numbers, tokens: Numbers) -> Numbers:
    """No word that stands in the hypothesis already."""
    assert (tokens[:, 0] == BOS).all()
    seen = np.zeros_like(log_probs, dtype=bool)
    np.put_along_axis(seen, tokens, True, 1)
    seen[:, EOS] = False
    return np.where(seen, -np.inf, log_probs)


def test_constraints_are_obeyed() -> None:
    """Law 7, and law 5 under it: what is left keeps the score that the model gives it."""
    decoder, limits = Lots(6), [7, 5, 6]
    assert any(4 in one.tokens for found in search(decoder, limits) for one in found)
    constrained = search(decoder, limits, constraints=(forbid(4), never_twice))
    for sentence, found in enumerate(constrained):
        assert len(found) == 5
        for one in found:
            assert 4 not in one.tokens
            assert BOS not in one.tokens
            assert len(set(one.tokens)) == len(one.tokens)
            assert one.log_probability == pytest.approx(whole(decoder, sentence, one.tokens), abs=1e-4)


def test_a_constraint_sees_the_hypothesis_it_speaks_of() -> None:
    """Which words may follow depends on the word before, row by row."""

    def climb(log_probs: Numbers, tokens: Numbers) -> Numbers:
        smaller = np.arange(log_probs.shape[1]) <= tokens[:, -1:]
        smaller[:, EOS] = False
        return np.where(smaller, -np.inf, log_probs)

    found = search(Lots(9, spread=1.0), [6, 6], beam=8, constraints=(climb,))
    texts = [one.tokens for hypotheses in found for one in hypotheses]
    assert max(map(len, texts)) > 1
    assert all(text == sorted(set(text)) for text in texts)


def test_a_constraint_that_allows_nothing_leaves_nothing() -> None:
    assert search(Lots(4), [3, 2], constraints=(lambda log_probs, _: log_probs - np.inf,)) == [[], []]
    forced = search(Lots(4), [3], constraints=(forbid(EOS),))
    assert forced == [[]], "without an end no hypothesis is whole"


# --- real decoders: every one, each after another encoder, and one without attention

REAL = [
    ("lstm", "lstm", "auto"),
    ("conv", "lstm", "none"),
    ("lstm-residual", "luong", "auto"),
    ("transformer", "luong-feeding", "auto"),
    ("lstm-residual", "lstm-parallel", "auto"),
    ("conv", "conv", "auto"),
    ("transformer", "transformer", "auto"),
]
every_decoder = pytest.mark.parametrize(("encoder", "decoder", "score"), REAL)


def real(model: Seq2Seq, sentences: Any, limits: list[int], **options: Any) -> list[list[Hypothesis]]:
    with torch.inference_mode():
        memory = model.memory(sentences.source, sentences.mask)
    return beam_search(model.decoder, memory, limits=limits, bos=BOS, eos=EOS, **options)


def one_of(sentences: Any, row: int) -> Any:
    """A sentence of the batch by itself, without its padding."""
    length = int(sentences.mask[row].sum())
    part = (slice(row, row + 1), slice(length))
    return sentences._replace(source=sentences.source[part], mask=sentences.mask[part])


def forced(model: Seq2Seq, sentences: Any, tokens: list[int]) -> float:
    """The log-probability of a hypothesis and its end, by teacher forcing, of the first sentence."""
    inputs, outputs = torch.tensor([[BOS, *tokens]]), torch.tensor([*tokens, EOS])
    with torch.no_grad():
        logits = model(sentences.source[:1], sentences.mask[:1], inputs)
    return float(logits[0].log_softmax(-1).gather(1, outputs[:, None]).sum())


@every_decoder
def test_a_full_beam_of_a_real_decoder_is_brute_force(
    make_model: MakeModel, sentences: Any, encoder: str, decoder: str, score: str
) -> None:
    """Law 4: eight words, at most two of them and the end."""
    model = make_model(encoder, decoder, score=score, layers=2)
    words = [token for token in range(9) if token != EOS]
    strings = [list(text) for size in range(3) for text in product(words, repeat=size)]
    alone = one_of(sentences, 1)
    [found] = real(model, alone, [3], beam=len(strings) + 2, length_penalty=0.0)
    scored = [(text, total := forced(model, alone, text), total) for text in strings]
    scored.sort(key=lambda one: -one[1])
    assert len(found) == len(strings) == 73
    same(found, scored)


@every_decoder
def test_a_score_is_the_models_own(
    make_model: MakeModel, sentences: Any, encoder: str, decoder: str, score: str
) -> None:
    """Law 5, by teacher forcing; law 6; and law 7, with the score of what is left."""
    model, limits = make_model(encoder, decoder, score=score, layers=2), [7, 5, 3]
    free = real(model, sentences, limits, beam=4)
    common = Counter(token for found in free for one in found for token in one.tokens).most_common(1)[0][0]
    bound = real(model, sentences, limits, beam=4, constraints=(forbid(common), never_twice))
    for row in range(3):
        alone = one_of(sentences, row)
        for found in (free[row], bound[row]):
            assert len({tuple(one.tokens) for one in found}) == 4
            for one in found:
                total = forced(model, alone, one.tokens)
                assert one.log_probability == pytest.approx(total, abs=1e-4)
                assert one.score == pytest.approx(total / (len(one.tokens) + 1), abs=1e-4)
        for one in bound[row]:
            assert common not in one.tokens
            assert len(set(one.tokens)) == len(one.tokens)


@every_decoder
@pytest.mark.parametrize("beam", [1, 3])
def test_batched_search_is_one_by_one(
    make_model: MakeModel, sentences: Any, encoder: str, decoder: str, score: str, beam: int
) -> None:
    """Law 4, with padding and with sentences that end early."""
    model, limits = make_model(encoder, decoder, score=score, layers=2), [7, 5, 3]
    together = real(model, sentences, limits, beam=beam)
    for row in range(3):
        [alone] = real(model, one_of(sentences, row), limits[row : row + 1], beam=beam)
        same(together[row], [tuple(one) for one in alone])  # type: ignore[misc]


def test_search_keeps_no_gradient_and_writes_into_nothing(make_model: MakeModel, sentences: Any) -> None:
    model = make_model()
    memory = model.memory(sentences.source, sentences.mask)
    before = memory.values.detach().clone(), memory.start.hidden[0].detach().clone()
    limits = torch.tensor([3, 3, 3])
    beam_search(model.decoder, memory, limits=limits, bos=BOS, eos=EOS, beam=2)
    assert torch.equal(memory.values.detach(), before[0])
    assert torch.equal(memory.start.hidden[0].detach(), before[1])
    assert limits.tolist() == [3, 3, 3]
    assert all(parameter.grad is None for parameter in model.parameters())


# --- hypotheses kept apart


def slow_apart(
    decoder: Lots, sentence: int, limit: int, *, groups: int, diversity: float
) -> list[tuple[list[int], float, float]]:
    """In plain lists: small beams, in which a token costs for those of former beams that say it just now."""
    beams: list[list[tuple[list[int], float]]] = [[([], 0.0)] for _ in range(groups)]

    def score(total: float, tokens: list[int]) -> float:
        return total / max(1, len(tokens))

    while not all(tokens[-1:] == [EOS] for beam in beams for tokens, _ in beam):
        said: list[int] = []  # by the beams before
        for place, beam in enumerate(beams):
            nexts: list[tuple[float, list[int], float, bool]] = []
            for tokens, total in beam:
                if tokens[-1:] == [EOS]:
                    nexts.append((score(total, tokens), tokens, total, False))
                    continue
                log_probs = decoder.log_probs(sentence, (BOS, *tokens)).tolist()
                for token in [EOS] if len(tokens) == limit - 1 else range(decoder.vocabulary):
                    longer, after = [*tokens, token], total + log_probs[token]
                    cost = diversity * said.count(token)
                    nexts.append((score(after - cost, longer), longer, after, True))
            kept = sorted(nexts, key=lambda one: -one[0])[:ABREAST]
            beams[place] = [(tokens, total) for _, tokens, total, _ in kept]
            said += [tokens[-1] for _, tokens, _, new in kept if new]
    best: dict[tuple[int, ...], tuple[list[int], float, float]] = {}
    for beam in beams:
        new = [(tokens, total) for tokens, total in beam if tuple(tokens) not in best]
        best.update((tuple(tokens), (tokens[:-1], total, score(total, tokens))) for tokens, total in new[:1])
    return sorted(best.values(), key=lambda one: -one[2])


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 999),
    beam=st.integers(2, 5),
    limits=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    diversity=st.sampled_from([0.1, 0.7, 3.0]),
)
def test_hypotheses_kept_apart_are_those_of_a_slow_search(
    seed: int, beam: int, limits: list[int], diversity: float
) -> None:
    """Laws 3, 5 and 6, over either library; scores are without what was paid for being alike."""
    decoder, options = Lots(6, seed=seed), {"bos": BOS, "eos": EOS, "beam": beam, "diversity": diversity}
    found = beam_search(decoder, (torch.arange(len(limits)),), limits=limits, **options)  # type: ignore[arg-type]
    again = beam_search(InNumpy(decoder), (np.arange(len(limits)),), limits=limits, **options)  # type: ignore[arg-type]
    for sentence, limit in enumerate(limits):
        expected = slow_apart(decoder, sentence, limit, groups=beam, diversity=diversity)
        same(found[sentence], expected)
        same(again[sentence], expected)


def test_hypotheses_kept_apart_obey_constraints() -> None:
    options: Any = {
        "limits": [6, 6],
        "bos": BOS,
        "eos": EOS,
        "beam": 4,
        "constraints": (forbid(3), never_twice),
    }
    for one in beam_search(Lots(7), (torch.arange(2),), diversity=99.0, **options):
        assert len(one) == 4
        for each in one:
            assert 3 not in each.tokens
            assert len(set(each.tokens)) == len(each.tokens)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), beam=st.integers(2, 5), diversity=st.sampled_from([0.2, 1.0, 99.0]))
def test_the_first_of_the_small_beams_is_a_plain_one(seed: int, beam: int, diversity: float) -> None:
    """It pays nothing; and where nothing costs anything, all of them are that one."""
    options: Any = {"limits": [6] * 3, "bos": BOS, "eos": EOS}
    decoder, memory = Lots(8, seed=seed), (torch.arange(3),)
    plain = beam_search(decoder, memory, beam=ABREAST, **options)
    apart = beam_search(decoder, memory, beam=beam, diversity=diversity, **options)
    assert all(one[0] in some for one, some in zip(plain, apart, strict=True))
    free = beam_search(decoder, memory, beam=beam, diversity=1e-12, **options)
    assert [[one.tokens for one in some] for some in free] == [[one.tokens for one in some] for some in plain]


def test_a_price_parts_them_and_one_alone_is_as_ever() -> None:
    options: Any = {"limits": [6] * 8, "bos": BOS, "eos": EOS}
    memory = (torch.arange(8),)
    apart = beam_search(Lots(30), memory, beam=3, diversity=99.0, **options)
    firsts = [{tuple(each.tokens[:1]) for each in some} for some in apart]
    assert all(len(some) == 3 for some in firsts), "who pays so much says something else from the start"
    alone = beam_search(Lots(30), memory, beam=1, diversity=99.0, **options)
    assert alone == beam_search(Lots(30), memory, beam=1, **options)
