"""Watching a training run: a bar in a terminal or a notebook, plain lines in a pipe."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from latimer.training.log import Update, Validation

LONGEST_SAMPLE = 120  # characters of a sentence that is shown

# Messages go to standard error, so that standard output holds results only.
console = Console(stderr=True, highlight=False, soft_wrap=True)


class Watcher:
    """Reports a training run: a bar in a terminal, a line a validation in a pipe, nothing when quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._bleu = "-"
        self._update: Update | None = None
        self._preparing: dict[str, TaskID] = {}
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=quiet or not (console.is_terminal or console.is_jupyter),
        )

    def __enter__(self) -> "Watcher":
        self._task = self._bar.add_task("training", total=None, told="", visible=False)
        self._bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._bar.stop()

    def updated(self, update: Update) -> None:
        for done in self._preparing.values():
            self._bar.update(done, visible=False)
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
        for source, translation in validation.samples:
            self.note(f"    {_short(source)} → {_short(translation)}")

    def preparing(self, what: str, share: float) -> None:
        if what not in self._preparing:
            for other in self._preparing.values():
                self._bar.remove_task(other)
            self._preparing = {what: self._bar.add_task(what, total=100, told="%  left")}
        self._bar.update(self._preparing[what], completed=int(100 * share), visible=share < 1)

    def note(self, text: str) -> None:
        if not self.quiet:
            console.print(text, markup=False)


def _short(text: str) -> str:
    """Enough of a sentence to see how good it is: an untrained model says one word a hundred times."""
    return text if len(text) <= LONGEST_SAMPLE else text[: LONGEST_SAMPLE - 1].rstrip() + "…"
