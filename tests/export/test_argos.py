"""Argos Translate installs the package and translates with it, from the file alone and without a network."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from latimer.errors import Mistake
from latimer.export.argos import write
from latimer.export.sentences import splitter
from latimer.folder import ModelFolder
from latimer.recipe import Trained
from latimer.translator import PLAIN, Translator

ct2 = pytest.importorskip("ctranslate2", reason="the extra `export` is missing")

SEARCH: dict[str, Any] = {
    "beam_size": 4,
    "length_penalty": 0.2,
    "replace_unknowns": True,
}  # Argos Translate's


@pytest.fixture(scope="module")
def package(transformer: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(transformer, tmp_path_factory.mktemp("argos") / "there", weights="float32")


def installed(package: Path, into: Path) -> Path:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(into)
    [folder] = into.iterdir()
    return folder


def as_argos_does(folder: Path, texts: list[str], kind: str, **search: Any) -> list[str]:
    """Its way from a sentence to a translation, written anew."""
    from sentencepiece import SentencePieceProcessor

    pieces = SentencePieceProcessor(model_file=str(folder / "sentencepiece.model"))
    runner = ct2.Translator(str(folder / "model"), intra_threads=1, compute_type=kind)
    rows = [pieces.encode(text, out_type=str) for text in texts]
    found = runner.translate_batch(rows, max_batch_size=32, batch_type="tokens", **search)
    decoded = [pieces.decode_pieces(each.hypotheses[0]) for each in found]
    return [text.replace("▁", " ").replace("_", " ").removeprefix(" ") for text in decoded]


def test_the_package_is_what_the_installer_reads(package: Path, tmp_path: Path) -> None:
    names = zipfile.ZipFile(package).namelist()
    assert all(name.startswith("translate-en_fr-1_0/") and ".." not in name for name in names)
    assert [path.name for path in package.parent.iterdir()] == [package.name]
    folder = installed(package, tmp_path)
    metadata = json.loads((folder / "metadata.json").read_text())
    assert (metadata["from_code"], metadata["to_code"], metadata["type"]) == ("en", "fr", "translate")
    assert (metadata["from_name"], metadata["to_name"]) == ("English", "French")
    assert isinstance(metadata["package_version"], str)
    assert (folder / "README.md").exists()
    assert os.access(folder / "model" / "model.bin", os.R_OK)


def test_500_sentences_come_out_as_in_torch(
    package: Path, transformer: ModelFolder, sources: list[str], tmp_path: Path
) -> None:
    found = as_argos_does(installed(package, tmp_path), sources, "float32", beam_size=1)
    expected = Translator.load(transformer.path, engine="torch").translate(sources, beam=1, wishes=PLAIN)
    assert sum(one == other for one, other in zip(found, expected, strict=True)) >= 499


def test_the_same_model_gives_the_same_bytes(package: Path, transformer: ModelFolder, tmp_path: Path) -> None:
    assert write(transformer, tmp_path / "again", weights="float32").read_bytes() == package.read_bytes()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A dog runs. Two men stand! Why?", ["A dog runs.", "Two men stand!", "Why?"]),
        ("Mr. Smith paid 3.50 for it, i.e. nothing.", ["Mr. Smith paid 3.50 for it, i.e. nothing."]),
        ("He is. Go! On. Really.", ["He is. Go!", "On. Really."]),
        ("你好。再见！", ["你好。", "再见！"]),
        ("no end", ["no end"]),
    ],
)
def test_sentences_are_parted(text: str, sentences: list[str]) -> None:
    session = onnxruntime.InferenceSession(splitter(), providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    ids = json.loads(told["vocab"])["_unit2id"]
    assert json.loads(told["config"])["feat_funcs"]
    units = np.array([[ids.get(character, ids["<UNK>"]) for character in text] + [ids["<PAD>"]]])
    features = np.zeros((*units.shape, 1), np.float32)
    [logits] = session.run(None, {"units": units, "features": features})
    ends = [place + 1 for place in np.flatnonzero(logits[0].argmax(-1) == 2) if place < len(text)]
    parts = [text[begin:end].strip() for begin, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    assert [part for part in parts if part] == sentences


def test_what_argos_can_not_express_is_one_sentence(
    trained: Trained, transformer: ModelFolder, tmp_path: Path
) -> None:
    with pytest.raises(Mistake, match="Argos Translate runs Transformers only"):
        write(trained.folder, tmp_path / "there")
    folder = ModelFolder(shutil.copytree(transformer.path, tmp_path / "model"))
    folder.write_record({**folder.record, "target_language": None})
    with pytest.raises(Mistake, match="wants to know the languages"):
        write(folder, tmp_path / "there")
    folder = ModelFolder(shutil.copytree(transformer.path, tmp_path / "apart"))
    folder.unseal()
    (folder.path / "shared.model").rename(folder.path / "source.model")
    shutil.copy(folder.path / "source.model", folder.path / "target.model")
    parameters = transformer.load_model()
    two = folder.build()
    two.load_state_dict(parameters.state_dict())
    folder.save_model(two)
    with pytest.raises(Mistake, match="one subword model for both"):
        write(folder, tmp_path / "there")
    assert not (tmp_path / "there").exists()


OFFLINE = """
import json, socket, sys
def refuse(*a, **k): raise OSError("there is no network")
socket.socket.connect = socket.getaddrinfo = refuse
from argostranslate import package, translate
package.install_from_path(sys.argv[1])
there = translate.get_language_from_code("en").get_translation(translate.get_language_from_code("fr"))
print(json.dumps([there.translate(text) for text in json.load(sys.stdin)]))
"""


@pytest.mark.full
def test_argos_translate_itself(
    package: Path, transformer: ModelFolder, sources: list[str], tmp_path: Path
) -> None:
    python, model = os.environ.get("LATIMER_ARGOS"), os.environ.get("LATIMER_TRANSFORMER")
    data = os.environ.get("LATIMER_DATA")
    if not python:
        pytest.skip("LATIMER_ARGOS names no Python that has argostranslate")
    if model and data:
        package = write(ModelFolder(model), tmp_path / "real")
        file = Path(data) / "multi30k" / "test_2016_flickr.en"
        lines = file.read_text(encoding="utf-8").splitlines()
        sources = [line for line in lines if ". " not in line and not line.startswith(" ")][:500]
    done = subprocess.run(
        [python, "-c", OFFLINE, str(package)],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(tmp_path), "ARGOS_PACKAGES_DIR": str(tmp_path / "packages")},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    expected = as_argos_does(installed(package, tmp_path / "by-hand"), sources, "auto", **SEARCH)
    found = json.loads(done.stdout)
    assert sum(one == other for one, other in zip(found, expected, strict=True)) >= 499
