"""Readings of the tools, and the table made of them. Pure: no clock, no process."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import NamedTuple


@dataclass(frozen=True)
class Reading:
    """One run of one tool, as its script prints it."""

    tool: str
    version: str
    tokens: int
    wall_s: float
    cpu_s: float
    padding_share: float
    start_rss_mb: float
    peak_rss_mb: float
    parameters: int
    updates: int
    loss: float

    @classmethod
    def from_json(cls, values: dict[str, object]) -> "Reading":
        """Raises KeyError where a field is missing."""
        return cls(*(values[field.name] for field in fields(cls)))  # type: ignore[arg-type]

    @property
    def per_cpu_second(self) -> float:
        return self.tokens / self.cpu_s

    @property
    def per_wall_second(self) -> float:
        return self.tokens / self.wall_s

    @property
    def positions_per_cpu_second(self) -> float:
        """Padded positions count here: how fast the tool would be if padding were work."""
        return self.per_cpu_second / (1 - self.padding_share)


class Spread(NamedTuple):
    low: float
    middle: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    return Spread(min(values), median(values), max(values))


HEADS = (
    "tool",
    "parameters",
    "tokens/CPU s: min",
    "median",
    "max",
    "of ours",
    "tokens/wall s",
    "positions/CPU s",
    "padding",
    "start RSS MB",
    "peak RSS MB",
    "updates",
    "loss",
)


def format_table(readings: Sequence[Reading], ours: str) -> str:
    """One line a tool in the order of first appearance, medians over its runs, memory its largest."""
    tools = list(dict.fromkeys(reading.tool for reading in readings))
    by_tool = {tool: [reading for reading in readings if reading.tool == tool] for tool in tools}
    base = spread([run.per_cpu_second for run in by_tool[ours]]).middle if ours in by_tool else None
    return align([HEADS, *(_row(runs, base) for runs in by_tool.values())])


def align(rows: Sequence[Sequence[str]]) -> str:
    """Lines of equal width: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(runs: Sequence[Reading], base: float | None) -> tuple[str, ...]:
    speed = spread([run.per_cpu_second for run in runs])
    return (
        f"{runs[0].tool} {runs[0].version}",
        f"{runs[0].parameters:,}",
        f"{speed.low:,.0f}",
        f"{speed.middle:,.0f}",
        f"{speed.high:,.0f}",
        "-" if base is None else f"{speed.middle / base:.2f}",
        f"{median(run.per_wall_second for run in runs):,.0f}",
        f"{median(run.positions_per_cpu_second for run in runs):,.0f}",
        f"{median(run.padding_share for run in runs):.1%}",
        f"{max(run.start_rss_mb for run in runs):,.0f}",
        f"{max(run.peak_rss_mb for run in runs):,.0f}",
        f"{sum(run.updates for run in runs)}",
        f"{runs[-1].loss:.2f}",
    )
