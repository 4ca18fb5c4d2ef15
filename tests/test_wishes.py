"""What is wished of a translation, from text to text, on either engine and by the command."""

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from latimer.cli.translate import command
from latimer.data.glossary import read_glossary
from latimer.errors import Mistake
from latimer.folder import ModelFolder
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
    assert translator.translate(TEXTS, wishes=wishes) == plain


def test_the_command_wishes_too(folder: Path) -> None:
    words = ["--model", str(folder), "--prefix", "il vo", "--ban", "chien", "--max-length", "3", TEXTS[2]]
    said = CliRunner().invoke(command, words, catch_exceptions=False).stdout
    assert said.startswith("il vo")
    assert "chien" not in said.split()
    translator = Translator.load(folder)
    rows = translator.tokenizers.source.encode_many(TEXTS[2:])
    found = translator._search(rows, 3, 1.0, wishes=Wishes(max_length=3))[0]
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
    assert said("--top-k", "1") == [Translator.load(folder).translate(TEXTS[2:], beam=1, wishes=PLAIN)[0]]
    with pytest.raises(Mistake, match="--top-k says how to draw"):
        CliRunner().invoke(command, ["--model", str(folder), "--top-k", "3", "a"], catch_exceptions=False)


def test_help_tells_each_option_once() -> None:
    told = CliRunner().invoke(command, ["--help"]).stdout
    for parameter in command.params:
        for name in parameter.opts if parameter.param_type_name == "option" else ():
            assert len(re.findall(rf"^  {name}\b(?!-)", told, re.MULTILINE)) == 1, name
    assert told.index("--model") < told.index("--glossary") < told.index("--sample")
