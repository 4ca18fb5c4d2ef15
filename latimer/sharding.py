"""Work on a file too large for one process: in shards, by any number of processes that share a folder.

One of them cuts the file into FOLDER/parts/N.shard. Each takes a shard that nobody has, leaves what comes of
it beside it and, last, N.done. When all are done one joins them in their order and writes FOLDER/done.json.
Every file gets its name when it is whole, and follows from the shard alone: each shard counts once, whoever
does it and however often. A claim only saves work twice done; that of a killed process is taken over.
"""

import json
import logging
import os
import platform
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from latimer.errors import Mistake
from latimer.files import replacing, write_whole

PAUSE = 0.5  # seconds before looking again whether there is something to do
BEAT, PATIENCE = 5.0, 30.0  # seconds between two signs of life, and without one before a claim is void
RETRIES = 10  # times that Ray does a shard again whose process was lost

Progress = Callable[[int], None]  # is told of so many more shards


@runtime_checkable  # the test run checks arguments against it
class Job(Protocol):
    """What is done in shards. It goes to other processes: it holds names and settings only."""

    @property
    def into(self) -> Path | None:
        """The file that comes of it, where one does."""

    @property
    def ahead(self) -> int:
        """How many shards must be cut before work on any begins: it may look at those."""

    def request(self) -> dict[str, Any]:
        """What this work is, as JSON: all who share a folder must mean the same."""

    def cut(self, facts: dict[str, Any]) -> Iterator[bytes]:
        """The shards in their order; at the end `facts` is filled with what is to be known of the whole."""

    def work(self, stem: Path) -> None:
        """Read stem.shard, and leave what comes of it in files of that stem, each written whole."""

    def join(self, stems: Sequence[Path], facts: dict[str, Any]) -> dict[str, Any]:
        """Write the outcome from what all left, and return what is to be told of it, as JSON."""


def run(job: Job, folder: Path, *, processes: int = 1, progress: Progress | None = None) -> dict[str, Any]:
    """Do the job together with whoever else runs it on this folder; what `join` told, whoever joined.

    Returns when the whole is done. Raises Mistake for faults of the data, and where the folder holds
    other work.
    """
    _begin(job, folder)
    if processes > 1:
        _in_processes(job, folder, processes, progress)
    return _take_part(job, folder, None if processes > 1 else progress)


