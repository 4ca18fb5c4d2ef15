"""Texts of many clients go together, and none waits for what nobody wants."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from latimer.serve.batching import Batcher
from latimer.serve.limits import Limits, Rate, Refusal
from latimer.serve.models import Manner
from latimer.serve.service import Service

QUICK = Limits(wait=0.01)


def run(
    work: Callable[[Batcher], Awaitable[Any]], search: Any, limits: Limits = QUICK, workers: int = 1
) -> Any:
    async def whole() -> Any:
        batcher = Batcher(search, limits, workers=workers)
        batcher.start()
        try:
            async with asyncio.timeout(60):
                return await work(batcher)
        finally:
            await batcher.stop()

    return asyncio.run(whole())


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


class Recorder:
    """A search that notes its batches, and waits for `gate` where it is shut."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[str], Manner]] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, texts: list[str], manner: Manner) -> list[list[Any]]:
        self.batches.append((texts, manner))
        assert self.gate.wait(30)
        if "bad" in texts:
            raise ValueError("bad")
        return [[text] * manner.beam for text in texts]


def test_clients_share_a_batch_and_each_gets_its_own() -> None:
    search = Recorder()

    async def work(batcher: Batcher) -> Any:
        asks = (batcher.translate([str(k), "x"], manner=Manner(2), deadline=soon()) for k in range(20))
        return await asyncio.gather(*asks)

    assert run(work, search) == [[[str(k)] * 2, ["x"] * 2] for k in range(20)]
    assert len(search.batches) == 1


def test_a_batch_holds_no_more_than_it_may_and_one_beam() -> None:
    search = Recorder()

    async def work(batcher: Batcher) -> Any:
        asks = [batcher.translate([f"{k:4}"], manner=Manner(1 + k % 2), deadline=soon()) for k in range(10)]
        asks.append(batcher.translate(["z" * 50], manner=Manner(1), deadline=soon()))
        return await asyncio.gather(*asks)

    found = run(work, search, Limits(wait=0.01, batch=12))
    assert [len(one[0]) for one in found] == [1 + k % 2 for k in range(10)] + [1]
    assert all(sum(map(len, texts)) <= 12 or len(texts) == 1 for texts, _ in search.batches)
    assert max(len(texts) for texts, _ in search.batches) == 3
    for wanted in (1, 2):  # the first to come is the first to go
        order = [text for texts, manner in search.batches if manner.beam == wanted for text in texts]
        assert order == sorted(order)


def test_what_nobody_wants_any_more_is_not_translated() -> None:
    search = Recorder()

    async def work(batcher: Batcher) -> None:
        search.gate.clear()
        first = asyncio.create_task(batcher.translate(["first"], manner=Manner(1), deadline=soon()))
        await asyncio.sleep(0.1)
        gone = asyncio.create_task(batcher.translate(["gone"], manner=Manner(1), deadline=soon()))
        late = asyncio.create_task(batcher.translate(["late"], manner=Manner(1), deadline=soon(0.05)))
        last = asyncio.create_task(batcher.translate(["last"], manner=Manner(1), deadline=soon()))
        await asyncio.sleep(0.1)
        gone.cancel()
        search.gate.set()
        assert await first == [["first"]]
        assert await last == [["last"]]
        with pytest.raises(Refusal) as caught:
            await late
        assert caught.value.status == 503
        assert batcher.waiting == 0

    run(work, search)
    assert [text for texts, _ in search.batches for text in texts] == ["first", "last"]


def test_who_brings_little_is_not_held_up_by_who_brings_much() -> None:
    search = Recorder()

    async def work(batcher: Batcher) -> None:
        search.gate.clear()
        much = asyncio.create_task(batcher.translate(["m" * 10] * 50, manner=Manner(1), deadline=soon()))
        await asyncio.sleep(0.1)
        asks = [batcher.translate([one * 10] * 2, manner=Manner(1), deadline=soon()) for one in "ab"]
        few = [asyncio.create_task(ask) for ask in asks]
        await asyncio.sleep(0.1)
        search.gate.set()
        await asyncio.gather(much, *few)

    run(work, search, Limits(wait=0, batch=10))
    said = "".join(texts[0][0] for texts, _ in search.batches)
    assert said.rindex("b") < 8, said
    assert said.count("m") == 50


def test_others_are_refused_while_there_is_no_room() -> None:
    """But whoever comes alone is not, however much it brings."""
    service = Service({("en", "fr"): Recorder()}, limits=Limits(queue=10))
    with service.room(6), service.room(4):
        with pytest.raises(Refusal) as caught, service.room(1):
            pass
        assert (caught.value.status, caught.value.retry_after) == (503, 1)
    with service.room(80):
        pass
    assert service.held == 0


def test_a_text_that_fails_spoils_no_other() -> None:
    async def work(batcher: Batcher) -> Any:
        asks = [batcher.translate([text], manner=Manner(1), deadline=soon()) for text in ("a", "bad", "c")]
        return await asyncio.gather(*asks, return_exceptions=True)

    a, bad, c = run(work, Recorder())
    assert (a, c) == ([["a"]], [["c"]])
    assert isinstance(bad, ValueError)


def test_workers_translate_at_once() -> None:
    search = Recorder()

    async def work(batcher: Batcher) -> None:
        search.gate.clear()
        asks = []
        for text in "ab":
            asks.append(asyncio.create_task(batcher.translate([text], manner=Manner(1), deadline=soon())))
            await asyncio.sleep(0.1)
        assert len(search.batches) == 2
        search.gate.set()
        await asyncio.gather(*asks)

    run(work, search, workers=2)


def test_a_rate_fills_up_evenly_and_by_client() -> None:
    rate = Rate(60)
    for _ in range(60):
        rate.spend("a", now=0.0)
    with pytest.raises(Refusal) as caught:
        rate.spend("a", now=0.5)
    assert (caught.value.status, caught.value.retry_after) == (429, 1)
    assert "Slowdown" in caught.value.text
    rate.spend("b", now=0.5)
    rate.spend("a", now=1.5)
    with pytest.raises(Refusal):
        rate.spend("a", now=1.9)
    rate.spend("c", 500, now=0.0)  # whoever has all may spend more, and waits
    with pytest.raises(Refusal):
        rate.spend("c", now=60.0)
    seen = Rate(2, most=2)
    for client in "abac":  # b was seen the longest ago, and is forgotten
        seen.spend(client, now=0.0)
    with pytest.raises(Refusal):
        seen.spend("a", now=0.0)
    forgetful = Rate(1, most=2)
    for client in "abca":
        forgetful.spend(client, now=0.0)
