"""A comparison from its plan to its report: trained in turn, stopped, gone on with, made again."""

import json
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from latimer import evaluate
from latimer.compare import measure
from latimer.compare.data import Layout
from latimer.compare.plan import Plan, again, models_of, read_manifest
from latimer.compare.report import result, shown
from latimer.compare.runs import compare
from latimer.config import configure
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.recipe import Trained
from latimer.significance import Difference, Estimate, Significance
from latimer.training.log import Silent, Validation

NAMES = "lstm,lstm-plain"


class Watcher(Silent):
    """Remembers notes, and stops the first run that is validated as Ctrl-C would."""

    def __init__(self, *, stop: bool = False) -> None:
        self.notes: list[str] = []
        self.stop = stop

    def note(self, text: str) -> None:
        self.notes.append(text)

    def preparing(self, what: str, share: float) -> None:
        pass

    def validated(self, update: int, validation: Validation, *, best: bool) -> None:
        if self.stop:
            signal.raise_signal(signal.SIGINT)

    @property
    def begun(self) -> list[str]:
        """The runs that were begun or gone on with."""
        return [found[1] for note in self.notes if (found := re.match(r"\n\d of \d: (\S+, seed \d)", note))]


@pytest.fixture(scope="module", autouse=True)
def _quick_speeds() -> Iterator[None]:
    """A few sentences are enough to see that speeds are measured."""
    with pytest.MonkeyPatch.context() as patch:
        for name, number in (("ROUNDS", 2), ("UPDATES", 2), ("SINGLES", 2), ("TOGETHER", 8)):
            patch.setattr(measure, name, number)
        yield


@pytest.fixture(scope="module")
def plan(pairs_file: Path, small_settings: dict[str, Any]) -> Plan:
    return Plan(str(pairs_file), models_of(NAMES, {**small_settings, "training.steps": 48}), seeds=1, beam=1)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> Path:
    """A finished comparison of two models with one seed; read only, please."""
    folder = tmp_path_factory.mktemp("compared") / "comparison"
    watcher = Watcher()
    compare(plan, into=folder, reporter=watcher)
    assert watcher.begun == ["lstm, seed 1", "lstm-plain, seed 1"]
    return folder


def report_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def model_of(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (model for model in report["models"] if model["name"] == name)
    return found


def outcome_of(folder: Path, run: str) -> dict[str, Any]:
    return json.loads((folder / "runs" / run / "outcome.json").read_text(encoding="utf-8"))


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to / "copy"))


def without_times(report: dict[str, Any]) -> dict[str, Any]:
    """What must come out the same each time."""
    models = [
        {name: model[name] for name in ("name", "BLEU", "chrF2++", "parameters", "updates", "by_length")}
        | {"curves": [[{**one, "seconds": 0} for one in curve] for curve in model["curves"]]}
        for model in report["models"]
    ]
    return {**{name: report[name] for name in ("result", "differences", "sentences")}, "models": models}


# --- what is in the folder


def test_the_test_lines_are_not_trained_on(compared: Path, pairs_file: Path) -> None:
    layout = Layout(compared, ("en", "fr"))
    train, test = (path.read_text(encoding="utf-8").splitlines() for path in (layout.train, layout.test))
    every = pairs_file.read_text(encoding="utf-8").splitlines()
    assert len(test) == 50
    assert not set(train) & set(test)
    assert set(train) | set(test) <= set(every)
    for side in (0, 1):
        assert not {line.split("\t")[side] for line in train} & {line.split("\t")[side] for line in test}
    data = report_of(compared)["manifest"]["data"]
    assert (data["training_pairs"], data["test_pairs"], data["test_sentences"]) == (len(train), 50, 50)
    record = ModelFolder(compared / "runs" / "lstm-1").record
    assert (record["source_language"], record["target_language"]) == ("en", "fr")


def test_the_runs_share_all_but_the_model(compared: Path) -> None:
    one, other = (ModelFolder(compared / "runs" / name).record for name in ("lstm-1", "lstm-plain-1"))
    differing = {name for name in one["config"] if one["config"][name] != other["config"][name]}
    assert differing == {"model.score"}
    assert one["data"] == other["data"]
    for name in ("shared.model", "training/validation.tsv"):
        assert len({(compared / "runs" / run / name).read_bytes() for run in ("lstm-1", "lstm-plain-1")}) == 1


