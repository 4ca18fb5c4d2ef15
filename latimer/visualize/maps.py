"""The attention map: what every picture is drawn from, and how its subword pieces become words."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import SupportsFloat, cast

MARK = "▁"  # sentencepiece writes it for the space before a word

# Scripts without spaces between words, and their punctuation: Thai, Lao, Tibetan, Burmese, Khmer, CJK.
# There a piece is all the word that can be had.
_SPACELESS = (
    (0x0E00, 0x0FFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0xA4CF),
    (0xF900, 0xFAFF),
    (0xFF00, 0xFFEF),
    (0x20000, 0x3FFFF),
)
_CONTROL = re.compile(r"</?[a-z]+>")
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True)
class AttentionMap:
    """How much each target position looked at each source position.

    `weights` is T x S, one row a target piece, numbers from 0 to 1: nested lists, a NumPy array or a tensor.
    They are kept as `rows`. ValueError where they don't fit the pieces, or are not weights.
    """

    source: Sequence[str]
    target: Sequence[str]
    weights: Iterable[Iterable[SupportsFloat]]
    title: str = ""

    def __post_init__(self) -> None:
        nested = self.weights.tolist() if hasattr(self.weights, "tolist") else self.weights
        rows = tuple(tuple(float(weight) for weight in row) for row in nested)
        if len(rows) != len(self.target) or any(len(row) != len(self.source) for row in rows):
            shape = f"{len(rows)} x {'/'.join(str(n) for n in sorted({len(row) for row in rows})) or 0}"
            raise ValueError(
                f"the weights are {shape}, but the map has {len(self.target)} target and "
                f"{len(self.source)} source pieces"
            )
        # A little more than 1 is what half precision makes of a sum.
        if not all(math.isfinite(weight) and -1e-6 <= weight <= 1.01 for row in rows for weight in row):
            raise ValueError(
                "attention weights must lie between 0 and 1: these have not been through softmax"
            )
        object.__setattr__(self, "source", list(self.source))
        object.__setattr__(self, "target", list(self.target))
        object.__setattr__(self, "weights", rows)

    @property
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """The weights, T rows of S numbers."""
        return cast(tuple[tuple[float, ...], ...], self.weights)


def words(pieces: AttentionMap) -> AttentionMap:
    """The map between words: weights are summed over a source word and averaged over a target word.

    So a row that sums to one still does. A piece that starts with "▁" starts a word; end-of-sentence and
    other `<...>` pieces stand alone, bytes such as `<0xC3>` are read as UTF-8, and scripts written without
    spaces keep their pieces. A side without any "▁" is left as it is.
    """
    source, source_groups = word_groups(pieces.source)
    target, target_groups = word_groups(pieces.target)
    rows = [
        [sum(pieces.rows[t][s] for t in word for s in seen) / len(word) for seen in source_groups]
        for word in target_groups
    ]
    return AttentionMap(source, target, rows, pieces.title)


def word_groups(pieces: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """The words that pieces make, and the places of the pieces of each."""
    groups = _groups(pieces)
    return _join(pieces, groups), groups


def _groups(pieces: Sequence[str]) -> list[list[int]]:
    """The positions that make each word."""
    if not any(piece.startswith(MARK) for piece in pieces):
        return [[position] for position in range(len(pieces))]
    groups: list[list[int]] = []
    for position, piece in enumerate(pieces):
        if groups and not _starts_word(pieces[position - 1], piece):
            groups[-1].append(position)
        else:
            groups.append([position])
    return groups


def _starts_word(before: str, piece: str) -> bool:
    if piece.startswith(MARK) or _CONTROL.fullmatch(piece) or _CONTROL.fullmatch(before):
        return True
    if before == MARK:
        return False
    return _spaceless(piece[:1]) or _spaceless(before[-1:])


def _spaceless(character: str) -> bool:
    return any(low <= ord(c) <= high for c in character for low, high in _SPACELESS)


def _join(pieces: Sequence[str], groups: Sequence[Sequence[int]]) -> list[str]:
    if all(len(group) == 1 for group in groups) and not any(piece.startswith(MARK) for piece in pieces):
        return list(pieces)
    return [_text([pieces[position] for position in group]) for group in groups]


def _text(pieces: Sequence[str]) -> str:
    encoded = b"".join(
        bytes.fromhex(byte[1]) if (byte := _BYTE.fullmatch(piece)) else piece.encode("utf-8", "replace")
        for piece in pieces
    )
    return encoded.decode("utf-8", "replace").removeprefix(MARK) or MARK
