"""A server on a socket of its own, before models that are made up: a translation is the text in capitals."""

import math
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import uvicorn

from latimer.explaining import Explained
from latimer.folder import ModelFolder
from latimer.serve.app import build
from latimer.serve.models import Answer, Manner
from latimer.serve.service import Service
from latimer.shipping import ship
from latimer.wordmaps import linked

if TYPE_CHECKING:
    from latimer.recipe import Trained


PATIENCE = 60  # seconds: what a test waits for comes at once where nothing else is done


def shout(texts: list[str], manner: Manner) -> list[list[Answer]]:
    """The text in capitals, with one more mark the worse the hypothesis is; terms as they are wanted."""
    found = []
    for text in texts:
        said = text
        for term, forms in manner.glossary:
            said = said.replace(term, forms[0])
        answers = [Answer(said.upper() + "!" * k, math.exp(-0.1 * (k + 1))) for k in range(manner.beam)]
        if manner.explain:
            answers[0] = answers[0]._replace(explained=in_order(text, answers[0].text))
        found.append(answers)
    return found


class Gated:
    """The same, noted in `seen` when it begins, once `gate` is open."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.gate = threading.Event()

    def __call__(self, texts: list[str], manner: Manner) -> list[list[Answer]]:
        self.seen.extend(texts)
        assert self.gate.wait(PATIENCE)
        return shout(texts, manner)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds, however busy the machine is."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def in_order(source: str, target: str) -> Explained:
    """Word looks at word in order: three quarters there, and the last quarter at the last word."""
    words, its = source.split(), target.split()
    attention = np.zeros((len(its), len(words)))
    for place in range(len(its)):
        attention[place, min(place, len(words) - 1)] += 0.75
        attention[place, -1] += 0.25
    return Explained(words, its, attention, linked(attention))


MODELS = {("en", "fr"): shout, ("fr", "de"): shout, ("en", "ru"): shout}


def listening(service: Service, prefix: str = "") -> Iterator[str]:
    """The address of a running server, which ends with the block."""
    configuration = uvicorn.Config(
        build(service, prefix=prefix), port=0, log_config=None, access_log=False, lifespan="on",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(configuration)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.fixture
def start() -> Iterator[Callable[..., str]]:
    """Start a server: start(service, prefix) -> address."""
    running: list[Iterator[str]] = []

    def begin(service: Service, prefix: str = "") -> str:
        running.append(listening(service, prefix))
        return next(running[-1])

    yield begin
    for one in running:
        assert next(one, None) is None


@pytest.fixture(scope="session")
def shipped(trained: "Trained", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained folder with graphs; read only, please."""
    folder = tmp_path_factory.mktemp("shipped") / "model"
    shutil.copytree(trained.folder.path, folder)
    assert ship(ModelFolder(folder))
    return folder


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server with the default limits."""
    yield from listening(Service(MODELS))
