"""The graphs say what the model says: laws 3 to 7 without torch, for every encoder and every decoder."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from models.grid import ASKING, PAIRS, WIDTHS, Kind

from latimer.errors import Mistake
from latimer.models.base import Seq2Seq
from latimer.nn.attention import capture
from latimer.runtime import fused, recording
from latimer.runtime.eager import TorchEngine
from latimer.runtime.engine import Engine
from latimer.runtime.graphs import LARGE, First, OnnxEngine, _threads
from latimer.runtime.recording import record
from latimer.search.arrays import likeliest, log_softmax
from latimer.search.beam import Hypothesis, beam_search
from latimer.search.sampling import Sampling, sample
from latimer.state import leaves, repeat, select

BOS, EOS = 1, 2
LENGTHS = [7, 4, 1, 5]
LIMITS = [9, 6, 4, 1]
KINDS = [
    Kind("lstm", "lstm-parallel"),
    Kind("transformer", "transformer", embedding=32, tied=False),  # heads wide enough for fused nodes
]  # recording takes seconds: the others are `full`
MORE = [
    Kind("transformer", "transformer"),
    Kind("conv", "conv", embedding=6),
    Kind("lstm", "lstm", layers=2),
    Kind("conv", "luong", "none"),
    Kind("lstm-residual", "luong-feeding", "general", heads=2),
]


class Recorded(NamedTuple):
    """A small model run by torch, and by ONNX Runtime in float32 and in int8."""

    kind: Kind
    torch: Engine
    float32: Engine
    int8: Engine


def recorded(kind: Kind, folder: Path) -> Recorded:
    """And the model itself stays as it was, in training if it was."""
    model, engines = make_model(kind).train(), []
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for weights in ("float32", "int8"):
        record(model, bos=BOS, weights=weights).save(folder / weights)  # type: ignore[arg-type]
        engines.append(OnnxEngine(folder / weights))
    assert model.training
    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    return Recorded(kind, TorchEngine(model), *engines)


def make_model(kind: Kind) -> Seq2Seq:
    """One that is not sure of anything, so that no small fault is lost."""
    from latimer.config import ModelConfig
    from latimer.models.build import build

    torch.manual_seed(1)
    blocks = kind.decoder in ("lstm-parallel", "transformer")
    config = ModelConfig(
        encoder=kind.encoder,
        decoder=kind.decoder,
        score=kind.score,
        embedding=kind.embedding,
        width=max(8, kind.embedding),
        encoder_layers=kind.layers,
        decoder_layers=kind.layers,
        encoder_heads=2,
        decoder_heads=kind.heads or (2 if blocks else 1),
        tied=kind.tied,
    )
    model = build(config, source_vocabulary=11, target_vocabulary=11, joint=kind.tied)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5).add_(torch.randn_like(parameter), alpha=0.2)
    return model.eval()


@pytest.fixture(
    scope="module", params=[*KINDS, *(pytest.param(kind, marks=pytest.mark.full) for kind in MORE)], ids=str
)
def engines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(request.param, tmp_path_factory.mktemp("graphs"))


def sentences(rows: list[int]) -> tuple[Any, Any]:
    """Those of LENGTHS, padded to the longest; padding is a token like any other, so that it would show."""
    source = np.random.default_rng(0).integers(4, 11, (len(LENGTHS), max(LENGTHS)))
    lengths = np.array(LENGTHS)[rows]
    source = source[rows, : lengths.max()]
    return source, np.arange(source.shape[1]) < lengths[:, None]


def search(engine: Engine, rows: list[int], **options: Any) -> list[list[Hypothesis]]:
    memory = engine.memory(*sentences(rows))
    return beam_search(
        engine.decoder, memory, limits=[LIMITS[row] for row in rows], bos=BOS, eos=EOS, **options
    )


def same(one: list[list[Hypothesis]], other: list[list[Hypothesis]], *, within: float = 1e-4) -> None:
    for found, expected in zip(one, other, strict=True):
        assert [each.tokens for each in found] == [each.tokens for each in expected]
        for each, its in zip(found, expected, strict=True):
            assert each.log_probability == pytest.approx(its.log_probability, abs=within)


@pytest.mark.parametrize("beam", [1, 4])
def test_float32_finds_what_torch_finds(engines: Recorded, beam: int) -> None:
    rows = [0, 1, 2, 3]
    same(search(engines.float32, rows, beam=beam), search(engines.torch, rows, beam=beam))


@pytest.mark.parametrize("weights", ["float32", "int8"])
@pytest.mark.parametrize("beam", [1, 3])
def test_a_batch_finds_what_each_sentence_finds_alone(engines: Recorded, weights: str, beam: int) -> None:
    """Laws 3 and 4: padding, other sentences and their moments of ending change nothing, in int8 neither."""
    engine = getattr(engines, weights)
    together = search(engine, [0, 1, 2, 3], beam=beam)
    for row in range(4):
        same([together[row]], search(engine, [row], beam=beam))
    turned = search(engine, [2, 0, 3, 1], beam=beam)
    same(turned, [together[row] for row in (2, 0, 3, 1)])


@pytest.mark.parametrize("weights", ["float32", "int8"])
def test_scores_are_the_engines_own_and_constraints_are_obeyed(engines: Recorded, weights: str) -> None:
    """Laws 5 to 7: each hypothesis said step by step has the score that search gave it."""
    engine = getattr(engines, weights)

    def no_four(log_probs: Any, tokens: Any) -> Any:
        assert (tokens[:, 0] == BOS).all()
        return np.where(np.arange(log_probs.shape[1]) == 4, -np.inf, log_probs)

    for constraints in ((), (no_four,)):
        for row, found in enumerate(search(engine, [0, 1], beam=5, constraints=constraints)):
            assert len({tuple(each.tokens) for each in found}) == 5
            assert not constraints or not any(4 in each.tokens for each in found)
            for each in found:
                assert each.log_probability == pytest.approx(said(engine, row, each.tokens), abs=1e-4)


@pytest.mark.parametrize("weights", ["float32", "int8"])
def test_draws_are_torchs_and_the_same_in_any_company(engines: Recorded, weights: str) -> None:
    """Laws 3 and 5, with rows that leave one by one."""
    flat = Sampling(temperature=3.0, min_p=0.0)

    def drawn(engine: Engine, rows: list[int]) -> list[list[Hypothesis]]:
        options: Any = {"limits": [LIMITS[row] for row in rows], "keys": [[row] for row in rows]}
        memory = engine.memory(*sentences(rows))
        return sample(engine.decoder, memory, bos=BOS, eos=EOS, count=9, sampling=flat, **options)

    engine = getattr(engines, weights)
    together = drawn(engine, [0, 1, 2, 3])
    assert len({len(each.tokens) for each in together[0]}) > 1
    for row in range(4):
        same([together[row]], drawn(engine, [row]))
        for each in together[row]:
            assert each.log_probability == pytest.approx(said(engine, row, each.tokens), abs=1e-4)
    if weights == "float32":
        same(together, drawn(engines.torch, [0, 1, 2, 3]))


def said(engine: Engine, row: int, tokens: list[int]) -> float:
    memory, state, total = engine.memory(*sentences([row])), None, 0.0
    for token, following in zip([BOS, *tokens], [*tokens, EOS], strict=True):
        out = engine.decoder(np.array([[token]]), memory, state)
        logits, state = out.logits[0, -1].astype(np.float64), out.state
        total += logits[following] - math.log(np.exp(logits).sum())
    return float(total)


def test_int8_is_near(engines: Recorded) -> None:
    """Rounding to 1/63 and 1/127 of the greatest loses little; and something, or it would not be int8."""
    first = engines.float32.memory(*sentences([0, 1])).logits
    rounded = engines.int8.memory(*sentences([0, 1])).logits
    difference = np.abs(first - rounded)
    assert 0 < difference.mean() < 0.1 * np.abs(first).mean()


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [2]])
def test_the_maps_are_what_torch_captures(engines: Recorded, rows: list[int]) -> None:
    source, mask = sentences(rows)
    target = np.random.default_rng(1).integers(4, 11, (len(rows), 6))
    target[:, 0] = BOS
    model = engines.torch.model.eval()
    with torch.inference_mode(), capture(model.decoder) as heard:
        model(*map(torch.from_numpy, (source, mask, target)))
    wanted = {f"decoder.{name}": maps.numpy() for name, maps in heard.items() if ".past" not in f".{name}"}
    for engine in (engines.torch, engines.float32, engines.int8):
        found = engine.maps(source, mask, target)
        assert list(found) == list(wanted)
        assert bool(found) == (engines.kind.score != "none")
        for name, maps in found.items():
            assert maps.shape == (len(rows), maps.shape[1], 6, source.shape[1])
            difference = np.abs(maps - wanted[name].reshape(maps.shape))
            assert difference.mean() < 0.03 if engine is engines.int8 else difference.max() < 1e-5
            assert maps.sum(-1) == pytest.approx(1, abs=1e-5)
            assert not np.where(mask[:, None, None], 0, maps).any(), "nothing looks at padding"


def test_an_empty_sentence_is_no_other(engines: Recorded) -> None:
    """What is fully masked is zeros, and no NaN, as in torch."""
    source, mask = sentences([0, 1])
    mask = mask & np.array([[True], [False]])
    for engine in (engines.float32, engines.int8):
        logits = engine.memory(source, mask).logits
        assert np.isfinite(logits).all()
        alone = engine.memory(source[1:, :1], mask[1:, :1]).logits
        np.testing.assert_allclose(logits[1:], alone, atol=1e-4)


def test_a_translation_may_be_longer_than_the_table_of_angles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "POSITIONS", 3)
    monkeypatch.setattr(recording, "POSITIONS", 3)
    model = make_model(KINDS[1])
    record(model, bos=BOS).save(tmp_path)
    engine = OnnxEngine(tmp_path)
    assert max(len(each.tokens) for each in search(engine, [0], beam=4)[0]) > 6
    same(search(engine, [0], beam=4), search(TorchEngine(model), [0], beam=4))


def test_hypotheses_share_what_there_is_of_their_sentence(engines: Recorded) -> None:
    """The memory has a row a sentence as long as its hypotheses stay together, and is right where not."""
    first = engines.float32.memory(*sentences([0, 1]))
    assert isinstance(first, First)
    one = repeat(first, 3)
    assert one.sentences.memory[0] is first.sentences.memory[0]
    kept = select(one, np.array([3, 4, 5]))
    assert [len(array) for array in kept.sentences.memory] == [1] * len(kept.sentences.memory)
    mixed = select(one, np.array([4, 0, 5, 2]))
    expected = select(first, np.array([1, 0, 1, 0]))
    tokens = np.array([[5], [6], [7], [8]])
    found, wanted = (
        engines.float32.decoder(tokens, memory, select(first.state, np.array([1, 0, 1, 0])))
        for memory in (mixed, expected)
    )
    np.testing.assert_allclose(found.logits, wanted.logits, atol=1e-5)


def test_more_layers_ask_for_no_more_sizes_and_say_what_torch_says(tmp_path: Path) -> None:
    one, two = (make_model(KINDS[1]._replace(layers=layers)) for layers in (1, 2))
    once, twice = record(one, bos=BOS), record(two, bos=BOS)
    asked = [sum(node.op_type == "Shape" for node in graphs.step.model.graph) for graphs in (once, twice)]
    assert 0 < asked[0] == asked[1]
    twice.save(tmp_path)
    rows = [0, 1, 2, 3]
    same(search(OnnxEngine(tmp_path), rows, beam=4), search(TorchEngine(two), rows, beam=4))


def test_a_step_says_the_likeliest_as_its_logits_do(engines: Recorded) -> None:
    for engine in (engines.float32, engines.int8):
        memory = repeat(engine.memory(*sentences([0, 1])), 2)
        tokens = np.array([[5], [6], [7], [8]])
        for state in (None, memory.state):
            by_logits, out = (engine.decoder(tokens, memory, state) for _ in range(2))
            expected = likeliest(log_softmax(by_logits.logits[:, -1]), 3, EOS)
            found = out.likeliest(3, EOS)
            assert (found.tokens == expected.tokens).all()
            np.testing.assert_allclose(found.log_probs, expected.log_probs, atol=1e-5)
            np.testing.assert_allclose(found.end, expected.end, atol=1e-5)
            for one, other in zip(leaves(out.state), leaves(by_logits.state), strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("told", "size", "threads"),
    [("", LARGE - 1, 1), ("", LARGE, 0), ("3", 5, 3), ("2,1", LARGE, 2), ("many", 5, 1), ("0", 5, 0)],
)
def test_small_graphs_are_run_by_one_thread_unless_more_are_asked_for(
    told: str, size: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert _threads(size) == threads


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_graph_that_is_none_is_a_mistake(tmp_path: Path, damage: bytes | None) -> None:
    if damage is not None:
        (tmp_path / "encoder.onnx").write_bytes(damage)
    with pytest.raises(Mistake, match=r"encoder\.onnx can't be run by ONNX Runtime"):
        OnnxEngine(tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("kind", [*PAIRS, *ASKING, *WIDTHS], ids=str)
def test_every_model_of_the_house_can_be_recorded(kind: Kind, tmp_path: Path) -> None:
    """All of them, as every law is tried on all of them; a few minutes."""
    engines = recorded(kind, tmp_path)
    for beam in (1, 4):
        same(search(engines.float32, [0, 1, 2, 3], beam=beam), search(engines.torch, [0, 1, 2, 3], beam=beam))
    first, rounded = (one.memory(*sentences([0, 1])).logits for one in (engines.float32, engines.int8))
    assert np.any(first != rounded)  # eight numbers a row, and two layers of them: not so near as wider ones
    assert np.corrcoef(first.ravel(), rounded.ravel())[0, 1] > 0.9
