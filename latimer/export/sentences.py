"""Where sentences end, as a graph that MiniSBD runs: Argos Translate then fetches nothing from a network.

Each character is given a weight for ending a sentence; a convolution adds what follows it (a space), and
takes away for spaces and points just before, since a point after one or two letters often abbreviates:

    end_i   if   ends_i + 4 space_{i+1} - before_{i-1} - before_{i-2} - before_{i-3} >= 8
"""

import json

import numpy as np

ENDS = {".": 4.0, "!": 7.0, "?": 7.0, "…": 7.0, "؟": 7.0, "।": 7.0, "。": 11.0, "！": 11.0, "？": 11.0}
_PADDING, _UNKNOWN, _SPACE = 0, 1, 4
_UNITS = ["<PAD>", "<UNK>", "<EMPTY>", "<ROOT>", " ", *ENDS]
_OPSET = 18


def splitter() -> bytes:
    """From `units` (B x N, of characters) to logits B x N x 5 of what ends there: 1 a token, 2 a sentence."""
    from onnx import TensorProto, helper, numpy_helper

    table = np.zeros((len(_UNITS), 3), np.float32)  # ends, space, before
    table[5:, 0] = list(ENDS.values())
    table[[_PADDING, _SPACE], 1] = 1
    table[[_PADDING, _SPACE, _UNITS.index(".")], 2] = 1
    kernel = np.zeros((1, 3, 5), np.float32)  # of the characters from i - 3 to i + 1
    kernel[0, 0, 3] = 1
    kernel[0, 1, 4] = 4
    kernel[0, 2, :3] = -1
    constants = {
        "around": np.array([0, 3, 0, 1]),
        "space": np.array(_SPACE),
        "table": table,
        "kernel": kernel,
        "sentence": np.array([[0, 0, 1, 0, 0]], np.float32),
        "others": np.array([-99, 0, -7.5, -99, -99], np.float32),
    }
    nodes = [
        helper.make_node("Pad", ["units", "around", "space"], ["padded"]),
        helper.make_node("Gather", ["table", "padded"], ["seen"]),
        helper.make_node("Transpose", ["seen"], ["channels"], perm=[0, 2, 1]),
        helper.make_node("Conv", ["channels", "kernel"], ["score"]),
        helper.make_node("Transpose", ["score"], ["scores"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["scores", "sentence"], ["placed"]),
        helper.make_node("Add", ["placed", "others"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "sentences",
        [
            helper.make_tensor_value_info("units", TensorProto.INT64, ["B", "N"]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["B", "N", "F"]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", "N", 5])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)
    ids = {unit: number for number, unit in enumerate(_UNITS)}
    helper.set_model_props(
        model,
        {
            "config": json.dumps({"feat_funcs": ["end_of_para"], "batch_size": 1}),
            "vocab": json.dumps({"lang": "", "idx": 0, "lower": False, "_unit2id": ids, "_id2unit": _UNITS}),
        },
    )
    return bytes(model.SerializeToString())
