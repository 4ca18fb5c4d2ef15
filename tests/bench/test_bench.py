"""The bench's own arithmetic: what it counts and how it prints. No tool is run here."""

import json

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench import task
from bench.environments import NEEDS, PEERS, ROOT
from bench.floor import product_rate, work_per_token
from bench.peers.latimer import configuration
from bench.peers.meter import Meter
from bench.running import SEARCHES
from bench.table import Reading, format_table, spread
from bench.training import OURS, TOOLS
from latimer.models.build import build
from latimer.nn.attention import capture


def reading(tool: str, tokens: int, **changes: float) -> Reading:
    values = {
        "tool": tool,
        "version": "1.0",
        "tokens": tokens,
        "wall_s": 20.0,
        "cpu_s": 10.0,
        "padding_share": 0.2,
        "start_rss_mb": 300.0,
        "peak_rss_mb": 900.0,
        "parameters": 3_690_496,
        "updates": 7,
        "loss": 5.125,
        "unknown": "a field of a later version",
        **changes,
    }
    return Reading.from_json(json.loads(json.dumps(values)))


def test_rates_of_a_reading() -> None:
    run = reading("ours", 8_000)
    assert run.per_cpu_second == 800
    assert run.per_wall_second == 400
    assert run.positions_per_cpu_second == pytest.approx(1_000)


def test_a_reading_without_a_field_is_refused() -> None:
    with pytest.raises(KeyError, match="cpu_s"):
        Reading.from_json({"tool": "x", "version": "1", "tokens": 1, "wall_s": 1.0})


def test_spread_is_lowest_median_highest() -> None:
    assert spread([5.0, 1.0, 2.0]) == (1.0, 2.0, 5.0)


def test_table_compares_medians_with_ours() -> None:
    runs = [
        *(reading("ours", tokens) for tokens in (8_000, 20_000, 10_000)),
        *(reading("theirs", tokens, peak_rss_mb=1_400 + tokens / 1_000) for tokens in (1_000, 2_500, 3_000)),
    ]
    head, ours, theirs = format_table(runs, "ours").splitlines()
    assert head.split()[0] == "tool"
    speeds = "800 1,000 2,000 1.00 500 1,250 20.0%"
    assert " ".join(ours.split()) == f"ours 1.0 3,690,496 {speeds} 300 900 21 5.12"
    speeds = "100 250 300 0.25 125 312 20.0%"
    assert " ".join(theirs.split()) == f"theirs 1.0 3,690,496 {speeds} 300 1,403 21 5.12"
    assert len({len(line) for line in (head, ours, theirs)}) == 1


def test_table_without_ours_has_no_ratio() -> None:
    assert " - " in format_table([reading("theirs", 1_000)], "ours").splitlines()[1]


@pytest.mark.parametrize("name", task.TASKS)
def test_work_grows_with_the_source(name: str) -> None:
    even = work_per_token(name, source_length=16.0, target_length=16.0)
    longer = work_per_token(name, source_length=32.0, target_length=16.0)
    assert even.output == 6 * 256 * 8_000
    assert longer.encoder == 2 * even.encoder
    assert longer.attention > even.attention
    assert longer[2:] == even[2:]
    assert even.total == sum(even)


@pytest.mark.parametrize(
    ("name", "source_length", "target_length", "nearly"),
    # With one target token the past is as long as what is computed of it: the count is exact. Of the LSTM,
    # the start and the end of a sentence are left out, which matter less in a long one.
    [("transformer", 12, 1, 1e-9), ("conv", 12, 1, 1e-9), ("lstm", 40, 40, 0.03)],
)
def test_work_is_what_our_model_multiplies(
    name: str, source_length: int, target_length: int, nearly: float
) -> None:
    """Torch's own count of the forward pass; `capture` keeps attention from hiding in a fused kernel."""
    config = configuration(name, 0).model
    model = build(config, source_vocabulary=20, target_vocabulary=20, joint=True).double()
    source = torch.ones(2, source_length, dtype=torch.long)
    target = torch.ones(2, target_length, dtype=torch.long)
    with capture(model), FlopCounterMode(display=False) as counter:
        model.features(source, source > 0, target)
    work = work_per_token(name, source_length=source_length, target_length=target_length)
    expected = (work.total - work.output) / 3 * 2 * target_length
    assert counter.get_total_flops() == pytest.approx(expected, rel=nearly)


def test_product_rate_is_a_rate() -> None:
    assert product_rate(seconds=0.01) > 1e8


def test_meter_leaves_the_warm_up_out(capsys: pytest.CaptureFixture[str]) -> None:
    meter = Meter(2, 1e9)
    for tokens, positions in ((1_000, 1_000), (1_000, 1_000), (30, 40), (20, 40)):
        assert meter.update(tokens, positions)
    meter.report("some tool", version="2", parameters=5, loss=1.23456)
    said = json.loads(capsys.readouterr().out)
    assert (said["tokens"], said["updates"], said["padding_share"]) == (50, 2, 0.375)
    assert said["loss"] == 1.2346
    assert said["cpu_s"] >= 0
    assert said["peak_rss_mb"] > 10
    assert Reading.from_json(said).tool == "some tool"


def test_meter_says_when_it_has_enough() -> None:
    meter = Meter(1, 0.0)
    assert meter.update(1, 1)
    assert not meter.update(1, 1)


def test_special_symbols_stand_before_all_others() -> None:
    assert max(task.PADDING, task.UNKNOWN, task.BEGINNING, task.END) == task.SPECIALS - 1


def test_every_peer_is_pinned_and_its_needs_are_listed() -> None:
    assert set(NEEDS) == set(PEERS)
    assert all("==" in pin for pin in PEERS.values())


def test_every_task_has_its_tools_and_every_tool_its_script() -> None:
    assert TOOLS.keys() == set(task.TASKS) == task.LAYERS.keys()
    assert {tool for tools in TOOLS.values() for tool in tools} == {OURS, *PEERS}
    assert all(tools[0] == OURS for tools in TOOLS.values())
    scripts = {path.stem for path in (ROOT / "bench" / "peers").glob("*.py")}
    assert scripts == {OURS, *PEERS, "ctranslate2", "meter", "__init__"}  # CTranslate2 only translates
    searches = {path.stem for path in (ROOT / "bench" / "searches").glob("*.py")}
    assert searches == {*SEARCHES, "job", "__init__"}


@pytest.mark.parametrize("name", task.TASKS)
def test_our_model_has_the_sizes_of_the_task(name: str) -> None:
    model = configuration(name, 0).model
    assert (model.encoder, model.decoder) == (name, name)
    assert model.encoder_layers == model.decoder_layers == task.LAYERS[name]
    assert model.width == model.embedding == 256
