"""Texts of many clients, translated together.

They wait in one queue; a worker takes the first and whatever fits beside it. While a batch is translated the
next one gathers, and only where the last one had company is a moment waited for more. A text whose client
has gone, or whose time is over, is not translated.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

from latimer.serve.limits import Limits, Refusal

# (texts, hypotheses of each) -> the hypotheses of each text, best first
Search = Callable[[list[str], int], list[list[Any]]]


class _Job(NamedTuple):
    text: str
    beam: int
    deadline: float
    answer: "asyncio.Future[list[Any]]"


class Batcher:
    """The queue of one direction and its workers: threads that share one engine.

    `search` may be exchanged at any time. `seen` is told how many texts each batch has.
    """

    def __init__(
        self,
        search: Search,
        limits: Limits,
        *,
        workers: int = 1,
        seen: Callable[[int], object] = lambda count: None,
    ) -> None:
        self.search, self.limits, self.workers, self.seen = search, limits, workers, seen
        self.waiting = 0  # characters in the queue
        self._queue: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="translate")

    def start(self) -> None:
        """Begin to work, in the running loop."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self.workers)]

    async def stop(self) -> None:
        """Stop; what still waits is cancelled."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        for job in self._queue:
            job.answer.cancel()
        self._pool.shutdown(wait=False)

    async def translate(self, texts: Sequence[str], *, beam: int, deadline: float) -> list[list[Any]]:
        """The hypotheses of each text. `deadline` is a time of time.monotonic.

        Raises Refusal (503) where the queue is full or the time is over. To cancel it takes the texts out.
        """
        size = sum(map(len, texts))
        if self.waiting and self.waiting + size > self.limits.queue:
            raise Refusal(503, "The server is busy; try again soon", retry_after=1)
        loop = asyncio.get_running_loop()
        jobs = [_Job(text, beam, deadline, loop.create_future()) for text in texts]
        self._queue.extend(jobs)
        self.waiting += size
        if jobs:
            self._arrived.set()
        try:
            return [await job.answer for job in jobs]
        finally:
            for job in jobs:
                job.answer.cancel()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        batch: list[_Job] = []
        while True:
            await self._arrived.wait()
            if len(batch) > 1 and self.waiting < self.limits.batch:
                await asyncio.sleep(self.limits.wait)
            batch = self._take()
            if not batch:
                continue
            self.seen(len(batch))
            try:
                found = await loop.run_in_executor(
                    self._pool, _search, self.search, [job.text for job in batch], batch[0].beam
                )
            except asyncio.CancelledError:
                for job in batch:
                    job.answer.cancel()
                raise
            for job, answer in zip(batch, found, strict=True):
                if job.answer.done():
                    continue
                if isinstance(answer, Exception):
                    job.answer.set_exception(answer)
                else:
                    job.answer.set_result(answer)

    def _take(self) -> list[_Job]:
        """The first that is still wanted, and those of the same beam that fit beside it, in their order."""
        batch: list[_Job] = []
        others: list[_Job] = []
        size, now = 0, time.monotonic()
        while self._queue:
            job = self._queue[0]
            if not job.answer.done() and job.deadline > now:
                if batch and size + len(job.text) > self.limits.batch:
                    break
                if batch and job.beam != batch[0].beam:
                    others.append(self._queue.popleft())
                    continue
                batch.append(job)
                size += len(job.text)
            elif not job.answer.done():
                job.answer.set_exception(Refusal(503, "The translation took too long", retry_after=5))
            self._queue.popleft()
            self.waiting -= len(job.text)
        self._queue.extendleft(reversed(others))
        if not self._queue:
            self._arrived.clear()
        return batch


def _search(search: Search, texts: list[str], beam: int) -> list[list[Any] | Exception]:
    """All at once; where that fails, each alone, so that no text spoils its neighbours'."""
    try:
        return list(search(texts, beam))
    except Exception as error:
        if len(texts) == 1:
            return [error]
    return [found for text in texts for found in _search(search, [text], beam)]
