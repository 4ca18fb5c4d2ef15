"""A Transformer as a package for Argos Translate and LibreTranslate: one file that they install.

A zip archive with one folder: metadata.json, README.md, the subword model, which both sides have to share,
the model as CTranslate2 reads it (ctranslate2.py), and what parts a text into sentences (sentences.py).
Argos Translate computes in whatever is fastest, int8 on most machines: so that is written.
"""

import json
import zipfile
from pathlib import Path

from latimer.data.languages import name_of
from latimer.errors import Mistake
from latimer.export.ctranslate2 import Weights, must_fit, save
from latimer.export.place import new_folder
from latimer.export.sentences import splitter
from latimer.folder import ModelFolder

VERSION = "1.0"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same model gives the same bytes


def write(folder: ModelFolder, into: Path, *, weights: Weights = "int8") -> Path:
    """Write the package into a new folder, and return its path. Raises Mistake for what Argos can't run."""
    model, tokenizers, record = folder.load_model(), folder.load_tokenizers(), folder.record
    must_fit(model, folder, "Argos Translate")
    if tokenizers.source.tags:
        raise Mistake(
            f"A package of Argos Translate has one direction, and {folder.path} has several, or domains; "
            "train one model for each."
        )
    codes = record["source_language"], record["target_language"]
    if None in codes:
        raise Mistake(
            f"Argos Translate wants to know the languages, and {folder.path} does not; "
            "train with files named after theirs, as in train.en,train.fr."
        )
    if not tokenizers.joint:
        raise Mistake(
            f"Argos Translate has one subword model for both languages, and {folder.path} has two; "
            "train without data.joint=false."
        )
    name = f"translate-{codes[0]}_{codes[1]}-{VERSION.replace('.', '_')}"
    metadata = {
        "package_version": VERSION,
        "argos_version": "1.9",
        "type": "translate",
        "from_code": codes[0],
        "from_name": name_of(codes[0]),
        "to_code": codes[1],
        "to_name": name_of(codes[1]),
    }
    with new_folder(into) as place:
        parts = place / "parts"
        (parts / "model").mkdir(parents=True)
        save(model, tokenizers, parts / "model", weights=weights)
        (parts / "sentencepiece.model").write_bytes(tokenizers.source.to_bytes())
        (parts / "metadata.json").write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
        (parts / "README.md").write_text(
            f"# {codes[0]} to {codes[1]}\n\nMade with Latimer.\n", encoding="utf-8"
        )
        (parts / "minisbd").mkdir()
        (parts / "minisbd" / "sentences.onnx").write_bytes(splitter())
        _pack(parts, place / f"{name}.argosmodel", name)
    return into / f"{name}.argosmodel"


def _pack(parts: Path, path: Path, name: str) -> None:
    """Move all files below `parts` into an archive, in a folder called `name`."""
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(parts.rglob("*")):
            if part.is_file():
                entry = zipfile.ZipInfo(f"{name}/{part.relative_to(parts).as_posix()}", EPOCH)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, part.read_bytes())
                part.unlink()
    for part in sorted(parts.rglob("*"), reverse=True):
        part.rmdir()
    parts.rmdir()
