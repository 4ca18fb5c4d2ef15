"""Sentence pairs as ids, in flat files that are memory-mapped: a corpus may be larger than memory.

A side is two files: all ids end to end (uint16; uint32 for over 65,536 ids), and N + 1 offsets (int64):
sentence i is ids[offsets[i]:offsets[i + 1]]. `store.json`, written last, says what they must hold.
"""

import json
from array import array
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.errors import Mistake
from latimer.files import write_whole, written_whole

Ids = NDArray[np.unsignedinteger[Any]]
Row = tuple[Sequence[int], Sequence[int]]

_BUFFER = 1 << 20
"""Ids, or offsets, that are gathered before they are written."""


class Side(NamedTuple):
    """All sentences of one side: `ids` end to end, and the N + 1 `offsets` between them."""

    ids: Ids
    offsets: NDArray[np.int64]


class TokenStore:
    """N sentence pairs as ids. Made by `write` and `open` (files), or `of` (in memory)."""

    def __init__(self, sources: Side, targets: Side) -> None:
        self.sources = sources
        self.targets = targets

    def __len__(self) -> int:
        return len(self.sources.offsets) - 1

    def source(self, row: int) -> Ids:
        """The ids of one source sentence, without specials."""
        return _sentence(self.sources, row)

    def target(self, row: int) -> Ids:
        return _sentence(self.targets, row)

    @cached_property
    def source_lengths(self) -> NDArray[np.int32]:
        return np.diff(self.sources.offsets).astype(np.int32)

    @cached_property
    def target_lengths(self) -> NDArray[np.int32]:
        return np.diff(self.targets.offsets).astype(np.int32)

    @property
    def seen(self) -> int:
        """Ids of the longest sources of which training sees enough: some dozens are longer, 1 % at most."""
        longer = float(np.clip(30 / max(1, len(self)), 0.0001, 0.01))
        return int(np.quantile(self.source_lengths, 1 - longer, method="higher")) if len(self) else 0

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "TokenStore":
        """A store in memory, for small things."""
        pairs = list(rows)
        return cls(_side([source for source, _ in pairs]), _side([target for _, target in pairs]))

    @classmethod
    def write(cls, folder: Path, rows: Iterable[Row], *, vocabulary: int) -> "TokenStore":
        """Stream rows of (source ids, target ids) into `folder`, and open what was written.

        Memory stays constant. A fault before all rows are read leaves the store that was there.
        Raises Mistake when the disk is full, ValueError for an id outside the vocabulary.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Mistake(f"{folder} cannot be made ({error.strerror}); choose another folder.") from None
        with ExitStack() as files:
            sides = [
                _SideWriter(
                    files.enter_context(written_whole(folder / f"{side}.ids")),
                    files.enter_context(written_whole(folder / f"{side}.offsets")),
                    vocabulary,
                )
                for side in ("source", "target")
            ]
            count = 0
            for source, target in rows:
                sides[0].add(source)
                sides[1].add(target)
                count += 1
            for side in sides:
                side.flush()
            # Without its description the folder holds no store: the files change their names unobserved.
            (folder / "store.json").unlink(missing_ok=True)
        described = {
            "pairs": count,
            "bytes_per_id": _dtype(vocabulary).itemsize,
            "source_tokens": sides[0].total,
            "target_tokens": sides[1].total,
        }
        write_whole(folder / "store.json", json.dumps(described, indent=2).encode() + b"\n")
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "TokenStore":
        """Map the files of a written store. Raises Mistake when one is missing or cut short."""
        folder = Path(folder)
        try:
            described = json.loads((folder / "store.json").read_text(encoding="utf-8"))
            dtype = np.dtype(f"<u{described['bytes_per_id']}")
            sides = [
                Side(
                    _mapped(folder / f"{side}.ids", dtype, described[f"{side}_tokens"]),
                    _mapped(folder / f"{side}.offsets", np.dtype("<i8"), described["pairs"] + 1),
                )
                for side in ("source", "target")
            ]
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise Mistake(
                f"{folder} holds no whole token store ({error}); delete it, it is made again."
            ) from None
        for side in sides:
            if side.offsets[0] != 0 or side.offsets[-1] != len(side.ids):
                raise Mistake(f"{folder} holds a damaged token store; delete it, it is made again.")
        return cls(*sides)


class _SideWriter:
    """Gathers one side's ids and offsets, and writes them in large pieces."""

    def __init__(self, ids: IO[bytes], offsets: IO[bytes], vocabulary: int) -> None:
        self.total = 0
        self._ids, self._offsets = ids, offsets
        self._vocabulary = vocabulary
        self._new_ids = array("q")
        self._new_offsets = array("q", [0])

    def add(self, sentence: Sequence[int]) -> None:
        self._new_ids.extend(sentence)
        self.total += len(sentence)
        self._new_offsets.append(self.total)
        if len(self._new_ids) >= _BUFFER or len(self._new_offsets) >= _BUFFER:
            self.flush()

    def flush(self) -> None:
        ids = np.array(self._new_ids, dtype=np.int64)
        if len(ids) and not 0 <= ids.min() <= ids.max() < self._vocabulary:
            raise ValueError(
                f"an id is outside the vocabulary of {self._vocabulary}: {ids.min()} to {ids.max()}"
            )
        self._ids.write(ids.astype(_dtype(self._vocabulary)).tobytes())
        self._offsets.write(np.array(self._new_offsets, dtype="<i8").tobytes())
        self._new_ids, self._new_offsets = array("q"), array("q")


def _dtype(vocabulary: int) -> np.dtype[Any]:
    return np.dtype("<u2" if vocabulary <= 1 << 16 else "<u4")


def _sentence(side: Side, row: int) -> Ids:
    if not 0 <= row < len(side.offsets) - 1:
        raise IndexError(f"row {row} of {len(side.offsets) - 1}")
    return side.ids[side.offsets[row] : side.offsets[row + 1]]


def _side(sentences: list[Sequence[int]]) -> Side:
    offsets = np.zeros(len(sentences) + 1, dtype=np.int64)
    np.cumsum([len(sentence) for sentence in sentences], out=offsets[1:])
    ids = np.array([number for sentence in sentences for number in sentence], dtype=np.uint32)
    return Side(ids, offsets)


def _mapped(path: Path, dtype: np.dtype[Any], length: int) -> Any:
    if path.stat().st_size != length * dtype.itemsize:
        raise ValueError(
            f"{path.name} is {path.stat().st_size} bytes and should be {length * dtype.itemsize}"
        )
    # An empty file cannot be mapped.
    return np.memmap(path, dtype=dtype, mode="r", shape=(length,)) if length else np.zeros(0, dtype=dtype)
