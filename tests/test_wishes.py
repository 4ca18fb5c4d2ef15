"""What is wished of a translation, from text to text, on either engine and by the command."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from latimer.cli.translate import command
from latimer.data.glossary import read_glossary
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.plain import Query
from latimer.protection import find, keeps
from latimer.recipe import Trained
from latimer.search.sampling import Sampling
from latimer.search.settings import Wishes
from latimer.shipping import ship
from latimer.translator import PLAIN, EngineName, Translator

TEXTS = ["she wants my boat.", "", "I see your friend and this dog."]
either = pytest.mark.parametrize("engine", ["onnx", "torch"])


@pytest.fixture(scope="module")
def folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wishes") / "model"
    shutil.copytree(trained.folder.path, path)
    ship(ModelFolder(path))
    return path


@either
def test_what_is_wished_is_said(folder: Path, engine: EngineName) -> None:
    translator = Translator.load(folder, engine=engine)
    begun = translator.hypotheses(TEXTS, beam=3, wishes=Wishes(prefix="le bat", min_length=9, no_repeat=2))
    banned = re.findall(r"\w+", begun[0][0].text)[2]  # what it says next when it may
    wishes = Wishes(banned=(banned,), no_repeat=2, min_length=9, prefix="le bat")
    for text, found in zip(TEXTS, translator.hypotheses(TEXTS, beam=3, wishes=wishes), strict=True):
        assert bool(found) is bool(text)
        for one in found:
            assert one.text.startswith("le bat")
            assert not re.search(rf"\b{banned}\b", one.text)


@either
def test_wishes_that_cannot_be_had_leave_a_translation(folder: Path, engine: EngineName) -> None:
    translator = Translator.load(folder, engine=engine)
    wishes = Wishes(banned=("le chien",), prefix="le chien est")
    plain = translator.translate(TEXTS, beam=20, wishes=PLAIN)
    assert translator.translate(TEXTS, wishes=replace(wishes, guard=False)) == plain
    for found in translator.hypotheses(TEXTS, wishes=wishes):
        assert all("wishes" in one.flags for one in found)


def test_the_command_wishes_too(folder: Path) -> None:
    words = ["--model", str(folder), "--prefix", "il vo", "--ban", "chien", "--max-length", "3", TEXTS[2]]
    said = CliRunner().invoke(command, words, catch_exceptions=False).stdout
    assert said.startswith("il vo")
    assert "chien" not in said.split()
    translator = Translator.load(folder)
    [row] = translator.tokenizers.source.encode_many(TEXTS[2:])
    [found] = translator._search([Query(row, Wishes(max_length=3))], 3, 1.0)
    assert max(len(one.tokens) for one in found) <= 3


@either
@pytest.mark.parametrize("beam", [1, 3])
def test_terms_are_said_beside_all_else(folder: Path, engine: EngineName, beam: int) -> None:
    translator = Translator.load(folder, engine=engine)
    glossary = (("Dog", ("toutou", "toutous")), ("boat", ("grand navire",)), ("my boat", ("mon yacht",)))
    wishes = Wishes(banned=("j",), no_repeat=3, prefix="le bat", glossary=glossary)
    found = translator.hypotheses(TEXTS, beam=beam, wishes=wishes)
    assert [len(some) for some in found] == [beam, 0, beam]
    for some, term in ((found[0], "mon yacht"), (found[2], "toutous?")):
        for one in some:
            assert re.search(rf"\b{term}\b", one.text)
            assert one.text.startswith("le bat")
            assert "navire" not in one.text
    alone = [translator.hypotheses([text], beam=beam, wishes=wishes)[0] for text in TEXTS]
    assert [[one.text for one in some] for some in alone] == [[one.text for one in some] for some in found]


def test_a_glossary_is_read(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("# terms\n\ndog\ttoutou\ttoutous\n", encoding="utf-8")
    assert read_glossary(path) == (("dog", ("toutou", "toutous")),)
    words = ["--model", str(folder), "--glossary", str(path), TEXTS[2], "a hotdog"]
    said = CliRunner().invoke(command, words, catch_exceptions=False).stdout.splitlines()
    assert [bool(re.search("toutous?", line)) for line in said] == [True, False]
    path.write_text("dog\n", encoding="utf-8")
    with pytest.raises(Mistake, match=r"terms.tsv:1: give a source term"):
        read_glossary(path)
    with pytest.raises(Mistake, match="cannot be read"):
        read_glossary(tmp_path / "none.tsv")


@either
def test_terms_spans_and_the_guard_hold_at_once(folder: Path, engine: EngineName) -> None:
    translator = Translator.load(folder, engine=engine)
    translator.longest = 60
    texts = ["she wants {name} and my <b>boat</b>.", "I see " + "the dog and " * 9 + "see 2048 %s."]
    wishes = Wishes(glossary=(("boat", ("navire",)), ("dog", ("toutou",))), banned=("chien",), min_length=3)
    for text, found in zip(texts, translator.hypotheses(texts, beam=2, wishes=wishes), strict=True):
        assert found
        for one in found:
            assert keeps(find(text), one.text)
            assert "navire" in one.text or "toutou" in one.text
            assert not re.search(r"\bchien\b", one.text)
            assert "wishes" not in one.flags
            assert "glossary" not in one.flags
    assert "2048" in found[0].text
    assert len(found[0].text) < 4 * len(texts[1])


@either
def test_a_prefix_stands_beside_spans(folder: Path, engine: EngineName) -> None:
    translator = Translator.load(folder, engine=engine)
    texts = ["she wants {name} and my <b>boat</b>.", "she wants my boat. " * 9]
    for text, found in zip(
        texts, translator.hypotheses(texts, beam=2, wishes=Wishes(prefix="le bat")), strict=True
    ):
        for one in found:
            assert one.text.replace("<b>", "").startswith("le bat")
            assert keeps(find(text), one.text) or "unprotected" in one.flags
    [[one, *_]] = translator.hypotheses(["she wants {name}."], wishes=Wishes(prefix="{name}, elle v"))
    assert one.text.startswith("{name}, elle v")
    assert keeps(find("{name}"), one.text)


def test_what_is_wished_is_no_runaway(folder: Path) -> None:
    """Length and repetition that were asked for make no trouble; a loop of the model's own does."""
    translator = Translator.load(folder)
    begun = Wishes(prefix="ha ha ha ha ha ", max_length=2)
    [[one, *_]] = translator.hypotheses(["she wants my boat."], wishes=begun)
    assert one.text.startswith("ha ha ha ha ha")
    assert "repetition" not in one.flags
    [[one, *_]] = translator.hypotheses(["I see."], wishes=Wishes(min_length=40))
    assert len(translator.ids(one.text)) >= 20
    assert "length" not in one.flags


