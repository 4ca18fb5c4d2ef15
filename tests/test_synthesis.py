"""Synthetic pairs: every line once, in order, whatever happens on the way."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from latimer import synthesis
from latimer.cli import backtranslate
from latimer.data.corpus import Corpus
from latimer.errors import Mistake
from latimer.recipe import Trained
from latimer.synthesis import TAG, Part, as_they_are, back, forth, write_pairs


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
    return write_pairs([forth(translator or Loud(), lines, beam=1)], into, **{"job": JOB, **more})


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


class Noted(Loud):
    """Remembers what was asked of it at once."""

    def __init__(self, dies_at: int = 0) -> None:
        super().__init__(dies_at)
        self.asked: list[list[str]] = []

    def translate(self, texts: list[str], *, beam: int) -> list[str]:
        self.asked.append(texts)
        return super().translate(texts, beam=beam)


def three(there: Loud, returning: Loud) -> list[Part]:
    """Parts whose seams no chunk of four ends at."""
    pairs = [(f"source {number}", f"target {number}") for number in range(5)]
    sources, targets = ([pair[side] for pair in pairs] * 2 for side in (0, 1))
    return [as_they_are(pairs), forth(there, sources, beam=1), back(returning, targets, beam=1)]


@pytest.mark.parametrize(
    ("there_dies", "back_dies"), [(1, 0), (2, 0), (3, 0), (0, 1), (0, 2), (0, 3), (0, 4)]
)
@pytest.mark.parametrize("cut", [0, 1, 40])
def test_parts_one_after_the_other_and_a_stop_in_any_of_them_leaves_no_trace(
    tmp_path: Path, there_dies: int, back_dies: int, cut: int
) -> None:
    into, part, whole = tmp_path / "pairs.tsv", tmp_path / "pairs.tsv.part", tmp_path / "whole.tsv"
    usual = Noted(), Noted()
    told: list[int] = []
    assert write_pairs(three(*usual), whole, job=JOB, progress=told.append) == sum(told) == 25
    rows = [line.split("\t") for line in whole.read_text(encoding="utf-8").splitlines()]
    numbers = [*range(5)] * 5
    sides = [("source", "target")] * 5 + [("source", "SOURCE")] * 10 + [("TARGET", "target")] * 10
    expected = [
        [f"{source} {number}", f"{target} {number}"]
        for number, (source, target) in zip(numbers, sides, strict=True)
    ]
    assert rows == expected
    with pytest.raises(KeyboardInterrupt):
        write_pairs(three(Loud(there_dies), Loud(back_dies)), into, job=JOB)
    assert not into.exists()
    part.write_bytes(part.read_bytes()[: max(0, len(part.read_bytes()) - cut)])
    again = Noted(), Noted()
    told.clear()
    assert write_pairs(three(*again), into, job=JOB, progress=told.append) == sum(told) == 25
    assert into.read_bytes() == whole.read_bytes()
    for one, before in zip(again, usual, strict=True):
        assert one.asked == before.asked[len(before.asked) - len(one.asked) :], "the same lines at once"
    if back_dies == 4 and not cut:
        assert [len(one.asked) for one in again] == [0, 1]


def test_another_run_s_unfinished_work_is_left_alone(tmp_path: Path) -> None:
    into = tmp_path / "pairs.tsv"
    with pytest.raises(KeyboardInterrupt):
        written(into, translator=Loud(3))
    before = (tmp_path / "pairs.tsv.part").read_bytes()
    with pytest.raises(Mistake, match="another run's unfinished work"):
        written(into, job={"kind": "other"})
    assert (tmp_path / "pairs.tsv.part").read_bytes() == before


def test_a_stop_after_all_was_done_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it would be found after a crash between the last two steps, the result taken away since."""
    into = tmp_path / "pairs.tsv"
    with monkeypatch.context() as stopping:
        stopping.setattr(Path, "unlink", lambda path, missing_ok=False: None if missing_ok else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            written(into)
    whole = into.read_bytes()
    into.rename(tmp_path / "taken.tsv")
    assert written(into) == 25
    assert into.read_bytes() == whole


def test_lines_without_a_translation_and_tabs_do_no_harm(tmp_path: Path) -> None:
    into = tmp_path / "pairs.en-fr.tsv"
    assert written(into, ["one", "", "two\tparts", "   "]) == 2
    corpus = Corpus.open(str(into))
    assert [(pair.source, pair.target) for pair in corpus.pairs()] == [
        ("one", "ONE"),
        ("two parts", "TWO PARTS"),
    ]


def test_back_translations_are_tagged_where_that_is_asked_for() -> None:
    lines = ["le chien", "", " "]
    for tag, said in ((TAG, f"{TAG} LE CHIEN"), ("", "LE CHIEN")):
        made = back(Loud(), lines, beam=1, tag=tag).make(lines)
        assert made == [(said, "le chien"), ("", ""), ("", " ")]


def test_the_command(trained: Trained, tmp_path: Path) -> None:
    folder = str(trained.folder.path)
    text, into = tmp_path / "text.fr", tmp_path / "back.tsv"
    text.write_text("I see a dog.\n\nyou see a boat.\n", encoding="utf-8")
    asked = [str(text), "--model", folder, "--into", str(into)]
    done = CliRunner().invoke(backtranslate.command, asked)
    assert done.exit_code == 0
    assert f"latimer train REAL.tsv {into} --from fr --to en --into model" in done.stderr.replace("\n", " ")
    rows = [line.split("\t") for line in into.read_text(encoding="utf-8").splitlines() if line]
    assert all(row[0].startswith(f"{TAG} ") for row in rows)
    assert {row[1] for row in rows} <= {"I see a dog.", "you see a boat."}
    again = CliRunner().invoke(backtranslate.command, asked)
    assert isinstance(again.exception, Mistake)
