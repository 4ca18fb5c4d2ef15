"""The process as an operator sees it: signals, logs, metrics, prefixes, overload, and no way out."""

import asyncio
import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from latimer.errors import Mistake
from latimer.serve.keys import Keys, make_key
from latimer.serve.limits import Limits
from latimer.serve.running import load, reload
from latimer.serve.service import Service
from serve.conftest import MODELS, PATIENCE, Gated, eventually, shout

ASKED = {"q": "I see a dog.", "source": "en", "target": "fr"}


def ask(url: str, **more: Any) -> httpx.Response:
    return httpx.post(url + "/translate", json={**ASKED, **more}, timeout=PATIENCE)


def listens(url: str) -> bool:
    """Whether new connections are taken."""
    place = urlsplit(url)
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection((place.hostname, place.port)).close()
        return True
    return False


@contextlib.contextmanager
def half_asked(url: str) -> Iterator[Callable[[], int]]:
    """A request that the server has begun to read; finish() sends the rest and gives the answer's status."""
    place = urlsplit(url)
    body = json.dumps(ASKED).encode()
    head = f"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as line:
        line.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body[:9])
        # That and the one that asks.
        eventually(lambda: "latimer_open_requests 2.0" in httpx.get(url + "/metrics", timeout=PATIENCE).text)

        def finish() -> int:
            line.sendall(body[9:])
            return int(line.recv(1000).split()[1])

        yield finish


