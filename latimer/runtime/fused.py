"""Attentions as the few nodes that ONNX Runtime has for them, in the places of those that are a dozen each.

Where a sentence has several hypotheses, all of them ask the keys of that sentence: memory has a row a
sentence, a step's tokens and state a row a hypothesis, those of one sentence one after the other.
"""

from typing import Any

import torch
from torch import nn

from latimer.models.base import Seq2Seq, source_attentions
from latimer.models.blocks import BlockDecoder
from latimer.models.lstm import RecurrentDecoder
from latimer.nn.attention import Attention, Dot, MultiHead
from latimer.nn.blocks import PastAttention, Seen, SelfAttention
from latimer.runtime.graphs import angles
from latimer.shapes import Bool, Float, Tensor

POSITIONS = 512  # of these a step's graph holds the angles; for longer translations it is given them
UNIT = 16  # the node that attends to the past wants heads of a multiple of this width


def asks_by_sentence(model: Seq2Seq) -> bool:
    """Whether the decoder looks at memory by attentions only, so that hypotheses can share a row of it."""
    return bool(source_attentions(model)) and isinstance(model.decoder, BlockDecoder | RecurrentDecoder)


def fuse(model: Seq2Seq) -> Seq2Seq:
    """The model with such attentions in their places."""
    for name, attention in source_attentions(model).items():
        _put(model, name, SourceAttention(attention))
    tables: dict[int, Angles] = {}
    for name, module in list(model.named_modules()):
        if isinstance(module, SelfAttention):
            _put(model, name, FusedSelf(module.attention))
        elif isinstance(module, PastAttention) and (width := _width(module.attention)) % UNIT == 0:
            _put(model, name, FusedPast(module.attention, tables.setdefault(width, Angles(width))))
    return model


