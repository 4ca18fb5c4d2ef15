"""Hypotheses ranked by how much of the source they looked at, on either engine and by the command."""

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from latimer.choosing import BACKWARDS, BothWays, LeastRisk
from latimer.cli.translate import command
from latimer.config import configure
from latimer.coverage import LEAST
from latimer.data.tokenizer import BOS, EOS
from latimer.errors import Mistake
from latimer.models.build import build
from latimer.plain import PlainTranslator, Query
from latimer.presets import model_settings
from latimer.protection import find, keeps
from latimer.recipe import Trained
from latimer.runtime.eager import TorchEngine
from latimer.runtime.engine import Engine
from latimer.runtime.ensemble import Ensemble
from latimer.runtime.graphs import OnnxEngine
from latimer.runtime.recording import record
from latimer.search.settings import Wishes
from latimer.translator import LONGEST, Translator

TEXTS = ["she wants my boat.", "", "I see your friend and this dog.", "you hear the book."]
FREE = Wishes(no_repeat=1, guard=False)  # so that a model that learned little has more than one thing to say


@pytest.fixture(scope="module")
def both(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> list[Translator]:
    """By torch, and by graphs that say the same but for the last digits."""
    folder = tmp_path_factory.mktemp("covering")
    ours = Translator.load(trained.folder.path, engine="torch")
    ours.longest = LONGEST
    record(ours.model, bos=BOS, weights="float32").save(folder)
    return [ours, Translator(OnnxEngine(folder), ours.tokenizers, ours.spacing)]


@pytest.fixture(params=[0, 1], ids=["torch", "onnx"])
def translator(both: list[Translator], request: pytest.FixtureRequest) -> Translator:
    return copy.copy(both[request.param])


class Step(NamedTuple):
    """What search wants of a step."""

    logits: Any
    state: Any


class Toy(Engine):
    """Says 4 or 5 or ends, whatever it is given, and looks where its table says."""

    name = "toy"
    log_probs = np.array([-np.inf, -np.inf, math.log(0.5), -np.inf, math.log(0.3), math.log(0.2)])

    def memory(self, source: Any, mask: Any) -> Any:
        return (source,)

    def decoder(self, tokens: Any, memory: Any, state: Any) -> Step:
        return Step(np.tile(self.log_probs, (len(tokens), 1, 1)), (np.zeros(len(tokens)),))

    def maps(self, source: Any, mask: Any, target: Any) -> Any:
        assert (target[:, 0] == BOS).all()
        maps = np.full(
            (len(source), 1, target.shape[1], source.shape[1]), 9.0
        )  # at the end's step, and after
        for row, tokens in enumerate(target[:, 1:].tolist()):
            for step, token in enumerate(tokens):
                if token in LOOKS:
                    maps[row, 0, step, :4] = LOOKS[token]
        return {"toy": maps}

    @property
    def model(self) -> Any:
        raise NotImplementedError


LOOKS = {4: [0.001, 0.6, 0.1, 0.002], 5: [0.001, 0.0, 0.45, 0.002]}  # a tag, two pieces and the end


@pytest.mark.parametrize("beta", [0.0, 0.1, 0.5, 4.0, 1e6])
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_equation_14_by_hand(both: list[Translator], beta: float, length_penalty: float) -> None:
    """Of all that can be said, each with its number, in the order of the numbers."""
    tokenizers = both[0].tokenizers
    starts = [piece[0] == "\u2581" for piece in tokenizers.source.all_pieces()]
    tag, piece = starts.index(False, 4), starts.index(True)
    wishes = Wishes(coverage=beta, min_length=1, max_length=2)
    longer = Query([tag, *[piece] * 6], wishes)
    answer, _ = PlainTranslator(Toy(), tokenizers).answer(
        [Query([tag, piece, piece], wishes), longer], 6, length_penalty
    )
    expected = {}
    for tokens in [(4,), (5,), (4, 4), (4, 5), (5, 4), (5, 5)]:
        total = sum(Toy.log_probs[token] for token in (*tokens, EOS))
        number = total / (len(tokens) + 1) ** length_penalty
        for place in (1, 2):
            looked = sum(LOOKS[token][place] for token in tokens)
            number += beta * math.log(min(looked, 1.0) or LEAST)
        expected[tokens] = number
    found = {tuple(one.tokens): one.score + one.coverage for one in answer.hypotheses}
    assert found == pytest.approx(expected)
    assert [*found.values()] == sorted(found.values(), reverse=True)
    if beta == 1e6:
        assert next(iter(found)) in [(4, 5), (5, 4)], "what leaves out least"


@pytest.mark.parametrize("reading", [None, 0])
def test_the_same_hypotheses_in_another_order(translator: Translator, reading: int | None) -> None:
    """Each scored as before but for its coverage, by loops over its maps; without it nothing changes."""
    if reading is not None:
        [layer] = translator.engine.maps(np.array([[5, EOS]]), np.ones((1, 2), bool), np.array([[BOS]]))
        translator.reading = {"layer": layer, "head": reading, "shifted": True}
    rows = translator.tokenizers.source.encode_many(TEXTS)
    plain = translator.answer([Query(row, FREE) for row in rows], 4, 0.0)
    moved = False
    for beta in (0.0, 0.2, 5.0):
        wishes = replace(FREE, coverage=beta)
        found = translator.answer([Query(row, wishes) for row in rows], 4, 0.0)
        if beta == 0:
            assert found == plain
            continue
        for row, before, after in zip(rows, plain, found, strict=True):
            assert sorted(one[:3] for one in after.hypotheses) == sorted(one[:3] for one in before.hypotheses)
            numbers = [one.score + one.coverage for one in after.hypotheses]
            assert numbers == sorted(numbers, reverse=True)
            for one in after.hypotheses:
                [weights] = translator.looked_at([(row, one.tokens)])
                total = 0.0
                for place in range(len(row)):
                    total += math.log(min(sum(float(step[place]) for step in weights), 1.0) or LEAST)
                assert one.coverage == pytest.approx(beta * total, abs=1e-4)
            moved |= [one.tokens for one in after.hypotheses] != [one.tokens for one in before.hypotheses]
    assert moved


def test_the_text_has_its_own_confidence(translator: Translator) -> None:
    """And log-probability, in any batch; the score is what it is ranked by."""
    wishes = replace(FREE, coverage=0.5)
    together = translator.hypotheses(TEXTS, beam=4, wishes=wishes)
    for text, found in zip(TEXTS, together, strict=True):
        [alone] = translator.hypotheses([text], beam=4, wishes=wishes)
        assert [one.text for one in alone] == [one.text for one in found]
        assert [one.score for one in alone] == pytest.approx([one.score for one in found], abs=1e-4)
        [plain] = translator.hypotheses([text], beam=4, wishes=FREE)
        own = [sorted((one.log_probability, one.confidence) for one in some) for some in (plain, found)]
        assert np.allclose(own[0], own[1], atol=1e-4)
        assert all(one.score < one.log_probability / 40 for one in found)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_both_engines_rank_alike(both: list[Translator]) -> None:
    for beta in (0.05, 0.5, 1e3):
        ours, theirs = (each.hypotheses(TEXTS, wishes=Wishes(coverage=beta)) for each in both)
        for one, other in zip(ours, theirs, strict=True):
            assert [each.text for each in one] == [each.text for each in other]
            assert [each.score for each in one] == pytest.approx([each.score for each in other], rel=1e-3)


def model_of(some: Translator, name: str) -> Translator:
    """Nothing that it says means anything, and it looks here and there."""
    small = {"model.width": 16, "model.embedding": 16, "model.feed_forward": 32, "model.encoder_heads": 2}
    sizes = [len(one.all_pieces()) for one in some.tokenizers]
    config = configure({**model_settings(name), **small}).model
    model = build(config, source_vocabulary=sizes[0], target_vocabulary=sizes[1], joint=False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5).add_(torch.randn_like(parameter), alpha=0.4)
    return Translator(TorchEngine(model.eval()), some.tokenizers)


@pytest.mark.parametrize("name", ["lstm", "conv", "transformer", "hybrid"])
def test_every_family_chooses_what_covers_most(both: list[Translator], name: str) -> None:
    translator = model_of(both[0], name)
    wishes = Wishes(coverage=1e6, max_length=8, guard=False)
    rows = translator.tokenizers.source.encode_many([text for text in TEXTS if text])
    for answer in translator.answer([Query(row, wishes) for row in rows], 5, 1.0):
        coverages = [one.coverage for one in answer.hypotheses]
        assert coverages == sorted(coverages, reverse=True)
        assert coverages[0] > coverages[-1]


def test_without_attention_it_is_told(both: list[Translator]) -> None:
    translator = model_of(both[0], "lstm-plain")
    assert len(translator.translate(TEXTS, wishes=Wishes(coverage=0.0))) == len(TEXTS)
    with pytest.raises(Mistake, match="goes by attention"):
        translator.translate(TEXTS, wishes=Wishes(coverage=0.1))
    assert translator.translate(["", "12 %"], wishes=Wishes(coverage=0.1)) == ["", "12 %"]


def test_a_line_of_sentences_is_covered_in_all_of_them(translator: Translator) -> None:
    wishes, some = Wishes(coverage=0.3), [TEXTS[0], TEXTS[2]]
    translator.longest = max(map(translator.count, some))
    alone = [one for one, *_ in translator.hypotheses(some, beam=3, length_penalty=0.0, wishes=wishes)]
    [found] = translator.hypotheses([" ".join(some)], beam=3, length_penalty=0.0, wishes=wishes)
    assert found[0].text == " ".join(one.text for one in alone)
    assert found[0].score == pytest.approx(sum(one.score for one in alone), abs=1e-3)
    assert found[0].score < found[0].log_probability - 1


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(glossary=(("boat", ("vaisseau",)),)),
        Wishes(prefix="elle v", no_repeat=2, banned=("chien",)),
        Wishes(diversity=1.0),
    ],
)
def test_with_all_else_that_is_wished(translator: Translator, wishes: Wishes) -> None:
    text = "she wants {name} and <b>my boat</b>."
    ranked = replace(wishes, coverage=0.4)
    before, after = (translator.hypotheses([text], beam=3, wishes=one)[0] for one in (wishes, ranked))
    assert [one.flags for one in after] == [one.flags for one in before]
    for one in after:
        assert keeps(find(text), one.text) or "unprotected" in one.flags
        assert not wishes.glossary or "vaisseau" in one.text
        assert one.text.replace("<b>", "").startswith(wishes.prefix)