def run_on_ray(job: Job, folder: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """The same with the shards as tasks of Ray, which does a lost one again; all its machines share `folder`.

    At the address in RAY_ADDRESS, or on a Ray of this machine's own.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told of this work
    import ray

    folder = folder.resolve()
    _begin(job, folder)
    claims, parts = Claims(), folder / "parts"
    while _read(folder / "done.json") is None and _read(parts / "cut.json") is None:
        if not _cut(job, folder, claims):
            time.sleep(PAUSE)
    if cut := _read(parts / "cut.json"):
        if not ray.is_initialized():
            board = None if os.environ.get("RAY_ADDRESS") else False
            ray.init(include_dashboard=board, logging_level=logging.ERROR, log_to_driver=False)
        task = ray.remote(max_retries=RETRIES)(_shard)
        left = [stem for stem in _stems(parts, cut["shards"]) if not stem.with_suffix(".done").exists()]
        waiting = [task.remote(job, stem, Path.cwd()) for stem in left]
        while waiting:
            [done], waiting = ray.wait(waiting)
            try:
                ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise (error.cause if isinstance(error.cause, Mistake) else error) from None
            if progress is not None:
                progress(1)
    return _take_part(job, folder, None)


def _shard(job: Job, stem: Path, where: Path) -> None:
    if not stem.with_suffix(".shard").exists():
        raise Mistake(f"{stem.parent} is not there on {platform.node()}; all machines of Ray must share it.")
    with suppress(OSError):
        os.chdir(where)  # file names of the job are as the caller sees them
    _do(job, stem)


def _do(job: Job, stem: Path) -> None:
    job.work(stem)
    write_whole(stem.with_suffix(".done"), b"")


def _in_processes(job: Job, folder: Path, processes: int, progress: Progress | None) -> None:
    """Take part with so many processes, until each has ended, well or not."""
    context = get_context("spawn")
    living = [context.Process(target=_quietly, args=(job, folder)) for _ in range(processes)]
    for one in living:
        one.start()
    known = 0
    while living:
        wait([one.sentinel for one in living], timeout=1)
        living = [one for one in living if one.is_alive()]
        done = len(list((folder / "parts").glob("*.done")))
        if progress is not None and done > known:
            progress(done - known)
            known = done


def _quietly(job: Job, folder: Path) -> None:
    with suppress(Mistake, KeyboardInterrupt):  # who started it meets the same mistake, and tells it
        _take_part(job, folder, None)


def _take_part(job: Job, folder: Path, progress: Progress | None) -> dict[str, Any]:
    claims = Claims()
    while (told := _read(folder / "done.json")) is None:
        cut, worked = _cut(job, folder, claims), _work(job, folder, claims, progress)
        if not (_join(job, folder, claims) or cut or worked):
            time.sleep(PAUSE)
    shutil.rmtree(folder / "parts", ignore_errors=True)
    return told


def _begin(job: Job, folder: Path) -> None:
    """Say what is done in this folder, or find that it is the same. Raises Mistake where it is not."""
    asked = json.loads(json.dumps(job.request()))
    there, done = folder / "request.json", folder / "done.json"
    before = _read(there)
    if before is None:
        names = (
            {path.name for path in folder.iterdir() if path.suffix != ".part"} if folder.exists() else set()
        )
        if names - {"request.json", "parts", "done.json"}:
            raise Mistake(f"{folder} holds something else; choose a new folder for --shards.")
        write_whole(there, json.dumps(asked, indent=2).encode())
        before = _read(there)  # of two that begin at once the later one has written it
    if differs := [key for key in asked if (before or {}).get(key) != asked[key]]:
        raise Mistake(
            f"{folder} holds other work ({', '.join(differs)} was different); "
            "choose another folder for --shards, or delete this one."
        )
    if job.into is not None and not job.into.exists():
        done.unlink(missing_ok=True)  # what came of it is gone: once more


def _cut(job: Job, folder: Path, claims: "Claims") -> bool:
    """Cut what is not cut yet, unless another does it; whether this process did."""
    parts = folder / "parts"
    told = parts / "cut.json"
    if told.exists():
        return False
    parts.mkdir(exist_ok=True)
    with claims.held(parts / "cut") as mine:
        if not mine or told.exists() or (folder / "done.json").exists():
            return False
        facts: dict[str, Any] = {}
        count = 0
        for count, shard in enumerate(job.cut(facts), start=1):
            path = _stem(parts, count - 1).with_suffix(".shard")
            if not path.exists():  # of a cutter that was killed
                write_whole(path, shard)
        write_whole(told, json.dumps({"shards": count, "facts": facts}).encode())
    return True


def _work(job: Job, folder: Path, claims: "Claims", progress: Progress | None) -> bool:
    """Go once through the shards that are there; whether any of them was done here."""
    worked = False
    try:
        names = sorted(path.name for path in (folder / "parts").iterdir())
        shards = [folder / "parts" / name for name in names if name.endswith(".shard")]
        if len(shards) < job.ahead and "cut.json" not in names:
            return False
        done = {name for name in names if name.endswith(".done")}
        for path in shards:
            if path.with_suffix(".done").name in done:
                continue
            with claims.held(path) as mine:
                if mine and not path.with_suffix(".done").exists():
                    _do(job, path.with_suffix(""))
                    worked = True
                    if progress is not None:
                        progress(1)
    except FileNotFoundError:
        if not (folder / "done.json").exists():  # else others have taken this shard over, and joined it
            raise
    return worked


def _join(job: Job, folder: Path, claims: "Claims") -> bool:
    """Join what is done, if all is, unless another does it; whether this process did."""
    parts = folder / "parts"
    cut = _read(parts / "cut.json")
    if cut is None:
        return False
    stems = _stems(parts, cut["shards"])
    if not all(stem.with_suffix(".done").exists() for stem in stems):
        return False
    with claims.held(parts / "join") as mine:
        if not mine or (folder / "done.json").exists():
            return False
        told = job.join(stems, cut["facts"])
        write_whole(folder / "done.json", json.dumps(told, ensure_ascii=False).encode())
    return True


class Claims:
    """Who does what: a file that one process holds, whose time it renews as long as it lives.

    The claim of a process that is gone from this machine is void at once, that of any other when its time has
    not changed for PATIENCE seconds; no two clocks are compared.
    """

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[int, float]] = {}

    @contextmanager
    def held(self, stem: Path) -> Iterator[bool]:
        """Whether it is this process that does it; where it is, others leave it alone in the block."""
        path = stem.with_suffix(".claim")
        if not self._take(path):
            yield False
            return
        ended = threading.Event()
        beating = threading.Thread(target=_beat, args=(path, ended), daemon=True)
        beating.start()
        try:
            yield True
        finally:
            ended.set()
            beating.join()
            path.unlink(missing_ok=True)

    def _take(self, path: Path) -> bool:
        for _ in range(2):
            try:
                with path.open("x", encoding="utf-8") as file:
                    file.write(f"{os.getpid()} {platform.node()}")
                return True
            except FileExistsError:
                if not self._void(path):
                    return False
                path.unlink(missing_ok=True)
            except FileNotFoundError:  # the folder is gone: all is done
                return False
        return False

    def _void(self, path: Path) -> bool:
        try:
            pid, _, node = path.read_text(encoding="utf-8").partition(" ")
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            return True  # given back meanwhile
        if node == platform.node() and _is_gone(int(pid)):
            return True
        before, since = self._seen.get(path, (0, 0.0))
        if before != changed:
            self._seen[path] = (changed, time.monotonic())
            return False
        return time.monotonic() - since > PATIENCE


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        with suppress(OSError):
            os.utime(path)


def _is_gone(pid: int) -> bool:
    if os.name != "posix":  # elsewhere signal 0 is a signal
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _stem(parts: Path, number: int) -> Path:
    return parts / f"{number:06d}"


def _stems(parts: Path, count: int) -> list[Path]:
    return [_stem(parts, number) for number in range(count)]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def concatenate(files: Sequence[Path], into: Path) -> None:
    """Write the content of the files, one after the other, to the file `into`, whole."""
    with replacing(into) as temporary, temporary.open("wb") as joined:
        for path in files:
            with path.open("rb") as file:
                shutil.copyfileobj(file, joined, 1 << 20)
