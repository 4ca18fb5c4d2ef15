"""Texts of many clients, translated together.

They wait in one queue; a worker takes the first and whatever fits beside it. While a batch is translated the
next one gathers, and only where the last one had company is a moment waited for more. A text whose client
has gone, or whose time is over, is not translated.

Who brings much does not hold up who brings little: a text's place in the queue is as many characters after
that of the text translated last as its own client has before it (start-time fair queueing, Goyal, Vin and
Cheng 1996, section 2).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

from latimer.serve.limits import Limits, Refusal
from latimer.serve.models import Manner, Search


class _Job(NamedTuple):
    place: int  # characters; those of the same place in the order of `number`
    number: int
    text: str
    manner: Manner
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
        self._queue: list[_Job] = []  # a heap
        self._numbers = count()
        self._reached = 0  # the place of the text that was taken last
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

    async def translate(self, texts: Sequence[str], *, manner: Manner, deadline: float) -> list[list[Any]]:
        """The answers to each text. `deadline` is a time of time.monotonic.

        Raises Refusal (503) where the time is over. To cancel it takes the texts out.
        """
        loop = asyncio.get_running_loop()
        jobs, place = [], self._reached
        for text in texts:
            jobs.append(_Job(place, next(self._numbers), text, manner, deadline, loop.create_future()))
            heappush(self._queue, jobs[-1])
            place += len(text)
        self.waiting += sum(map(len, texts))
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
                    self._pool, _search, self.search, [job.text for job in batch], batch[0].manner
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
        """The first that is still wanted, and those of the same manner that fit beside it, in their order."""
        batch: list[_Job] = []
        others: list[_Job] = []
        size, now = 0, time.monotonic()
        while self._queue:
            job = self._queue[0]
            if not job.answer.done() and job.deadline > now:
                if batch and size + len(job.text) > self.limits.batch:
                    break
                if batch and job.manner != batch[0].manner:
                    others.append(heappop(self._queue))
                    continue
                batch.append(job)
                size += len(job.text)
                self._reached = max(self._reached, job.place)
            elif not job.answer.done():
                job.answer.set_exception(Refusal(503, "The translation took too long", retry_after=5))
            heappop(self._queue)
            self.waiting -= len(job.text)
        for job in others:
            heappush(self._queue, job)
        if not self._queue:
            self._arrived.clear()
        return batch


def _search(search: Search, texts: list[str], manner: Manner) -> list[list[Any] | Exception]:
    """All at once; where that fails, each alone, so that no text spoils its neighbours'."""
    try:
        return list(search(texts, manner))
    except Exception as error:
        if len(texts) == 1:
            return [error]
    return [found for text in texts for found in _search(search, [text], manner)]
