"""The model directory: what is in it, and what happens when it is not whole."""

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from latimer.config import Config, configure
from latimer.data.tokenizer import Tokenizer
from latimer.errors import Mistake
from latimer.files import replacing, write_tensors, write_whole
from latimer.folder import FORMAT, ModelFolder, Tokenizers
from latimer.recipe import Trained


@pytest.fixture
def copy(trained: Trained, tmp_path: Path) -> ModelFolder:
    """A trained folder that may be broken."""
    shutil.copytree(trained.folder.path, tmp_path / "model")
    return ModelFolder(tmp_path / "model")


def test_the_files_of_a_finished_run(trained: Trained) -> None:
    found = {str(path.relative_to(trained.folder.path)) for path in trained.folder.path.rglob("*")}
    assert found >= {
        "config.json",
        "model.safetensors",
        "shared.model",
        "README.md",
        "training/metrics.jsonl",
    }
    assert not any(name.endswith(".part") for name in found)
    assert not any(Path(name).suffix in (".pt", ".pth", ".pkl", ".npy") for name in found)


def test_a_model_is_moved_by_copying_it_and_needs_no_training_folder(
    copy: ModelFolder, trained: Trained
) -> None:
    shutil.rmtree(copy.training)
    one, two = copy.load_model(), trained.folder.load_model()
    assert not one.training
    names = [name for name, _ in one.named_parameters()]
    assert names == [name for name, _ in two.named_parameters()]
    stored = load_file(copy.path / "model.safetensors")
    assert set(stored) == set(names), "each parameter once, shared ones too"
    for name, parameter in one.named_parameters():
        assert torch.equal(parameter, stored[name])
    assert copy.config == trained.folder.config


def test_a_saved_model_is_the_one_that_is_loaded(copy: ModelFolder) -> None:
    model = copy.build()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    copy.save_model(model)
    for one, other in zip(model.parameters(), copy.load_model().parameters(), strict=True):
        assert torch.equal(one, other)
    assert model.decoder.output.weight is model.decoder.embedding.weight  # type: ignore[union-attr]


def test_the_record_is_read_anew_after_it_was_written(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path / "new")
    assert not folder.holds_something
    config = configure({"model.width": 64})
    from latimer.config import flatten

    folder.write_record(
        {"config": flatten(config), "spacing": {"before": {}, "after": {}, "between_digits": " "}}
    )
    assert folder.holds_something
    assert folder.config == config
    folder.write_record({"config": flatten(Config())})
    assert folder.config == Config()
    assert json.loads((folder.path / "config.json").read_text())["format"] == FORMAT
    assert folder.training == folder.path / "training"


def test_each_side_may_have_its_own_subwords(tmp_path: Path) -> None:
    texts = ["ab abc", "cab bac", "aabb ccb"]
    one, two = Tokenizer.learn(texts, 300), Tokenizer.learn(["xyz zyx", "zzy"], 300)
    folder = ModelFolder(tmp_path)
    folder.save_tokenizers(Tokenizers(one, two))
    assert {path.name for path in tmp_path.iterdir()} == {"source.model", "target.model"}
    loaded = folder.load_tokenizers()
    assert not loaded.joint
    assert loaded.source.encode("abc") == one.encode("abc")
    assert loaded.target.encode("xyz") == two.encode("xyz")
    assert Tokenizers(one, one).joint


def test_a_folder_without_a_model_says_what_to_do(copy: ModelFolder, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="holds no model; make one: latimer train"):
        _ = ModelFolder(tmp_path / "nowhere").record
    (copy.path / "model.safetensors").unlink()
    with pytest.raises(Mistake, match="no trained model yet; run its latimer train command again"):
        copy.load_model()


