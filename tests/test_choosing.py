"""Who is chosen where it is not the likeliest, from text to text, on either engine and by the command."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from sacrebleu.metrics.chrf import CHRF

from latimer.choosing import BACKWARDS, BothWays, LeastRisk
from latimer.cli.evaluate import command as evaluate
from latimer.cli.translate import command
from latimer.data.tokenizer import BOS, EOS, Tokenizer
from latimer.ensemble import load_together
from latimer.errors import Mistake
from latimer.folder import ModelFolder, Tokenizers
from latimer.protection import find, keeps
from latimer.recipe import Trained
from latimer.search.sampling import Sampling
from latimer.search.settings import Wishes
from latimer.shipping import ship
from latimer.translator import EngineName, Translation, Translator

TEXTS = ["she wants my boat.", "", "I see your friend and this dog.", "12 %"]
either = pytest.mark.parametrize("engine", ["onnx", "torch"])
FLAT = Sampling(temperature=1.5, min_p=0.0)


@pytest.fixture(scope="module")
def folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("choosing") / "model"
    shutil.copytree(trained.folder.path, path)
    ship(ModelFolder(path))
    return path


def said(folder: Path, *words: str) -> str:
    given = ["--model", str(folder), *words]
    return CliRunner().invoke(command, given, catch_exceptions=False).stdout


@either
def test_the_least_risk_is_that_of_a_loop_over_all_draws(folder: Path, engine: EngineName) -> None:
    translator = Translator.load(folder, engine=engine)
    found = LeastRisk(translator, draws=12, sampling=FLAT).hypotheses(TEXTS, beam=4)
    searched = translator.hypotheses(TEXTS, beam=4)
    drawn = translator.hypotheses(TEXTS, beam=12, wishes=Wishes(sampling=FLAT))
    assert [len(some) for some in found] == [4, 0, 4, 1]
    for place in (0, 2):
        if searched[place][0].flags or drawn[place][0].flags:
            assert found[place] == searched[place]
            continue
        risks = {
            one.text: np.mean([CHRF().sentence_score(one.text, [other.text]).score for other in drawn[place]])
            for one in (*searched[place], *drawn[place])
        }
        expected = sorted(risks.values(), reverse=True)[:4]
        assert [one.score for one in found[place]] == pytest.approx(expected, abs=1e-6)
        for one in found[place]:
            assert one.score == pytest.approx(risks[one.text], abs=1e-6)
    assert found[3][0].text == "12 %", "nothing was searched, and nothing is drawn"


class Scripted(Translator):
    """Says what it is told, whether it searches or draws."""

    def __init__(self, searched: list[Translation], drawn: list[str], flags: tuple[str, ...] = ()) -> None:
        self.searched, self.drawn, self.flags, self.longest = searched, drawn, flags, 9
        words = SimpleNamespace(encode=str.split)
        self.tokenizers = SimpleNamespace(source=words)  # type: ignore[assignment]

    def hypotheses(self, texts: Any, *, wishes: Any = None, **options: Any) -> list[list[Translation]]:
        if wishes is None or wishes.sampling is None:
            return [self.searched for _ in texts]
        drawn = [Translation(text, -1.0, -1.0, self.flags) for text in self.drawn]
        return [drawn if given else [] for given in texts]


def chosen(
    source: str, searched: list[Translation], drawn: list[str], wishes: Any = None, *flags: str
) -> str:
    [found] = LeastRisk(Scripted(searched, drawn, flags)).hypotheses([source], wishes=wishes)
    return found[0].text


def test_what_most_agree_on_is_chosen_though_nobody_else_says_it() -> None:
    beam = [Translation("quite another", -0.1, -0.1)]
    assert chosen("a", beam, ["abcdef", "abcxef", "zbcdef"]) == "abcdef"
    middle = "abcdefgh"
    around = [middle[:place] + "x" + middle[place + 1 :] for place in range(8)]
    assert chosen("a", [*beam, Translation(middle, -9.0, -9.0)], around) == middle, "which was not drawn"


def test_what_is_wished_or_guarded_stays() -> None:
    assert chosen("a", [Translation("zz", -0.1, -0.1)], ["a"], None, "untranslated") == "zz"
    glossary = Wishes(glossary=(("a", ("zz",)),))
    assert chosen("a", [Translation("zz", -0.1, -0.1)], ["abc", "abc"], glossary) == "zz"
    for settled in (Translation("zz", -0.1, -0.1, ("repetition",)), Translation("zz", 0.0, 0.0)):
        assert chosen("a", [settled], ["abc", "abc"]) == "zz"
    assert chosen("a " * 10, [Translation("zz", -0.1, -0.1)], ["abc", "abc"]) == "zz", "longer than training"


@either
def test_spans_stay_whoever_chooses(folder: Path, engine: EngineName) -> None:
    translator = Translator.load(folder, engine=engine)
    text = "she wants {name} and <b>my boat</b>."
    either_way = [Wishes(sampling=FLAT), Wishes(diversity=1.0)]
    found = LeastRisk(translator, draws=6, sampling=FLAT).hypotheses([text], beam=3)
    found += [translator.hypotheses([text], beam=3, wishes=wishes)[0] for wishes in either_way]
    for some in found:
        assert some
        for one in some:
            assert keeps(find(text), one.text)
    for wishes in either_way:
        begun = replace(wishes, prefix="{name}, elle v")
        for one in translator.hypotheses([text], beam=3, wishes=begun)[0]:
            assert re.sub("</?b>", "", one.text).startswith("{name}, elle v")
            assert keeps(find(text), one.text) or "unprotected" in one.flags


def test_shards_are_chosen_among_draws_too(folder: Path, tmp_path: Path) -> None:
    lines, into, shards = tmp_path / "lines", tmp_path / "into", tmp_path / "shards"
    lines.write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    how = ("--mbr", "4", "--seed", "3", "--scores", "--model", str(folder), "--input", str(lines), "--quiet")
    said(folder, *how, "--output", str(into), "--shards", str(shards))
    assert into.read_text(encoding="utf-8") == said(folder, *how)
    with pytest.raises(Mistake, match="voice was different"):
        said(folder, *how, "--seed", "4", "--output", str(into), "--shards", str(shards))


def test_the_command_chooses_among_draws(folder: Path) -> None:
    line = json.loads(said(folder, "--mbr", "8", "--n-best", "3", "--json", TEXTS[2]))
    scores = [one["score"] for one in line["translations"]]
    assert scores == sorted(scores, reverse=True)
    best = LeastRisk(Translator.load(folder), draws=8).hypotheses(TEXTS[2:3], beam=5)[0]
    assert [one["text"] for one in line["translations"]] == [one.text for one in best[:3]]
    for words, message in {
        ("--mbr", "0"): "--mbr must be at least 1",
        ("--mbr", "3", "--sample"): "one of them",
        ("--min-p", "0.1"): "--min-p says how to draw",
    }.items():
        with pytest.raises(Mistake, match=message):
            said(folder, *words, "a")


@pytest.fixture(scope="module")
def back(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, said to go the other way: what it says is of no matter."""
    path = tmp_path_factory.mktemp("choosing") / "back"
    shutil.copytree(folder, path)
    record = dict(ModelFolder(path).record)
    ways = record["source_language"], record["target_language"]
    record["target_language"], record["source_language"] = ways
    ModelFolder(path).write_record(record)
    return path


