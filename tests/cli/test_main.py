"""The command line as a user meets it: what it prints, where, and how it exits."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from latimer.cli.main import run

PAIRS = [
    (f"{who} {what} .", f"{qui} {quoi} .")
    for who, qui in [("I", "je"), ("we", "nous"), ("you", "vous"), ("they", "elles"), ("some", "des")]
    for what, quoi in [("see a cat", "chat"), ("eat bread", "pain"), ("read", "livre"), ("sleep", "lit")]
]


class Done(NamedTuple):
    """What a call printed."""

    stdout: str
    stderr: str


def latimer(*words: str | Path, text: str | bytes = "", code: int = 0) -> Done:
    """Call the command as a shell would, but in this process; its output, after checking its exit."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(3)]
    streams[0].buffer.write(text.encode() if isinstance(text, str) else text)
    streams[0].seek(0)
    with pytest.MonkeyPatch.context() as patch:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        patch.setattr(sys, "argv", ["latimer", *map(str, words)])
        with pytest.raises(SystemExit) as exit:
            run()
    for stream in streams[1:]:
        stream.flush()
    done = Done(*(stream.buffer.getvalue().decode() for stream in streams[1:]))  # type: ignore[attr-defined]
    assert (exit.value.code or 0) == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def write_pairs(path: Path, pairs: list[tuple[str, str]]) -> Path:
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny trained model."""
    place = tmp_path_factory.mktemp("cli")
    corpus = write_pairs(place / "pairs.en-fr.tsv", PAIRS * 10)
    small = ["--set", "model.width=32", "--set", "model.embedding=32", "--set", "model.dropout=0"]
    done = latimer(
        "train", corpus, "--validation", corpus, "--into", place / "model", "--steps", "60",
        "--set", "data.vocabulary=300", "--set", "training.rate=0.02", *small,
    )  # fmt: skip
    assert done.stdout == ""
    assert "BLEU" in done.stderr
    assert "latimer translate --model" in done.stderr  # what to type next
    assert "\x1b" not in done.stderr  # no colour in a pipe
    return place / "model"


def test_help_is_quick_to_ask_and_imports_no_torch() -> None:
    assert "evaluate" in latimer("--help").stdout
    probe = (
        "import sys, latimer.cli.main as m\n"
        "try: m.main(['--help'], standalone_mode=False)\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'numpy', 'sacrebleu', 'rich'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True)
    light = "import sys, latimer; assert not {'torch', 'numpy', 'sentencepiece'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", light], check=True)


def test_every_public_name_is_there_and_sorted() -> None:
    import latimer as package

    assert package.__all__ == sorted(package.__all__)
    assert set(package.__all__) == set(package._HOMES)
    assert all(getattr(package, name) is not None for name in package.__all__)


def test_the_folder_holds_what_the_design_says(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    files = {"README.md", "SHA256SUMS", "config.json", "model.safetensors", "shared.model"}
    assert names == {*files, "runtime", "training"}
    record = json.loads((folder / "config.json").read_text())
    assert record["source_language"] == "en"
    assert record["target_language"] == "fr"
    assert record["data"]["pairs"] == 200
    assert (folder / "training" / "metrics.jsonl").exists()


def test_the_same_command_on_a_finished_run_says_so_and_stops(folder: Path) -> None:
    before = (folder / "model.safetensors").read_bytes()
    corpus = folder.parent / "pairs.en-fr.tsv"
    small = ["--set", "model.width=32", "--set", "model.embedding=32", "--set", "model.dropout=0"]
    same = [
        "train", corpus, "--validation", corpus, "--into", folder, "--steps", "60",
        "--set", "data.vocabulary=300", "--set", "training.rate=0.02", *small,
    ]  # fmt: skip
    assert "finished" in latimer(*same).stderr
    other = latimer(*same[:-2], "--seed", "3", code=2).stderr
    assert "training.seed" in other
    assert "model.dropout" in other
    assert (folder / "model.safetensors").read_bytes() == before


def test_translate_keeps_lines_and_order(folder: Path) -> None:
    sources = [source for source, _ in PAIRS]
    text = "\n".join([sources[0], "", *sources[1:]]) + "\n"
    lines = latimer("translate", "--model", folder, text=text).stdout.split("\n")
    assert len(lines) == len(sources) + 2
    assert lines[1] == ""
    assert lines[-1] == ""
    # One by one gives the same as in a batch.
    assert latimer("translate", "--model", folder, sources[3]).stdout == lines[4] + "\n"


def test_translate_n_best_scores_and_json(folder: Path) -> None:
    rows = latimer("translate", "--model", folder, "--n-best", "3", "I read .", "we sleep .").stdout
    table = [row.split("\t") for row in rows.splitlines()]
    assert [row[0] for row in table] == ["1"] * 3 + ["2"] * 3
    scores = [float(row[1]) for row in table[:3]]
    assert scores == sorted(scores, reverse=True)
    told = json.loads(latimer("translate", "--model", folder, "--json", "I read .").stdout)
    assert told["source"] == "I read ."
    assert told["translations"][0]["text"] == table[0][2]
    assert told["translations"][0]["flags"] == []


def test_translate_files(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in put.txt").write_bytes("\ufeffI read .\r\n\r\nwe sleep .".encode())
    latimer(
        "translate", "--model", folder, "--input", tmp_path / "in put.txt", "--output", tmp_path / "out.txt"
    )
    assert len((tmp_path / "out.txt").read_text().splitlines()) == 3
    assert list(tmp_path.glob(".*")) == []


def test_translate_a_document(folder: Path, tmp_path: Path) -> None:
    page, into = tmp_path / "page.html", tmp_path / "out.html"
    page.write_text("<p class='x'>I read .</p><script>I read .</script>\n")
    latimer("translate", "--model", folder, "--input", page, "--output", into)
    told = latimer("translate", "--model", folder, "I read .").stdout.strip()
    assert into.read_text() == f"<p class='x'>{told}</p><script>I read .</script>\n"
    assert latimer("translate", "--model", folder, "--input", page).stdout == into.read_text()
    assert "document" in latimer("translate", "--model", folder, "--input", page, "--scores", code=2).stderr
    assert (
        "cannot be read"
        in latimer("translate", "--model", folder, "--input", tmp_path / "a.md", code=2).stderr
    )


def test_a_long_line_is_translated_by_sentences(folder: Path) -> None:
    told = latimer("translate", "--model", folder, "I read.").stdout.strip()
    lines = latimer("translate", "--model", folder, text="I read.  " * 90 + "\n\nI read.\n").stdout.split(
        "\n"
    )
    assert lines == [" ".join([told] * 90), "", told, ""]


def test_evaluate(folder: Path, tmp_path: Path) -> None:
    corpus = write_pairs(tmp_path / "test.en-fr.tsv", [*PAIRS, (PAIRS[0][0], "moi aussi .")])
    text = latimer("evaluate", corpus, "--model", folder).stdout
    assert "20 distinct sources" in text
    assert "BLEU" in text
    assert "version:" in text  # the signature
    told = json.loads(latimer("evaluate", corpus, "--model", folder, "--against", folder, "--json").stdout)
    assert told["sentences"] == 20
    assert told["pairs"] == 21
    assert told["against"][0]["difference"] == 0
    assert told["scores"][0]["low"] <= told["scores"][0]["value"] <= told["scores"][0]["high"]
    assert "score" in latimer("info", folder).stdout  # it is remembered


def test_look(folder: Path, tmp_path: Path) -> None:
    page, data = tmp_path / "page.html", tmp_path / "maps.json"
    picture = latimer("look", "I read .", "--model", folder, "--html", page, "--json", data).stdout
    assert "read" in picture
    assert '<details class="look" open>' in page.read_text(encoding="utf-8")
    (look,) = json.loads(data.read_text(encoding="utf-8"))
    assert look["sentence"] == "I read ."
    (translation,) = look["translations"]
    ((weights,),) = translation["cross"]
    assert len(weights) == len(translation["target"]) == len(translation["steps"])
    assert all(len(row) == len(look["source"]) for row in weights)
    assert all(abs(sum(row) - 1) < 1e-4 for row in weights)
    given = latimer("look", "I read .", "--model", folder, "--target", "nous lit .").stdout
    assert "nous" in given


def test_look_at_several_lines_and_translations(folder: Path, tmp_path: Path) -> None:
    """From standard input, empty lines left out; a picture each, numbered; a map each in the terminal."""
    pytest.importorskip("resvg_py", reason="the extra `pictures` draws PNG")
    svg, png = tmp_path / "map.svg", tmp_path / "map.png"
    words = ["look", "--model", folder, "--n-best", "2", "--svg", svg, "--png", png]
    shown = latimer(*words, text="I read .\n\nwe sleep .\n").stdout
    assert shown.count(" → ") == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"map-{number}.{kind}" for number in range(1, 5) for kind in ("png", "svg")
    ]
    assert (tmp_path / "map-4.png").read_bytes().startswith(b"\x89PNG")
    latimer("look", "I read .", "--model", folder, "--svg", svg, "--head", "0", "--layer", "0", "--quiet")
    assert svg.read_text(encoding="utf-8").startswith("<svg")


def test_look_names_the_layers_and_heads_that_there_are(folder: Path) -> None:
    for words, needle in (
        (["--layer", "1"], "no layer of cross attention 1; they go from 0 to 0"),
        (["--head", "-1"], "no head -1; they go from 0 to 0"),
        (["--kind", "encoder"], "there is no encoder attention here; there is: cross"),
        (["--target", "je", "--n-best", "2"], "give one of them"),
    ):
        assert needle in latimer("look", "I read .", "--model", folder, *words, code=2).stderr


def test_info(folder: Path) -> None:
    text = latimer("info", folder).stdout
    assert "en to fr" in text
    assert "model.width = 32" in text
    assert "size tiny" in text
    assert "feed_forward" not in text, "chosen, not asked for"
    assert json.loads(latimer("info", folder, "--json").stdout)["format"] == 1


def test_a_length_on_the_command_line_replaces_the_one_in_the_file(tmp_path: Path) -> None:
    corpus, file = write_pairs(tmp_path / "pairs.tsv", PAIRS), tmp_path / "settings.toml"
    file.write_text("[training]\ntokens = 500\n[model]\nwidth = 32\n[data]\nvocabulary = 300\n")
    latimer("train", corpus, "--into", tmp_path / "model", "--config", file, "--steps", "2", "--quiet")
    config = json.loads(latimer("info", tmp_path / "model", "--json").stdout)["config"]
    assert (config["training.steps"], config["training.tokens"]) == (2, None)
    assert config["model.width"] == 32


def test_mistakes_are_one_sentence_and_exit_2(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tsv"
    broken.write_bytes(b"one\tun\ntwo\tde\xffux\n")
    calls: list[tuple[list[str | Path], str]] = [
        (["train", "nowhere.tsv", "--into", tmp_path / "a"], "nowhere.tsv"),
        (["train", broken, "--into", tmp_path / "a"], "broken.tsv:2"),
        (["train", broken, "--set", "model.widht=3"], "model.width"),
        (["train", broken, "--set", "model.width=wide"], "a whole number"),
        (["train", broken, "--model", "lstn"], "'lstm'"),
        (["train", broken, "--minutes", "2", "--epochs", "3"], "training.minutes"),
        (["train", broken, "--from-model", folder, "--model", "conv"], "leave --model away"),
        (["train", broken, "--from-model", folder, "--set", "model.width=8"], "leave model.width away"),
        (["train", broken, "--from-model", tmp_path / "no", "--into", tmp_path / "a"], "holds no model"),
        (["train", broken, "--replay", "old.tsv", "--into", tmp_path / "a"], "--from-model"),
        (["train"], "CORPUS"),
        (["translate", "hello", "--model", tmp_path], "holds no model"),
        (["translate", "hello", "--model", folder, "--beam", "0"], "at least 1"),
        (["look", "", "--model", folder], "nothing to look at"),
        (["evaluate", broken, "--model", folder], "broken.tsv:2"),
        (["info", tmp_path / "nothing"], "holds no model"),
        (["nonsense"], "nonsense"),
    ]
    for words, needle in calls:
        done = latimer(*words, code=2)
        assert needle in done.stderr, (words, done.stderr)
        assert done.stdout == ""


def test_broken_input_to_translate_names_its_line(folder: Path) -> None:
    done = latimer("translate", "--model", folder, text=b"fine\nnot \xff fine\n", code=2)
    assert "standard input:2" in done.stderr


def test_a_closed_pipe_is_no_error(folder: Path) -> None:
    command = f'"{sys.executable}" -m latimer info "{folder}" | head -n 1'
    done = subprocess.run(command, shell=True, capture_output=True, check=True)
    assert b"direction" in done.stdout
    assert b"Traceback" not in done.stderr
