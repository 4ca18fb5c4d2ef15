"""The folder for a model hub: whole, with a card that huggingface_hub reads, and nothing of this machine."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from latimer.cli.export import command
from latimer.errors import Mistake
from latimer.export.huggingface import without_folders, write
from latimer.folder import ModelFolder
from latimer.recipe import Trained
from latimer.translator import Translator

TEXTS = ["she wants my boat.", "you hear the friend."]


def test_the_folder_translates_as_the_one_it_was_made_from(trained: Trained, tmp_path: Path) -> None:
    write(trained.folder, tmp_path / "there")
    names = {path.name for path in (tmp_path / "there").iterdir()}
    assert names == {"config.json", "model.safetensors", "shared.model", "README.md", "SHA256SUMS"}
    there = Translator.load(tmp_path / "there", engine="torch")
    assert there.translate(TEXTS) == Translator.load(trained.folder.path, engine="torch").translate(TEXTS)


def test_the_hub_reads_the_card(trained: Trained, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is missing")
    write(trained.folder, tmp_path / "there")
    card = hub.ModelCard.load(tmp_path / "there" / "README.md")
    assert (card.data.library_name, card.data.pipeline_tag) == ("latimer", "translation")
    assert card.data.language == ["en", "fr"]
    assert card.text.strip().startswith("# en to fr")
    written = hub.ModelCardData(**card.data.to_dict())
    assert written.to_dict() == card.data.to_dict()


def test_norwegian_is_a_language(trained: Trained, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is missing")
    folder = ModelFolder(shutil.copytree(trained.folder.path, tmp_path / "model"))
    folder.write_record({**folder.record, "target_language": "no"})
    write(folder, tmp_path / "there")
    assert hub.ModelCard.load(tmp_path / "there" / "README.md").data.language == ["en", "no"]


def test_no_folder_of_this_machine_is_told(trained: Trained, tmp_path: Path) -> None:
    write(trained.folder, tmp_path / "there")
    [corpus] = trained.folder.record["corpus"]
    assert "/" in corpus
    for name in ("README.md", "config.json"):
        text = (tmp_path / "there" / name).read_text(encoding="utf-8")
        assert Path(corpus).name in text
        assert str(Path(corpus).parent) not in text
    assert without_folders({"a/x.en,b/x.fr": ["C:\\c\\y.tsv", 3, None]}) == {"x.en,x.fr": ["y.tsv", 3, None]}


def test_a_damaged_folder_is_not_sealed_anew(trained: Trained, tmp_path: Path) -> None:
    folder = ModelFolder(shutil.copytree(trained.folder.path, tmp_path / "model"))
    (folder.path / "shared.model").write_bytes(b"other")
    with pytest.raises(Mistake, match="SHA256SUMS"):
        write(folder, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_the_command_says_what_transformers_can_not_do(trained: Trained, tmp_path: Path) -> None:
    given = ["--model", str(trained.folder.path), "--to", "huggingface", "--into", str(tmp_path / "there")]
    wrong = CliRunner().invoke(command, [*given, "--weights", "int8"])
    assert isinstance(wrong.exception, Mistake)
    done = CliRunner().invoke(command, given)
    assert done.exit_code == 0
    assert "transformers has no architecture" in done.stderr
