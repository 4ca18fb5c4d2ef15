"""The process: models loaded, requests served until SIGTERM, models loaded anew at SIGHUP."""

import asyncio
import contextlib
import json
import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from latimer.directions import choose, directions
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.serve.app import build
from latimer.serve.models import Manner, Search, search_of
from latimer.serve.service import Direction, Service
from latimer.translator import Translator

log = logging.getLogger("latimer.serve")
GRACE = 8  # seconds in which requests that were accepted are finished


def load(folders: Sequence[Path]) -> dict[Direction, Search]:
    """The search of each folder's model by its direction, warmed up.

    Raises Mistake where a folder has no graphs, doesn't name its languages, or goes the way of another.
    """
    found: dict[Direction, Search] = {}
    for folder in folders:
        record = ModelFolder(folder).record
        model: Translator | None = None
        for source, target in directions(record):
            if not (source and target):
                raise Mistake(f"{folder} doesn't say its languages; train it with --from and --to.")
            if (source, target) in found:
                raise Mistake(
                    f"{folder} translates {source}-{target} as another --model does; give one of them."
                )
            model = model or Translator.load(folder, engine="onnx")
            found[source, target] = search_of(choose(model, record, to=target))
            found[source, target](["A"], Manner(beam=1))
    return found


def run(service: Service, folders: Sequence[Path], *, host: str, port: int, prefix: str = "") -> None:
    """Serve until a signal says to stop; what was accepted is answered first."""
    configuration = uvicorn.Config(
        build(service, prefix=prefix),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=30,
        ws="none",
        lifespan="on",
    )
    asyncio.run(_Server(configuration, service, folders).serve())


class _Server(uvicorn.Server):
    """Takes the signals itself: uvicorn would die by SIGTERM after all was finished, we exit with 0."""

    def __init__(self, configuration: uvicorn.Config, service: Service, folders: Sequence[Path]) -> None:
        super().__init__(configuration)
        self.service, self.folders = service, folders
        self._reloading: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        yield

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        for server in getattr(self, "servers", ()):
            for one in server.sockets:
                log.info("serving", extra={"fields": {"address": list(one.getsockname()[:2])}})

    def _stop(self) -> None:
        self.service.ready = False
        self.should_exit = True

    def _reload(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(reload(self.service, self.folders))


async def reload(service: Service, folders: Sequence[Path]) -> None:
    """Load the models anew beside the old ones, then exchange them; where that fails the old ones go on."""
    try:
        models = await asyncio.to_thread(load, folders)
        if models.keys() != service.batchers.keys():
            raise Mistake("The models have other directions than before; start the server again.")
    except Exception as error:  # whatever is wrong with the new ones, the old ones are well
        service.metrics.reloads.labels("failed").inc()
        log.error("reload failed", extra={"fields": {"error": str(error)}})
        return
    for direction, search in models.items():
        service.batchers[direction].search = search
    service.metrics.reloads.labels("done").inc()
    log.info("reloaded")


class JsonLines(logging.Formatter):
    """One JSON object a line, with no text of a client."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    """Let the server's own lines, and uvicorn's warnings, go to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    log.setLevel(logging.INFO)