def test_the_numbers_are_those_of_the_translations(compared: Path) -> None:
    report = report_of(compared)
    test = Layout(compared, ("en", "fr")).read_test()
    assert [model["name"] for model in report["models"]] == sorted(
        ("lstm", "lstm-plain"), key=lambda name: -model_of(report, name)["BLEU"]["value"]
    )
    for name in ("lstm", "lstm-plain"):
        told, measured = model_of(report, name), outcome_of(compared, f"{name}-1")
        assert len(set(measured["hypotheses"])) > 3, "translations that tell something"
        bleu = evaluate.bleu(measured["hypotheses"], test.references)
        chrf = evaluate.chrf(measured["hypotheses"], test.references)
        assert told["BLEU"]["runs"] == [pytest.approx(bleu.value)]
        assert told["chrF2++"]["value"] == pytest.approx(chrf.value)
        assert told["chrF2++"]["low"] < chrf.value < told["chrF2++"]["high"]
        assert report["signatures"] == {"BLEU": bleu.signature, "chrF2++": chrf.signature}
        lengths = evaluate.bleu_by_length(test.sources, measured["hypotheses"], test.references)
        assert [bucket["value"] for bucket in told["by_length"]] == [bucket.value for bucket in lengths]
        model = ModelFolder(compared / "runs" / f"{name}-1").load_model()
        assert told["parameters"] == sum(p.numel() for p in model.parameters())
        words = model.decoder.output.weight.numel()
        assert told["parameters_without_embeddings"] == told["parameters"] - words, "one tied matrix"
        assert told["updates"] == 48
        (curve,) = told["curves"]
        assert [point["update"] for point in curve] == [16, 32, 48]
        assert 0 < told["minutes"] * 60 == pytest.approx(curve[-1]["seconds"])
        assert all(told[key] > 0 for key in told if "_second" in key)
    assert measured["hypotheses"] != outcome_of(compared, "lstm-1")["hypotheses"]
    first, second = report["models"]
    for metric, differences in report["differences"].items():
        (one,) = differences
        assert (one["a"], one["b"]) == (first["name"], second["name"])
        assert one["value"] == pytest.approx(first[metric]["value"] - second[metric]["value"])
        assert one["low"] <= one["value"] <= one["high"]
        assert one["significant"] == (one["holm"] < 0.05)


def test_attention_and_translations_stand_side_by_side(compared: Path) -> None:
    report = report_of(compared)
    test = Layout(compared, ("en", "fr")).read_test()
    assert [sentence["source"] for sentence in report["sentences"]] == shown(test)
    for sentence in report["sentences"]:
        with_attention, without = sentence["models"]["lstm"], sentence["models"]["lstm-plain"]
        assert without["attention"] is None
        for name, told in (("lstm", with_attention), ("lstm-plain", without)):
            place = test.sources.index(sentence["source"])
            assert told["translation"] == outcome_of(compared, f"{name}-1")["hypotheses"][place]
        attention = with_attention["attention"]
        assert attention["source"] == [*sentence["source"].split(), "</s>"]
        assert all(abs(sum(row) - 1) < 0.01 for row in attention["weights"])
        assert sentence["references"] == test.references[test.sources.index(sentence["source"])]


def test_the_manifest_says_how_without_saying_where(compared: Path, pairs_file: Path) -> None:
    manifest = read_manifest(compared / "manifest.json")
    assert manifest["plan"]["corpus"] == str(pairs_file)
    assert manifest["resolved"]["lstm"]["model.score"] == "additive"
    assert manifest["plan"]["models"]["lstm"]["model.encoder_layers"] == 0
    assert manifest["resolved"]["lstm"]["model.encoder_layers"] == 1
    assert list(manifest["data"]["sha256"]) == [str(pairs_file)]
    assert {"python", "torch", "sacrebleu", "latimer"} <= manifest["versions"].keys()
    assert manifest["machine"]["cores"] >= 1
    text = (compared / "manifest.json").read_text(encoding="utf-8").replace(str(pairs_file), "")
    assert str(compared) not in text
    import platform

    assert platform.node() not in text


# --- again


def test_the_same_call_trains_nothing_and_says_the_same(compared: Path, plan: Plan, tmp_path: Path) -> None:
    folder, watcher = copied(compared, tmp_path), Watcher()
    assert compare(plan, into=folder, reporter=watcher) == report_of(compared)
    assert watcher.begun == []
    assert (folder / "report.html").read_bytes() == (compared / "report.html").read_bytes()


