"""Time to quality: BLEU on validation against CPU seconds, whole trainings of ours beside the peers'.

    .venv/bin/python -m bench.quality --data FOLDER --runs latimer:100,200,450 opennmt:1500 --json FILE
    .venv/bin/python -m bench.quality --table FILE...

Every training is written to the file as soon as it is done, and is not run again; so the same command goes on
where it was stopped, and a longer list extends it.
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench.corpus import decode, encode_validation, prepare_corpus, texts
from bench.curve import (
    OURS,
    Plan,
    Point,
    Run,
    format_curves,
    format_reaching,
    left,
    picture,
    plan_all,
    read_wish,
    readings,
)
from bench.environments import is_ready, python
from bench.process import run_alone, usual_core
from bench.recipes.job import translation
from latimer import evaluate
from latimer.errors import Mistake
from latimer.files import write_whole

TOOLS = (OURS, "opennmt", "eole", "transformers", "joeynmt")
USUAL_RUNS = ("latimer:100,200,375", "opennmt:1500", "eole:1500", "transformers:1500")
USUAL_MARKS = (150, 300, 450, 600, 900, 1_200)


class Bench:
    """Runs trainings on one core, on multi30k below the folder `data`; `work` is for passing files."""

    def __init__(self, data: Path, work: Path, *, core: int | None) -> None:
        self.data = data
        self.work = work
        self.core = core
        self.validation = texts(data, "val")
        self.references = [[line] for line in self.validation[1].read_text(encoding="utf-8").splitlines()]
        self.corpus = work / "corpus"

    def run(self, plan: Plan) -> Run:
        """Raises Mistake with the tool's last words where it fails."""
        with tempfile.TemporaryDirectory(dir=self.work) as name:
            return self._ours(plan, Path(name)) if plan.tool == OURS else self._peer(plan, Path(name))

    def _ours(self, plan: Plan, folder: Path) -> Run:
        """`latimer train` with its defaults, and the model that it leaves."""
        model, output = folder / "model", folder / "output"
        pairs, validation = (",".join(map(str, texts(self.data, part))) for part in ("train", "val"))
        [budget] = plan.marks
        train = ["train", pairs, "--validation", validation, "--into", str(model), "--quiet"]
        train += ["--minutes", f"{budget / 60:.4f}", "--seed", str(plan.seed + 1)]
        translate = ["translate", "--model", str(model), "--beam", "1", "--quiet"]
        translate += ["--input", str(self.validation[0]), "--output", str(output)]
        latimer = [str(python(OURS)), "-W", "ignore", "-m", "latimer"]
        trained = run_alone(OURS, [*latimer, *train], core=self.core)
        searched = run_alone(OURS, [*latimer, *translate], core=self.core)
        score = self._score(output.read_text(encoding="utf-8").splitlines())
        record = json.loads((model / "config.json").read_text(encoding="utf-8"))
        updates = record["training"]["updates"]
        return Run(
            tool=plan.tool,
            version=record["versions"]["latimer"],
            seed=plan.seed,
            parameters=record["training"]["parameters"],
            peak_rss_mb=round(trained.peak_rss_mb, 1),
            search_cpu_s=round(searched.cpu_s, 2),
            signature=score.signature,
            points=(Point(budget, round(trained.cpu_s, 2), round(trained.wall_s, 2), updates, score.value),),
        )

    def _peer(self, plan: Plan, folder: Path) -> Run:
        """The tool's recipe, and its checkpoint at each mark."""
        if not self.corpus.exists():
            prepare_corpus(self.data, self.corpus)
            encode_validation(self.data, self.corpus)
        command = [str(python(plan.tool)), "-W", "ignore", "-m", f"bench.recipes.{plan.tool}"]
        given = ["--corpus", str(self.corpus), "--folder", str(folder), "--seed", str(plan.seed)]
        given += ["--marks", *map(str, plan.marks), "--began", str(time.time())]
        trained = run_alone(plan.tool, [*command, "train", *given], core=self.core)
        searched = run_alone(plan.tool, [*command, "translate", *given], core=self.core)
        head, *said = (json.loads(line) for line in trained.lines if line.startswith("{"))
        signature, points = "", []
        for point in said:
            lines = translation(folder, point["mark"]).read_text(encoding="utf-8").splitlines()
            score = self._score(decode(self.corpus, lines))
            signature = score.signature
            points.append(Point(**point, bleu=score.value))
        if tuple(point.mark for point in points) != plan.marks:
            raise Mistake(f"{plan.tool} ended before its last mark")
        return Run(
            tool=plan.tool,
            version=head["version"],
            seed=plan.seed,
            parameters=head["parameters"],
            peak_rss_mb=round(trained.peak_rss_mb, 1),
            search_cpu_s=round(searched.cpu_s, 2),
            signature=signature,
            points=tuple(points),
        )

    def _score(self, hypotheses: Sequence[str]) -> evaluate.Score:
        return evaluate.bleu(hypotheses, self.references)


