"""A trained folder translates without torch; what was written is checked before it is read."""

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from latimer import shipping
from latimer.data import lexicon
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.recipe import Trained
from latimer.runtime.recording import Graphs, record
from latimer.translator import Translator

TEXTS = ["she wants my boat.", "", "you hear the friend and the friend hears you."]


@pytest.fixture(scope="module")
def shipped(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    """A copy of the trained folder, shipped. Read only, please."""
    path = tmp_path_factory.mktemp("shipped") / "model"
    shutil.copytree(trained.folder.path, path)
    told: list[str] = []
    folder = ModelFolder(path)
    found = shipping.ship(folder, note=told.append)
    assert found is not None
    assert told[-1] == str(found)
    assert ModelFolder(path).record["runtime"] == found._asdict()
    assert found.weights == "int8"
    assert found.bleu >= found.torch_bleu - 0.3
    return folder


def run(folder: ModelFolder, program: str, *arguments: str, env: Mapping[str, str] = os.environ) -> str:
    command = [sys.executable, "-W", "error", "-c", program, str(folder.path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


WITHOUT = "import sys\nfor name in ('torch', 'onnx', 'onnxscript'): sys.modules[name] = None\n"
TRANSLATE = """from latimer import Translator
print(*Translator.load(sys.argv[1]).translate(sys.argv[2:]), sep='\\n')
"""


def test_translating_imports_no_torch(shipped: ModelFolder) -> None:
    rest = "assert not [name for name in sys.modules if name.split('.')[0] in ('torch', 'rich', 'sacrebleu')]"
    out = run(shipped, f"import sys\n{TRANSLATE}{rest}", *TEXTS)
    assert out.splitlines() == Translator.load(shipped.path, engine="onnx").translate(TEXTS)


def test_translating_reports_to_nobody_and_leaves_nothing_at_home(
    shipped: ModelFolder, tmp_path: Path
) -> None:
    named = ("CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "PYTEST_CURRENT_TEST", "XDG_CACHE_HOME")
    env = {name: value for name, value in os.environ.items() if name not in named}
    env |= {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    assert run(shipped, f"import sys\n{TRANSLATE}", TEXTS[0], env=env)
    assert not list(tmp_path.rglob("*")), "an identifier for ONNX Runtime's makers"


def test_where_torch_can_not_be_imported_the_command_translates(shipped: ModelFolder) -> None:
    program = f"{WITHOUT}sys.argv[1:] = ['translate', '--model', sys.argv[1], *sys.argv[2:]]\n"
    out = run(shipped, program + "from latimer.cli.main import run\nrun()", *TEXTS)
    assert out.splitlines() == Translator.load(shipped.path, engine="onnx").translate(TEXTS)


def test_the_engine_is_chosen_and_can_be_asked_for(shipped: ModelFolder, trained: Trained) -> None:
    assert Translator.load(shipped.path).engine.name == "onnx"
    assert Translator.load(shipped.path, "cpu").engine.name == "torch"
    assert Translator.load(shipped.path, engine="torch").engine.name == "torch"
    assert trained.translator.engine.name == "torch", "a folder without graphs"
    with pytest.raises(Mistake, match="holds no graphs for ONNX Runtime; make them: latimer export"):
        Translator.load(trained.folder.path, engine="onnx")


def test_what_to_do_is_said_where_nothing_can_run_the_model(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latimer.translator.find_spec", lambda name: None)
    with pytest.raises(Mistake, match="torch is not installed; run latimer export"):
        Translator.load(trained.folder.path)


def test_a_gpu_is_asked_for_only_where_a_driver_is(
    shipped: ModelFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("latimer.machine.DRIVER", tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.nn.Module.to", lambda model, device: model)
    assert Translator.load(shipped.path).engine.name == "torch"
    monkeypatch.setattr("latimer.machine.DRIVER", tmp_path / "none")
    assert Translator.load(shipped.path).engine.name == "onnx"


def test_one_can_look_inside_all_the_same(shipped: ModelFolder) -> None:
    look = Translator.load(shipped.path).look("she wants my boat.", target="elle veux")
    expected = Translator.load(shipped.path, engine="torch").look("she wants my boat.", target="elle veux")
    assert look.target == expected.target
    assert (look.layers()[0] == expected.layers()[0]).all()


def test_graphs_of_a_stopped_export_are_not_believed(
    shipped: ModelFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It stops when int8 has been written and is about to be measured: nobody knows what it loses."""
    folder = ModelFolder(shutil.copytree(shipped.path, tmp_path / "model"))

    def killed(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shipping, "OnnxEngine", killed)
        with pytest.raises(KeyboardInterrupt):
            shipping.ship(folder)
    assert (folder.runtime / "step.onnx").exists()
    assert not ModelFolder(folder.path).has_graphs
    assert Translator.load(folder.path).engine.name == "torch"
    assert shipping.ship(folder) is not None
    assert Translator.load(folder.path).engine.name == "onnx"


def test_int8_that_loses_too_much_is_not_taken(
    shipped: ModelFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class There(Graphs):
        """Graphs in int8 lie there already."""

        def save(self, folder: Path) -> None:
            assert (folder / "step.onnx").exists()

    monkeypatch.setattr(shipping, "LOSS", -101.0)
    monkeypatch.setattr(
        shipping,
        "record",
        lambda model, *, bos, weights: There(None, None) if weights == "int8" else record(model, bos=bos),
    )
    folder = ModelFolder(shutil.copytree(shipped.path, tmp_path / "model"))
    told: list[str] = []
    found = shipping.ship(folder, note=told.append)
    assert found is not None
    assert (found.weights, found.bleu) == ("float32", found.torch_bleu)
    assert "stays in float32" in told[0]
    one, other = (Translator.load(folder.path, engine=engine) for engine in ("onnx", "torch"))
    for found_there, found_here in zip(one.hypotheses(TEXTS), other.hypotheses(TEXTS), strict=True):
        assert [each.text for each in found_there] == [each.text for each in found_here]
        for each, its in zip(found_there, found_here, strict=True):
            assert each.score == pytest.approx(its.score, abs=1e-3)


def test_a_list_of_words_is_kept_only_where_it_changes_hardly_a_piece(
    shipped: ModelFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def listed(folder: ModelFolder) -> bool:
        graph = folder.runtime / "encoder.onnx"
        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        return "few_words" in [value.name for value in session.get_outputs()]

    assert shipped.record["runtime"]["agreement"] is None, "of a small vocabulary there is none"
    assert not listed(shipped)
    folder = ModelFolder(shutil.copytree(shipped.path, tmp_path / "model"))
    monkeypatch.setattr(shipping, "FEWEST", 0)
    monkeypatch.setattr(lexicon, "COMMON", 20)
    found = shipping.ship(folder)
    assert found is not None
    assert found.agreement is not None
    assert 0.99 <= found.agreement <= 1
    assert f"A list of words for each sentence leaves {found.agreement:.1%} of pieces" in str(found)
    assert listed(folder)
    assert folder.record["runtime"] == found._asdict()
    alone = [Translator.load(folder.path).translate([text]) for text in TEXTS]
    assert [*map(list, alone)] == [[text] for text in Translator.load(folder.path).translate(TEXTS)]

    monkeypatch.setattr(shipping, "AGREEMENT", 1.1)
    told: list[str] = []
    found = shipping.ship(folder, note=told.append)
    assert found is not None
    assert found.agreement is None
    assert "would change" in told[0]
    assert "so all words are compared" in told[0]
    assert not listed(folder)
    shutil.rmtree(folder.training / "tokens")
    assert shipping.lexicon_for(folder, folder.load_tokenizers()) is None


def test_where_nothing_can_be_recorded_torch_goes_on(
    shipped: ModelFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*arguments: Any, **options: Any) -> None:
        raise ModuleNotFoundError("No module named 'onnxscript'")

    monkeypatch.setattr(shipping, "record", fails)
    folder = ModelFolder(shutil.copytree(shipped.path, tmp_path / "model"))
    told: list[str] = []
    assert shipping.ship(folder, note=told.append) is None
    assert "No module named 'onnxscript'" in told[0]
    assert Translator.load(folder.path).engine.name == "torch"


def test_only_a_finished_run_is_shipped(shipped: ModelFolder, tmp_path: Path) -> None:
    folder = ModelFolder(shutil.copytree(shipped.path, tmp_path / "model"))
    (folder.training / "validation.tsv").unlink()
    with pytest.raises(Mistake, match="no validation pairs"):
        shipping.ship(folder)
    folder.write_record({**folder.record, "training": {**folder.record["training"], "finished": False}})
    with pytest.raises(Mistake, match="no finished run"):
        shipping.ship(folder)


# --- integrity


def test_a_finished_run_is_sealed_as_sha256sum_wants_it(shipped: ModelFolder, trained: Trained) -> None:
    for folder, files in ((trained.folder, 3), (shipped, 5)):
        lines = folder.sums.read_text(encoding="utf-8").splitlines()
        assert len(lines) == files
        assert {line.partition("  ")[2] for line in lines} >= {
            "config.json",
            "model.safetensors",
            "shared.model",
        }
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=shipped.path, check=True)


@pytest.mark.parametrize("name", ["shared.model", "runtime/step.onnx", "model.safetensors"])
def test_what_is_no_more_what_was_written_is_named(shipped: ModelFolder, tmp_path: Path, name: str) -> None:
    folder = ModelFolder(shutil.copytree(shipped.path, tmp_path / "model"))
    (folder.path / name).write_bytes(b"cut short")
    engine: Any = "torch" if name == "model.safetensors" else "onnx"
    with pytest.raises(Mistake, match=f"{name} is not what .*SHA256SUMS says"):
        Translator.load(folder.path, engine=engine)
    if name == "model.safetensors":
        with pytest.raises(Mistake, match="SHA256SUMS"):
            shipping.ship(folder)
        assert "cut short" not in folder.sums.read_text(encoding="utf-8")
        with pytest.raises(Mistake, match="SHA256SUMS"):
            Translator.load(folder.path, engine="torch")


def test_what_a_score_means_is_learned_from_the_validation_pairs(
    shipped: ModelFolder, trained: Trained, tmp_path: Path
) -> None:
    translator = Translator.load(shipped.path)
    told = shipped.record["confidence"]
    assert translator.calibration == (told["a"], told["b"]) != (0.0, 1.0)
    [[one, *_], [left, *_], [digits]] = translator.hypotheses([TEXTS[0], "ŵŷẑ ŵŷẑ", "2048"])
    pieces = round(one.log_probability / one.score)
    assert one.confidence == translator.calibration.confidence(one.log_probability, pieces)
    assert ("unknown" in left.flags, left.confidence) == (True, 0.0)
    assert (digits.text, digits.confidence) == ("2048", 1.0)
    [[before, *_]] = trained.translator.hypotheses(TEXTS[:1])
    assert "confidence" not in trained.folder.record
    assert before.confidence == pytest.approx(math.exp(before.score), rel=1e-4)


def test_where_no_graphs_can_be_made_scores_get_their_meaning_from_torch(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **more: Any) -> None:
        raise ModuleNotFoundError("No module named 'onnx'")

    folder = ModelFolder(tmp_path / "model")
    shutil.copytree(trained.folder.path, folder.path)
    monkeypatch.setattr(shipping, "record", fail)
    assert shipping.ship(folder) is None
    assert set(folder.record["confidence"]) == {"a", "b"}
    assert "runtime" not in folder.record
    assert Translator.load(folder.path).engine.name == "torch"