def _put(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, place = name.rpartition(".")
    setattr(model.get_submodule(parent), place, module)


def _width(attention: MultiHead) -> int:
    return attention.query.out_features // attention.heads


class SourceAttention(nn.Module):
    """An attention over the source, each row of whose keys is asked by one or more rows of queries."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.attention: Any = attention
        self.several = isinstance(attention, MultiHead) and isinstance(attention.score, Dot)

    def prepare(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        keys_there, values_there = self.attention.prepare(keys, values)
        if self.several:  # the node gives equal weights where all is masked: there the values are 0
            values_there = values_there * keys.abs().amax((1, 2)).sign()[:, None, None, None]
        return keys_there, values_there

    def forward(
        self,
        query: Float[Tensor, "N 1 Q"],
        keys: Float[Tensor, "B *H S A"],
        values: Float[Tensor, "B *H S V"],
        mask: Bool[Tensor, "B 1 S"],
    ) -> Float[Tensor, "N 1 V"]:
        if not self.several:
            return _apart(self.attention(_together(query, keys), keys, values, mask), query)
        attention = self.attention
        width = _width(attention)
        query = _together(attention.query(query), keys)
        scores = (query.shape[0], attention.heads, query.shape[1], keys.shape[2])
        found, _, _, masked = torch.onnx.ops.symbolic_multi_out(
            "com.microsoft::MultiHeadAttention",
            [query, keys, values, None, mask[:, 0].int()],
            {"num_heads": attention.heads, "scale": attention.score.scale(width), "mask_filter_value": -1e9},
            dtypes=(query.dtype,) * 4,
            shapes=(query.shape, keys.shape, values.shape, scores),
            version=1,
        )
        attention.softmax(masked, None)  # for whoever listens; else it is left out
        return attention.output(_apart(found, query))


def _together(query: Float[Tensor, "N 1 Q"], keys: Tensor) -> Float[Tensor, "B K Q"]:
    """The queries of one sentence in one row."""
    return query.reshape(keys.shape[0], -1, query.shape[-1])


def _apart(found: Float[Tensor, "B K V"], query: Tensor) -> Float[Tensor, "N 1 V"]:
    return found.reshape(-1, 1, found.shape[-1])


class FusedSelf(nn.Module):
    """`SelfAttention`, its three projections one product."""

    def __init__(self, attention: MultiHead) -> None:
        super().__init__()
        self.heads, self.joined, self.output = attention.heads, _joined(attention), attention.output
        self.width = _width(attention)

    def forward(self, inputs: Float[Tensor, "B S D"], mask: Bool[Tensor, "B S"]) -> Float[Tensor, "B S D"]:
        packed = self.joined(inputs)
        size = packed.shape[-1] // 3
        both, values = packed[..., : 2 * size], packed[..., 2 * size :]
        half = self.width // 2
        frequencies = (10_000 ** (-torch.arange(half, dtype=torch.float64) / half)).float()
        turned = torch.arange(inputs.shape[1], dtype=torch.float32)[:, None] * frequencies
        both = torch.onnx.ops.symbolic(
            "com.microsoft::RotaryEmbedding",
            [both, torch.zeros(1, dtype=torch.long), turned.cos(), turned.sin()],
            {"num_heads": 2 * self.heads},
            dtype=both.dtype,
            shape=both.shape,
            version=1,
        )
        query, keys = both.chunk(2, -1)
        found = torch.onnx.ops.symbolic(
            "com.microsoft::MultiHeadAttention",
            [query, keys, values, None, mask.int()],
            {"num_heads": self.heads, "mask_filter_value": -1e9},
            dtype=query.dtype,
            shape=query.shape,
            version=1,
        )
        return self.output(found)


class FusedPast(nn.Module):
    """`PastAttention` of one position: one node turns it, puts it beside those before and asks all."""

    def __init__(self, attention: MultiHead, table: "Angles") -> None:
        super().__init__()
        self.heads, self.joined, self.output = attention.heads, _joined(attention), attention.output
        self.width, self.table = _width(attention), table

    def start(self, summary: Float[Tensor, "B D"]) -> None:
        return None

    def forward(
        self, inputs: Float[Tensor, "N 1 D"], state: Seen | None
    ) -> tuple[Float[Tensor, "N 1 D"], Seen]:
        packed = self.joined(inputs)
        if state is None:  # the first position is not turned, and sees only itself
            _, keys, values = packed.chunk(3, -1)
            return self.output(values), Seen(self._split(keys), self._split(values))
        rows, heads, before, width = state.keys.shape
        shape = (rows, heads, before + 1, width)
        found, keys, values = torch.onnx.ops.symbolic_multi_out(
            "com.microsoft::GroupQueryAttention",
            [
                *(packed, None, None, *state),
                torch.full((rows,), before, dtype=torch.int32),
                torch.full((1,), before + 1, dtype=torch.int32),
                *(self.table.cos, self.table.sin),
            ],
            {"num_heads": heads, "kv_num_heads": heads, "do_rotary": 1},
            dtypes=(packed.dtype,) * 3,
            shapes=((rows, 1, heads * width), shape, shape),
            version=1,
        )
        return self.output(found), Seen(keys, values)

    def _split(self, vectors: Float[Tensor, "N 1 D"]) -> Float[Tensor, "N H 1 V"]:
        return vectors.reshape(-1, self.heads, 1, self.width)


def _joined(attention: MultiHead) -> nn.Linear:
    """Queries, keys and values in one product."""
    parts = (attention.query, attention.key, attention.value)
    joined: Any = nn.Linear(attention.query.in_features, 3 * attention.query.out_features)
    joined.reach = getattr(attention.query, "reach", None)  # see int8.py
    with torch.no_grad():
        joined.weight.copy_(torch.cat([part.weight for part in parts]))
        joined.bias.copy_(torch.cat([part.bias for part in parts]))
    return joined


class Angles(nn.Module):
    """Cosines and sines for `rotate`, a position a row: an input of the graph, with a value of its own."""

    cos: Tensor
    sin: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        for name, values in zip(("cos", "sin"), angles(width, POSITIONS), strict=True):
            self.register_buffer(name, torch.from_numpy(values))
