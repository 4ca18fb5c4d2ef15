"""Nested arrays that search selects from without knowing who made them.

A nest is an array with the batch first, of NumPy or of torch, or `None`, or a (named) tuple of nests. What
has NumPy's `take` and `repeat` is an array as well.
"""

from collections.abc import Callable, Sequence
from typing import Any

# What a nest is made of is its maker's affair, and so is whose arrays they are: their types say nothing.
Nest = Any
Array = Any


def is_torch(array: Array) -> bool:
    """Whether it is a tensor of torch's, which is not imported to find out."""
    return hasattr(array, "index_select")


def map_nest(function: Callable[[Array], Array], nest: Nest) -> Nest:
    """The same nest with `function` applied to every array in it."""
    if nest is None:
        return None
    if not isinstance(nest, tuple):
        return function(nest)
    parts = [map_nest(function, part) for part in nest]
    return type(nest)(*parts) if hasattr(nest, "_fields") else tuple(parts)


def leaves(nest: Nest) -> list[Array]:
    """Its arrays, in the order in which they stand."""
    if nest is None:
        return []
    return [leaf for part in nest for leaf in leaves(part)] if isinstance(nest, tuple) else [nest]


def with_leaves(nest: Nest, arrays: Sequence[Array]) -> Nest:
    """The same nest with other arrays in the places of its own."""
    left = iter(arrays)
    return map_nest(lambda _: next(left), nest)


def select(nest: Nest, rows: Array) -> Nest:
    """Row `rows[i]` of every array becomes row i; `rows` is of the arrays' own library."""
    return map_nest(lambda leaf: leaf.index_select(0, rows) if is_torch(leaf) else leaf.take(rows, 0), nest)


def repeat(nest: Nest, times: int) -> Nest:
    """Every row `times` times, one after the other."""
    if times == 1:
        return nest
    return map_nest(
        lambda leaf: leaf.repeat_interleave(times, 0) if is_torch(leaf) else leaf.repeat(times, 0),
        nest,
    )
