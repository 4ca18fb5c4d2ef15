"""A look made of anyone's arrays: what it tells, and what it is handed over as."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from latimer.visualize import Candidate, Look, html_page, terminal, words
from latimer.visualize.looks import Branch, Forced, Step

SOURCE, TARGET = ["▁un", "believ", "able", "▁cat", "</s>"], ["▁chat", "▁in", "croyable", "</s>"]
GENERATOR = np.random.default_rng(0)


def maps(heads: int, rows: int, columns: int, *, past: bool = False) -> Any:
    """Rows that sum to one; in a map of the past nobody looks ahead."""
    weights = GENERATOR.dirichlet([0.4] * columns, (heads, rows))
    if past:
        weights = np.tril(weights)
        weights /= weights.sum(-1, keepdims=True)
    return weights.astype(np.float32)


CROSS, DECODER, ENCODER = (
    [maps(3, 4, 5), maps(3, 4, 5)],
    [maps(2, 4, 4, past=True)],
    [maps(4, 5, 5)],
)
STEPS = [Step(0.9, [("▁chien", 0.05)]), Step(0.5, [("▁noir", 0.4)]), Step(1.0), Step(0.8)]


BEGINNINGS = {"a.html": b"<!DOCTYPE", "a.svg": b"<svg", "a.png": b"\x89PNG", "a.json": b"[{"}


@pytest.fixture
def look() -> Look:
    first = Candidate(TARGET, CROSS, DECODER, "chat incroyable", -1.5, -0.375, STEPS)
    second = Candidate(["▁chat", "</s>"], [maps(3, 2, 5)] * 2, [maps(2, 2, 2, past=True)], "chat")
    beam = [[Branch("▁chat", 0, -0.1, -0.1, True, False), Branch("▁un", 0, -3.0, -3.0, False, False)]]
    forced = [Forced(0, Candidate(["▁chien", "</s>"], [maps(1, 2, 5)], text="chien"))]
    return Look(SOURCE, [first, second], ENCODER, "unbelievable cat", beam, forced)


def test_weights_are_the_mean_of_what_is_not_picked(look: Look) -> None:
    np.testing.assert_array_equal(look.weights("cross", layer=1, head=2), CROSS[1][2])
    np.testing.assert_allclose(look.weights(layer=1), CROSS[1].mean(0), rtol=1e-6)
    np.testing.assert_allclose(look.weights(), np.mean(CROSS, (0, 1)), rtol=1e-6)
    np.testing.assert_allclose(look.weights(head=1), np.mean(CROSS, 0)[1], rtol=1e-6)
    np.testing.assert_array_equal(look.weights("encoder", head=3), ENCODER[0][3])
    assert look.weights(candidate=1).shape == (2, 5)


def test_a_map_carries_its_labels(look: Look) -> None:
    by_word = look.map(title="t")
    assert (by_word.source, by_word.target) == (
        ["unbelievable", "cat", "</s>"],
        ["chat", "incroyable", "</s>"],
    )
    assert by_word == words(look.map(pieces=True, title="t"))
    np.testing.assert_allclose(np.sum(by_word.rows, 1), 1, atol=1e-5)
    assert look.map("encoder", pieces=True).target == SOURCE
    past = look.map("decoder", pieces=True)
    assert (past.source, past.target) == (["<s>", "▁chat", "▁in", "croyable"], TARGET)
    assert look.map("decoder").source == ["<s>", "chat", "incroyable"]
    assert look.map(candidate=1).target == ["chat", "</s>"]


def test_arrays_are_named_by_kind_layer_and_head(look: Look, tmp_path: Path) -> None:
    arrays = look.arrays()
    assert list(arrays) == [
        *(f"cross.{layer}.{head}" for layer in (0, 1) for head in (0, 1, 2)),
        *(f"encoder.0.{head}" for head in range(4)),
        *(f"decoder.0.{head}" for head in range(2)),
    ]
    np.savez(tmp_path / "maps.npz", **arrays)
    with np.load(tmp_path / "maps.npz") as kept:
        np.testing.assert_array_equal(kept["cross.1.2"], CROSS[1][2])
    assert look.arrays(candidate=1)["decoder.0.1"].shape == (2, 2)


def test_bertviz_takes_it(look: Look) -> None:
    """What its `format_attention` and its views ask: a list of (1, heads, rows, columns), tokens that fit."""
    told = look.bertviz()
    assert sorted(told) == [
        *("cross_attention", "decoder_attention", "decoder_tokens"),
        *("encoder_attention", "encoder_tokens"),
    ]
    assert [layer.shape for layer in told["cross_attention"]] == [(1, 3, 4, 5)] * 2
    assert [layer.shape for layer in told["encoder_attention"]] == [(1, 4, 5, 5)]
    assert [layer.shape for layer in told["decoder_attention"]] == [(1, 2, 4, 4)]
    assert told["encoder_tokens"] == SOURCE
    assert told["decoder_tokens"] == ["<s>", "▁chat", "▁in", "croyable"]
    assert torch.equal(told["cross_attention"][1][0, 2], torch.from_numpy(CROSS[1][2]))


def test_inseq_takes_it(look: Look) -> None:
    """Source by target, and target by target: the piece that was looked at, the piece that was said."""
    told = look.inseq(layer=0, head=1)
    assert (told["source"], told["target"]) == (SOURCE, TARGET)
    assert torch.equal(told["source_attributions"], torch.from_numpy(CROSS[0][1].T.copy()))
    past = told["target_attributions"]
    assert past.shape == (4, 4)
    for seen in range(4):
        for said in range(4):
            if seen < said:  # column 0 of a map of the past is the start
                assert past[seen, said] == pytest.approx(DECODER[0][1][said, seen + 1])
            else:
                assert past[seen, said].isnan()
    assert told["step_scores"]["probability"].tolist() == pytest.approx([0.9, 0.5, 1.0, 0.8])
    assert "target_attributions" not in Look(["a"], [Candidate(["b"], [[[1.0]]])]).inseq()


def test_it_is_saved_as_what_the_name_says(look: Look, tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="the extra `pictures` draws PNG")
    for name, begin in BEGINNINGS.items():
        look.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begin)
    look.save(str(tmp_path / "b.svg"), layer=0, head=0)
    assert (tmp_path / "b.svg").read_bytes() != (tmp_path / "a.svg").read_bytes()
    with pytest.raises(ValueError, match=r"not as \.pdf"):
        look.save(tmp_path / "a.pdf")


def test_the_data_has_everything(look: Look, tmp_path: Path) -> None:
    look.save(tmp_path / "all.json")
    [told] = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert (told["sentence"], told["source"]) == ("unbelievable cat", SOURCE)
    first, second = told["translations"]
    assert (first["text"], second["text"], first["score"]) == ("chat incroyable", "chat", -0.375)
    np.testing.assert_allclose(first["cross"], CROSS, atol=1e-5)
    np.testing.assert_allclose(first["decoder"], DECODER, atol=1e-5)
    np.testing.assert_allclose(told["encoder"], ENCODER, atol=1e-5)
    assert first["steps"][1] == {"probability": 0.5, "others": [["▁noir", 0.4]]}
    assert told["beam"][0][1]["kept"] is False
    assert told["forced"][0]["target"] == ["▁chien", "</s>"]


def test_it_prints_as_a_picture_and_shows_itself_in_a_notebook(look: Look) -> None:
    assert str(look).startswith("unbelievable cat → chat incroyable\n")
    assert "█" in str(look)
    page = look._repr_html_()
    assert page.startswith("<iframe")
    assert page.count("<") == page.count(">") == 2, "the page inside is escaped whole"
    assert len(repr(look)) < 600


def test_anyone_s_arrays_will_do() -> None:
    torch_map = torch.tensor([[0.25, 0.75]], dtype=torch.bfloat16)
    for layer in (torch_map, [[0.25, 0.75]], [[[0.25, 0.75]]], np.array([[0.25, 0.75]])):
        one = Look(["a", "b"], [Candidate(["c"], [layer])])
        np.testing.assert_allclose(one.weights(), [[0.25, 0.75]])
        assert (one.sentence, one.text, one.kinds) == ("a b", "c", ["cross"])
    alone = Look(["a", "b"], encoder=[np.eye(2)])
    assert (alone.kinds, alone.text, alone.target) == (["encoder"], "", [])
    assert str(alone).startswith("a b\n")
    assert alone.bertviz()["encoder_attention"][0].shape == (1, 1, 2, 2)
    nothing = Look([], [Candidate([])])
    assert (nothing.kinds, str(nothing)) == ([], "")


def test_what_does_not_fit_is_refused(look: Look) -> None:
    with pytest.raises(ValueError, match="1 x 1 x 2, but must be heads x 2 x the source"):
        Candidate(["a", "b"], [[[0.5, 0.5]]])
    with pytest.raises(ValueError, match="1 x 1 x 2, but must be heads x 1 x 3"):
        Look(["a", "b", "c"], [Candidate(["d"], [[[0.5, 0.5]]])])
    with pytest.raises(ValueError, match="2 steps, but 1 target"):
        Candidate(["a"], steps=[Step(1.0), Step(1.0)])
    with pytest.raises(ValueError, match="no layer of cross attention 2; they go from 0 to 1"):
        look.weights(layer=2)
    with pytest.raises(ValueError, match="no head 9; they go from 0 to 3"):
        look.weights("encoder", head=9)
    with pytest.raises(ValueError, match="there is no decoder attention here; there is: cross"):
        Look(["a"], [Candidate(["b"], [[[1.0]]])]).weights("decoder")


@pytest.mark.parametrize("first", [(None, None), (0, None), (0, 0), (0, 1)])
def test_the_map_shown_first_is_the_one_that_was_named(
    first: tuple[int | None, int | None], tmp_path: Path
) -> None:
    weights = np.stack([np.eye(2), 1 - np.eye(2)])  # two heads that look at opposite words
    look = Look(["the", "cat"], [Candidate(["le", "chat"], cross=[weights, weights])], first=first)
    layer, head = first
    named = look.map(layer=layer, head=head, title="the cat → le chat")
    assert str(look) == terminal(named, colour=False)
    look.save(tmp_path / "first.svg")
    replace(look, first=(None, None)).save(tmp_path / "named.svg", layer=layer, head=head)
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "named.svg").read_bytes()
    numbers = ",".join("-1" if number is None else str(number) for number in first)
    assert f'"first":[{numbers}]' in html_page([look], title="")