class Running:
    """A process of `latimer serve`."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.log = log
        call = [sys.executable, "-m", "latimer", "serve", "--model", str(folder), "--port", "0"]
        with log.open("wb") as out:
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            self.process = subprocess.Popen(call, stderr=out, stdout=out, env=environment)
        try:
            port = self.event("serving")["address"][1]
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.url = f"http://127.0.0.1:{port}"

    def event(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = []

        def told() -> bool:
            lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
            found[:] = [event for event in map(json.loads, lines) if event["event"] == name]
            return bool(found) or self.process.poll() is not None

        eventually(told)
        assert found, f"no {name} in {self.log.read_text()}"
        return found[0]


@pytest.fixture
def running(shipped: Path, tmp_path: Path) -> Iterator[Running]:
    shutil.copytree(shipped, tmp_path / "model")
    server = Running(tmp_path / "model", tmp_path / "log")
    yield server
    if server.process.poll() is None:
        server.process.kill()
    server.process.wait()


def test_the_life_of_a_server(running: Running) -> None:
    """Serves without torch, reloads without dropping a request, finishes what it accepted, exits with 0."""
    first = ask(running.url)
    assert first.status_code == 200
    maps = Path(f"/proc/{running.process.pid}/maps")
    if maps.exists():
        assert "libtorch" not in maps.read_text()
    told = ask(running.url, explain=True, glossary={"dog": "xy"}).json()
    [segment] = told["explanation"]["segments"]
    assert segment["sourceTokens"] == ASKED["q"].split()
    assert "xy" in segment["target"]
    assert len(segment["attention"]) == len(segment["targetTokens"])
    assert "libtorch" not in maps.read_text() if maps.exists() else True
    going, statuses = threading.Event(), []

    def go_on_asking() -> None:
        with httpx.Client(timeout=PATIENCE) as client:
            while not going.is_set():
                statuses.append(client.post(running.url + "/translate", json=ASKED).status_code)

    threads = [threading.Thread(target=go_on_asking) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: bool(statuses))
    running.process.send_signal(signal.SIGHUP)
    running.event("reloaded")
    before = len(statuses)
    eventually(lambda: len(statuses) > before + 3)
    going.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    assert 'latimer_reloads_total{result="done"} 1.0' in httpx.get(running.url + "/metrics").text

    with half_asked(running.url) as finish:
        running.process.send_signal(signal.SIGTERM)
        eventually(lambda: not listens(running.url))
        assert finish() == 200
    assert running.process.wait(PATIENCE) == 0
    log = running.log.read_text()
    assert "dog" not in log
    assert "Traceback" not in log


def test_a_spoiled_model_is_not_taken_over(running: Running) -> None:
    (running.log.parent / "model" / "config.json").write_text("{")
    running.process.send_signal(signal.SIGHUP)
    assert "SHA256SUMS" in running.event("reload failed")["error"]
    assert ask(running.url).status_code == 200


def test_overload_is_said_and_recovers(start: Callable[..., str]) -> None:
    search = Gated()
    url = start(Service({("en", "fr"): search}, limits=Limits(queue=30)))
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(ask, url) for _ in range(12)]
        eventually(lambda: sum(one.done() for one in asked) == 10)  # there is room for two of 12 characters
        search.gate.set()
    answers = [one.result() for one in asked]
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [503] * 10
    refused = [answer for answer in answers if answer.status_code == 503]
    assert all(int(answer.headers["retry-after"]) >= 1 and "error" in answer.json() for answer in refused)
    assert ask(url).status_code == 200


def test_deadlines_and_rates_are_kept(start: Callable[..., str]) -> None:
    search = Gated()
    late = start(Service({("en", "fr"): search}, limits=Limits(seconds=0.1)))
    answer = ask(late)
    search.gate.set()
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    few = start(Service(MODELS, limits=Limits(requests_per_minute=2)))
    assert [ask(few).status_code for _ in range(3)] == [200, 200, 429]
    short = start(Service(MODELS, limits=Limits(characters_per_minute=20)))
    answers = [ask(short) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert "Slowdown" in answers[1].json()["error"]
    search = Gated()
    crowd = start(Service({("en", "fr"): search}, limits=Limits(open=1)))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, crowd)
        eventually(lambda: bool(search.seen))
        assert [ask(crowd).status_code for _ in range(2)] == [503, 503]
        search.gate.set()
        assert first.result().status_code == 200


def test_a_busy_server_still_says_that_it_lives(start: Callable[..., str]) -> None:
    url = start(Service(MODELS, limits=Limits(open=0)))
    assert httpx.get(url + "/health").status_code == 200
    answer = httpx.get(url + "/ready")
    assert (answer.status_code, list(answer.json())) == (503, ["error"])


def test_the_work_of_a_client_that_left_is_not_done(start: Callable[..., str]) -> None:
    search = Gated()
    service = Service({("en", "fr"): search})
    url = start(service)
    place = urlsplit(url)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, url, q="first")
        eventually(lambda: search.seen == ["first"])
        leaving = http.client.HTTPConnection(place.hostname or "", place.port)
        leaving.request("POST", "/translate", json.dumps({**ASKED, "q": "leaving"}))
        eventually(lambda: service.batchers["en", "fr"].waiting == len("leaving"))
        leaving.close()
        eventually(lambda: service.open == 1)
        search.gate.set()
        assert first.result().status_code == 200
    assert ask(url, q="last").status_code == 200
    assert search.seen == ["first", "last"]


@pytest.mark.parametrize("path", ["/tools", ""])
def test_a_proxy_may_strip_its_prefix_or_not(start: Callable[..., str], path: str) -> None:
    url = start(Service(MODELS), "/tools")
    assert httpx.get(url + path + "/health").json() == {"status": "ok"}
    assert "<title>" in httpx.get(url + path + "/", follow_redirects=True).text
    sent = {"file": ("a.txt", b"one")}
    headers = {"X-Forwarded-Proto": "https", "Host": "x.example"}
    answer = httpx.post(
        url + path + "/translate_file", files=sent, data={"source": "en", "target": "fr"}, headers=headers
    )
    place = answer.json()["translatedFileUrl"]
    assert place.startswith("https://x.example/tools/download_file/")
    assert httpx.get(url + path + urlsplit(place).path.removeprefix("/tools")).content == b"ONE"
    assert httpx.get(url + path + "/spec").json()["basePath"] == "/tools"


def test_metrics_name_no_client(url: str) -> None:
    httpx.post(url + "/translate", json={**ASKED, "api_key": "hidden-key"})
    text = httpx.get(url + "/metrics").text
    assert re.search(r'latimer_requests_total\{route="POST /translate",status="200"\} \d', text)
    assert 'latimer_characters_total{source="en",target="fr"}' in text
    assert "latimer_batch_texts_bucket" in text
    assert "hidden-key" not in text
    assert "127.0.0.1" not in text


def test_the_server_goes_nowhere(start: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked, no connection leaves it but to the asker's own address."""
    asked: list[Any] = []
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> Any:
        asked.append(address)
        return connect(self, address)

    url = start(Service(MODELS))
    monkeypatch.setattr(socket.socket, "connect", guarded)
    for text in ("http://127.0.0.1:1/x", "<img src='http://127.0.0.1:1/x'>", "file:///etc/passwd"):
        httpx.post(url + "/translate", json={**ASKED, "q": text, "format": "html"})
        httpx.post(url + "/translate_file", files={"file": (text, b"x")}, data=ASKED)
    for path in ("/docs", "/../../etc/passwd", "/download_file/..%2f..%2fetc%2fpasswd", "/%2e%2e/x"):
        httpx.get(url + path)
    assert {address[1] for address in asked if isinstance(address, tuple)} == {urlsplit(url).port}


def test_keys_are_kept_as_hashes(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    first, second, again = make_key(path, "a"), make_key(path, "b"), make_key(path, "a")
    keys = Keys.load(path)
    assert [keys.owner(key) for key in (first, second, again, "")] == [None, "b", "a", None]
    path.write_text("a\tb\n")
    for wrong in (path, tmp_path / "none"):
        with pytest.raises(Mistake):
            Keys.load(wrong)


def test_models_that_can_not_be_served_are_named(shipped: Path, tmp_path: Path) -> None:
    folder = shipped
    with pytest.raises(Mistake, match="as another"):
        load([folder, folder])
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    record = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**record, "source_language": None}))
    (copy / "SHA256SUMS").unlink()
    with pytest.raises(Mistake, match="--from"):
        load([copy])


def test_reloading_exchanges_the_models_of_the_same_directions_only(shipped: Path) -> None:
    service = Service({("en", "fr"): shout})
    asyncio.run(reload(service, [shipped]))
    assert service.batchers["en", "fr"].search is not shout
    other = Service({("en", "de"): shout})
    asyncio.run(reload(other, [shipped]))
    assert other.batchers["en", "de"].search is shout
