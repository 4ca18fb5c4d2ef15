"""The speed of a running model: what is counted, and what a table says."""

import json
from pathlib import Path

import pytest
import torch

from bench import running
from bench.process import Spent
from bench.running import Speed
from bench.searches import job
from latimer.folder import ModelFolder
from latimer.recipe import Trained
from latimer.runtime import recording
from latimer.runtime.graphs import GRAPHS


def test_a_speed_counts_sentences_and_pieces(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("bench.running.time.process_time", lambda: float(next(clock)))
    lines = ["she wants my boat."] * 5
    speed = Speed.of(trained.translator, lines, 2, 1)  # three batches, a second each
    [text] = trained.translator.translate(lines[:1], beam=1)
    pieces = len(trained.translator.tokenizers.target.encode(text)) + 1
    assert speed == (2, 1, 5 / 3, 5 * pieces / 3, 1000, 1000)


def test_graphs_that_were_prepared_are_believed(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nothing:
        def save(self, folder: Path) -> None:
            folder.mkdir(exist_ok=True)
            for name in GRAPHS:
                (folder / name).write_bytes(b"")

    monkeypatch.setattr(recording, "record", lambda *_, **__: Nothing())
    running.prepare(trained.folder.path, tmp_path)
    assert [ModelFolder(tmp_path / name).has_graphs for name in running.ENGINES] == [False, True, True, True]


def test_the_table_tells_the_best_round(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "model.safetensors").write_bytes(bytes(2_000_000))
    speeds = [
        [Speed(batch, beam, rate, 50.0, 7.0, 9.0) for batch in (1, 64) for beam in (1, 5)] for rate in (3, 4)
    ]
    starts = [Spent([], 0.5, 1.0, 90.0), Spent([], 0.4, 1.0, 91.0)]
    rows = list(running.table("m", {"torch": {"speeds": speeds, "starts": starts, "peak": 120.0}}, tmp_path))
    assert rows[0] == "| m | torch | 1 | 1 | 4 | 50 | 7.0 and 9.0 ms | 0.40 s, 91 MB | 120 | 2.0 |"
    assert rows[3] == "| m | torch | 64 | 5 | 4 | 50 |  | | |  |"
    assert len(rows) == 4


def test_a_peer_is_told_how_much_to_write(trained: Trained, tmp_path: Path) -> None:
    lines = ["she wants my boat.", "I"]
    running.write_lengths(trained.folder.path, lines, tmp_path / "lengths")
    source, target = trained.translator.tokenizers
    said = trained.translator.translate(lines, beam=1)
    expected = [
        [len(source.encode(line)) + 1, len(target.encode(text)) + 1]
        for line, text in zip(lines, said, strict=True)
    ]
    assert json.loads((tmp_path / "lengths").read_text()) == expected


def test_a_peers_search_is_timed_sentence_by_sentence_and_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(1_000))
    monkeypatch.setattr("bench.searches.job.time.process_time", lambda: float(next(clock)))
    path = tmp_path / "lengths"
    path.write_text(json.dumps([[3, 4], [5, 9], [2, 2]]))
    monkeypatch.setattr("sys.argv", ["", str(path)])
    asked: list[tuple[list[int], list[int], tuple[int, int], int]] = []

    def search(source: torch.Tensor, lengths: torch.Tensor, written: tuple[int, int], beam: int) -> None:
        asked.append(((source != 0).sum(1).tolist(), lengths.tolist(), written, beam))

    threads = torch.get_num_threads()
    job.run(lambda: search)
    torch.set_num_threads(threads)
    assert asked[:2] == [([3], [3], (4, 4), 1), ([5], [5], (9, 9), 1)]
    assert asked[3][-1] == 5
    assert asked[6:] == [([3, 5, 2], [3, 5, 2], (9, 5), beam) for beam in (1, 5)]
    rows = [Speed(*row) for row in json.loads(capsys.readouterr().out)]
    assert rows[0] == (1, 1, 1.0, 5.0, 1000, 1000)
    assert rows[3] == (64, 5, 3.0, 15.0, 1000, 1000)