@either
def test_both_ways_count(folder: Path, back: Path, engine: EngineName) -> None:
    """Over the model's own teacher forcing; what the guard saw to, or nobody searched, stays."""
    forward, reverse = (Translator.load(one, engine=engine) for one in (folder, back))
    model = reverse.model.eval()
    searched = forward.hypotheses(TEXTS, beam=4)
    for text, before, after in zip(
        TEXTS, searched, BothWays(forward, reverse).hypotheses(TEXTS, beam=4), strict=True
    ):
        if not before or before[0].flags or before[0].log_probability == 0:
            assert after == before
            continue
        expected = {}
        said = reverse.tokenizers.target.encode(text)
        for one in before:
            source = torch.tensor([[*(reverse.tokenizers.source.encode(one.text) or [EOS]), EOS]])
            tokens = torch.tensor([[BOS, *said]])
            with torch.no_grad():
                logits = model(source, torch.ones_like(source, dtype=torch.bool), tokens)[0]
            log_probs = logits[0].log_softmax(-1)[range(len(said) + 1), [*said, EOS]]
            expected[one.text] = one.score + BACKWARDS * float(log_probs.mean())
        assert [one.score for one in after] == sorted((one.score for one in after), reverse=True)
        assert len(after) == len(before)
        for one in after:
            assert one.score == pytest.approx(expected[one.text], abs=1e-4)


def test_the_command_reranks(folder: Path, back: Path) -> None:
    forward, reverse = (Translator.load(one) for one in (folder, back))
    rows = said(folder, "--rerank", str(back), "--n-best", "3", TEXTS[0]).splitlines()
    [found] = BothWays(forward, reverse).hypotheses(TEXTS[:1])
    assert [row.split("\t")[2] for row in rows] == [one.text for one in found[:3]]
    with pytest.raises(Mistake, match="doesn't translate from"):
        said(folder, "--rerank", str(folder), TEXTS[0])
    with pytest.raises(Mistake, match="one of them"):
        said(folder, "--rerank", str(back), "--mbr", "3", TEXTS[0])


@either
def test_models_together(folder: Path, engine: EngineName) -> None:
    """A model twice is the model, guarded and chosen among; another beside it is not."""
    alone, twice = (load_together([folder] * times, engine=engine) for times in (1, 2))
    for beam in (1, 3):
        for one, other in zip(
            alone.hypotheses(TEXTS, beam=beam), twice.hypotheses(TEXTS, beam=beam), strict=True
        ):
            assert [each.text for each in one] == [each.text for each in other]
            assert [each.score for each in one] == pytest.approx([each.score for each in other], abs=1e-5)
    wishes = Wishes(prefix="il vo", sampling=FLAT)
    assert [one.text for one in alone.hypotheses(TEXTS[:1], wishes=wishes)[0]] == [
        one.text for one in twice.hypotheses(TEXTS[:1], wishes=wishes)[0]
    ]


def test_the_commands_take_several_models(folder: Path, tmp_path: Path, pairs_file: Path) -> None:
    twice = ("--model", str(folder), TEXTS[2])
    assert said(folder, *twice) == said(folder, TEXTS[2])
    before = (folder / "config.json").read_bytes()
    corpus = tmp_path / "few.en-fr.tsv"
    corpus.write_text("".join(pairs_file.read_text(encoding="utf-8").splitlines(True)[:4]), encoding="utf-8")
    words = [str(corpus), "--model", str(folder), "--model", str(folder), "--beam", "1", "--quiet"]
    told = CliRunner().invoke(evaluate, words, catch_exceptions=False)
    assert f"{folder} + {folder}" in "".join(told.output.split("\n"))
    assert (folder / "config.json").read_bytes() == before, "of several the score is nobody's own"
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    opened = ModelFolder(other)
    tokenizer = Tokenizer.learn(["another corpus altogether"] * 9, 300)
    opened.save_tokenizers(Tokenizers(tokenizer, tokenizer))
    with pytest.raises(Mistake, match=f"{other} has other subwords than {folder}"):
        said(folder, "--model", str(other), "a")
