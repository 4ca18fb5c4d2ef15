"""The graphs of every family say what torch says, run by the example in docs/ with nothing of ours."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from latimer.config import configure
from latimer.export.onnx import write
from latimer.folder import ModelFolder
from latimer.presets import PRESETS
from latimer.recipe import Trained, train
from latimer.translator import PLAIN, Translator

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "greedy.py"
ALONE = """
import importlib.util, json, sys
from pathlib import Path
for name in ("torch", "onnx", "latimer"): sys.modules[name] = None
spec = importlib.util.spec_from_file_location("greedy", sys.argv[1])
greedy = importlib.util.module_from_spec(spec)
spec.loader.exec_module(greedy)
translator, texts = greedy.Greedy(Path(sys.argv[2])), json.load(sys.stdin)
batches = [texts[start:start + 50] for start in range(0, len(texts), 50)]
print(json.dumps([line for batch in batches for line in translator.translate(batch)]))
"""


def alone(folder: Path, texts: list[str]) -> list[str]:
    command = [sys.executable, "-c", ALONE, str(EXAMPLE), str(folder)]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def expect_the_same(folder: ModelFolder, sources: list[str], into: Path) -> None:
    write(folder, into)
    expected = Translator.load(folder.path, engine="torch").translate(sources, beam=1, wishes=PLAIN)
    assert len(set(expected)) > 5
    found = alone(into, sources)
    # Of a translation that never ends, the batch's longest source decides where it is cut.
    assert sum(one.startswith(other) for one, other in zip(found, expected, strict=True)) >= 499
    assert sum(one == other for one, other in zip(found, expected, strict=True)) >= 400


def test_500_sentences_of_a_transformer(transformer: ModelFolder, sources: list[str], tmp_path: Path) -> None:
    expect_the_same(transformer, sources, tmp_path / "there")
    names = {path.name for path in (tmp_path / "there").iterdir()}
    assert names == {"encoder.onnx", "step.onnx", "shared.model"}


def test_the_example_is_a_command(transformer: ModelFolder, tmp_path: Path) -> None:
    write(transformer, tmp_path / "there", weights="int8")
    command = [sys.executable, str(EXAMPLE), str(tmp_path / "there")]
    done = subprocess.run(command, input="I see  the dog.\nyou\n", capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 2


def test_the_example_is_as_short_as_it_says() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.full
@pytest.mark.parametrize("name", [*PRESETS, "apart"])
def test_500_sentences_of_every_family(
    name: str, sources: list[str], pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    family = PRESETS.get(name, PRESETS["lstm"])
    shape = dict(zip(("model.encoder", "model.decoder", "model.score"), family, strict=True))
    more = {"data.joint": name != "apart", "training.steps": 200, "model.width": 32, "model.embedding": 32}
    trained: Trained = train(
        configure({**small_settings, **shape, **more}), str(pairs_file), into=tmp_path / "model"
    )
    expect_the_same(trained.folder, sources, tmp_path / "there")
