"""What a finished graph says is the likeliest, against sorting everything."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
from numpy.typing import NDArray

from latimer.runtime.finishing import finish


def value(name: str, *shape: Any) -> Any:
    return ir.Value(name=name, shape=ir.Shape(shape), type=ir.TensorType(ir.DataType.FLOAT))


def chosen(folder: Path, values: NDArray[np.float32], count: int, end: int) -> list[NDArray[Any]]:
    """Of logits N V the best, their tokens, and the end, as a step says them."""
    given, logits = value("given", "n", 1, values.shape[1]), value("logits", "n", 1, values.shape[1])
    nodes = [ir.node("Identity", [given], outputs=[logits])]
    model = ir.Model(ir.Graph([given], [logits], nodes=nodes, opset_imports={"": 20}), ir_version=10)
    finish(model, positions=0)
    ir.save(model, folder / "step.onnx")
    session = onnxruntime.InferenceSession(folder / "step.onnx", providers=["CPUExecutionProvider"])
    asked = {"given": values[:, None], "count": np.array([count]), "end": np.array([end])}
    found = session.run(["best_log_probs", "best_tokens", "end_log_prob"], asked)
    return [array[:, 0] for array in found]


@pytest.mark.parametrize("words", [11, 512, 519, 520, 1024, 8000])
@pytest.mark.parametrize("count", [1, 5, 11])
def test_the_likeliest_are_those_of_a_sorted_row(tmp_path: Path, words: int, count: int) -> None:
    values = np.random.default_rng(words).normal(0, 3, (40, words)).astype(np.float32)
    log_probs = values - np.log(np.exp(values.astype(np.float64)).sum(-1, keepdims=True))
    best, tokens, end = chosen(tmp_path, values, count, 2)
    expected = np.argsort(-log_probs, -1, kind="stable")[:, :count]
    assert (tokens == expected).all()
    np.testing.assert_allclose(best, np.take_along_axis(log_probs, expected, -1), atol=1e-5)
    np.testing.assert_allclose(end[:, 0], log_probs[:, 2], atol=1e-5)


@pytest.mark.parametrize("count", [1, 5, 63, 64, 65, 300, 512])
def test_of_equals_as_many_are_said_as_are_asked_for_each_once(tmp_path: Path, count: int) -> None:
    """Of few different values, of one, and of more than there are piles."""
    values = np.random.default_rng(0).integers(0, 4, (40, 512)).astype(np.float32)
    values[0], values[1, 7:] = 0.0, -np.inf
    log_probs = values - np.log(np.exp(values.astype(np.float64)).sum(-1, keepdims=True))
    best, tokens, _ = chosen(tmp_path, values, count, 2)
    np.testing.assert_allclose(best, -np.sort(-log_probs, -1)[:, :count], atol=1e-5)
    np.testing.assert_allclose(best, np.take_along_axis(log_probs, tokens, -1), atol=1e-5)
    assert all(len(set(row)) == count for row in tokens.tolist())