def test_its_content_tells_a_model_from_others_wherever_it_lies(copy: ModelFolder, tmp_path: Path) -> None:
    told = copy.content()
    moved = ModelFolder(shutil.copytree(copy.path, tmp_path / "moved"))
    assert moved.content() == told
    for name in ("model.safetensors", next(moved.path.glob("*.model")).name):
        (moved.path / name).write_bytes(b"other")
        assert moved.content() != told
        shutil.copyfile(copy.path / name, moved.path / name)
    (moved.path / "model.safetensors").unlink()
    with pytest.raises(Mistake, match="holds no trained model; make one"):
        moved.content()


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "{}", '{"format": "x"}', "null"])
def test_a_damaged_record_is_one_sentence(copy: ModelFolder, content: str) -> None:
    copy.unseal()  # else it would be refused before it is parsed
    (copy.path / "config.json").write_text(content)
    with pytest.raises(Mistake, match=r"config\.json is damaged"):
        _ = ModelFolder(copy.path).record


def test_a_record_of_a_later_latimer_is_told_apart(copy: ModelFolder) -> None:
    record = {**copy.record, "format": FORMAT + 1}
    copy.unseal()
    (copy.path / "config.json").write_text(json.dumps(record))
    with pytest.raises(Mistake, match="of a newer Latimer"):
        _ = ModelFolder(copy.path).record


def test_damaged_parameters_are_one_sentence(copy: ModelFolder) -> None:
    copy.unseal()  # else it would be refused before it is parsed
    path = copy.path / "model.safetensors"
    tensors, whole = load_file(path), path.read_bytes()
    name = "decoder.start.linear.weight"
    missing = {key: value for key, value in tensors.items() if key != name}
    other = {**tensors, name: tensors[name][:1].clone()}
    for damage in (missing, other):
        save_file(damage, path)
        with pytest.raises(Mistake, match="damaged or not of this model"):
            copy.load_model()
    for content in (b"", whole[:100], whole[:-4], b"x" * 200):
        path.write_bytes(content)
        with pytest.raises(Mistake, match="damaged or not of this model"):
            copy.load_model()


def test_a_damaged_or_missing_subword_model_is_one_sentence(copy: ModelFolder) -> None:
    (copy.path / "shared.model").write_bytes(b"nonsense")
    with pytest.raises(Mistake, match=r"shared\.model"):
        copy.load_tokenizers()
    (copy.path / "shared.model").unlink()
    with pytest.raises(Mistake, match=r"source\.model"):
        copy.load_tokenizers()


def test_writing_the_record_keeps_the_seal_and_blesses_nothing_else(copy: ModelFolder) -> None:
    (copy.path / "model.safetensors").write_bytes(b"other")
    copy.write_record({**copy.record, "more": 1})
    assert ModelFolder(copy.path).record["more"] == 1
    with pytest.raises(Mistake, match="SHA256SUMS"):
        copy.load_model()


def test_a_folder_without_a_seal_is_believed_and_one_that_names_nothing_is_not(copy: ModelFolder) -> None:
    copy.sums.write_text("")
    with pytest.raises(Mistake, match=r"config\.json is not what .*SHA256SUMS says"):
        _ = ModelFolder(copy.path).record
    copy.unseal()
    assert ModelFolder(copy.path).load_model()


# --- files


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_whole(path, b"old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"half of the ne")
            assert path.read_bytes() == b"old"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"old"
    assert [one.name for one in path.parent.iterdir()] == ["file"]
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [one.name for one in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_write_that_fails_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def refuse(self: Path, content: bytes) -> int:
        raise OSError(number, "Something is wrong")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(
        Mistake, match=r"file can't be written \(Something is wrong\); what was there is whole"
    ):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_place_that_is_no_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Mistake, match="can't be written"):
        write_whole(tmp_path / "file" / "inside", b"")
    with pytest.raises(Mistake, match="can't be written"):
        write_tensors(tmp_path / "file" / "inside", {"a": torch.ones(1)})


def test_the_new_file_is_flushed_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, order = tmp_path / "file", []
    from latimer import files

    replace = Path.replace
    monkeypatch.setattr(files.os, "fsync", lambda _: order.append(path.exists()))

    def watched(self: Path, target: Any) -> Path:
        order.append("rename")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    write_whole(path, b"x")
    assert order == [False, "rename", True], "the content, the name, then the folder"


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", {"a": torch.ones(1)})
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode
