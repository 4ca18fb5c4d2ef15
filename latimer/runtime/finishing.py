"""What is done to graphs after a model was recorded: less is computed, and less leaves them. Of a step:

    count, end          -> best_log_probs, best_tokens (N 1 `count`), end_log_prob (N 1 1) of the token `end`

Both inputs have a value of their own (1 and 0) where none is given; so have `cos` and `sin`, the angles of
positions, which become inputs. No torch.
"""

from typing import Any

import numpy as np
import onnx_ir as ir
from onnx_ir.passes.common import CommonSubexpressionEliminationPass

PILE = 8  # words of which only the likeliest is compared with others first, as in search/arrays.py
FEW = 64  # piles are not worth while
KEYS = {"MultiHeadAttention": 1, "GroupQueryAttention": 3}  # which input of an attention they are


def finish(model: Any, *, positions: int) -> None:
    """Do it to the model of a step, in place; `positions` is how many the angles are of, if there are any."""
    graph = model.graph
    for name in ("cos", "sin"):
        for number in [value for key, value in graph.initializers.items() if key.endswith(f".{name}")]:
            del graph.initializers[number.name]
            number.name, number.shape = name, ir.Shape(["positions", *number.shape[1:]])
            model.metadata_props["positions"] = str(positions)
            graph.initializers[name] = number
            graph.inputs.append(number)
    _choose(graph)


def ask_once(model: Any) -> None:
    """Let the first layer be asked for sizes that all have, and compute once what follows from them.

    Those of what one kind of attention looks at: of all layers it has as many rows, heads and positions.
    """
    alike: dict[Any, Any] = {}
    first: dict[str, Any] = {}
    for node in model.graph:
        if (place := KEYS.get(node.op_type)) is not None:
            keys = node.inputs[place]
            alike[keys] = first.setdefault(node.op_type, keys)
    for node in model.graph:
        if node.op_type == "Shape" and node.inputs[0] in alike:
            node.replace_input_with(0, alike[node.inputs[0]])
    CommonSubexpressionEliminationPass()(model)


def spare_copies(model: Any) -> None:
    """Leave without a name what stands before the scores of an attention: copies of its keys and values."""
    for node in model.graph:
        if node.op_type == "MultiHeadAttention":
            for value in node.outputs[1:3]:
                value.name = ""


def _choose(graph: Any) -> None:
    """Let a step say the likeliest tokens too, so that not all need to leave it."""
    logits = next(value for value in graph.outputs if value.name == "logits")
    count, end = _constant(graph, "count", 1), _constant(graph, "end", 0)
    graph.inputs.extend([count, end])
    log_probs = _node(graph, "LogSoftmax", [logits], axis=-1)[0]
    among = _candidates(graph, log_probs, count, logits.shape[-1])
    if among is None:
        best, tokens = _node(graph, "TopK", [log_probs, count], outputs=2)
    else:
        some = _node(graph, "GatherElements", [log_probs, among], axis=-1)[0]
        best, places = _node(graph, "TopK", [some, count], outputs=2)
        tokens = _node(graph, "GatherElements", [among, places], axis=-1)[0]
    said = _node(graph, "Gather", [log_probs, end], axis=-1)[0]
    for value, name in ((best, "best_log_probs"), (tokens, "best_tokens"), (said, "end_log_prob")):
        value.name = name
        value.type = ir.TensorType(ir.DataType.INT64 if value is tokens else ir.DataType.FLOAT)
        graph.outputs.append(value)


def _candidates(graph: Any, log_probs: Any, count: Any, words: int) -> Any | None:
    """A few words among which the `count` likeliest are; None where all are few.

    Outside of the `count` piles of the greatest peaks nothing is greater than these peaks.
    """
    piles, rest = divmod(words, PILE)
    if rest or piles < FEW:
        return None
    heaped = _node(graph, "Reshape", [log_probs, _constant(graph, "heaped", 0, 0, PILE, piles)])[0]
    peaks = _node(graph, "ReduceMax", [heaped, _constant(graph, "over", 2)])[0]
    most = _node(graph, "Min", [count, _constant(graph, "piles", piles)])[0]
    _, highest = _node(graph, "TopK", [peaks, most], outputs=2)
    members = _constant(graph, "members", *([member * piles] for member in range(PILE)))
    among = _node(graph, "Add", [highest, members])[0]
    return _node(graph, "Reshape", [among, _constant(graph, "flat", 0, 0, -1)])[0]


def _constant(graph: Any, name: str, *numbers: Any) -> Any:
    tensor = ir.tensor(np.array(numbers, dtype=np.int64), name=name)
    kind, shape = ir.TensorType(ir.DataType.INT64), ir.Shape([len(numbers)])
    value = ir.Value(name=name, shape=shape, type=kind, const_value=tensor)
    graph.initializers[name] = value
    return value


def _node(graph: Any, kind: str, inputs: list[Any], *, outputs: int = 1, axis: int | None = None) -> Any:
    """A node at the end of the graph: its outputs."""
    made = ir.node(kind, inputs, {} if axis is None else {"axis": axis}, num_outputs=outputs)
    graph.append(made)
    return made.outputs