def read_runs(path: Path) -> list[Run]:
    """What a file holds; raises Mistake where it is no such file."""
    try:
        return [Run.from_json(one) for one in json.loads(path.read_text(encoding="utf-8"))["runs"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Mistake(f"{path} is not a file of bench.quality ({error}); name another") from None


def write_runs(path: Path, runs: Sequence[Run]) -> None:
    """All of them, with the machine's description, as JSON."""
    report = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "torch": version("torch"),
        "runs": [run.to_json() for run in runs],
    }
    write_whole(path, (json.dumps(report, indent=2) + "\n").encode())


def measure(data: Path, path: Path, plans: Sequence[Plan], *, core: int | None) -> None:
    """Runs what `path` does not hold yet, and adds each to it."""
    runs = read_runs(path) if path.exists() else []
    waiting = left(plans, runs)
    sys.stderr.write(f"{len(plans) - len(waiting)} of {len(plans)} trainings are in {path}\n")
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(data, Path(work), core=core)
        for plan in waiting:
            run = bench.run(plan)
            runs.append(run)
            write_runs(path, runs)
            last = run.points[-1]
            busy = last.cpu_s / last.wall_s
            sys.stderr.write(
                f"round {plan.seed + 1} {run.tool}: {last.bleu:.1f} BLEU after {last.cpu_s:,.0f} CPU seconds"
                f"{'' if busy > 0.95 else f' (it had the core {busy:.0%} of the time)'}\n"
            )


def show(paths: Sequence[Path]) -> None:
    """Prints the tables of all the files together; the picture comes to lie beside the first."""
    found = readings([run for path in paths for run in read_runs(path)])
    if not found:
        raise Mistake(f"{paths[0]} holds no training yet")
    print(format_curves(found), format_reaching(found), sep="\n\n")
    drawing = paths[0].with_suffix(".svg")
    write_whole(drawing, picture(found).encode())
    print(f"\n{drawing}")


def parse() -> argparse.Namespace:
    data = os.environ.get("LATIMER_DATA")
    parser = argparse.ArgumentParser(prog="python -m bench.quality")
    parser.add_argument("--table", type=Path, nargs="+", metavar="FILE", help="only show what these hold")
    parser.add_argument("--data", type=Path, default=data, help="folder with multi30k; else $LATIMER_DATA")
    parser.add_argument(
        "--runs",
        nargs="+",
        default=USUAL_RUNS,
        metavar="TOOL:SECONDS,SECONDS",
        help=f"trainings of so many CPU seconds (default: {' '.join(USUAL_RUNS)})",
    )
    parser.add_argument(
        "--marks",
        nargs="+",
        type=int,
        default=USUAL_MARKS,
        help="CPU seconds after which a peer is looked at",
    )
    parser.add_argument("--rounds", type=int, default=1, help="each with its own seed")
    parser.add_argument("--core", type=int, default=usual_core(), help="the one to use (default: the last)")
    parser.add_argument("--json", type=Path, default=Path("runs/quality.json"), help="the file to extend")
    arguments = parser.parse_args()
    if arguments.data is None and arguments.table is None:
        parser.error("say where the corpora are: --data FOLDER, or the variable LATIMER_DATA")
    return arguments


def main() -> None:
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the tool that runs is ended too
    if arguments.table:
        show(arguments.table)
        return
    wishes = [read_wish(text, TOOLS) for text in arguments.runs]
    if missing := [tool for tool, _ in wishes if not is_ready(tool)]:
        raise Mistake(f"{', '.join(missing)} can't run before python -m bench.environments has run")
    plans = list(plan_all(wishes, arguments.marks, rounds=arguments.rounds))
    measure(arguments.data, arguments.json, plans, core=arguments.core)
    show([arguments.json])


if __name__ == "__main__":
    try:
        main()
    except Mistake as mistake:
        sys.stderr.write(f"{mistake}\n")
        sys.exit(2)
