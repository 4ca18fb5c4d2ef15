"""A server on a socket of its own, before models that are made up: a translation is the text in capitals."""

import math
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn

from latimer.folder import ModelFolder
from latimer.serve.app import build
from latimer.serve.service import Service
from latimer.shipping import ship
from latimer.translator import Translation

if TYPE_CHECKING:
    from latimer.recipe import Trained


def shout(texts: list[str], beam: int) -> list[list[Translation]]:
    """The text in capitals, with one more mark the worse the hypothesis is."""
    return [
        [
            Translation(text.upper() + "!" * k, score, score, confidence=math.exp(score))
            for k in range(beam)
            for score in [-0.1 * (k + 1)]
        ]
        for text in texts
    ]


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
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(5)
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
