"""The bench of whole trainings: what it plans, what it goes on from, and what it prints. No tool is run."""

import json
import sys
from pathlib import Path

import pytest

from bench import quality, task
from bench.corpus import decode, encode_validation, prepare_corpus
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
from bench.environments import ROOT
from bench.process import run_alone
from bench.recipes import job
from latimer.errors import Mistake


def run(
    tool: str, points: list[tuple[int, float]], *, seed: int = 0, late: float = 2.0, rss: float = 900.0
) -> Run:
    """A training with BLEU at marks, each reached `late` seconds after its mark."""
    return Run(
        tool=tool,
        version="1.0",
        seed=seed,
        parameters=7_569_728,
        peak_rss_mb=rss,
        search_cpu_s=33.0,
        signature="tok:13a",
        points=tuple(Point(mark, mark + late, mark + 10.0, 2 * mark, bleu) for mark, bleu in points),
    )


class Clock:
    """Stands for the module `time` in bench.recipes.job."""

    def __init__(self) -> None:
        self.cpu = 5.0  # imports and data
        self.wall = 1_000.0

    def process_time(self) -> float:
        return self.cpu

    def time(self) -> float:
        return self.wall

    def go(self, seconds: float) -> None:
        self.cpu += seconds
        self.wall += 2 * seconds


def test_marks_count_from_the_start_and_leave_saving_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, saved = Clock(), []
    monkeypatch.setattr(job, "time", clock)

    def save(mark: int) -> None:
        saved.append(mark)
        clock.go(100.0)

    wanted = job.Job(Path(), Path(), (10, 20), 0, began=990.0)
    marks = job.Marks(wanted, version="3", parameters=7, save=save)
    answers = []
    while not answers or answers[-1]:
        clock.go(2.0)
        answers.append(marks.update(50, 60))
    head, first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert head == {"version": "3", "parameters": 7}
    assert first == {"mark": 10, "cpu_s": 11.0, "wall_s": 22.0, "updates": 3}
    assert second == {"mark": 20, "cpu_s": 21.0, "wall_s": 42.0, "updates": 8}
    assert saved == [10, 20]
    assert answers == [True] * 7 + [False]


def test_a_wish_is_a_tool_and_its_seconds() -> None:
    assert read_wish("eole:450,1500", ("latimer", "eole")) == ("eole", [450, 1_500])
    with pytest.raises(Mistake, match="fairseq is not one of latimer, eole"):
        read_wish("fairseq:1", ("latimer", "eole"))
    for wrong in ("eole", "eole:", "eole:4,", "eole:0", "eole:2.5"):
        with pytest.raises(Mistake, match="come CPU seconds"):
            read_wish(wrong, ("eole",))


def test_tools_take_turns_and_only_peers_are_looked_at_on_the_way() -> None:
    wishes = [(OURS, [100, 450]), ("eole", [300])]
    plans = list(plan_all(wishes, (200, 100, 300, 600), rounds=2))
    first = [Plan(OURS, (100,), 0), Plan("eole", (100, 200, 300), 0), Plan(OURS, (450,), 0)]
    assert plans == [*first, *(plan._replace(seed=1) for plan in first)]


def test_only_what_was_not_run_is_left() -> None:
    plans = [Plan("eole", (1, 2), 0), Plan("eole", (1, 2), 1), Plan("eole", (2,), 0), Plan("x", (1, 2), 0)]
    assert left(plans, [run("eole", [(1, 5.0), (2, 6.0)])]) == plans[1:]
    assert left(plans, []) == plans


def test_a_run_survives_json() -> None:
    one = run("eole", [(1, 5.25), (2, 6.5)], seed=3)
    values = json.loads(json.dumps(one.to_json()))
    assert Run.from_json({**values, "unknown": "a field of a later version"}) == one
    del values["points"][1]["bleu"]
    with pytest.raises(KeyError, match="bleu"):
        Run.from_json(values)


def test_a_measurement_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[Plan] = []

    class Bench:
        """Is stopped in its third training."""

        def __init__(self, data: Path, work: Path, *, core: int | None) -> None:
            assert core == 1

        def run(self, plan: Plan) -> Run:
            ran.append(plan)
            if len(ran) == 3:
                raise KeyboardInterrupt
            return run(plan.tool, [(mark, 1.0) for mark in plan.marks], seed=plan.seed)

    monkeypatch.setattr(quality, "Bench", Bench)
    plans = list(plan_all([(OURS, [10]), ("eole", [20])], (5,), rounds=2))
    path = tmp_path / "quality.json"
    with pytest.raises(KeyboardInterrupt):
        quality.measure(tmp_path, path, plans, core=1)
    assert [one.plan for one in quality.read_runs(path)] == plans[:2]
    quality.measure(tmp_path, path, plans, core=1)
    assert ran == [*plans[:3], *plans[2:]]
    assert [one.plan for one in quality.read_runs(path)] == plans
    quality.measure(tmp_path, path, plans, core=1)
    assert len(ran) == 5
    assert "4 of 4 trainings are in" in capsys.readouterr().err


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for content in ("{}", "[]", '{"runs": [{"tool": "x"}]}', "no JSON"):
        path.write_text(content)
        with pytest.raises(Mistake, match=r"other\.json is not a file of bench\.quality"):
            quality.read_runs(path)


