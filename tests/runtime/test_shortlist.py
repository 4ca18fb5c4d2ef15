"""A list of words for each sentence: search over it is search over all, but for what the list leaves out."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
import torch
from models.grid import FAMILIES, Kind
from numpy.typing import NDArray

from latimer.models.base import Seq2Seq
from latimer.runtime.agreement import Agreement
from latimer.runtime.engine import Engine
from latimer.runtime.graphs import OnnxEngine
from latimer.runtime.recording import record
from latimer.runtime.shortlist import can_list, choose_among, list_words
from latimer.search.beam import Hypothesis, beam_search
from latimer.search.sampling import Sampling, sample

BOS, EOS, WORDS = 1, 2, 11
LENGTHS, LIMITS = [6, 4, 1, 3], [9, 6, 4, 1]
USUAL = [("lstm", "lstm-parallel"), ("transformer", "transformer")]
KINDS = [
    pytest.param(Kind(*family), marks=() if family in USUAL else pytest.mark.full, id="-".join(family))
    for family in FAMILIES
]
LIKELY = np.random.default_rng(3).choice([EOS, *range(4, WORDS)], (WORDS, 1)).astype(np.int32)
ALWAYS = np.array([EOS, 3], dtype=np.int32)
EVERY = np.arange(WORDS, dtype=np.int32)
MakeModel = Callable[..., Seq2Seq]


class Listed(NamedTuple):
    """The same model without a list, with one of few words, and with one that holds all."""

    all: OnnxEngine
    few: OnnxEngine
    every: OnnxEngine
    folder: Path


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(scope="module", params=["float32", "int8"])
def engines(kind: Kind, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Listed:
    from latimer.config import ModelConfig
    from latimer.models.build import build

    torch.manual_seed(1)
    config = ModelConfig(
        encoder=kind.encoder,
        decoder=kind.decoder,
        embedding=8,
        width=8,
        encoder_layers=1,
        decoder_layers=1,
        encoder_heads=2,
        decoder_heads=2 if kind.decoder in ("lstm-parallel", "transformer") else 1,
    )
    model = build(config, source_vocabulary=WORDS, target_vocabulary=WORDS, joint=True).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5).add_(torch.randn_like(parameter), alpha=0.2)
    folder = tmp_path_factory.mktemp("listed")
    record(model, bos=BOS, weights=request.param).save(folder / "all")
    for name, always in (("few", ALWAYS), ("every", EVERY)):
        encoder, step = (ir.load(folder / "all" / f"{part}.onnx") for part in ("encoder", "step"))
        list_words(encoder, LIKELY, always, eos=EOS)
        choose_among(step)
        (folder / name).mkdir()
        ir.save(encoder, folder / name / "encoder.onnx")
        ir.save(step, folder / name / "step.onnx")
    return Listed(*(OnnxEngine(folder / name) for name in ("all", "few", "every")), folder)


def sentences(rows: list[int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Padding is a token like any other, so that it would show."""
    source = np.random.default_rng(0).integers(4, WORDS, (len(LENGTHS), max(LENGTHS)))
    lengths = np.array(LENGTHS)[rows]
    source = source[rows, : lengths.max()]
    return source, np.arange(source.shape[1]) < lengths[:, None]


def listed(row: int) -> set[int]:
    source, mask = sentences([row])
    return {*LIKELY[source[mask]].ravel().tolist(), *ALWAYS.tolist()}


def search(engine: Engine, rows: list[int], **options: Any) -> list[list[Hypothesis]]:
    limits = [LIMITS[row] for row in rows]
    memory = engine.memory(*sentences(rows))
    return beam_search(engine.decoder, memory, limits=limits, bos=BOS, eos=EOS, **options)


def same(found: list[list[Hypothesis]], expected: list[list[Hypothesis]]) -> None:
    for some, its in zip(found, expected, strict=True):
        assert [one.tokens for one in some] == [one.tokens for one in its]
        assert [one.score for one in some] == pytest.approx([one.score for one in its], abs=1e-4)


@pytest.mark.parametrize("beam", [1, 4])
def test_a_list_of_all_words_changes_nothing(engines: Listed, beam: int) -> None:
    rows = [0, 1, 2, 3]
    same(search(engines.every, rows, beam=beam), search(engines.all, rows, beam=beam))


@pytest.mark.parametrize("beam", [1, 3])
def test_a_search_is_one_in_which_only_the_words_of_the_sentence_exist(engines: Listed, beam: int) -> None:
    together = search(engines.few, [0, 1, 2, 3], beam=beam)
    for row, found in enumerate(together):
        inside = np.isin(np.arange(WORDS), list(listed(row)))
        assert not inside.all()

        def only(log_probs: Any, tokens: Any, inside: Any = inside) -> Any:
            kept = np.where(inside, log_probs, -np.inf)
            return kept - np.log(np.exp(kept).sum(-1, keepdims=True))

        same([found], search(engines.all, [row], beam=beam, constraints=[only]))
    assert len({frozenset(listed(row)) for row in range(4)}) > 1


