"""Nested tensors that search selects from without knowing who made them.

A nest is a tensor with the batch first, `None`, or a (named) tuple of nests.
"""

from collections.abc import Callable
from typing import Any

from latimer.shapes import Int, Tensor

# What a nest is made of is its maker's affair, so its type says nothing.
Nest = Any


def map_nest(function: Callable[[Tensor], Tensor], nest: Nest) -> Nest:
    """The same nest with `function` applied to every tensor in it."""
    if nest is None:
        return None
    if isinstance(nest, Tensor):
        return function(nest)
    parts = [map_nest(function, part) for part in nest]
    return type(nest)(*parts) if hasattr(nest, "_fields") else tuple(parts)


def select(nest: Nest, rows: Int[Tensor, " N"]) -> Nest:
    """Row `rows[i]` of every tensor becomes row i."""
    return map_nest(lambda tensor: tensor.index_select(0, rows), nest)


def repeat(nest: Nest, times: int) -> Nest:
    """Every row `times` times, one after the other."""
    return nest if times == 1 else map_nest(lambda tensor: tensor.repeat_interleave(times, 0), nest)
