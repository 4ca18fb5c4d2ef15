"""What several commands print alike."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from latimer.evaluate import Score
from latimer.report import console


@contextmanager
def progress_bar(total: int | None, what: str, *, quiet: bool = False) -> Iterator[Any]:
    """A function that advances a bar with the time left, if it takes over two seconds; silent in a pipe.

    `total` is None where nobody knows it yet.
    """
    columns = (TextColumn(what), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task, watch = bar.add_task("", total=total, visible=False), Stopwatch()
        yield lambda count: bar.update(task, advance=count, visible=watch.seconds > 2)


def say(text: str = "") -> None:
    """A result, on standard output."""
    sys.stdout.write(text + "\n")


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A small table on standard output; the first column is text, the others are figures."""
    grid = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for number, name in enumerate(header):
        grid.add_column(name, justify="left" if number == 0 else "right", no_wrap=number > 0)
    for row in rows:
        grid.add_row(*row)
    Console(highlight=False, soft_wrap=True).print(grid)


def score_row(score: Score) -> list[str]:
    """Name, value and interval of a score."""
    between = f"{score.low:.1f} - {score.high:.1f}" if score.low is not None else ""
    return [score.name, f"{score.value:.1f}", between]


class Stopwatch:
    """Wall seconds since it was made."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun
