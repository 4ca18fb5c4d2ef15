"""What several commands print alike."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from latimer.evaluate import Score
from latimer.training.log import Update, Validation

# Messages go to standard error, so that standard output holds results only.
console = Console(stderr=True, highlight=False, soft_wrap=True)


class Watcher:
    """Reports a training run: a bar in a terminal, a line a validation in a pipe, nothing when quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self._bleu = "-"
        self._update: Update | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=quiet or not console.is_terminal,
        )

    def __enter__(self) -> "Watcher":
        self._task = self._bar.add_task("training", total=None, told="", visible=False)
        self._bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._bar.stop()

    def updated(self, update: Update) -> None:
        self._update = update
        told = f"loss {update.loss:.3f}  BLEU {self._bleu}  {update.tokens_per_second:,.0f} tokens/s  left"
        self._bar.update(self._task, completed=update.update, total=update.total, told=told, visible=True)

    def validated(self, update: int, validation: Validation, *, best: bool) -> None:
        self._bleu = f"{validation.bleu:.1f}"
        speed = f", {self._update.tokens_per_second:,.0f} target tokens/s" if self._update else ""
        self.note(
            f"update {update:>7,}: validation loss {validation.loss:.3f}, BLEU {validation.bleu:5.1f}"
            f"{' (best)' if best else ''}{speed}"
        )

    def note(self, text: str) -> None:
        if not self.quiet:
            console.print(text, markup=False)


@contextmanager
def progress_bar(total: int, what: str, *, quiet: bool = False) -> Iterator[Any]:
    """A function that advances a bar with the time left; silent in a pipe."""
    columns = (TextColumn(what), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.update(task, advance=count)


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