def test_readings_are_medians_over_seeds() -> None:
    runs = [
        run("eole", [(100, 10.0), (200, 20.0)]),
        run("eole", [(100, 40.0), (200, 50.0)], seed=1, late=4.0, rss=950.0),
        run("eole", [(100, 12.0), (200, 24.0)], seed=2, late=9.0),
        run(OURS, [(400, 55.0)]),
        run(OURS, [(100, 40.0)]),
    ]
    found = readings(runs)
    assert [(one.run.tool, one.budget, one.mark) for one in found] == [
        (OURS, 100, 100),
        (OURS, 400, 400),
        ("eole", 200, 100),
        ("eole", 200, 200),
    ]
    assert found[2].bleu == (10.0, 12.0, 40.0)
    assert (found[3].cpu_s, found[3].peak_rss_mb, found[3].seeds) == (204.0, 950.0, 3)


def test_the_table_says_all_of_a_mark() -> None:
    runs = [run("eole", [(1_500, 42.06)]), run("eole", [(1_500, 41.0)], seed=1), run(OURS, [(200, 45.0)])]
    head, ours, eole, search, signature = format_curves(readings(runs)).splitlines()
    assert head.split()[:2] == ["tool", "parameters"]
    assert " ".join(ours.split()) == "latimer 1.0 7,569,728 200 202 210 400 45.0 900 1"
    assert " ".join(eole.split()) == "eole 1.0 7,569,728 1,500 1,502 1,510 3,000 41.5 (41.0-42.1) 900 2"
    assert search == "search, not counted above, CPU seconds a mark: latimer 33, eole 33"
    assert signature == "BLEU: tok:13a"


def test_ours_needs_the_shortest_training_that_is_as_good() -> None:
    ours = [run(OURS, [(seconds, bleu)]) for seconds, bleu in ((400, 53.0), (200, 42.0), (100, 30.0))]
    peers = [
        run("eole", [(498, 42.0), (998, 41.0)]),
        run("opennmt", [(998, 42.1)]),
        run("transformers", [(998, 60.0)]),
    ]
    _, eole, opennmt, transformers = format_reaching(readings([*peers, *ours])).splitlines()
    assert eole.split() == ["eole", "42.0", "500", "202", "42.0", "0.40"]
    assert opennmt.split() == ["opennmt", "42.1", "1,000", "402", "53.0", "0.40"]
    assert transformers.split() == ["transformers", "60.0", "1,000", "not", "reached", "-", "-"]


def test_the_picture_joins_what_belongs_together() -> None:
    runs = [
        *(run(OURS, [(seconds, seconds / 10)]) for seconds in (100, 300)),
        run("eole", [(100, 1.0), (200, 2.0)]),
        *(run("transformers", [(100, 3.0), (end, 4.0)]) for end in (200, 300)),
    ]
    drawn = picture(readings(runs))
    for hint in (
        "latimer: 102, 10",
        "latimer: 302, 30",
        "eole: 202, 2",
        "transformers, planned for 300 s: 302, 4",
    ):
        assert f"<title>{hint}</title>" in drawn
    assert drawn.count("<polyline") == 2 * 4  # the line and its place in the legend


def test_every_peer_has_its_recipe() -> None:
    scripts = {path.stem for path in (ROOT / "bench" / "recipes").glob("*.py")}
    assert scripts == {*quality.TOOLS, "job", "__init__"} - {OURS}


def test_validation_is_encoded_and_what_is_decoded_is_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "VOCABULARY", 60)
    folder = tmp_path / "multi30k"
    folder.mkdir()
    lines = ["A dog runs.", "Two dogs run on the beach.", "A man, a dog and the sea."]
    for part in ("train", "val"):
        for language in ("en", "fr"):
            (folder / f"{part}.{language}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    corpus = prepare_corpus(tmp_path, tmp_path / "corpus")
    encode_validation(tmp_path, corpus)
    ids = (corpus / task.VALIDATION_SOURCE_IDS).read_text().splitlines()
    assert decode(corpus, [f"<unk> {line}" for line in ids]) == lines
    (folder / "val.fr").unlink()
    with pytest.raises(Mistake, match=r"val\.fr is missing"):
        encode_validation(tmp_path, corpus)


def test_a_process_is_measured_and_its_last_words_are_told() -> None:
    work = "import os; block = bytearray(300 * 2**20); print(os.environ['OMP_NUM_THREADS'])"
    spent = run_alone("a tool", [sys.executable, "-c", work], core=None)
    assert spent.lines == ["1"]
    assert 0.005 < spent.cpu_s < 10
    assert spent.peak_rss_mb > 300
    with pytest.raises(Mistake, match="a tool failed: no such corpus"):
        run_alone("a tool", [sys.executable, "-c", "raise SystemExit('loading\\nno such corpus')"], core=None)
