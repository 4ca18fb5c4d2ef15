"""Training speed of a family of models, beside the peers that have it.

    .venv/bin/python -m bench.training --task lstm|transformer|conv --data FOLDER [--repeats 3] [--json FILE]

Runs every tool in turn, again and again, so that a slow minute of the machine falls on all of them.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from bench import task
from bench.corpus import prepare_corpus
from bench.environments import is_ready, python
from bench.floor import Work, product_rate, work_per_token
from bench.process import run_alone, usual_core
from bench.table import Reading, format_table, spread
from latimer.errors import Mistake

OURS = "latimer"
TOOLS = {
    "lstm": (OURS, "opennmt", "eole", "d2l"),
    "transformer": (OURS, "opennmt", "eole", "transformers", "joeynmt"),
    "conv": (OURS, "opennmt", "eole"),
}


def run_tool(tool: str, corpus: Path, *, name: str, seconds: float, warm_up: int, seed: int) -> Reading:
    """One run of one tool on the task of that name, alone on one core where the system can pin it there.

    Raises Mistake with the tool's last words where it fails.
    """
    command = [str(python(tool)), "-W", "ignore", "-m", f"bench.peers.{tool}", "--task", name]
    command += ["--corpus", str(corpus), "--seconds", str(seconds), "--warm-up", str(warm_up)]
    command += ["--seed", str(seed)]
    lines = run_alone(tool, command, core=usual_core()).lines
    if not lines:
        raise Mistake(f"{tool} failed: it printed nothing")
    return Reading.from_json(json.loads(lines[-1]))


def measure(
    tools: Sequence[str], corpus: Path, *, name: str, repeats: int, seconds: float, warm_up: int
) -> list[Reading]:
    """Every tool once, then every tool again: `repeats` rounds, each with its own seed."""
    readings = []
    for seed in range(repeats):
        for tool in tools:
            reading = run_tool(tool, corpus, name=name, seconds=seconds, warm_up=warm_up, seed=seed)
            readings.append(reading)
            busy = reading.cpu_s / reading.wall_s
            sys.stderr.write(
                f"round {seed + 1} {tool}: {reading.per_cpu_second:,.0f} target tokens per CPU second"
                f"{'' if busy > 0.95 else f' (it had the core {busy:.0%} of the time)'}\n"
            )
    return readings


def mean_length(path: Path) -> float:
    """Tokens a sentence, the end symbol with them."""
    lengths = [len(sentence) + 1 for sentence in task.read_ids(path)]
    return sum(lengths) / len(lengths)


def floor_lines(readings: Sequence[Reading], work: Work, rate: float) -> list[str]:
    """How far ours is from what the machine's matrix products alone would allow."""
    parts = ", ".join(f"{name} {value / 1e6:.1f}" for name, value in work._asdict().items())
    best = rate / work.total
    lines = [
        f"work: {work.total / 1e6:.1f} million operations a target token ({parts})",
        f"matrix products: {rate / 1e9:.0f} thousand million operations a CPU second, one thread, float32",
        f"floor: {best:,.0f} target tokens per CPU second if training were products alone",
    ]
    speeds = [reading.per_cpu_second for reading in readings if reading.tool == OURS]
    if speeds:
        lines.append(f"ours: {spread(speeds).middle / best:.0%} of that")
    return lines


def parse() -> argparse.Namespace:
    data = os.environ.get("LATIMER_DATA")
    parser = argparse.ArgumentParser(prog="python -m bench.training")
    parser.add_argument("--data", type=Path, default=data, help="folder with multi30k; else $LATIMER_DATA")
    parser.add_argument("--task", choices=task.TASKS, default="lstm", help="which family (default: lstm)")
    parser.add_argument("--tools", nargs="+", default=None, help="else: all of the task's that are ready")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    parser.add_argument("--seconds", type=float, default=40.0, help="CPU seconds measured in each run")
    parser.add_argument("--warm-up", type=int, default=3, help="updates before measuring")
    parser.add_argument("--json", type=Path, default=None, help="write every reading to this file")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("say where the corpora are: --data FOLDER, or the variable LATIMER_DATA")
    return arguments


def main() -> None:
    arguments = parse()
    known = TOOLS[arguments.task]
    missing = [tool for tool in known if not is_ready(tool)]
    tools = arguments.tools or [tool for tool in known if tool not in missing]
    if strange := set(tools) - set(known):
        raise Mistake(
            f"{', '.join(sorted(strange))}: not among the tools of {arguments.task}: {', '.join(known)}"
        )
    if missing:
        sys.stderr.write(f"not installed: {', '.join(missing)}; python -m bench.environments makes them\n")
    if unready := set(tools) & set(missing):
        raise Mistake(f"{', '.join(sorted(unready))} can't run before python -m bench.environments has run")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        corpus = prepare_corpus(arguments.data, Path(folder) / "corpus")
        readings = measure(
            tools,
            corpus,
            name=arguments.task,
            repeats=arguments.repeats,
            seconds=arguments.seconds,
            warm_up=arguments.warm_up,
        )
        work = work_per_token(
            arguments.task,
            source_length=mean_length(corpus / task.SOURCE_IDS),
            target_length=mean_length(corpus / task.TARGET_IDS),
        )
    rate = product_rate()
    print(format_table(readings, OURS))
    print(*floor_lines(readings, work, rate), sep="\n")
    if arguments.json:
        report = {
            "task": arguments.task,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "torch": torch.__version__,
            "product_rate": rate,
            "operations_per_token": work._asdict(),
            "readings": [asdict(reading) for reading in readings],
        }
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except Mistake as mistake:
        sys.stderr.write(f"{mistake}\n")
        sys.exit(2)
