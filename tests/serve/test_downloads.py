"""Translated documents are found by whoever has the name, for a while, and by no one else."""

import time

import pytest

from latimer.serve.downloads import HOUR, Downloads


def test_a_name_is_not_guessed_and_holds_no_path() -> None:
    downloads = Downloads()
    names = [downloads.keep(b"x", suffix) for suffix in (".txt", ".txt", "/../x", ".x/y")]
    assert len(set(names)) == 4
    assert all(len(name) >= 32 and "/" not in name for name in names)
    assert names[0].endswith(".txt")
    assert "." not in names[2] + names[3]


def test_the_oldest_make_room_and_all_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = Downloads(most=10)
    first, second, third = (downloads.keep(bytes([k]) * 5, ".txt") for k in range(3))
    assert [downloads.get(name) for name in (first, second, third)] == [None, b"\1" * 5, b"\2" * 5]
    big = downloads.keep(b"x" * 50, ".txt")
    assert downloads.get(big) == b"x" * 50
    assert downloads.get(third) is None
    now = time.monotonic()
    monkeypatch.setattr("latimer.serve.downloads.time.monotonic", lambda: now + HOUR + 1)
    assert downloads.get(big) is None
