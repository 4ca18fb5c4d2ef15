"""What words looked at: by every engine as the aligner reads it, and told in the words of the text."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latimer.aligner import Aligner
from latimer.alignment import Reading
from latimer.data.text import normalise
from latimer.data.tokenizer import SMALLEST, Tokenizer
from latimer.explaining import Explained, explain, words
from latimer.folder import ModelFolder
from latimer.recipe import Trained
from latimer.shipping import ship
from latimer.translator import Translator
from latimer.wordmaps import linked

PAIRS = [("I see a dog.", "je vois un chien."), ("she wants my boat.", "elle"), ("he", "il veux ce livre.")]


@pytest.fixture(scope="module")
def shipped(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped") / "model"
    shutil.copytree(trained.folder.path, folder)
    assert ship(ModelFolder(folder))
    return folder


@pytest.mark.parametrize("engine", ["torch", "onnx"])
@pytest.mark.parametrize("shifted", [False, True])
def test_attention_between_words_is_what_the_aligner_reads(shipped: Path, engine: str, shifted: bool) -> None:
    translator = Translator.load(shipped, engine=engine)  # type: ignore[arg-type]
    usual = Aligner.load(shipped).reading
    reading = Reading(usual.layer, 0, shifted)
    translator.reading = {**reading._asdict(), "error_rate": 0.5, "gold": "x"}
    wanted = Aligner(Translator.load(shipped, engine="torch"), reading).weights(PAIRS)
    pairs = [*PAIRS, ("", "il"), ("he", " "), ("he " * 800, "il")]
    found = explain(translator, [(f" {source}\t", target) for source, target in pairs])
    assert found[3:] == [None] * 3, "nothing to say, or too long to be looked at"
    exact = ModelFolder(shipped).record["runtime"]["weights"] == "float32" or engine == "torch"
    for (source, target), one, weights in zip(PAIRS, found, wanted, strict=False):
        assert one is not None
        assert (one.source, one.target) == (source.split(), target.split())
        assert one.attention == pytest.approx(weights, abs=1e-4 if exact else 0.05)
        assert one.alignment == linked(one.attention)


def test_the_usual_reading_is_the_aligners(shipped: Path) -> None:
    translator = Translator.load(shipped, engine="torch")
    [found] = explain(translator, PAIRS[:1])
    assert found is not None
    assert found.attention == pytest.approx(Aligner.load(shipped).weights(PAIRS[:1])[0], abs=1e-5)
    assert explain(translator, []) == []


def test_without_maps_nothing_is_explained(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = Translator.load(shipped, engine="onnx")
    monkeypatch.setattr(translator.engine, "_scores", [])  # graphs as they were recorded before
    assert explain(translator, PAIRS) == [None] * 3


def test_two_steps_are_one_product() -> None:
    first = Explained(["a", "b"], ["x", "y"], np.array([[0.9, 0.1], [0.2, 0.6]]), frozenset())
    second = Explained(["x", "y"], ["m"], np.array([[0.5, 0.25]]), frozenset())
    both = second.after(first)
    assert both is not None
    assert (both.source, both.target) == (["a", "b"], ["m"])
    assert both.attention == pytest.approx(np.array([[0.5 * 0.9 + 0.25 * 0.2, 0.5 * 0.1 + 0.25 * 0.6]]))
    assert both.alignment == linked(both.attention)
    assert second.after(second) is None, "other words between"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.learn(["我喜欢你的花园 我喜欢猫", "I like your garden"], SMALLEST + 20)


def test_words_are_parted_by_spaces_and_chinese_by_pieces(tokenizer: Tokenizer) -> None:
    for text in ("I like zoölogy 😀", "정원이 좋아요"):
        found = words(tokenizer, tokenizer.encode(text))
        assert found.words == text.split()
    found = words(tokenizer, tokenizer.encode("花园喜欢你的猫"))
    assert 1 < len(found.words) <= 7
    assert all(found.words)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="I like我喜欢龘정é 😀.", min_size=1, max_size=20).map(normalise))
def test_words_are_the_text(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    found = words(tokenizer, ids)
    assert "".join(found.words) == text.replace(" ", "")
    assert len(found.number) == len(ids)
    assert sorted(set(found.number.tolist())) == list(range(len(found.words)))
