"""Graphs that compare a few words with each other, not all: those that may follow from a sentence's source.

    source, mask                        -> few_words (U), few_allowed (B 1 U), few_weight (D U)
    few, few_weight, few_allowed        -> the step's likeliest tokens are places among the words

Jean et al. 2015, "On Using Very Large Target Vocabulary for Neural Machine Translation", section 3.2: the
commonest words and, of each source word, the likeliest translations. The words are those of the whole batch,
so that their weights are read once a step for all its rows. Of them a sentence may say only its own, where
`few_allowed` is 0 and not -inf: its translation does not depend on its batch. A step that is not told of
`few` compares all words, as before. No torch.
"""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

CHOSEN = ("logits", "best_log_probs", "best_tokens", "end_log_prob")  # what a step says of words


class _Nodes:
    """Nodes of a graph that are made one after the other."""

    def __init__(self, graph: Any) -> None:
        self.graph, self.made = graph, list[Any]()

    def node(
        self, kind: str, *inputs: Any, told: dict[str, Any] | None = None, outputs: int = 1, domain: str = ""
    ) -> Any:
        """Its output, or all of them where there are several; they have names of their own."""
        made = ir.node(kind, inputs, told, num_outputs=outputs, domain=domain)
        for place, value in enumerate(made.outputs):
            value.name = f"few_{len(self.made)}_{place}"
        self.made.append(made)
        return made.outputs[0] if outputs == 1 else made.outputs

    def constant(self, name: str, numbers: NDArray[Any]) -> Any:
        tensor = ir.tensor(numbers, name=name)
        kind, shape = ir.TensorType(tensor.dtype), ir.Shape(numbers.shape)
        value = ir.Value(name=name, shape=shape, type=kind, const_value=tensor)
        self.graph.initializers[name] = value
        return value

    def given(self, name: str, numbers: NDArray[Any], shape: list[Any]) -> Any:
        """An input, with a value of its own where none is given."""
        value = self.constant(name, numbers)
        value.shape = ir.Shape(shape)
        self.graph.inputs.append(value)
        return value

    def tell(self, name: str, value: Any, kind: Any, shape: list[Any]) -> None:
        """An output of the graph."""
        value.name, value.type, value.shape = name, ir.TensorType(kind), ir.Shape(shape)
        self.graph.outputs.append(value)


def can_list(model: Any) -> bool:
    """Whether the output layer is one product without a bias, as those of the library's decoders are."""
    product = _logits(model.graph).producer()
    biases = [value for value in product.inputs[6:] if value is not None]
    return bool(product.op_type == "MatMul" or (_rounded(product) and not biases))


def list_words(model: Any, likely: NDArray[np.int32], always: NDArray[np.int32], *, eos: int) -> None:
    """Let the first graph tell the words of a batch, in place.

    `likely` (V K) are those of each source piece, `always` those of any source; `eos` is one of them.
    """
    nodes = _Nodes(model.graph)
    node, constant = nodes.node, nodes.constant
    source, mask = model.graph.inputs[:2]
    product = _logits(model.graph).producer()
    words = _rows(nodes, product.inputs[1])
    size = words.shape[0]
    small = np.uint16 if size <= 1 << 16 else np.int32

    nothing = constant("few_nothing", np.array(len(likely)))  # what follows from padding
    likely = np.concatenate([likely, np.full_like(likely[:1], eos)])
    ids = node("Where", mask, source, nothing)
    rows = node("Gather", constant("few_likely", likely.astype(small)), ids)
    # A column a sentence: rows of columns are moved at once.
    places = node(
        "Flatten",
        node("Transpose", node("Cast", rows, told={"to": ir.DataType.INT64}), told={"perm": [1, 2, 0]}),
        told={"axis": 2},
    )
    zero = ir.tensor(np.zeros(1, dtype=np.float32))
    free = node("ConstantOfShape", node("Shape", places), told={"value": zero})
    batch = node("Shape", source, told={"start": 0, "end": 1})
    start = np.full((size, 1), -np.inf, dtype=np.float32)
    start[always] = 0
    wide = node("Concat", constant("few_one", np.array([1])), batch, told={"axis": 0})
    table = node("Expand", constant("few_start", start), wide)
    table = node("ScatterElements", table, places, free, told={"axis": 0})  # V B
    most = node("ReduceMax", table, constant("few_over", np.array([1])), told={"keepdims": 0})
    found = node("NonZero", node("Equal", most, constant("few_zero", np.array(0, dtype=np.float32))))
    chosen = node("Reshape", found, constant("few_flat", np.array([-1])))
    own = node("Transpose", node("Gather", table, chosen), told={"perm": [1, 0]})
    allowed = node("Unsqueeze", own, constant("few_axis", np.array([1])))
    weight = node("Transpose", node("Gather", words, chosen), told={"perm": [1, 0]})
    scales = node("Gather", product.inputs[3], chosen) if _rounded(product) else None
    model.graph.extend(nodes.made)
    nodes.tell("few_words", chosen, ir.DataType.INT64, ["u"])
    nodes.tell("few_allowed", allowed, ir.DataType.FLOAT, ["b", 1, "u"])
    nodes.tell("few_weight", weight, words.dtype, [words.shape[1], "u"])
    if scales is not None:
        nodes.tell("few_scales", scales, ir.DataType.FLOAT, ["u"])