def test_made_again_from_its_manifest_and_stopped_on_the_way_it_is_the_same(
    compared: Path, tmp_path: Path
) -> None:
    manifest = read_manifest(compared / "manifest.json")
    stopped, ended = Watcher(stop=True), Watcher()
    asked: dict[str, Any] = {"into": tmp_path / "again", "sha256": manifest["data"]["sha256"]}
    with pytest.raises(KeyboardInterrupt):
        compare(again(manifest), **asked, reporter=stopped)
    assert "The same command goes on" in stopped.notes[-1]
    assert not (tmp_path / "again" / "report.json").exists()
    compare(again(manifest), **asked, reporter=ended)
    assert any("goes on after update 16" in note for note in ended.notes)
    assert without_times(report_of(tmp_path / "again")) == without_times(report_of(compared))
    for run in ("lstm-1", "lstm-plain-1"):
        one, other = (outcome_of(folder, run)["hypotheses"] for folder in (compared, tmp_path / "again"))
        assert one == other


def test_another_seed_and_another_model_train_only_what_is_missing(
    compared: Path, plan: Plan, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    folder = copied(compared, tmp_path)
    before = {path: path.read_bytes() for path in folder.glob("runs/*/outcome.json")}
    watcher = Watcher()
    more = models_of("lstm-plain,lstm-dot", {**small_settings, "training.steps": 48})
    compare(Plan(plan.corpus, more, seeds=2, beam=1), into=folder, reporter=watcher)
    assert watcher.begun == ["lstm-dot, seed 1", "lstm-plain, seed 2", "lstm-dot, seed 2"]
    assert {path: path.read_bytes() for path in before} == before
    report = report_of(folder)
    plain = model_of(report, "lstm-plain")
    assert len(plain["BLEU"]["runs"]) == 2
    assert plain["BLEU"]["runs"][0] == model_of(report_of(compared), "lstm-plain")["BLEU"]["value"]
    first, second = (outcome_of(folder, f"lstm-plain-{seed}")["hypotheses"] for seed in (1, 2))
    assert first != second, "another seed is another model"
    assert {model["name"] for model in report["models"]} == {"lstm-plain", "lstm-dot"}
    assert report["manifest"]["plan"]["seeds"] == 2


# --- mistakes


def test_other_settings_are_refused_by_name(
    compared: Path, plan: Plan, small_settings: dict[str, Any]
) -> None:
    other = models_of(NAMES, {**small_settings, "training.steps": 31, "data.seed": 3})
    with pytest.raises(Mistake) as raised:
        compare(Plan(plan.corpus, other, seeds=1, beam=2), into=compared, reporter=Silent())
    assert (
        "(beam is 1 there and 2 here; data.seed is 1 there and 3 here; training.steps is 48 there and 31"
        in (str(raised.value))
    )
    assert "model." not in str(raised.value)
    others = models_of("conv,hybrid", {**small_settings, "training.steps": 31})
    with pytest.raises(Mistake, match=r"\(training.steps is 48 there and 31 here\)"):
        compare(Plan(plan.corpus, others, seeds=1, beam=1), into=compared, reporter=Silent())


def test_changed_data_are_refused(compared: Path, plan: Plan, pairs_file: Path, tmp_path: Path) -> None:
    changed = tmp_path / "small.en-fr.tsv"
    changed.write_text(pairs_file.read_text(encoding="utf-8").replace("dog", "cat"), encoding="utf-8")
    manifest = json.loads((compared / "manifest.json").read_text(encoding="utf-8"))
    manifest["plan"]["corpus"] = str(changed)
    digests = {str(changed): manifest["data"]["sha256"][str(pairs_file)]}
    with pytest.raises(Mistake, match=r"small.en-fr.tsv has changed"):
        compare(again(manifest), into=tmp_path / "again", reporter=Silent(), sha256=digests)
    assert not (tmp_path / "again").exists()
    folder = copied(compared, tmp_path)
    manifest["data"]["sha256"] = digests
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(Mistake, match="has changed"):
        compare(Plan(str(changed), plan.models, seeds=1, beam=1), into=folder, reporter=Silent())


def test_plans_that_cannot_be_meant(small_settings: dict[str, Any], tmp_path: Path) -> None:
    models = models_of(NAMES, small_settings)
    for wanted, make in {
        "at least two models": lambda: Plan("a", {"lstm": configure({})}),
        "--seeds must be at least 1, not 0": lambda: Plan("a", models, seeds=0),
        "--beam must be": lambda: Plan("a", models, beam=0),
        "Standard input": lambda: Plan("a", models, test="-"),
        "empty --sentence": lambda: Plan("a", models, sentences=(" ",)),
        "lstm and lstm:additive are the same model": lambda: models_of("lstm,lstm:additive", small_settings),
        "There is no model 'lstn'": lambda: models_of("lstm,lstn", small_settings),
        "say how many with --seeds": lambda: models_of(NAMES, {**small_settings, "training.seed": 3}),
        "how long each model may train": lambda: models_of(NAMES, {}),
        "can't both say": lambda: models_of(NAMES, {**small_settings, "training.minutes": 3.0}),
        "no manifest": lambda: read_manifest(Path(__file__)),
        "can't be read": lambda: read_manifest(tmp_path / "manifest.json"),
    }.items():
        with pytest.raises(Mistake, match=wanted):
            make()


# --- the parts


def test_seeds_come_in_turns_and_decide_the_run(small_settings: dict[str, Any]) -> None:
    plan = Plan("a", models_of("conv,lstm:dot", small_settings), seeds=2)
    runs = list(plan.runs())
    assert [run.name for run in runs] == ["conv-1", "lstm_dot-1", "conv-2", "lstm_dot-2"]
    assert [run.config.training.seed for run in runs] == [1, 1, 2, 2]
    assert runs[0].config.model == runs[2].config.model


def test_several_references_and_a_given_test_set(
    small_settings: dict[str, Any], pairs_file: Path, tmp_path: Path
) -> None:
    from latimer.compare.data import languages_of, lay_out

    test = tmp_path / "test.fr-en.tsv"
    test.write_text("chien\tdog\nchien\thound\nbateau\tboat\n\tnothing\n", encoding="utf-8")
    models = models_of(NAMES, small_settings)
    plan = Plan(str(pairs_file), models, test=str(test), source_language="fr", target_language="en")
    watcher = Watcher()
    facts = lay_out(plan, tmp_path, watcher)
    lines = Layout(tmp_path, languages_of(plan)).read_test()
    assert lines.sources == ["chien", "bateau"]
    assert lines.references == [["dog", "hound"], ["boat"]]
    assert (facts["training_pairs"], facts["test_pairs"], facts["test_sentences"]) == (240, 3, 2)
    assert facts["languages"] == ["fr", "en"]
    train = (tmp_path / "data" / "train.fr-en.tsv").read_text(encoding="utf-8")
    assert train.startswith("je vois un chien.\tI see a dog.\n")
    assert any("Skipped 1 pair: an empty side" in note for note in watcher.notes)
    with pytest.raises(Mistake, match="different directions"):
        languages_of(Plan(str(pairs_file), models, test=str(test)))


def test_a_curve_goes_on_after_a_stop(tmp_path: Path) -> None:
    rows = [
        {"event": "update", "update": 10, "seconds": 5.0},
        {"event": "validation", "update": 10, "bleu": 1.0, "loss": 3.0},
        {"event": "update", "update": 20, "seconds": 1.0},
        {"event": "update", "update": 30, "seconds": 3.0},
        {"event": "validation", "update": 25, "bleu": 2.0, "loss": 2.0},
    ]
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert [point["seconds"] for point in measure.curve(path)] == [5.0, 7.0]


def test_parameters_without_words(trained: Trained) -> None:
    model = trained.translator.model
    counted = measure.parameters(model)
    words = trained.folder.record["data"]["vocabulary"][0] * 16
    assert counted["all"] - counted["without_embeddings"] == words


def sentence_of(differences: dict[str, float]) -> str:
    """The result where `best` is compared with others, of these p-values."""
    names = ["best", *differences]
    estimates = {name: Estimate(40.0 - k, 38.0, 42.0, []) for k, name in enumerate(names)}
    pairs = [Difference("best", name, 1.0, 0, 2, p, p) for name, p in differences.items()]
    models = {name: configure({"training.minutes": 5}) for name in names}
    plan = Plan("some/where/multi30k.en-fr.tsv", models)
    return result(plan, Significance(estimates, pairs, 1000), names)


def test_the_result_in_one_sentence_says_no_more_than_is_known() -> None:
    start = "After 5 minutes each on multi30k.en-fr.tsv, best "
    assert sentence_of({"b": 0.01, "c": 0.002}) == (
        f"{start}translates best: BLEU 40.0 (38.0 to 42.0), 1.0 ahead of the next, b (p = 0.01)."
    )
    assert sentence_of({"b": 0.3, "c": 0.02}) == (
        f"{start}scores highest (BLEU 40.0), but whether it is better than b (BLEU 39.0) can't be told "
        "(p = 0.3); it is better than c."
    )
    assert sentence_of({"b": 0.3, "c": 0.2}).endswith(
        "b (BLEU 39.0) and c (BLEU 38.0) can't be told (p = 0.2 or more)."
    )
