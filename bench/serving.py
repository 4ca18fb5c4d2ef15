"""How many requests a server answers a second, and how long they take, from one to many clients.

    python -m bench.serving --model DIR [--url URL] [--seconds 5] [--beam 5] [--one-by-one] [--memory N]
    python -m bench.serving --model DIR --gain 5 [--beam 5]

Each client is a raw socket on loopback that asks again as soon as it is answered. Without --url a server of
latimer is started (a process of its own); --one-by-one forbids it to translate two texts together, which is
what batching is measured against. --memory N sends N requests, each with a word that was never seen, and
prints the server's memory on the way. --gain N measures what batching spares at 64 clients, in N rounds in
which a server with it and one without it take turns: processor time of a request, and what batches spare the
engine alone, which bounds it.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from string import ascii_lowercase
from urllib.parse import urlsplit

START = """
import sys
from pathlib import Path
from latimer.serve.limits import Limits
from latimer.serve.running import load, run
from latimer.serve.service import Service
folder, port, batch, beam = Path(sys.argv[1]), *map(int, sys.argv[2:])
run(Service(load([folder]), limits=Limits(batch=batch), beam=beam), [folder], host="127.0.0.1", port=port)
"""
SENTENCES = [
    "A man is playing a guitar.",
    "Two dogs run through the snow.",
    "A girl in a red dress sits on a bench and reads a book.",
    "Three people are waiting for the bus in front of a shop.",
    "A child jumps.",
    "An old woman sells vegetables at a market in a small town.",
]


def message(text: str, host: str) -> bytes:
    """A request for one translation."""
    body = json.dumps({"q": text, "source": "en", "target": "fr"}).encode()
    head = (
        f"POST /translate HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answer(reader: asyncio.StreamReader) -> int:
    """Read one answer; its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
    await reader.readexactly(length)
    return int(lines[0].split()[1])


async def client(
    number: int, address: tuple[str, int], until: float, times: list[float], most: list[int], fresh: bool
) -> int:
    """Ask until the time is over, or `most` requests are sent by all; how many failed."""
    reader, writer = await asyncio.open_connection(*address)
    failed, place = 0, number
    while time.monotonic() < until and most[0] > 0:
        most[0] -= 1
        began = time.monotonic()
        text = SENTENCES[place % len(SENTENCES)]
        if fresh:
            text = f"{''.join(random.choices(ascii_lowercase, k=8))} {text}"
        writer.write(message(text, address[0]))
        failed += await answer(reader) != 200
        times.append(time.monotonic() - began)
        place += 1
    writer.close()
    return failed


async def load(
    address: tuple[str, int], clients: int, seconds: float, most: int = 10**9, *, fresh: bool = False
) -> tuple[list[float], int]:
    """The times of all requests, in seconds, and how many failed."""
    times: list[float] = []
    left = [most]
    until = time.monotonic() + seconds
    works = (client(number, address, until, times, left, fresh) for number in range(clients))
    return times, sum(await asyncio.gather(*works))


def row(times: list[float], failed: int, clients: int, seconds: float) -> str:
    """A line of the table."""
    ordered = sorted(times)
    half, most = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"{clients:7d} {len(times) / seconds:11.1f} {half * 1000:8.1f} {most * 1000:8.1f} {failed:7d}"


def memory(process: int) -> float:
    """What a process holds now, in MB."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def processor(process: int) -> float:
    """What a process has had of the processor, in seconds; 0 where it is not ours."""
    if not process:
        return 0.0
    words = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


async def wait(address: tuple[str, int]) -> None:
    """Until the server takes connections."""
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection(*address)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    sys.exit("the server did not start")


async def measure(
    address: tuple[str, int], clients: list[int], seconds: float, count: int, process: int
) -> None:
    """Print the table, and the memory where it is asked for."""
    await wait(address)
    await load(address, 4, 1.0)
    print("clients  requests/s   p50 ms   p99 ms  failed  CPU ms each")
    for number in clients:
        began, before = time.monotonic(), processor(process)
        times, failed = await load(address, number, seconds)
        cost = (processor(process) - before) * 1000 / max(1, len(times))
        print(row(times, failed, number, time.monotonic() - began), f"{cost:10.2f}", flush=True)
    for done in range(0, count, max(1, count // 10)):
        print(f"{done:7d} requests: {memory(process):.1f} MB", flush=True)
        await load(address, 64, 1e9, max(1, count // 10), fresh=True)
    if count:
        print(f"{count:7d} requests: {memory(process):.1f} MB")


def start(model: Path, port: int, batch: int, beam: int) -> subprocess.Popen[bytes]:
    """A server of a model, which translates up to `batch` characters together."""
    return subprocess.Popen([sys.executable, "-c", START, *map(str, (model, port, batch, beam))])


def engine_alone(model: Path, beam: int, rounds: int) -> tuple[float, float]:
    """Processor seconds of a sentence, one by one and by 64, without any server."""
    from latimer.translator import Translator

    translator = Translator.load(model, engine="onnx")
    texts = (SENTENCES * 11)[:64]
    spent = [0.0, 0.0]
    translator.translate(texts, beam=beam)
    for _ in range(rounds):
        for which, batches in enumerate(([[text] for text in texts], [texts])):
            began = time.process_time()
            for batch in batches:
                translator.translate(batch, beam=beam)
            spent[which] += time.process_time() - began
    return spent[0] / (64 * rounds), spent[1] / (64 * rounds)


async def gain(model: Path, port: int, beam: int, rounds: int) -> None:
    """Print what batching spares at 64 clients, and what bounds it."""
    servers = [start(model, port + which, batch, beam) for which, batch in enumerate((1, 4000))]
    spent = [0.0, 0.0]
    try:
        for which in range(2):
            await wait(("127.0.0.1", port + which))
            await load(("127.0.0.1", port + which), 4, 1e9, 64)
        for _ in range(rounds):
            for which, server in enumerate(servers):
                before = processor(server.pid)
                _times, failed = await load(("127.0.0.1", port + which), 64, 1e9, 512)
                assert not failed
                spent[which] += processor(server.pid) - before
    finally:
        for server in servers:
            server.terminate()
            server.wait()
    one, many = (seconds * 1000 / (512 * rounds) for seconds in spent)
    print(f"CPU ms a request, beam {beam}: {one:.2f} one by one, {many:.2f} batched: {one / many:.2f} times")
    one, many = (1000 * seconds for seconds in engine_alone(model, beam, rounds))
    print(f"CPU ms a sentence, engine alone: {one:.2f} one by one, {many:.2f} by 64: {one / many:.2f} times")


def main() -> None:
    """Read the call, start a server where none is given, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--port", type=int, default=5188)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clients", default="1,16,64,128")
    parser.add_argument("--one-by-one", action="store_true")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--gain", type=int, default=0)
    asked = parser.parse_args()
    if asked.gain:
        return asyncio.run(gain(asked.model, asked.port, asked.beam, asked.gain))
    clients = [int(number) for number in asked.clients.split(",")]
    place = urlsplit(asked.url) if asked.url else None
    address = (place.hostname or "127.0.0.1", place.port or 80) if place else ("127.0.0.1", asked.port)
    server = None
    if place is None:
        server = start(asked.model, asked.port, 1 if asked.one_by_one else 4000, asked.beam)
    try:
        asyncio.run(
            measure(address, clients, asked.seconds, asked.memory, server.pid if server is not None else 0)
        )
    finally:
        if server is not None:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
