"""Trainings and what they reached by when: what to run, what was read, and the tables and picture of it.

Pure: no clock, no process.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import zip_longest
from statistics import median
from typing import Any, NamedTuple

from bench.table import Spread, align, spread
from latimer.errors import Mistake
from latimer.visualize import svg_chart

OURS = "latimer"


class Plan(NamedTuple):
    """A training to run. `marks` are the CPU seconds at which it is looked at; the last one ends it."""

    tool: str
    marks: tuple[int, ...]
    seed: int


@dataclass(frozen=True)
class Point:
    """What a training had reached at a mark: `cpu_s` and `wall_s` since its process began."""

    mark: int
    cpu_s: float
    wall_s: float
    updates: int
    bleu: float


@dataclass(frozen=True)
class Run:
    """One training of one tool. `search_cpu_s` went into translating, and is in none of the points."""

    tool: str
    version: str
    seed: int
    parameters: int
    peak_rss_mb: float
    search_cpu_s: float
    signature: str
    points: tuple[Point, ...]

    @property
    def plan(self) -> Plan:
        return Plan(self.tool, tuple(point.mark for point in self.points), self.seed)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Run":
        """Raises KeyError where a field is missing."""
        points = tuple(Point(*(point[one.name] for one in fields(Point))) for point in values["points"])
        return cls(**{one.name: values[one.name] for one in fields(cls)} | {"points": points})


def read_wish(text: str, tools: Collection[str]) -> tuple[str, list[int]]:
    """A tool and its budgets in CPU seconds, from `TOOL:SECONDS,SECONDS`; raises Mistake where it is not."""
    tool, _, budgets = text.partition(":")
    if tool not in tools:
        raise Mistake(f"{tool} is not one of {', '.join(tools)}")
    numbers = budgets.split(",")
    if not all(number.isdecimal() and int(number) > 0 for number in numbers):
        raise Mistake(f"{text}: after the tool's name come CPU seconds, as in {tool}:450,1500")
    return tool, [int(number) for number in numbers]


def plan_all(wishes: Sequence[tuple[str, list[int]]], marks: Iterable[int], *, rounds: int) -> Iterator[Plan]:
    """All trainings, round by round; in a round the tools take turns.

    A peer is looked at at each of the `marks` on its way to its budget; ours only when it ends, since its
    schedule is made for its end.
    """
    for seed in range(rounds):
        for turn in zip_longest(*(budgets for _, budgets in wishes)):
            for (tool, _), budget in zip(wishes, turn, strict=True):
                if budget is not None:
                    before = () if tool == OURS else sorted(mark for mark in set(marks) if mark < budget)
                    yield Plan(tool, (*before, budget), seed)


def left(plans: Iterable[Plan], runs: Iterable[Run]) -> list[Plan]:
    """The plans that no run has carried out."""
    done = {run.plan for run in runs}
    return [plan for plan in plans if plan not in done]


class Reading(NamedTuple):
    """A mark of equal trainings with several seeds: medians; of BLEU the spread, of memory the largest."""

    run: Run
    seeds: int
    budget: int
    mark: int
    cpu_s: float
    wall_s: float
    updates: int
    bleu: Spread
    peak_rss_mb: float


def readings(runs: Sequence[Run]) -> list[Reading]:
    """Ours first, then the tools in the order in which they came; each by budget and mark."""
    order = list(dict.fromkeys([OURS, *(run.tool for run in runs)]))
    alike: dict[tuple[int, tuple[int, ...]], list[Run]] = {}
    for run in runs:
        alike.setdefault((order.index(run.tool), run.plan.marks), []).append(run)
    found = []
    for (_, marks), group in sorted(alike.items(), key=lambda item: (item[0][0], item[0][1][-1])):
        for points in zip(*(run.points for run in group), strict=True):
            found.append(
                Reading(
                    run=group[0],
                    seeds=len(group),
                    budget=marks[-1],
                    mark=points[0].mark,
                    cpu_s=median(point.cpu_s for point in points),
                    wall_s=median(point.wall_s for point in points),
                    updates=int(median(point.updates for point in points)),
                    bleu=spread([point.bleu for point in points]),
                    peak_rss_mb=max(run.peak_rss_mb for run in group),
                )
            )
    return found


def format_curves(found: Sequence[Reading]) -> str:
    """A line a mark; then what the figures mean."""
    heads = ("tool", "parameters", "planned s", "CPU s", "wall s", "updates", "BLEU", "peak RSS MB", "seeds")
    rows: list[Sequence[str]] = [heads]
    for one in found:
        rows.append(
            (
                f"{one.run.tool} {one.run.version}",
                f"{one.run.parameters:,}",
                f"{one.budget:,}",
                f"{one.cpu_s:,.0f}",
                f"{one.wall_s:,.0f}",
                f"{one.updates:,}",
                f"{one.bleu.middle:.1f}" + (f" ({one.bleu.low:.1f}-{one.bleu.high:.1f})" * (one.seeds > 1)),
                f"{one.peak_rss_mb:,.0f}",
                f"{one.seeds}",
            )
        )
    search: dict[str, list[float]] = {}
    for one in found:
        search.setdefault(one.run.tool, []).append(one.run.search_cpu_s / len(one.run.points))
    apart = ", ".join(f"{tool} {median(seconds):.0f}" for tool, seconds in search.items())
    signatures = sorted({one.run.signature for one in found})
    return "\n".join(
        [
            align(rows),
            f"search, not counted above, CPU seconds a mark: {apart}",
            *(f"BLEU: {signature}" for signature in signatures),
        ]
    )


def format_reaching(found: Sequence[Reading]) -> str:
    """What ours needs for what each peer reaches at best: the shortest of our trainings that is as good."""
    ours = sorted((one for one in found if one.run.tool == OURS), key=lambda one: one.cpu_s)
    best: dict[str, Reading] = {}
    for one in found:
        if one.run.tool != OURS and (
            one.run.tool not in best or one.bleu.middle > best[one.run.tool].bleu.middle
        ):
            best[one.run.tool] = one
    rows: list[Sequence[str]] = [
        ("to reach", "BLEU", "its CPU s", "ours: CPU s", "BLEU", "share of its time")
    ]
    for tool, peer in best.items():
        enough = next((one for one in ours if one.bleu.middle >= peer.bleu.middle), None)
        its = (tool, f"{peer.bleu.middle:.1f}", f"{peer.cpu_s:,.0f}")
        if enough is None:
            rows.append((*its, "not reached", "-", "-"))
        else:
            share = f"{enough.cpu_s / peer.cpu_s:.2f}"
            rows.append((*its, f"{enough.cpu_s:,.0f}", f"{enough.bleu.middle:.1f}", share))
    return align(rows)


def picture(found: Sequence[Reading]) -> str:
    """BLEU against CPU seconds as SVG. Trainings that were looked at once are joined to one line a tool."""
    lines: dict[tuple[str, int | None], list[tuple[float, float]]] = {}
    single = {(one.run.tool, one.budget) for one in found if one.mark != one.budget}
    for one in found:
        budget = one.budget if (one.run.tool, one.budget) in single else None
        lines.setdefault((one.run.tool, budget), []).append((one.cpu_s, one.bleu.middle))
    budgets = {tool: [budget for name, budget in lines if name == tool and budget] for tool, _ in lines}
    series = {
        f"{tool}, planned for {budget} s" if budget and len(budgets[tool]) > 1 else tool: points
        for (tool, budget), points in lines.items()
    }
    return svg_chart(
        series,
        title="Time to quality: multi30k, English to French",
        x="CPU seconds of training, start and data with them",
        y="BLEU on validation, greedy",
    )