@pytest.mark.parametrize("beam", [1, 3, 40])
def test_a_batch_finds_what_each_sentence_finds_alone(engines: Listed, beam: int) -> None:
    """Also where sentences end one by one, and with more hypotheses than there are words."""
    together = search(engines.few, [0, 1, 2, 3], beam=beam)
    for row in range(4):
        same([together[row]], search(engines.few, [row], beam=beam))
    same(search(engines.few, [2, 0, 3, 1], beam=beam), [together[row] for row in (2, 0, 3, 1)])


def test_whoever_asks_for_all_words_gets_them(engines: Listed) -> None:
    """Constraints, what watches, small beams kept apart and draws: as without a list."""
    rows = [0, 1, 2, 3]
    moves: dict[str, list[Any]] = {"all": [], "few": []}
    for options in ({"constraints": [lambda log_probs, tokens: log_probs]}, {"beam": 3, "diversity": 0.5}):
        same(search(engines.few, rows, **options), search(engines.all, rows, **options))
    for name, told in moves.items():
        search(getattr(engines, name), rows, watch=told.append)
    for one, other in zip(*moves.values(), strict=True):
        assert one.log_probs.shape[1] == WORDS
        np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-4)
    draws = [
        sample(
            engine.decoder,
            engine.memory(*sentences(rows)),
            limits=LIMITS,
            bos=BOS,
            eos=EOS,
            count=5,
            keys=[[row] for row in rows],
            sampling=Sampling(temperature=3.0, min_p=0.0),
        )
        for engine in (engines.few, engines.all)
    ]
    same(*draws)


def test_maps_are_what_they_were(engines: Listed) -> None:
    target = np.array([[BOS, 4, 5], [BOS, 6, 7]])
    found = engines.few.maps(*sentences([0, 1]), target)
    for name, maps in engines.all.maps(*sentences([0, 1]), target).items():
        np.testing.assert_allclose(found[name], maps, atol=1e-5)


def test_a_program_that_knows_of_no_list_runs_the_graphs(engines: Listed) -> None:
    """As docs/greedy.py: only what it knows is given, and asked for."""
    said = []
    source, mask = sentences([0, 1])
    for name in ("all", "few"):
        encoder, step = (
            onnxruntime.InferenceSession(
                engines.folder / name / f"{part}.onnx", providers=["CPUExecutionProvider"]
            )
            for part in ("encoder", "step")
        )
        inputs = [one.name for one in step.get_inputs() if one.name.startswith(("memory_", "state_"))]
        found = encoder.run(inputs, {"source": source, "mask": mask})
        given = {"tokens": np.array([[4], [5]]), **dict(zip(inputs, found, strict=True))}
        said.append(step.run(["logits", "best_tokens"], given))
    for one, other in zip(*said, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_graphs_without_a_list_beside_such_as_have_one(engines: Listed, tmp_path: Path) -> None:
    """A step can do without: a folder's graphs are sealed together, but an older encoder tells of no list."""
    for part, name in (("encoder", "all"), ("step", "few")):
        shutil.copy(engines.folder / name / f"{part}.onnx", tmp_path)
    same(search(OnnxEngine(tmp_path), [0, 1], beam=3), search(engines.all, [0, 1], beam=3))


@pytest.mark.parametrize("kind", ["MatMul", "Gemm", "Add", "MatMulIntegerToFloat"])
@pytest.mark.parametrize("biased", [False, True])
def test_an_output_layer_with_a_bias_has_no_list(kind: str, biased: bool) -> None:
    told = [ir.Value(name=f"given_{place}") for place in range(7)]
    inputs: list[Any] = told if biased else told[:5]
    nodes = [ir.node(kind, inputs, outputs=[ir.Value(name="logits")])]
    model = ir.Model(ir.Graph(told, nodes[0].outputs, nodes=nodes), ir_version=10)
    assert can_list(model) == (kind == "MatMul" or (kind == "MatMulIntegerToFloat" and not biased))


def test_agreement_is_the_share_of_likeliest_words_that_are_listed(engines: Listed, kind: Kind) -> None:
    rows = [0, 1, 2, 3]
    counting = Agreement(engines.few)
    found = search(counting, rows, beam=1)
    same(found, search(engines.all, rows, beam=1))
    told: list[Any] = []
    search(engines.all, rows, beam=1, watch=told.append)
    chosen = [
        (row, int(log_probs.argmax()))
        for before, move in zip([None, *told], told, strict=False)
        for row, log_probs in zip(
            move.sentence if before is None else before.sentence[~before.done.all(1)],
            move.log_probs,
            strict=True,
        )
    ]
    expected = np.mean([word in listed(int(row)) for row, word in chosen])
    assert counting.share == pytest.approx(expected)
    assert counting.share < 1 or (kind.encoder, kind.decoder) not in USUAL
    counting = Agreement(engines.every)
    search(counting, rows, beam=1)
    assert counting.share == 1