def test_whoever_else_chooses(translator: Translator) -> None:
    """The reverse model's say is added, draws are not ranked, and of models together the first one looks."""
    text, wishes = TEXTS[2], Wishes(coverage=0.4, max_length=6, no_repeat=1)
    [before] = translator.hypotheses([text], beam=4, wishes=wishes)
    assert not before[0].flags
    [after] = BothWays(translator, translator).hypotheses([text], beam=4, wishes=wishes)
    back = translator.agreement([(one.text, text) for one in before])
    expected = [one.score + BACKWARDS * other for one, other in zip(before, back, strict=True)]
    assert [one.score for one in after] == pytest.approx(sorted(expected, reverse=True), abs=1e-4)
    with pytest.raises(Mistake, match="0 with --sample or --mbr"):
        LeastRisk(translator, draws=3).hypotheses([text], wishes=wishes)
    together = Translator(Ensemble([translator.engine] * 2), translator.tokenizers, translator.spacing)
    [found] = together.hypotheses([text], beam=4, wishes=wishes)
    assert [one.score for one in found] == pytest.approx([one.score for one in before], abs=1e-3)


def said(trained: Trained, *words: str) -> str:
    given = ["--model", str(trained.folder.path), *words]
    return CliRunner().invoke(command, given, catch_exceptions=False).stdout


