"""No damaged file is read: not silently, and not by a parser that would crash or hang over it."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from mutations import Hostile

from latimer.config import configure
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.recipe import Trained, train
from latimer.shipping import ship
from latimer.translator import Translator

HERE = Path(__file__).parent
READ = {
    "onnx": {"config.json", "shared.model", "runtime/encoder.onnx", "runtime/step.onnx"},
    "torch": {"config.json", "shared.model", "model.safetensors"},
}


@pytest.fixture(scope="module")
def shipped(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    folder = ModelFolder(tmp_path_factory.mktemp("sealed") / "model")
    shutil.copytree(trained.folder.path, folder.path)
    assert ship(folder) is not None
    return folder


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.full)])
def test_of_so_many_mutated_files_none_is_read(shipped: ModelFolder, tmp_path: Path, count: int) -> None:
    path = shutil.copytree(shipped.path, tmp_path / "model")
    done = subprocess.run(
        [sys.executable, str(HERE / "mutations.py"), str(path), "1", str(count)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + count,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) > 0.95 * count
    for each in found:
        assert not each["hostile"], f"a pickle ran: {each}"
        assert each["said"] != "other", f"read silently: {each}"
        refused = each["said"].startswith("refused")
        if each["file"] in READ[each["engine"]]:
            assert refused, f"read silently: {each}"
            assert "SHA256SUMS" in each["said"]
            assert "\n" not in each["said"]
        elif each["file"] != "SHA256SUMS":
            assert not refused, f"not read, and refused: {each}"
    files = Counter(each["file"] for each in found if each["kind"] != "pickle")
    assert len(files) >= 7
    assert len({each["kind"] for each in found}) == 6


@pytest.mark.parametrize(
    "name", ["config.json", "shared.model", "model.safetensors", "runtime/encoder.onnx", "runtime/step.onnx"]
)
def test_a_pickle_is_refused_without_a_seal_too(shipped: ModelFolder, tmp_path: Path, name: str) -> None:
    import pickle

    folder = ModelFolder(shutil.copytree(shipped.path, tmp_path / "model"))
    folder.unseal()
    (folder.path / name).write_bytes(pickle.dumps(Hostile(tmp_path / "mark")))
    with pytest.raises(Mistake):
        Translator.load(folder.path, engine="torch" if name == "model.safetensors" else "onnx")
    assert not (tmp_path / "mark").exists()


def test_a_pickle_for_a_training_state_is_refused(
    tmp_path: Path, pairs_file: Path, small_settings: dict[str, object]
) -> None:
    import pickle

    def stopped(settings: dict[str, object]) -> None:
        train(configure(settings), str(pairs_file), into=tmp_path / "model")

    stopped(small_settings)
    state = tmp_path / "model" / "training" / "state.safetensors"
    assert state.exists()
    folder = ModelFolder(tmp_path / "model")
    folder.write_record({**folder.record, "training": {**folder.record["training"], "finished": False}})
    state.write_bytes(pickle.dumps(Hostile(tmp_path / "mark")))
    with pytest.raises(Mistake, match=r"state\.safetensors"):
        stopped(small_settings)
    assert not (tmp_path / "mark").exists()
