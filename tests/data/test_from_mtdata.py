"""Corpora by way of mtdata: a stand-in that fetches from this machine, and leaves what mtdata leaves."""

import functools
import http.server
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from latimer.cli.corpus import command
from latimer.data import from_mtdata, origins
from latimer.data.corpus import Corpus
from latimer.errors import Mistake

STAND_IN = """
import sys, urllib.request
from pathlib import Path

assert sys.argv[1] == "get"
given = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
name, out = given["--train"], Path(given["--out"])
first, second = given["--langs"].split("-")
assert name.endswith(f"-{first}-{second}")
with (Path(__file__).parent / "calls").open("a") as file:
    file.write(name + "\\n")
if name.startswith("Far"):
    raise ConnectionError("HTTPSConnectionPool(host='far'): Max retries exceeded with url: /a.zip")
if name.startswith("Gone"):
    print("Loading the index")
    raise Exception(f"Could not find {name}")
with urllib.request.urlopen("URL/pairs.tsv") as answer:
    rows = [line.split("\\t") for line in answer.read().decode().splitlines()]
(out / "train-parts").mkdir(parents=True, exist_ok=True)
for language, column in zip((first, second), zip(*rows)):
    path = out / "train-parts" / f"{name}.{language}"
    path.write_text("".join(text + "\\n" for text in column), encoding="utf-8")
(out / "train-parts" / f".valid.{name}").write_text("")
(out / "train-parts" / f"{name}.meta.jsonl.gz").write_bytes(b"no pairs")
(out / "references.bib").write_text("%% " + name + "\\n@book{own,\\n title = {Own words}\\n}\\n")
(out / "mtdata.signature.txt").write_text("mtdata get\\n")
"""


@pytest.fixture
def mtdata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a package of that name; its file `calls` says what it was asked for."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "pairs.tsv").write_text("Yes.\tOui.\nNo.\tNon.\n", encoding="utf-8")

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    handler = functools.partial(Silent, directory=tmp_path / "web")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        package = tmp_path / "packages" / "mtdata"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        code = STAND_IN.replace("URL", f"http://127.0.0.1:{server.server_address[1]}")
        (package / "__main__.py").write_text(code)
        monkeypatch.syspath_prepend(package.parent)
        monkeypatch.setenv("PYTHONPATH", str(package.parent))
        yield package
        server.shutdown()
        thread.join()


def get(name: str, into: Path) -> Path:
    return origins.get(name, into, lambda done, total: None)


@pytest.mark.parametrize("name", ["Own-small_words-1-eng-fra", "mtdata://Own-small_words-1-eng-fra"])
def test_what_mtdata_fetches_is_a_corpus_with_its_origin(mtdata: Path, tmp_path: Path, name: str) -> None:
    outcome = CliRunner().invoke(
        command, ["get", name, "--into", str(tmp_path / "data")], catch_exceptions=False
    )
    folder = tmp_path / "data" / "Own-small_words-1-eng-fra"
    assert outcome.output.splitlines()[-1] == str(folder)
    assert "Licence: not told by mtdata" in outcome.output
    corpus = Corpus.open(str(folder), source_language="fr", target_language="en")
    assert [pair[:2] for pair in corpus.pairs()] == [("Oui.", "Yes."), ("Non.", "No.")]
    assert (corpus.source_language, corpus.target_language) == ("fr", "en"), "fra is fr"
    assert Corpus.open(str(folder)).source_language == "eng"
    [origin] = corpus.origins()
    assert origin.name == name
    parts = folder / "train-parts"
    told = [sha256((parts / f"{folder.name}.{one}").read_bytes()).hexdigest() for one in ("eng", "fra")]
    assert origin.sha256 == ",".join(told)
    assert "Own words" in origin.attribution
    assert get(name, tmp_path / "data") == folder
    assert (mtdata / "calls").read_text().split() == [folder.name], "what is there was fetched again"
    (parts / f"{folder.name}.fra").unlink()
    get(name, tmp_path / "data")
    assert len((mtdata / "calls").read_text().split()) == 2


def test_what_mtdata_says_is_told_in_one_sentence(mtdata: Path, tmp_path: Path) -> None:
    with pytest.raises(
        Mistake, match=r"^mtdata could not fetch Gone-x-1-eng-fra: Exception: Could not find Gone"
    ):
        get("Gone-x-1-eng-fra", tmp_path)
    with pytest.raises(Mistake, match=r"without a network .* latimer train builtin:phrasebook"):
        get("Far-x-1-eng-fra", tmp_path)
    (mtdata / "__main__.py").write_text("")  # ends well, and brings nothing
    with pytest.raises(Mistake, match="it said nothing"):
        get("Own-x-1-eng-fra", tmp_path)


def test_without_mtdata_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(from_mtdata, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Mistake, match="which is not here; run: pip install mtdata"):
        get("Own-x-1-eng-fra", tmp_path)
    script = tmp_path / "mtdata"
    script.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('its own environment')\n")
    script.chmod(0o755)
    with pytest.raises(Mistake, match="its own environment"):
        get("Own-x-1-eng-fra", tmp_path)


@pytest.mark.parametrize(
    "name", ["Own-x-1-eng", "Own-x-eng-fra", "../Own-x-1-eng-fra", "-o-x-1-eng-fra", "a b-x-1-e-f"]
)
def test_other_names_are_not_given_to_mtdata(tmp_path: Path, mtdata: Path, name: str) -> None:
    with pytest.raises(Mistake, match="is no name of a corpus"):
        get(name, tmp_path)
    assert not (mtdata / "calls").exists()
