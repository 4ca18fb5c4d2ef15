"""The comparison itself: lay out the data, train everything in turn, measure, report.

Each step leaves its result in the folder, so that the same call goes on where it was stopped.

manifest.json          what was asked for, and all that is needed to make it again
data/                  the pairs for training and for the test
prepared/              subwords and token ids, the same for all
runs/MODEL-SEED/       a model directory each, with outcome.json when it is finished
speed.json             how fast the models are
report.html, .md, .json what came out; the pictures of report.md lie in pictures/
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from latimer.compare.data import Layout, Lines, languages_of, lay_out, must_be_unchanged
from latimer.compare.measure import outcome, speeds
from latimer.compare.plan import (
    FORMAT,
    Plan,
    Run,
    must_agree,
    plan_of,
    read_manifest,
    write_manifest,
)
from latimer.compare.report import make_report
from latimer.config import flatten
from latimer.files import write_whole
from latimer.folder import ModelFolder
from latimer.machine import forget_peak_memory, machine
from latimer.preparation import fork, must_exist, prepare
from latimer.presets import complete_config
from latimer.recipe import run
from latimer.report import Watcher
from latimer.training.log import Reporter
from latimer.visualize.charts import pictures
from latimer.visualize.comparison import comparison_page
from latimer.visualize.summary import comparison_summary


def compare(
    plan: Plan,
    *,
    into: Path | str = "comparison",
    reporter: Reporter | None = None,
    sha256: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Do what the plan says in the folder `into`; what report.json there holds.

    What is done already is not done again, so more models or seeds may be asked for later. Without
    `reporter` a progress bar tells how each run goes. `sha256`: what the corpora must be. Raises Mistake
    where `into` holds another comparison or a corpus has changed, KeyboardInterrupt where it was stopped.
    """
    folder = Path(into)
    for config in plan.models.values():
        must_exist(config.model)
    with _watched(reporter) as watcher:
        manifest = _begin(plan, folder, sha256, watcher)
        prepared = ModelFolder(folder / "prepared")
        if not prepared.holds_something:
            layout = Layout(folder, languages_of(plan))
            held = [str(layout.validation)] if plan.validation else []
            prepare(
                prepared,
                plan.config,
                [str(layout.train)],
                validation=held,
                languages=languages_of(plan),
                reporter=watcher,
            )
    test = Layout(folder, languages_of(plan)).read_test()
    outcomes = _train_all(plan, folder, prepared, test, reporter)
    with _watched(reporter) as watcher:
        speed = _speeds(plan, folder, test, watcher)
        manifest |= {
            "resolved": {
                name: flatten(complete_config(config, pairs=prepared.record["data"]["pairs"]))
                for name, config in plan.models.items()
            },
            "vocabulary": prepared.record["data"]["vocabulary"],
            "versions": prepared.record["versions"],
            "machine": machine(),
            "finished": manifest["finished"] or _now(),
        }
        write_manifest(folder / "manifest.json", manifest)
        watcher.note("Writing the report.")
        folders = {one.model: _folder(folder, one) for one in plan.runs() if one.seed == 1}
        report = make_report(plan, manifest, outcomes, speed=speed, test=test, folders=folders)
    write_whole(folder / "report.json", (json.dumps(report, indent=1, ensure_ascii=False) + "\n").encode())
    for name, picture in pictures(report).items():
        write_whole(folder / "pictures" / f"{name}.svg", picture.encode())
    write_whole(folder / "report.md", comparison_summary(report).encode())
    write_whole(folder / "report.html", comparison_page(report).encode())
    return report


def _begin(plan: Plan, folder: Path, sha256: dict[str, str] | None, reporter: Reporter) -> dict[str, Any]:
    """The manifest of the folder, made with its data where there is none."""
    path = folder / "manifest.json"
    if path.exists():
        manifest = read_manifest(path)
        before = plan_of(manifest)
        must_agree(before, plan, folder)
        must_be_unchanged(plan, manifest["data"]["sha256"])
        more = before.models.keys() != plan.models.keys() or before.seeds != plan.seeds
        manifest |= {"plan": plan.json(), "finished": None if more else manifest["finished"]}
    else:
        if sha256 is not None:
            must_be_unchanged(plan, sha256)
        manifest = {
            "format": FORMAT,
            "plan": plan.json(),
            "data": lay_out(plan, folder, reporter),
            "started": _now(),
            "finished": None,
        }
    write_manifest(path, manifest)
    return manifest


def _train_all(
    plan: Plan, folder: Path, prepared: ModelFolder, test: Lines, reporter: Reporter | None
) -> dict[str, list[dict[str, Any]]]:
    """The outcomes of every run, by model, in the order of the seeds."""
    runs = list(plan.runs())
    missing = [one for one in runs if not _outcome_of(folder, one).exists()]
    took: list[float] = []
    for number, one in enumerate(runs, start=1):
        if one in missing:
            with _watched(reporter) as watcher:
                left = _left(plan, took, len(missing) - len(took))
                watcher.note(f"\n{number} of {len(runs)}: {one.model}, seed {one.seed}{left}")
                begun = time.monotonic()
                _train_one(one, folder, prepared, test, plan.beam, watcher)
                took.append(time.monotonic() - begun)
    outcomes: dict[str, list[dict[str, Any]]] = {name: [] for name in plan.models}
    for one in runs:
        outcomes[one.model].append(json.loads(_outcome_of(folder, one).read_text(encoding="utf-8")))
    return outcomes


def _train_one(
    one: Run, folder: Path, prepared: ModelFolder, test: Lines, beam: int, reporter: Reporter
) -> None:
    """Train to the end and write down what came of it."""
    known = forget_peak_memory()
    trained = run(fork(prepared, _folder(folder, one).path, one.config), reporter=reporter)
    if not trained.progress.finished:
        reporter.note(
            f"Stopped after update {trained.progress.update:,}. The same command goes on from there."
        )
        raise KeyboardInterrupt
    measured = outcome(trained.folder, test.sources, beam=beam)
    if not known:
        measured["peak_memory_mb"] = None
    write_whole(_outcome_of(folder, one), (json.dumps(measured, ensure_ascii=False) + "\n").encode())


def _speeds(plan: Plan, folder: Path, test: Lines, reporter: Reporter) -> dict[str, Any]:
    """Measured together, so that they can be compared; again where a model is new."""
    path = folder / "speed.json"
    if path.exists():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if known.keys() >= plan.models.keys():
            return known
    reporter.note("\nMeasuring how fast they learn and translate.")
    folders = {one.model: _folder(folder, one) for one in plan.runs() if one.seed == 1}
    measured = speeds(folders, test.sources, beam=plan.beam)
    write_whole(path, (json.dumps(measured, indent=1) + "\n").encode())
    return measured


def _left(plan: Plan, took: list[float], runs: int) -> str:
    """How long the rest may take: by the budget, or by what was seen."""
    word, much = plan.budget
    each = much if word == "minutes" else sum(took) / len(took) / 60 if took else None
    if each is None:
        return ""
    minutes = each * runs
    return f" (about {minutes:.0f} minutes left)" if minutes >= 1.5 else " (about a minute left)"


def _folder(folder: Path, one: Run) -> ModelFolder:
    return ModelFolder(folder / "runs" / one.name)


def _outcome_of(folder: Path, one: Run) -> Path:
    return _folder(folder, one).path / "outcome.json"


@contextmanager
def _watched(reporter: Reporter | None) -> Iterator[Reporter]:
    """The reporter, or a new bar for each run."""
    if reporter is not None:
        yield reporter
    else:
        with Watcher() as watcher:
            yield watcher


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
