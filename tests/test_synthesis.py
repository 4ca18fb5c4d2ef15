"""Synthetic pairs: every line once, in order, whatever happens on the way."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from latimer import synthesis
from latimer.cli import backtranslate, distil
from latimer.data.corpus import Corpus
from latimer.errors import Mistake
from latimer.recipe import Trained
from latimer.synthesis import TAG, backtranslated, distilled, job_of, write_pairs


class Loud:
    """Translates into capitals; dies at the n-th call."""

    def __init__(self, dies_at: int = 0) -> None:
        self.calls, self.dies_at = 0, dies_at

    def translate(self, texts: list[str], *, beam: int) -> list[str]:
        self.calls += 1
        if self.calls == self.dies_at:
            raise KeyboardInterrupt
        return [text.upper() for text in texts]


LINES = [f"line {number}" for number in range(25)]
JOB = {"kind": "test"}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "CHUNK", 4)


def written(into: Path, lines: list[str] = LINES, *, translator: Any = None, **more: Any) -> int:
    given = {"pair": distilled, "job": JOB, "beam": 1, **more}
    return (
        write_pairs.__wrapped__(translator or Loud(), lines, into, **given)
        if hasattr(write_pairs, "__wrapped__")
        else write_pairs(translator or Loud(), lines, into, **given)
    )


def test_every_line_in_its_order(tmp_path: Path) -> None:
    told: list[int] = []
    assert written(tmp_path / "pairs.tsv", progress=told.append) == 25
    lines = (tmp_path / "pairs.tsv").read_text(encoding="utf-8").splitlines()
    assert lines == [f"{line}\t{line.upper()}" for line in LINES]
    assert sum(told) == 25
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.tsv"]


@pytest.mark.parametrize("dies_at", [1, 2, 5, 7])
@pytest.mark.parametrize("cut", [0, 1, 9])
def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path: Path, dies_at: int, cut: int) -> None:
    into, part = tmp_path / "pairs.tsv", tmp_path / "pairs.tsv.part"
    with pytest.raises(KeyboardInterrupt):
        written(into, translator=Loud(dies_at))
    assert not into.exists()
    part.write_bytes(part.read_bytes()[: len(part.read_bytes()) - cut])  # what a crash may have kept back
    again = Loud()
    assert written(into, translator=again) == 25
    assert into.read_text(encoding="utf-8").splitlines() == [f"{line}\t{line.upper()}" for line in LINES]
    assert again.calls == 7 - (dies_at - 1) + (1 if cut and dies_at > 1 else 0)


def test_another_run_s_unfinished_work_is_left_alone(tmp_path: Path) -> None:
    into = tmp_path / "pairs.tsv"
    with pytest.raises(KeyboardInterrupt):
        written(into, translator=Loud(3))
    before = (tmp_path / "pairs.tsv.part").read_bytes()
    for other in ({"job": {"kind": "other"}}, {"beam": 2}):
        with pytest.raises(Mistake, match="another run's unfinished work"):
            written(into, **other)
    assert (tmp_path / "pairs.tsv.part").read_bytes() == before


def test_lines_without_a_translation_and_tabs_do_no_harm(tmp_path: Path) -> None:
    into = tmp_path / "pairs.en-fr.tsv"
    assert written(into, ["one", "", "two\tparts", "   "]) == 2
    corpus = Corpus.open(str(into))
    assert [(pair.source, pair.target) for pair in corpus.pairs()] == [
        ("one", "ONE"),
        ("two parts", "TWO PARTS"),
    ]


def test_back_translations_are_tagged() -> None:
    assert backtranslated("le chien", "the dog") == (f"{TAG} the dog", "le chien")
    assert backtranslated("le chien", "") == ("", "le chien")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="holds no trained model"):
        job_of("distil", tmp_path, "text")


def test_the_commands(trained: Trained, pairs_file: Path, tmp_path: Path) -> None:
    student, folder = tmp_path / "student.tsv", str(trained.folder.path)
    done = CliRunner().invoke(
        distil.command, [str(pairs_file), "--model", folder, "--into", str(student), "--beam", "1"]
    )
    assert done.exit_code == 0
    sources = [line.split("\t")[0] for line in pairs_file.read_text(encoding="utf-8").splitlines()]
    rows = [line.split("\t") for line in student.read_text(encoding="utf-8").splitlines()]
    translations = trained.translator.translate(sources[:5], beam=1)
    assert [row[1] if len(row) == 2 else "" for row in rows[:5]] == translations
    assert len(rows) == len(set(sources))

    text, back = tmp_path / "text.fr", tmp_path / "back.tsv"
    text.write_text("I see a dog.\n\nyou see a boat.\n", encoding="utf-8")
    done = CliRunner().invoke(backtranslate.command, [str(text), "--model", folder, "--into", str(back)])
    assert done.exit_code == 0
    rows = [line.split("\t") for line in back.read_text(encoding="utf-8").splitlines() if line]
    assert all(row[0].startswith(f"{TAG} ") for row in rows)
    assert {row[1] for row in rows} <= {"I see a dog.", "you see a boat."}
    again = CliRunner().invoke(backtranslate.command, [str(text), "--model", folder, "--into", str(back)])
    assert isinstance(again.exception, Mistake)
