"""What a run tells: `metrics.jsonl` for programs, and a reporter for people."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from latimer.files import replacing


class Update(NamedTuple):
    """One training update."""

    update: int  # counted from 1
    total: int | None  # how many there will be, once that is known
    epoch: int  # counted from 1
    loss: float  # nats a target token, smoothing included
    rate: float
    tokens_per_second: float  # real target tokens, lately
    seconds: float  # since this run began


class Validation(NamedTuple):
    """What the model is worth at one moment."""

    loss: float  # nats a target token, without smoothing
    bleu: float
    seconds: float  # that it took
    samples: Sequence[tuple[str, str]] = ()  # a few sources, always the same, and what is made of them


@runtime_checkable  # the test run checks arguments against it
class Reporter(Protocol):
    """Whoever wants to watch."""

    def updated(self, update: Update) -> None: ...

    def validated(self, update: int, validation: Validation, *, best: bool) -> None: ...

    def note(self, text: str) -> None: ...

    def preparing(self, what: str, share: float) -> None:
        """`share`, from 0 to 1, of `what` is done."""


class Metrics:
    """A line of JSON an event; continuing a run first drops what it will do again."""

    def __init__(self, path: Path, *, after: int) -> None:
        self.path = path
        kept = [line for line in self._lines() if line["update"] <= after]
        with replacing(path) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")

    def write(self, event: str, values: dict[str, object]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, **values}) + "\n")

    def _lines(self) -> list[dict[str, Any]]:
        """Whole lines only: the last one of a killed run may be cut."""
        if not self.path.exists():
            return []
        lines = []
        for text in self.path.read_text(encoding="utf-8").split("\n"):
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                continue
        return lines


class Silent:
    """A reporter for those who don't want to watch."""

    def updated(self, update: Update) -> None:
        pass

    def validated(self, update: int, validation: Validation, *, best: bool) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def preparing(self, what: str, share: float) -> None:
        pass
