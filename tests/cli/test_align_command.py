"""latimer align as a user meets it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import click.testing
import pytest

from latimer.aligner import Aligner, usual_reading
from latimer.cli.align import command
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.recipe import Trained
from latimer.translator import Translator

LINES = ["I see a dog.\tje vois un chien.", "\tle chien", "he\til", "no target\t"]


def call(*words: str | Path, text: str | None = None) -> click.testing.Result:
    """What it prints; a mistake is raised."""
    runner = click.testing.CliRunner()
    done = runner.invoke(command, list(map(str, words)), input=text, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "some.en-fr.tsv"
    path.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    return path


@pytest.fixture
def model(trained: Trained, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.folder.path, tmp_path / "model"))


@pytest.fixture
def back(model: Path) -> Path:
    """A model that claims the other direction."""
    folder = ModelFolder(shutil.copytree(model, model.with_name("back")))
    folder.write_record({**folder.record, "source_language": "fr", "target_language": "en"})
    return folder.path


def test_a_line_for_each_line_in_order_and_the_skipped_ones_told(corpus: Path, model: Path) -> None:
    done = call(corpus, "--model", model)
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert lines[1] == lines[3] == ""
    assert lines[0]
    assert set(lines[0].split()) <= {f"{i}-{j}" for i in range(4) for j in range(4)}
    assert lines[2] == "0-0"
    assert "Skipped 2 pairs: an empty side (first at" in done.stderr
    assert call(corpus, "--model", model, "--quiet").stderr == ""


def test_two_files_standard_input_and_the_other_order_say_the_same(
    corpus: Path, model: Path, tmp_path: Path
) -> None:
    expected = call(corpus, "--model", model).stdout
    for side, name in enumerate(("a.en", "a.fr")):
        text = "".join(line.split("\t")[side] + "\n" for line in LINES)
        (tmp_path / name).write_text(text, encoding="utf-8")
    first, second = tmp_path / "a.en", tmp_path / "a.fr"
    assert call(f"{first},{second}", "--model", model).stdout == expected
    assert call("-", "--model", model, text=corpus.read_text(encoding="utf-8")).stdout == expected
    turned = call(f"{second},{first}", "--model", model).stdout.splitlines()
    for ours, theirs in zip(turned, expected.splitlines(), strict=True):
        assert {tuple(link.split("-")) for link in ours.split()} == {
            tuple(link.split("-")[::-1]) for link in theirs.split()
        }


def test_json_lines(corpus: Path, model: Path) -> None:
    told = [json.loads(line) for line in call(corpus, "--model", model, "--json").stdout.splitlines()]
    assert told[1] is told[3] is None
    assert told[0]["words"] == [["I", "see", "a", "dog."], ["je", "vois", "un", "chien."]]
    lines = call(corpus, "--model", model).stdout.splitlines()
    assert " ".join(f"{source}-{target}" for source, target in told[0]["links"]) == lines[0]


def test_gold_links_score_and_tune(corpus: Path, model: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold"
    gold.write_text("0-0 1-1 2-2 3-3\n\n0-0\n\n")
    before = json.loads(call(corpus, "--model", model, "--gold", gold, "--json").stdout)
    usual = usual_reading(ModelFolder(model).load_model())
    assert before["readings"] == {str(model): usual._asdict()}
    assert before["sentences"] == 2
    assert "reading" not in ModelFolder(model).record
    after = json.loads(call(corpus, "--model", model, "--gold", gold, "--tune", "--json").stdout)
    assert after["error_rate"] <= before["error_rate"]
    kept = ModelFolder(model).record["reading"]
    assert kept["error_rate"] == round(after["error_rate"], 4)
    assert Aligner.load(model).reading._asdict() == after["readings"][str(model)]
    shown = call(corpus, "--model", model, "--gold", gold).stdout
    assert f"{100 * after['error_rate']:.1f}" in shown
    assert f"{model}: decoder.attention, the mean of its heads" in shown
    assert Translator.load(model).look("I see a dog.").first == (0, None)


def test_both_directions(corpus: Path, model: Path, back: Path, tmp_path: Path) -> None:
    def links(*more: str) -> list[set[str]]:
        return [
            set(line.split())
            for line in call(corpus, "--model", model, "--reverse", back, *more).stdout.splitlines()
        ]

    usual, few = links(), links("--symmetrise", "intersection")
    many = links("--symmetrise", "union")
    assert usual == links("--symmetrise", "grow-diag-final-and")
    assert all(a <= b <= c for a, b, c in zip(few, usual, many, strict=True))
    assert few != many != [set(line.split()) for line in call(corpus, "--model", model).stdout.splitlines()]
    gold = tmp_path / "gold"
    gold.write_text("0-0 1-1 2-2 3-3\n\n0-0\n\n")
    call(corpus, "--model", model, "--reverse", back, "--gold", gold, "--tune")
    assert {"reading"} <= ModelFolder(model).record.keys() & ModelFolder(back).record.keys()


def test_what_it_learned_is_used_from_then_on(
    corpus: Path, model: Path, back: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latimer.linking.UPDATES", 20)
    gold = tmp_path / "gold"
    gold.write_text("0-0 1-1 2-2 3-3\n\n0-0\n\n")
    told = call(corpus, "--model", model, "--reverse", back, "--learn").stdout
    assert "Learned from 2 pairs." in told
    assert f"latimer align {corpus} --model {model} --reverse {back} > links.txt" in told
    assert Aligner.load(model).linker is not None
    assert Aligner.load(back).linker is not None
    assert f"{model}: its linker" in call(corpus, "--model", model, "--gold", gold).stdout
    scored = json.loads(call(corpus, "--model", model, "--gold", gold, "--json").stdout)
    assert scored["readings"] == {str(model): None}
    assert len(call(corpus, "--model", model).stdout.splitlines()) == 4


def test_mistakes_are_named(corpus: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="--gold"):
        call(corpus, "--model", model, "--tune")
    with pytest.raises(Mistake, match="--learn wants no --gold"):
        call(corpus, "--model", model, "--learn", "--gold", corpus)
    with pytest.raises(Mistake, match="both translate en to fr"):
        call(corpus, "--model", model, "--reverse", model)
    with pytest.raises(Mistake, match="does not exist"):
        call(corpus, "--model", model, "--gold", tmp_path / "none")
    with pytest.raises(Mistake, match="holds no model"):
        call(corpus, "--model", tmp_path)


def test_nothing_heavy_is_imported_for_its_help() -> None:
    probe = "import sys, latimer.cli.align; assert not {'torch', 'numpy', 'rich'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", probe], check=True)
