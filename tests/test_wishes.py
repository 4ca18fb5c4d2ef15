"""What is wished of a translation, from text to text, on either engine and by the command."""

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from latimer.cli.translate import command
from latimer.folder import ModelFolder
from latimer.recipe import Trained
from latimer.search.settings import Wishes
from latimer.shipping import ship
from latimer.translator import EngineName, Translator

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
    plain = translator.hypotheses(TEXTS, beam=3)
    assert translator.hypotheses(TEXTS, beam=3, wishes=Wishes()) == plain
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
    assert translator.translate(TEXTS, wishes=wishes) == translator.translate(TEXTS)


def test_the_command_wishes_too(folder: Path) -> None:
    words = ["--model", str(folder), "--prefix", "il vo", "--ban", "chien", "--max-length", "3", TEXTS[2]]
    said = CliRunner().invoke(command, words, catch_exceptions=False).stdout
    assert said.startswith("il vo")
    assert "chien" not in said.split()
    found = Translator.load(folder).hypotheses(TEXTS[2:], wishes=Wishes(max_length=3))[0]
    assert max(len(Translator.load(folder)._ids(one.text)) for one in found) <= 3