def test_a_loop_in_the_source_is_told(folder: Path) -> None:
    translator = Translator.load(folder)
    texts = ["see " * 9, "see see see", "see " * 500 + "my boat", "=" * 40, "{a} " * 9]
    first, second, long, line, spans = (found[0] for found in translator.hypotheses(texts))
    assert "loop" in first.flags
    assert "loop" not in second.flags
    assert "loop" in long.flags
    assert long.text == translator.translate(["see see see my boat"])[0]
    assert (line.text, line.flags) == (texts[-2], ())
    assert spans.text == texts[-1].strip()
    assert "loop" not in spans.flags
    sentences = translator.hypotheses(["I see you. " * 20])[0][0]
    assert "loop" not in sentences.flags
    assert sentences.text == " ".join(translator.translate(["I see you."]) * 20)


@either
def test_draws_are_wishes_too(folder: Path, engine: EngineName) -> None:
    """Each line draws for itself, with all else that is wished; another engine draws the same."""
    translator = Translator.load(folder, engine=engine)
    wishes = Wishes(prefix="le bat", no_repeat=2, max_length=9, sampling=Sampling(temperature=2.0))
    found = translator.hypotheses([*TEXTS, TEXTS[0]], beam=6, wishes=wishes)
    assert [len(some) for some in found] == [6, 0, 6, 6]
    assert found[0] == found[3] != found[2]
    assert len({one.text for one in found[0]}) > 3
    for one in (*found[0], *found[2]):
        assert one.text.startswith("le bat")
    assert [one.text for one in translator.hypotheses(TEXTS[:1], beam=2, wishes=wishes)[0]] == [
        one.text for one in found[0][:2]
    ]


def test_the_command_draws(folder: Path) -> None:
    def said(*words: str) -> list[str]:
        given = ["--model", str(folder), "--sample", "--temperature", "3", *words, TEXTS[2]]
        return CliRunner().invoke(command, given, catch_exceptions=False).stdout.splitlines()

    rows = said("--n-best", "5")
    assert [row.split("\t")[0] for row in rows] == ["1"] * 5
    assert said() == [rows[0].split("\t")[2]]
    assert said("--n-best", "5", "--seed", "2") != rows
    assert said("--top-k", "1") == Translator.load(folder).translate(TEXTS[2:], beam=1)
    with pytest.raises(Mistake, match="--top-k says how to draw"):
        CliRunner().invoke(command, ["--model", str(folder), "--top-k", "3", "a"], catch_exceptions=False)


@either
def test_alternatives_are_wishes_too(folder: Path, engine: EngineName) -> None:
    """With all else that is wished; who says something else at each place has less in common."""
    translator = Translator.load(folder, engine=engine)
    wishes = Wishes(prefix="le bat", no_repeat=2, max_length=9)
    [plain, _, _] = translator.hypotheses(TEXTS, beam=4, wishes=wishes)
    [apart, nothing, _] = translator.hypotheses(TEXTS, beam=4, wishes=replace(wishes, diversity=9.0))
    assert nothing == []
    assert len({one.text for one in apart}) == len(apart) == 4
    assert all(one.text.startswith("le bat") for one in apart)
    assert len({one.text.split()[1] for one in apart}) >= len({one.text.split()[1] for one in plain})
    given = ["--model", str(folder), "--engine", engine, "--n-best", "4", "--diversity", "9", TEXTS[2]]
    rows = CliRunner().invoke(command, given, catch_exceptions=False).stdout.splitlines()
    [found] = translator.hypotheses(TEXTS[2:], beam=5, wishes=Wishes(diversity=9.0))
    assert [row.split("\t")[2] for row in rows] == [one.text for one in found[:4]]


@pytest.mark.parametrize(
    ("wished", "message"),
    [
        ({"diversity": -1.0}, "must not be negative"),
        ({"diversity": 1.0, "sampling": Sampling()}, "one of them"),
        ({"diversity": 1.0, "glossary": (("a", ("b",)),)}, "plain beam"),
        ({"sampling": Sampling(), "glossary": (("a", ("b",)),)}, "plain beam"),
    ],
)
def test_what_does_not_go_together_is_told(wished: dict[str, Any], message: str) -> None:
    with pytest.raises(Mistake, match=message):
        Wishes(**wished)


def test_help_tells_each_option_once() -> None:
    told = CliRunner().invoke(command, ["--help"]).stdout
    for parameter in command.params:
        for name in parameter.opts if parameter.param_type_name == "option" else ():
            assert len(re.findall(rf"^  {name}\b(?!-)", told, re.MULTILINE)) == 1, name
    assert told.index("--model") < told.index("--glossary") < told.index("--sample")
