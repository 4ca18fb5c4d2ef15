"""Fetching: against a server that breaks off, lies, changes its mind, and sends what is made to harm."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from latimer.card import model_card
from latimer.cli.corpus import command
from latimer.data import download as module
from latimer.data import origins
from latimer.data.corpus import Corpus
from latimer.data.download import download
from latimer.errors import Mistake

CONTENT = bytes(range(256)) * 2000  # 512,000 bytes


class Server(ThreadingHTTPServer):
    """Serves `files`; `drop`: bytes after which the connection ends; `lie`: bytes that it adds to lengths."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.drop: int | None = None
        self.lie = 0
        self.ranges, self.tag = True, '"one"'
        self.asked: list[str | None] = []
        self.broken = 0  # answers that are 503

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        server, content = self.server, self.server.files.get(self.path.split("?")[0])
        server.asked.append(self.headers.get("Range"))
        if content is None or server.broken:
            server.broken = max(0, server.broken - 1)
            self.send_error(404 if content is None else 503)
            return
        begin = 0
        if server.ranges and self.headers.get("Range") and self.headers.get("If-Range") == server.tag:
            begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if begin >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - begin + server.lie))
        if server.tag:
            self.send_header("ETag", server.tag)
        self.end_headers()
        rest = content[begin:]
        self.wfile.write(rest if server.drop is None else rest[: server.drop])
        self.close_connection = True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module, "PAUSE", 0.0)
    with Server() as server:
        server.files["/a.bin"] = CONTENT
        monkeypatch.setattr(origins, "OPUS", f"{server.url}api")
        monkeypatch.setattr(origins, "MANYTHINGS", server.url)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(server: Server, path: Path) -> str:
    return download(f"{server.url}a.bin", path, lambda done, total: None)


@pytest.mark.parametrize("drop", [None, 100_000, 511_999])
def test_what_breaks_off_is_joined_to_the_same_bytes(
    server: Server, tmp_path: Path, drop: int | None
) -> None:
    server.drop = drop
    assert fetch(server, tmp_path / "a.bin") == sha256(CONTENT).hexdigest()
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    if drop:
        assert server.asked[:2] == [None, f"bytes={drop}-"]