def test_the_command_covers(trained: Trained, tmp_path: Path) -> None:
    line = json.loads(said(trained, "--coverage", "5", "--n-best", "3", "--json", TEXTS[2]))
    [found] = Translator.load(trained.folder.path).hypotheses(TEXTS[2:3], wishes=Wishes(coverage=5.0))
    assert [one["text"] for one in line["translations"]] == [one.text for one in found[:3]]
    assert [one["score"] for one in line["translations"]] == [one.score for one in found[:3]]
    lines, into, shards = tmp_path / "lines", tmp_path / "into", tmp_path / "shards"
    lines.write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    how = ("--coverage", "5", "--scores", "--input", str(lines), "--quiet")
    said(trained, *how, "--output", str(into), "--shards", str(shards))
    assert into.read_text(encoding="utf-8") == said(trained, *how)


@pytest.mark.parametrize("value", ["-0.1", "nan", "inf", "-inf", "1e7"])
def test_what_is_no_weight_is_told(trained: Trained, value: str) -> None:
    with pytest.raises(Mistake, match="--coverage must be from 0"):
        said(trained, "--coverage", value, "a")


@pytest.mark.parametrize("draws", [["--mbr", "3"], ["--sample"]])
def test_what_is_drawn_is_not_ranked(trained: Trained, draws: list[str]) -> None:
    with pytest.raises(Mistake, match="0 with --sample or --mbr"):
        said(trained, "--coverage", "0.1", *draws)  # nothing to translate, even
