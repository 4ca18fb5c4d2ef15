"""Ids on disk: what is written is read, and a damaged store is never read."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.data import store as module
from latimer.data.store import TokenStore
from latimer.errors import Mistake

ROWS = [([5, 6, 7], [9]), ([], [4, 4]), ([8], [])]


def content(store: TokenStore) -> list[tuple[list[int], list[int]]]:
    return [(store.source(row).tolist(), store.target(row).tolist()) for row in range(len(store))]


ids = st.lists(st.integers(0, 69_999), max_size=6)


@settings(derandomize=True, max_examples=30, deadline=None)
@given(rows=st.lists(st.tuples(ids, ids), max_size=12))
def test_written_is_read(
    rows: list[tuple[list[int], list[int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("store")
    written = TokenStore.write(folder, iter(rows), vocabulary=70_000)
    for store in (written, TokenStore.open(folder), TokenStore.of(rows)):
        assert content(store) == rows
        assert store.source_lengths.tolist() == [len(source) for source, _ in rows]
        assert store.target_lengths.tolist() == [len(target) for _, target in rows]
        assert store.target_lengths.dtype == np.int32


def test_many_flushes_give_the_same_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUFFER", 2)
    assert content(TokenStore.write(tmp_path, ROWS * 7, vocabulary=10)) == ROWS * 7


@pytest.mark.parametrize(("vocabulary", "size"), [(8000, 2), (65_536, 2), (65_537, 4)])
def test_the_narrowest_ids(tmp_path: Path, vocabulary: int, size: int) -> None:
    last = vocabulary - 1
    store = TokenStore.write(tmp_path, [([last], [0, last])], vocabulary=vocabulary)
    assert (tmp_path / "target.ids").stat().st_size == 2 * size
    assert content(store) == [([last], [0, last])]


@pytest.mark.parametrize("wrong", [-1, 10, 70_000])
def test_an_id_outside_the_vocabulary_is_refused(tmp_path: Path, wrong: int) -> None:
    with pytest.raises(ValueError, match="outside the vocabulary of 10"):
        TokenStore.write(tmp_path, [([1], [wrong])], vocabulary=10)
    assert not list(tmp_path.iterdir())


def test_a_fault_while_writing_leaves_the_old_store(tmp_path: Path) -> None:
    def broken() -> Iterator[tuple[list[int], list[int]]]:
        yield [1], [2]
        raise Mistake("corpus.tsv:2: no tab")

    TokenStore.write(tmp_path, ROWS, vocabulary=10)
    with pytest.raises(Mistake, match="no tab"):
        TokenStore.write(tmp_path, broken(), vocabulary=10)
    assert content(TokenStore.open(tmp_path)) == ROWS
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    "name", ["source.ids", "source.offsets", "target.ids", "target.offsets", "store.json"]
)
def test_cut_or_missing_files_are_named(tmp_path: Path, name: str) -> None:
    TokenStore.write(tmp_path, ROWS, vocabulary=10)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(Mistake, match="no whole token store"):
        TokenStore.open(tmp_path)
    path.unlink()
    with pytest.raises(Mistake, match=name):
        TokenStore.open(tmp_path)


def test_offsets_that_do_not_fit_the_ids_are_refused(tmp_path: Path) -> None:
    TokenStore.write(tmp_path, ROWS, vocabulary=10)
    np.array([0, 3, 3, 9], dtype="<i8").tofile(tmp_path / "source.offsets")
    with pytest.raises(Mistake, match="damaged"):
        TokenStore.open(tmp_path)


@pytest.mark.parametrize("described", [[], {}, {"pairs": 3}, {"pairs": "x", "bytes_per_id": "x"}])
def test_a_strange_description_is_refused(tmp_path: Path, described: object) -> None:
    TokenStore.write(tmp_path, ROWS, vocabulary=10)
    (tmp_path / "store.json").write_text(json.dumps(described))
    with pytest.raises(Mistake, match="no whole token store"):
        TokenStore.open(tmp_path)


def test_no_store_where_a_file_stands(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(Mistake, match="cannot be made"):
        TokenStore.write(tmp_path / "taken", ROWS, vocabulary=10)


def test_rows_outside_are_errors() -> None:
    store = TokenStore.of(ROWS)
    for row in (-1, 3):
        with pytest.raises(IndexError):
            store.source(row)
