"""What the dialects share: the served directions, and texts translated through their queues."""

import asyncio
import re
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from latimer.documents import translate_html, translate_text
from latimer.documents.inline import PLACEHOLDER
from latimer.explaining import Explained
from latimer.serve.batching import Batcher
from latimer.serve.detection import Detected, detector
from latimer.serve.downloads import Downloads
from latimer.serve.keys import Keys
from latimer.serve.languages import canonical
from latimer.serve.limits import Limits, Rate, Refusal
from latimer.serve.metrics import Metrics
from latimer.serve.models import Answer, Glossary, Manner, Search
from latimer.serve.suggestions import Suggestions

T = TypeVar("T")
Direction = tuple[str, str]
BEAM = 5
LONG = 10_000  # characters, those of all alternatives counted, that are split and written beside the loop
SURE = 90.0  # of 100: a text in the target language already, which is left alone


class Segment(NamedTuple):
    """A sentence and its translation. `confidence`: as of a Translation, from 0 to 1."""

    source: str
    target: str
    confidence: float
    explained: Explained | None = None

    def then(self, answer: Answer, *, first: bool) -> "Segment":
        """With its translation translated on; `first`: it is none yet, but the sentence itself."""
        confidence = self.confidence * answer.confidence
        explained = answer.explained
        if explained and not first:
            explained = self.explained and explained.after(self.explained)
        return Segment(self.source, answer.text, confidence, explained)

    def bare(self) -> "Segment":
        """Without what stands for the tags of a page."""
        source, target = (PLACEHOLDER.sub("", text) for text in (self.source, self.target))
        return self._replace(source=source, target=target)


class Wanted(NamedTuple):
    """How a client wants a text."""

    alternatives: int = 0
    html: bool = False
    explain: bool = False
    glossary: Glossary = ()


PLAIN = Wanted()


class Translated(NamedTuple):
    """A text, other ways to say it, and what was done for it."""

    text: str
    alternatives: list[str]
    segments: list[Segment]

    @property
    def confidence(self) -> float | None:
        """Of all segments, the longer ones counting more; None where there was nothing to translate."""
        sizes = [len(segment.target) + 1 for segment in self.segments]
        if not sizes:
            return None
        return sum(size * one.confidence for size, one in zip(sizes, self.segments, strict=True)) / sum(sizes)


class Service:
    """Models by direction, their queues, and what is remembered between requests."""

    def __init__(
        self,
        models: Mapping[Direction, Search],
        *,
        limits: Limits | None = None,
        workers: int = 1,
        beam: int = BEAM,
        pivot: bool = False,
        keys: Keys | None = None,
        suggestions: Path | None = None,
    ) -> None:
        self.limits, self.keys, self.beam = limits or Limits(), keys, beam
        self.metrics = Metrics()
        self.batchers = {
            direction: Batcher(search, self.limits, workers=workers, seen=self.metrics.batch.observe)
            for direction, search in models.items()
        }
        self.languages = list(dict.fromkeys(code for direction in models for code in direction))
        self.pivot = pivot
        self.detect = detector(self.languages)
        self.requests = Rate(self.limits.requests_per_minute)
        self.characters = Rate(self.limits.characters_per_minute)
        self.downloads = Downloads()
        self.suggestions = Suggestions(suggestions) if suggestions is not None else None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="write")
        self.open, self.held = 0, 0  # requests, and characters of theirs
        self.ready = False
        self.metrics.watch(self)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The workers' time of life."""
        for batcher in self.batchers.values():
            batcher.start()
        self.ready = True
        yield
        self.ready = False
        for batcher in self.batchers.values():
            await batcher.stop()
        self._writer.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Room for the characters of a request. Raises Refusal (503) where others have it."""
        if self.held and self.held + size > self.limits.queue:
            raise Refusal(503, "The server is busy; try again soon", retry_after=1)
        self.held += size
        try:
            yield
        finally:
            self.held -= size

    def way(self, source: str, target: str) -> list[Batcher] | None:
        """The queues through which a text goes: one, two where it pivots; None where no way leads there."""
        if source == target:
            return []
        if (source, target) in self.batchers:
            return [self.batchers[source, target]]
        if self.pivot:
            for middle in self.languages:
                if (source, middle) in self.batchers and (middle, target) in self.batchers:
                    return [self.batchers[source, middle], self.batchers[middle, target]]
        return None

    def targets(self, source: str) -> list[str]:
        """The languages into which that one is translated."""
        return [code for code in self.languages if self.way(source, code)]

    def served(self, code: str) -> str:
        """The code as the models spell it. Raises Refusal (400)."""
        for known in self.languages:
            if canonical(known) == canonical(code):
                return known
        raise Refusal(400, f"{code[:40]} is not supported")

    def guess(self, text: str, target: str) -> Detected:
        """The likeliest language that leads to `target`, or `target` itself where there is little doubt."""
        found = self.detect(re.sub("<[^<>]*>", " ", text))
        if found[0].language == target and found[0].confidence > SURE:
            return found[0]
        return next(
            (one for one in found if one.language != target and self.way(one.language, target)), found[0]
        )

    async def translate(
        self, text: str, way: Sequence[Batcher], *, deadline: float, wanted: Wanted = PLAIN
    ) -> Translated:
        """One text through its way. Raises Refusal (503) where the server is busy or the time is over."""
        scan = translate_html if wanted.html else translate_text
        asked: list[str] = []

        def collect(some: list[str]) -> list[str]:
            asked.extend(some)
            return some

        def write(number: int) -> str:
            other = [one[min(number, len(one) - 1)].target for one in found]
            return scan(text, lambda some: other)

        def written() -> list[str]:
            return [write(number) for number in range(wanted.alternatives + 1)]

        long = len(text) * (1 + wanted.alternatives) > LONG
        await self._aside(long, lambda: scan(text, collect))
        found = await self.segments(asked, way, deadline=deadline, wanted=wanted)
        whole, *others = await self._aside(long, written)
        distinct = [one for one in dict.fromkeys(others) if one != whole]
        return Translated(whole, distinct, [one[0].bare() for one in found])

    async def _aside(self, long: bool, work: Callable[[], T]) -> T:
        """Long work in one thread beside the loop, which meanwhile listens to everybody else."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, work) if long else work()

    async def segments(
        self, asked: Sequence[str], way: Sequence[Batcher], *, deadline: float, wanted: Wanted = PLAIN
    ) -> list[list[Segment]]:
        """The best translations of each segment, one more than alternatives are wanted, best first."""
        count = wanted.alternatives + 1
        manner = Manner(max(self.beam, count), wanted.glossary, wanted.explain)
        found = [[Segment(text, text, 1.0)] for text in asked]
        for step, batcher in enumerate(way):
            said = [one[0].target for one in found]
            answers = await batcher.translate(said, manner=manner, deadline=deadline)
            found = [
                [before[0].then(answer, first=not step) for answer in some[:count]] or before
                for before, some in zip(found, answers, strict=True)
            ]
        return found

    def deadline(self) -> float:
        """When an answer to a request that comes now must be given, by time.monotonic."""
        return time.monotonic() + self.limits.seconds


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results in order; where one fails the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


async def while_there(
    receive: Callable[[], Awaitable[Any]], work: Coroutine[Any, Any, T], *, seconds: float
) -> T:
    """The result, unless the client goes away or the time is over: that cancels it. Raises Refusal."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    task, leaving = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait({task, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if leaving.done():
            raise Refusal(499, "The client has gone")
        raise Refusal(503, "The translation took too long", retry_after=5)
    finally:
        task.cancel()
        leaving.cancel()
