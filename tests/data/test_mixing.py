"""Corpora by weight and temperature: how often each pair is seen."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latimer.config import configure
from latimer.data.mixing import mixed, repetitions, rows, weighted
from latimer.data.store import TokenStore
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.preparation import prepare
from latimer.training.log import Silent


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from([0.01, 0.3, 0.5, 1.0, 1.7, 2.0, 3.0])), max_size=4)
)
def test_each_item_is_seen_as_often_as_its_corpus_weighs(corpora: list[tuple[int, float]]) -> None:
    sizes, times = [size for size, _ in corpora], [often for _, often in corpora]
    items = [(corpus, place) for corpus, size in enumerate(sizes) for place in range(size)]
    seen = list(mixed(items, sizes, times))
    assert len(seen) == rows(sizes, times)
    assert seen == sorted(seen)
    for (corpus, _), count in Counter(seen).items():
        assert abs(count - times[corpus]) < 1
    for corpus, (size, often) in enumerate(corpora):
        assert abs(sum(one == corpus for one, _ in seen) - size * often) < 1


def test_a_temperature_evens_out_sizes() -> None:
    sizes = [10_000, 100, 0]
    assert repetitions(sizes, [1.0, 1.0, 1.0], 1.0) == [1, 1, 1]
    assert repetitions(sizes, [1.0, 1.0, 1.0], 2.0) == pytest.approx([1, 10, 1])  # as 100 to 10, the roots
    assert repetitions(sizes, [1.0, 2.0, 1.0], 2.0) == pytest.approx([1, 20, 1])
    assert repetitions(sizes, [1.0, 1.0, 1.0], 1e9)[1] == pytest.approx(100)


def test_a_weight_is_what_follows_the_last_colon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text, name, weight in (
        ("a.tmx:3", "a.tmx", 3),
        ("a.en,a.fr:.5", "a.en,a.fr", 0.5),
        ("C:\\data\\a.tmx:2", "C:\\data\\a.tmx", 2),
        ("builtin:phrasebook:2", "builtin:phrasebook", 2),
        ("-:2", "-", 2),
        *(
            (text, text, 1)
            for text in ("a.tsv", "C:3", "C:\\data\\a.tmx", "builtin:phrasebook", "C:\\3", "-")
        ),
    ):
        assert weighted(text) == (name, weight, None)
    Path("odd:3").touch()
    assert weighted("odd:3") == ("odd:3", 1, None)
    for text in ("a.tsv:0", "a.tsv:1001"):
        with pytest.raises(Mistake, match="a weight must be above 0"):
            weighted(text)


def stored(into: Path, corpus: list[str], small_settings: dict[str, Any], temperature: float = 1.0) -> int:
    config = configure({**small_settings, "data.temperature": temperature})
    held = str(into.parent / "held.tsv")
    Path(held).write_text("held out\tmis de côté\n", encoding="utf-8")
    prepare(ModelFolder(into), config, corpus, validation=[held], languages=(None, None), reporter=Silent())
    return len(TokenStore.open(into / "training" / "tokens"))


def test_weights_reach_what_is_trained_on(
    pairs_file: Path, tmp_path: Path, small_settings: dict[str, Any]
) -> None:
    lines = pairs_file.read_text(encoding="utf-8").splitlines()
    few, many = str(tmp_path / "few.tsv"), str(tmp_path / "many.tsv")
    Path(few).write_text("\n".join(lines[:4]) + "\n", encoding="utf-8")
    Path(many).write_text("\n".join(lines[:64]) + "\n", encoding="utf-8")
    assert stored(tmp_path / "plain", [few, many], small_settings) == 68
    assert stored(tmp_path / "weight", [f"{few}:3", many], small_settings) == 76
    assert stored(tmp_path / "part", [few, f"{many}:0.5"], small_settings) == 36
    assert stored(tmp_path / "even", [few, many], small_settings, 2.0) == 80
    assert stored(tmp_path / "plain", [f"{few}:2", many], small_settings) == 72  # another request, made anew
    with pytest.raises(Mistake, match="with one alone leave it away"):
        stored(tmp_path / "one", [f"{few}:3"], small_settings)
    with pytest.raises(Mistake, match=r"data\.temperature must be at least 1"):
        stored(tmp_path / "cold", [few], small_settings, 0.5)