def choose_among(model: Any) -> None:
    """Let a finished step choose among a batch's words where it is told of `few`, in place.

    Only one of the two ways is computed. The weights of all words are no input, so that ONNX Runtime goes on
    laying them out beforehand as it likes best.
    """
    graph = model.graph
    product = _logits(graph).producer()
    nodes = _Nodes(graph)
    whole = [product]
    for node in list(graph)[list(graph).index(product) + 1 :]:
        if any(value is not None and value.producer() in whole for value in node.inputs):
            whole.append(node)
    outputs = [next(value for value in graph.outputs if value.name == name) for name in CHOSEN]
    told = [(value.type, value.shape) for value in outputs]
    few = nodes.given("few", np.array(False), [])
    branch = _few_branch(nodes, product)
    for value in outputs:
        graph.outputs.remove(value)
        value.name = f"all_{value.name}"
    graph.remove(whole)
    choice = ir.node(
        "If",
        [few],
        {"then_branch": branch, "else_branch": ir.Graph([], outputs, nodes=whole, name="all")},
        num_outputs=len(CHOSEN),
    )
    graph.append(choice)
    for name, value, (kind, shape) in zip(CHOSEN, choice.outputs, told, strict=True):
        value.name, value.type, value.shape = name, kind, shape if name == "logits" else None
        graph.outputs.append(value)


def _few_branch(nodes: _Nodes, product: Any) -> Any:
    """The same as `finishing` does with all words, for rows of several sentences: B K U."""
    graph, weight = nodes.graph, product.inputs[1]
    inputs, width = [*product.inputs], weight.shape[0]
    inputs[1] = nodes.given("few_weight", np.zeros((width, 1), dtype=weight.dtype.numpy()), [width, "u"])
    allowed = nodes.given("few_allowed", np.zeros((1, 1, 1), dtype=np.float32), ["b", 1, "u"])
    if _rounded(product):
        inputs[3] = nodes.given("few_scales", np.zeros(1, dtype=np.float32), ["u"])
    apart = nodes.constant("few_apart", np.array([1, -1, 1]))
    logits = nodes.node(product.op_type, *inputs, domain=product.domain)
    shape = nodes.node("Mul", nodes.node("Shape", allowed), apart)  # B -1 U
    logits = nodes.node("Add", nodes.node("Reshape", logits, shape), allowed)
    log_probs = nodes.node("LogSoftmax", logits, told={"axis": -1})
    best, places = nodes.node("TopK", log_probs, graph.initializers["count"], outputs=2)
    end = nodes.node("Gather", log_probs, graph.initializers["end"], told={"axis": -1})
    for value in (logits, best, end):
        value.type = ir.TensorType(ir.DataType.FLOAT)
    places.type = ir.TensorType(ir.DataType.INT64)
    return ir.Graph([], [logits, best, places, end], nodes=nodes.made, name="few")


def _logits(graph: Any) -> Any:
    return next(value for value in graph.outputs if value.name == "logits")


def _rows(nodes: _Nodes, weight: Any) -> Any:
    """The output layer with a row a word (V D); the exporter has turned small ones already."""
    if weight.producer() is not None:
        return weight.producer().inputs[0]
    return nodes.constant("few_rows", np.ascontiguousarray(weight.const_value.numpy().T))


def _rounded(product: Any) -> bool:
    """Whether it is of numbers in eight bits, with scales (int8.py)."""
    return bool(product.op_type == "MatMulIntegerToFloat")
