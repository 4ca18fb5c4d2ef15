"""What it costs to make a corpus ready to train on: CPU seconds, memory, and bytes on the disk.

    .venv/bin/python -m bench.preparing D/train.en.gz,D/train.fr.gz [--pairs 10000 100000]

Each line is a corpus of its own: its first so many pairs, and at last all of them.
"""

import argparse
import gzip
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from bench.process import run_alone, usual_core
from latimer.machine import Moment, peak_memory

HEAD = "| pairs | CPU s | microseconds a pair | ids, MB | peak memory, MB |\n|---|---|---|---|---|"


def prepared(corpus: str) -> str:
    """A row of the table, of one preparation in this process; imports are not counted."""
    from latimer.config import Config
    from latimer.folder import ModelFolder
    from latimer.preparation import prepare
    from latimer.training.log import Silent

    with tempfile.TemporaryDirectory() as name:
        folder, began = ModelFolder(name), Moment.now()
        prepare(folder, Config(), [corpus], validation=(), languages=(None, None), reporter=Silent())
        seconds = Moment.now().cpu - began.cpu
        size = sum(path.stat().st_size for path in (folder.training / "tokens").iterdir())
        pairs = folder.record["data"]["pairs"]
    each = 1e6 * seconds / pairs
    return f"| {pairs:,} | {seconds:.1f} | {each:.0f} | {size / 1e6:.1f} | {peak_memory():,} |"


def first_pairs(corpus: str, count: int, into: Path) -> str:
    """The first pairs of a corpus of two files, as two files in a folder."""
    names = [Path(name) for name in corpus.split(",")]
    copies = [into / name.name.removesuffix(".gz") for name in names]
    for name, copy in zip(names, copies, strict=True):
        with gzip.open(name) if name.suffix == ".gz" else name.open("rb") as lines:
            copy.write_bytes(b"".join(islice(lines, count)))
    return ",".join(map(str, copies))


def rows(corpus: str, counts: Sequence[int]) -> Iterator[str]:
    """The table's rows, each measured in a process and on a core of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.preparing", "--worker"]
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            some = first_pairs(corpus, count, Path(folder))
            yield run_alone("preparing", [*command, some], core=usual_core()).lines[-1]
    whole = ",".join(os.path.abspath(name) for name in corpus.split(","))  # noqa: PTH100 - no link is followed
    yield run_alone("preparing", [*command, whole], core=usual_core()).lines[-1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.preparing")
    parser.add_argument("corpus", help="two aligned files: a.en,a.fr, or .gz of them")
    parser.add_argument(
        "--pairs", type=int, nargs="*", default=[10_000, 100_000], help="sizes before the whole"
    )
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(prepared(arguments.corpus))
        return
    print(HEAD)
    for row in rows(arguments.corpus, arguments.pairs):
        print(row, flush=True)


if __name__ == "__main__":
    main()
