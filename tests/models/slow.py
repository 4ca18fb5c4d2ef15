"""What models are made of, in NumPy and one vector at a time, for the goldens to be put together from.

`p` is what `numbers` makes of a module: its parameters, by name.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

Array = NDArray[np.float64]
Numbers = Mapping[str, Array]


def numbers(module: nn.Module) -> dict[str, Array]:
    """The parameters of a module."""
    return {name: value.numpy() for name, value in module.state_dict().items()}


def within(p: Numbers, name: str) -> dict[str, Array]:
    """The parameters of the part called `name`."""
    return {key.removeprefix(f"{name}."): value for key, value in p.items() if key.startswith(f"{name}.")}


def linear(p: Numbers, name: str, x: Array) -> Array:
    return p[f"{name}.weight"] @ x + p.get(f"{name}.bias", np.zeros(1))


def linear_or_nothing(p: Numbers, name: str, x: Array) -> Array:
    """For a layer that stands only where the widths differ."""
    return linear(p, name, x) if f"{name}.weight" in p else x


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def norm(p: Numbers, name: str, x: Array) -> Array:
    scaled = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
    return scaled * p[f"{name}.weight"] + p[f"{name}.bias"]


def embed(p: Numbers, token: int, name: str = "embedding") -> Array:
    """Of variance 1, out of a matrix of variance 1 / width."""
    matrix = p[f"{name}.weight"]
    return matrix[token] * np.sqrt(matrix.shape[1])


def energy(p: Numbers, score: str, query: Array, key: Array) -> float:
    match score:
        case "additive":
            inner = linear(p, "score.query", query) + linear(p, "score.key", key)
            return float(p["score.energy"] @ np.tanh(inner))
        case "general":
            return float(query @ linear(p, "score.key", key))
        case "scaled-dot":
            return float(query @ key / np.sqrt(len(key)))
    return float(query @ key)


def attend(p: Numbers, score: str, query: Array, keys: Sequence[Array], values: Sequence[Array]) -> Array:
    """The mean of the values, weighted by the softmax of how well their keys answer."""
    powers = [np.exp(energy(p, score, query, key)) for key in keys]
    mixed = [power / sum(powers) * value for power, value in zip(powers, values, strict=True)]
    return np.sum(mixed, 0)


def attend_with_heads(
    p: Numbers, score: str, heads: int, query: Array, keys: Sequence[Array], values: Sequence[Array]
) -> Array:
    """Each head in its own part of the projections, then all of them side by side through the output."""
    queries = np.split(linear(p, "query", query), heads)
    all_keys = [np.split(linear(p, "key", key), heads) for key in keys]
    all_values = [np.split(linear(p, "value", value), heads) for value in values]
    contexts = [
        attend(
            p, score, queries[head], [key[head] for key in all_keys], [value[head] for value in all_values]
        )
        for head in range(heads)
    ]
    return linear(p, "output", np.concatenate(contexts))


def lstm(gates: Array, cell: Array) -> tuple[Array, Array]:
    """Hidden and cell after a step; `gates` are W_x x + W_h h + b: input, forget, new and output."""
    into, forget, new, out = np.split(gates, 4)
    cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(new)
    return sigmoid(out) * np.tanh(cell), cell


def torch_gates(p: Numbers, layer: int, x: Array, hidden: Array) -> Array:
    """The gates of a layer of `nn.LSTM`."""
    return (
        p[f"weight_ih_l{layer}"] @ x
        + p[f"bias_ih_l{layer}"]
        + p[f"weight_hh_l{layer}"] @ hidden
        + p[f"bias_hh_l{layer}"]
    )


def start(p: Numbers, name: str, summary: Array, layers: int) -> tuple[list[Array], list[Array]]:
    """Hidden and cell of every layer before the first step."""
    parts = np.split(np.tanh(linear(p, name, summary)), 2 * layers)
    return parts[:layers], parts[layers:]
