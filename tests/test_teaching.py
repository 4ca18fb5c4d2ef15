"""What a student is given: the corpus, what its teachers say and what is said back, and nothing held out."""

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from latimer import synthesis
from latimer.cli import distil
from latimer.cli.main import main
from latimer.config import configure
from latimer.data.corpus import Corpus
from latimer.data.split import key
from latimer.data.tokenizer import EOS
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.recipe import train
from latimer.teaching import lesson
from latimer.training.log import Silent
from latimer.translator import Translator

Pairs = list[tuple[str, str]]


SETTINGS: dict[str, Any] = {
    "model.embedding": 24,
    "model.width": 24,
    "data.vocabulary": 310,
    "training.steps": 120,
    "training.batch": 300,
    "training.validations": 2,
    "training.rate": 0.02,
    "training.precision": "float32",
}


def learned(pairs_file: Path, into: Path, *, seed: int, way: tuple[str, str]) -> str:
    """A model that says many things, some of them right."""
    source, target = way
    languages: Any = {"source_language": source, "target_language": target}
    config = configure({**SETTINGS, "training.seed": seed})
    return str(train(config, str(pairs_file), into=into, reporter=Silent(), **languages).folder.path)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> str:
    return learned(pairs_file, tmp_path_factory.mktemp("teachers") / "teacher", seed=1, way=("en", "fr"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> str:
    return learned(pairs_file, tmp_path_factory.mktemp("teachers") / "other", seed=2, way=("en", "fr"))


@pytest.fixture(scope="module")
def returning(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> str:
    return learned(pairs_file, tmp_path_factory.mktemp("teachers") / "back", seed=1, way=("fr", "en"))


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(distil.command, [str(one) for one in arguments])


def pairs_of(path: Path | str) -> Pairs:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [(source, target) for source, target in (line.split("\t") for line in lines if line)]


def without(pairs: Pairs, held: Pairs) -> Pairs:
    """By a loop of its own: the pairs none of whose sentences is held out."""
    sources, targets = ({key(pair[side]) for pair in held} for side in (0, 1))
    return [
        (source, target)
        for source, target in pairs
        if key(source) not in sources and key(target) not in targets
    ]


def held_by(folder: str) -> Pairs:
    return [(source, target) for source, target in ModelFolder(folder).held_lines()]


def said(folders: Sequence[str], lines: Sequence[str], tmp_path: Path) -> list[str]:
    """What latimer translate says with the same models."""
    given, made = tmp_path / "lines.txt", tmp_path / "said.txt"
    given.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    models = [word for folder in folders for word in ("--model", folder)]
    asked = ["translate", *models, "--input", str(given), "--output", str(made), "--beam", "2", "--quiet"]
    assert CliRunner().invoke(main, asked).exit_code == 0
    return made.read_text(encoding="utf-8").splitlines()


def test_the_corpus_then_forth_then_back_as_translate_says_it(
    pairs_file: Path, teacher: str, other: str, returning: str, tmp_path: Path
) -> None:
    corpus, into = tmp_path / "twice.en-fr.tsv", tmp_path / "all.tsv"
    real = pairs_of(pairs_file)
    again = [
        *real,
        *real[::3],
        (real[0][0], real[5][1]),
    ]  # pairs that stand there twice, a source with two targets
    corpus.write_text("".join(f"{source}\t{target}\n" for source, target in again), encoding="utf-8")
    models = ("--model", teacher, "--model", other, "--reverse", returning)
    done = invoke(corpus, *models, "--into", into, "--beam", 2)
    assert done.exit_code == 0
    held = held_by(teacher)
    kept = without([*real, again[-1]], held)
    assert len(kept) < len(real)
    sources, targets = (list(dict.fromkeys(pair[side] for pair in kept)) for side in (0, 1))
    there, here = said((teacher, other), sources, tmp_path), said((returning,), targets, tmp_path)
    assert len(set(there)) > 30
    assert len(set(here)) > 30
    assert there != said((teacher,), sources, tmp_path), "both have a say"
    forth = list(zip(sources, there, strict=True))
    back = list(zip(here, targets, strict=True))
    assert pairs_of(into) == [pair for pair in [*kept, *forth, *back] if all(pair)]
    assert pairs_of(tmp_path / "all.validation.tsv") == held
    assert f"held out one of their sentences: {len(real) - len(kept) + 1}.\n" in done.stderr
    alone = tmp_path / "taught.tsv"
    assert invoke(corpus, "--model", teacher, "--into", alone, "--beam", 2, "--quiet").stderr == ""
    assert pairs_of(alone) == list(zip(sources, said((teacher,), sources, tmp_path), strict=True))


@pytest.mark.parametrize("dies_at", [1, 9, 16])
def test_a_stopped_command_goes_on_to_the_same_bytes(
    pairs_file: Path,
    teacher: str,
    returning: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dies_at: int,
) -> None:
    """The corpus ends in the seventh chunk of thirty, what is said forth in the thirteenth."""
    monkeypatch.setattr(synthesis, "CHUNK", 30)
    whole, stopped = tmp_path / "whole.tsv", tmp_path / "stopped.tsv"
    asked = (pairs_file, "--model", teacher, "--reverse", returning, "--beam", 1, "--quiet", "--into")
    assert invoke(*asked, whole).exit_code == 0
    calls = 0
    sync = synthesis.os.fsync

    def pulled(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == dies_at + 1:
            raise KeyboardInterrupt
        sync(descriptor)

    with monkeypatch.context() as dying:
        dying.setattr(synthesis, "os", type("Dying", (), {"fsync": staticmethod(pulled)}))
        assert invoke(*asked, stopped).exit_code == 1
    assert not stopped.exists()
    mixed = invoke(pairs_file, "--model", teacher, "--beam", 1, "--quiet", "--into", stopped)
    assert isinstance(mixed.exception, Mistake), "without --reverse it is another run"
    swapped = invoke(*asked[:2], returning, "--reverse", teacher, *asked[5:], stopped)
    assert isinstance(swapped.exception, Mistake)
    assert invoke(*asked, stopped).exit_code == 0
    assert stopped.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("stopped.tsv", "stopped.validation.tsv", "whole.tsv", "whole.validation.tsv")
    ]


def test_no_model_may_go_the_wrong_way(pairs_file: Path, teacher: str, returning: str) -> None:
    for teachers, reverse in (((teacher,), (teacher,)), ((teacher,), (returning, teacher))):
        with pytest.raises(Mistake, match=r"teacher translates en to fr, and here fr to en is wanted\.$"):
            lesson([str(pairs_file)], teachers, reverse)
    with pytest.raises(Mistake, match="back translates fr to en, and here en to fr is wanted"):
        lesson([str(pairs_file)], (teacher, returning), ())
    with pytest.raises(Mistake, match="into fr, not into de"):
        lesson([str(pairs_file)], (teacher,), (), to="de")


def nameless(folder: str, into: Path) -> str:
    """The same model, of a corpus that did not tell its languages."""
    shutil.copytree(folder, into)
    model = ModelFolder(into)
    model.write_record({**model.record, "source_language": None, "target_language": None})
    return str(into)


def test_where_no_name_tells_the_words_do(
    pairs_file: Path, teacher: str, returning: str, tmp_path: Path
) -> None:
    corpus, turned = tmp_path / "pairs.tsv", tmp_path / "turned.tsv"
    shutil.copyfile(pairs_file, corpus)
    turned.write_text("".join(f"{target}\t{source}\n" for source, target in pairs_of(corpus)))
    one, two = nameless(teacher, tmp_path / "one"), nameless(returning, tmp_path / "two")
    found = lesson([str(corpus)], (one,), (two,))
    assert found.direction == (None, None)
    assert found.pairs == without(pairs_of(corpus), held_by(teacher))
    with pytest.raises(Mistake, match=r"one doesn't translate the targets of .*pairs\.tsv back"):
        lesson([str(corpus)], (one,), (one,))
    with pytest.raises(Mistake, match=r"one/training/validation.tsv stand the other way round"):
        lesson([str(turned)], (one,))
    assert lesson([str(turned)], (two,), (one,)).pairs


def test_what_was_held_out_is_left_out_and_what_was_named_is_not(
    pairs_file: Path, teacher: str, tmp_path: Path
) -> None:
    real = pairs_of(pairs_file)
    some, more = held_by(teacher)[0], tmp_path / "more.en-fr.tsv"
    kin = [("what?", some[1].upper()), (some[0].rstrip("."), "quoi ?"), ("why?", "pourquoi ?")]
    more.write_text("".join(f"{source}\t{target}\n" for source, target in kin), encoding="utf-8")
    kept = lesson([str(pairs_file), str(more)], (teacher,)).pairs
    assert kept == [*without(real, held_by(teacher)), kin[2]]
    held = tmp_path / "held.en-fr.tsv"
    held.write_text("".join(f"{source}\t{target}\n" for source, target in real[:20]), encoding="utf-8")
    few = configure({**SETTINGS, "training.steps": 2, "training.validations": 1})
    named = train(few, str(pairs_file), into=tmp_path / "n", validation=str(held), reporter=Silent()).folder
    found = lesson([str(pairs_file)], (str(named.path),))
    assert (found.pairs, found.held) == (real, real[:20])
    with pytest.raises(Mistake, match="was validated on all of"):
        lesson([str(ModelFolder(teacher).held_file)], (teacher,))
    shutil.rmtree(named.training)  # as it may be
    found = lesson([str(pairs_file)], (str(named.path),))
    assert (found.pairs, found.held) == (real, [])
    assert "name real pairs with --validation" in found.notes[-1]


def test_every_kind_of_corpus_and_several(pairs_file: Path, teacher: str, tmp_path: Path) -> None:
    real = pairs_of(pairs_file)
    first, second = tmp_path / "a.fr", tmp_path / "a.en"
    first.write_text("".join(f"{target}\n" for _, target in real), encoding="utf-8")
    second.write_text("".join(f"{source}\n" for source, _ in real), encoding="utf-8")
    units = "".join(
        f'<tu><tuv xml:lang="fr"><seg>{target}</seg></tuv><tuv xml:lang="en"><seg>{source}</seg></tuv></tu>'
        for source, target in real
    )
    memory = tmp_path / "a.tmx"
    memory.write_text(f'<tmx version="1.4"><body>{units}</body></tmx>', encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("b.fr", "b.en"):
        shutil.copyfile(tmp_path / f"a.{name[-2:]}", folder / name)
    expected = lesson([str(pairs_file)], (teacher,)).pairs
    for name in (f"{first},{second}", str(memory), str(folder)):
        assert lesson([name], (teacher,)).pairs == expected
    book = lesson(["builtin:phrasebook/test", str(pairs_file), str(memory)], (teacher,)).pairs
    assert book[-len(expected) :] == expected
    assert len(book) > 2 * len(expected)
    wrong = tmp_path / "x.de-fr.tsv"
    shutil.copyfile(pairs_file, wrong)
    with pytest.raises(Mistake, match="de and fr by its name"):
        lesson([str(pairs_file), str(wrong)], (teacher,))


def test_the_advice_is_a_command_that_trains(
    pairs_file: Path, teacher: str, returning: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    into = Path("what was said.tsv")
    done = invoke(pairs_file, "--model", teacher, "--reverse", returning, "--into", into, "--beam", 1)
    assert done.exit_code == 0
    told = shlex.split(done.stderr.splitlines()[-1])
    held = "what was said.validation.tsv"
    expected = ["--from", "en", "--to", "fr", "--validation", held]
    expected += ["--model", "lstm", "--into", "student"]  # as the teacher is
    assert told == ["latimer", "train", str(into), *expected]
    few = ["--steps", "2", "--size", "tiny", "--set", "training.validations=1", "--quiet"]
    with monkeypatch.context() as patched:
        patched.setattr("latimer.cli.train._ship", lambda *given: None)  # it takes longest
        assert CliRunner().invoke(main, [*told[1:], *few]).exit_code == 0
    student = ModelFolder("student")
    assert (student.record["source_language"], student.record["target_language"]) == ("en", "fr")
    assert held_by("student") == held_by(teacher)
    assert student.record["data"]["pairs"] == len(pairs_of(into))
    assert (student.config.model.encoder, student.config.model.decoder) == ("lstm", "lstm")


def test_a_name_that_would_be_read_otherwise_is_refused(
    pairs_file: Path, teacher: str, tmp_path: Path
) -> None:
    asked: Any = (pairs_file, "--model", teacher, "--quiet", "--beam", 1, "--into")
    for name, told in (
        ("all.fr-en.tsv", "fr to en by its name, and its pairs will be en to fr"),
        ("all.tsv.gz", "will be a TSV"),
        ("all.csv", "will be a TSV"),
        ("all.tsv", "is another run's"),
    ):
        (tmp_path / "all.validation.tsv").write_text("mine\tà moi\n", encoding="utf-8")
        done = invoke(*asked, tmp_path / name)
        assert isinstance(done.exception, Mistake)
        assert told in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["all.validation.tsv"]
    assert invoke(*asked, tmp_path / "some.en-fr.tsv").exit_code == 0
    assert len(list(Corpus.open(str(tmp_path / "some.en-fr.validation.tsv")).pairs())) == len(
        held_by(teacher)
    )


def test_what_has_no_translation_is_skipped_and_counted(
    pairs_file: Path, teacher: str, returning: str, tmp_path: Path
) -> None:
    silent, into = tmp_path / "silent", tmp_path / "all.tsv"
    shutil.copytree(returning, silent)
    folder = ModelFolder(silent)
    model = folder.load_model()
    told = dict(model.named_parameters())
    with torch.no_grad():  # the end is what it says first, whatever it hears
        told["decoder.readout.weight"].zero_()
        told["decoder.readout.bias"].fill_(10)
        told["encoder.embedding.weight"][EOS] = 5
    folder.save_model(model)
    assert Translator.load(silent).translate(["je vois un chien."]) == [""]
    done = invoke(pairs_file, "--model", teacher, "--reverse", silent, "--into", into, "--beam", 1)
    kept = lesson([str(pairs_file)], (teacher,)).pairs
    sources = list(dict.fromkeys(source for source, _ in kept))
    assert [source for source, _ in pairs_of(into)] == [*(source for source, _ in kept), *sources]
    targets = {target for _, target in kept}
    count = f"{len(kept) + len(sources)} pairs in {into} ({len(targets)} would have an empty side)"
    assert count in done.stderr
    read = Corpus.open(str(into))
    assert len(list(read.pairs())) == len(kept) + len(sources)