def test_another_call_goes_on_where_the_last_one_ended(server: Server, tmp_path: Path) -> None:
    server.drop = 0
    with pytest.raises(Mistake, match="latimer train builtin:phrasebook"):
        fetch(server, tmp_path / "a.bin")
    server.drop, server.files["/a.bin"] = None, CONTENT[:300_000]
    server.lie = 1  # so that it is never whole, and what came is kept
    with pytest.raises(Mistake, match="again and again"):
        fetch(server, tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()
    server.lie, server.files["/a.bin"] = 0, CONTENT
    assert fetch(server, tmp_path / "a.bin") == sha256(CONTENT).hexdigest()


def test_a_beginning_is_never_joined_to_another_file(server: Server, tmp_path: Path) -> None:
    part = tmp_path / "a.bin.part"
    for told in (
        {"url": f"{server.url}a.bin", "version": '"old"'},  # it has changed since
        {"url": f"{server.url}b.bin", "version": '"one"'},
        {"url": f"{server.url}a.bin", "version": ""},
        [],
    ):
        part.write_bytes(b"other" * 50)
        part.with_name("a.bin.part.json").write_text(json.dumps(told))
        assert fetch(server, tmp_path / "a.bin") == sha256(CONTENT).hexdigest()


def test_a_server_that_cannot_resume_begins_again(server: Server, tmp_path: Path) -> None:
    server.ranges, server.drop = False, 100_000
    with pytest.raises(Mistake, match="again and again"):
        fetch(server, tmp_path / "a.bin")
    server.drop, server.tag, server.broken = None, "", 2
    assert fetch(server, tmp_path / "a.bin") == sha256(CONTENT).hexdigest()


def test_what_is_not_there_is_said_at_once(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="HTTP 404"):
        download(f"{server.url}none", tmp_path / "a", lambda done, total: None)
    assert len(server.asked) == 1
    with pytest.raises(Mistake, match="only http and https"):
        download("file:///etc/passwd", tmp_path / "a", lambda done, total: None)
    server.lie = 1 << 50
    with pytest.raises(Mistake, match="more than the disk has room for"):
        fetch(server, tmp_path / "a.bin")


def packed(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def test_opus_is_fetched_once_with_its_terms_and_read(server: Server, tmp_path: Path) -> None:
    server.files["/api"] = json.dumps({"corpora": [{"url": f"{server.url}v1/en-fr.txt.zip"}]}).encode()
    server.files["/v1/en-fr.txt.zip"] = packed(
        {
            "LICENSE": b"CC BY 2.0\nmore",
            "README": b"Own words",
            "T.en-fr.en": b"Yes.\n",
            "T.en-fr.fr": b"Oui.\n",
        }
    )
    outcome = CliRunner().invoke(
        command, ["get", "opus://Tatoeba/fra-eng", "--into", str(tmp_path), "--quiet"]
    )
    assert outcome.exit_code == 0
    path = tmp_path / "Tatoeba.en-fr.zip"
    assert outcome.output.strip() == str(path)
    corpus = Corpus.open(str(path), source_language="fr", target_language="en")
    assert [pair[:2] for pair in corpus.pairs()] == [("Oui.", "Yes.")]
    [origin] = corpus.origins()
    assert origin.sha256 == sha256(path.read_bytes()).hexdigest()
    assert origin.licence == "CC BY 2.0\nmore"
    assert "Own words" in origin.attribution
    asked = len(server.asked)
    assert origins.get("opus://Tatoeba/en-fr", tmp_path, lambda done, total: None) == path
    assert len(server.asked) == asked
    folder = Corpus.open(str(tmp_path))
    assert folder.origins() == [origin]
    assert len(list(folder.pairs())) == 1


def test_manythings_is_a_tsv_afterwards(server: Server, tmp_path: Path) -> None:
    server.files["/fra-eng.zip"] = packed(
        {"fra.txt": b"Go.\tVa !\tCC-BY\n", "../evil": b"x", "_about.txt": b"a"}
    )
    path = origins.get("manythings://eng-fra", tmp_path, lambda done, total: None)
    corpus = Corpus.open(str(path))
    assert [pair[:2] for pair in corpus.pairs()] == [("Go.", "Va !")]
    assert (corpus.source_language, corpus.target_language) == ("en", "fr")
    assert corpus.origins()[0].licence == "CC BY 2.0 FR"
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "tatoeba.en-fr.tsv",
        "tatoeba.en-fr.tsv.origin.json",
    ]


def test_a_bomb_and_a_page_in_place_of_an_archive_are_removed(server: Server, tmp_path: Path) -> None:
    server.files["/fra-eng.zip"] = packed({"fra.txt": b"\0" * (20 << 20)})
    for content, told in ((server.files["/fra-eng.zip"], "as no text does"), (b"<html>", "not a zip file")):
        server.files["/fra-eng.zip"] = content
        with pytest.raises(Mistake, match=told):
            origins.get("manythings://eng-fra", tmp_path, lambda done, total: None)
        assert list(tmp_path.iterdir()) == []
    server.files["/api"] = b"<html>"
    with pytest.raises(Mistake, match="something else"):
        origins.get("opus://Tatoeba/en-fr", tmp_path, lambda done, total: None)
    server.files["/api"] = b'{"corpora": []}'
    with pytest.raises(Mistake, match="OPUS has no Tatoeba for en and xx"):
        origins.get("opus://Tatoeba/en-xx", tmp_path, lambda done, total: None)


def test_without_a_network_the_phrasebook_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.0)
    monkeypatch.setattr(origins, "OPUS", "http://127.0.0.1:9/")
    monkeypatch.setattr(origins, "MANYTHINGS", "http://127.0.0.1:9/")
    for name in ("opus://Tatoeba/en-fr", "manythings://eng-fra"):
        with pytest.raises(
            Mistake, match=r"refused\); without a network .* latimer train builtin:phrasebook"
        ):
            origins.get(name, tmp_path, lambda done, total: None)


@pytest.mark.parametrize(
    "name", ["tatoeba", "opus://eng-fra", "opus://../en-fr/en", "manythings://a/eng-fra", ""]
)
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Mistake, match="is no name of a corpus"):
        origins.get(name, tmp_path, lambda done, total: None)


def test_the_card_says_whose_the_data_are() -> None:
    origin = {
        "name": "opus://T/en-fr",
        "url": "u",
        "sha256": "ab",
        "licence": "CC\n# x",
        "attribution": "T, of P.",
    }
    record: dict[str, Any] = {
        "source_language": "en",
        "target_language": "fr",
        "corpus": ["T.zip"],
        "validation": [],
        "data": {"pairs": 1, "validation_pairs": 1, "skipped": {}, "too_long": 0, "origins": [origin]},
        "config": {"model.score": "dot", "model.encoder": "lstm", "model.decoder": "lstm"},
        "versions": {"latimer": "0"},
        "training": {
            **dict.fromkeys(("parameters", "updates", "best_update", "threads", "seconds"), 1),
            **{"device": "CPU", "validation_bleu": 1.0, "finished": True},
        },
    }
    assert "\n- opus://T/en-fr: T, of P. Licence: CC. SHA-256 ab.\n" in model_card(record)
