"""Work in shards: whoever takes part and is killed, each line counts once, in its order."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click.testing
import pytest

from latimer import sharding
from latimer.errors import Mistake
from latimer.files import write_whole
from latimer.sharding import Claims, concatenate, run, run_on_ray

if TYPE_CHECKING:
    from latimer.recipe import Trained

LINES = [f"line {number} of some text" for number in range(50)]


@dataclass(frozen=True)
class Shouting:
    """Four lines to a shard, in capitals. At the shard `fatal` the first process to come dies or stops."""

    source: Path
    into: Path
    fatal: int = -1
    how: str = "kill"

    @property
    def ahead(self) -> int:
        return 2

    def request(self) -> dict[str, Any]:
        return {"source": str(self.source)}

    def cut(self, facts: dict[str, Any]) -> Iterator[bytes]:
        with self.source.open("rb") as file:
            while some := list(islice(file, 4)):
                yield b"".join(some)
        facts["cut"] = "to the end"

    def work(self, stem: Path) -> None:
        once = self.into.with_suffix(".once")
        if int(stem.name) == self.fatal and not once.exists():
            once.write_text(str(os.getpid()))
            if self.how == "hang":
                time.sleep(60)
            if self.how == "stop":
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGKILL)
        with self.into.with_suffix(".log").open("a") as log:
            log.write(stem.name + "\n")
        write_whole(stem.with_suffix(".loud"), stem.with_suffix(".shard").read_bytes().upper())

    def join(self, stems: Sequence[Path], facts: dict[str, Any]) -> dict[str, Any]:
        concatenate([stem.with_suffix(".loud") for stem in stems], self.into)
        return {"shards": len(stems), **facts}


def shouting(tmp_path: Path, *, fatal: int = -1, how: str = "kill") -> Shouting:
    path = tmp_path / "lines.txt"
    if not path.exists():
        path.write_text("".join(line + "\n" for line in LINES))
    return Shouting(path, tmp_path / "loud.txt", fatal, how)


def is_whole(job: Shouting, folder: Path, told: dict[str, Any]) -> bool:
    assert job.into.read_text() == "".join(line.upper() + "\n" for line in LINES)
    assert told == {"shards": 13, "cut": "to the end"}
    assert sorted(path.name for path in folder.iterdir()) == ["done.json", "request.json"]
    return True


def done_by(job: Shouting) -> list[str]:
    return sorted(job.into.with_suffix(".log").read_text().split())


def test_one_process_does_each_shard_once(tmp_path: Path) -> None:
    job = shouting(tmp_path)
    assert is_whole(job, tmp_path / "s", run(job, tmp_path / "s"))
    assert done_by(job) == [f"{number:06d}" for number in range(13)]
    assert is_whole(job, tmp_path / "s", run(job, tmp_path / "s"))
    assert len(done_by(job)) == 13, "what is done was done again"
    job.into.unlink()
    assert is_whole(job, tmp_path / "s", run(job, tmp_path / "s")), "the outcome was gone, and stayed away"


@pytest.mark.parametrize("fatal", [0, 5, 12])
def test_a_stopped_run_goes_on_with_what_is_missing(tmp_path: Path, fatal: int) -> None:
    job = shouting(tmp_path, fatal=fatal, how="stop")
    with pytest.raises(KeyboardInterrupt):
        run(job, tmp_path / "s")
    assert not job.into.exists()
    assert is_whole(job, tmp_path / "s", run(job, tmp_path / "s"))
    assert done_by(job) == [f"{number:06d}" for number in range(13)]


def test_a_stopped_cut_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, cut = shouting(tmp_path), Shouting.cut

    def stopped(self: Shouting, facts: dict[str, Any]) -> Iterator[bytes]:
        yield from islice(cut(self, facts), 7)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Shouting, "cut", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(job, tmp_path / "s")
    assert len(list((tmp_path / "s" / "parts").glob("*.shard"))) == 7
    assert is_whole(job, tmp_path / "s", run(job, tmp_path / "s"))


def test_nobody_works_before_what_they_learn_from_is_cut(tmp_path: Path) -> None:
    job, folder = shouting(tmp_path), tmp_path / "s"
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "000000.shard").write_bytes(b"a\n")
    assert not sharding._work(job, folder, Claims(), None), "one of two shards is there"
    (folder / "parts" / "000001.shard").write_bytes(b"b\n")
    assert sharding._work(job, folder, Claims(), None)
    assert done_by(job) == ["000000", "000001"]


def test_of_several_processes_one_that_is_killed_is_missed_by_nobody(tmp_path: Path) -> None:
    """SIGKILL in the middle of a shard; the others take it over."""
    job, told = shouting(tmp_path, fatal=3), list[int]()
    assert is_whole(job, tmp_path / "s", run(job, tmp_path / "s", processes=2, progress=told.append))
    assert int(job.into.with_suffix(".once").read_text()) != os.getpid()
    assert set(done_by(job)) == {f"{number:06d}" for number in range(13)}
    assert sum(told) <= 13


def test_a_living_process_keeps_its_shard_until_it_dies(tmp_path: Path) -> None:
    folder, once = tmp_path / "s", tmp_path / "loud.once"
    other = get_context("spawn").Process(target=run, args=(shouting(tmp_path, fatal=0, how="hang"), folder))
    other.start()
    while not once.exists():
        time.sleep(0.01)
    job = shouting(tmp_path)
    assert sharding._work(job, folder, Claims(), None)
    assert done_by(job) == [f"{number:06d}" for number in range(1, 13)], "two did one shard"
    assert not sharding._join(job, folder, Claims())
    other.kill()
    other.join()
    assert is_whole(job, folder, run(job, folder))


def test_a_claim_is_void_when_its_process_is_gone_or_gives_no_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = Claims(), Claims()
    with ours.held(tmp_path / "a") as mine, theirs.held(tmp_path / "a") as yours:
        assert (mine, yours) == (True, False)
    with theirs.held(tmp_path / "a") as mine:
        assert mine, "what was given back is free"
    claim = tmp_path / "b.claim"
    claim.write_text("1 of another machine")
    monkeypatch.setattr(sharding, "PATIENCE", 0.05)
    for _ in range(3):
        os.utime(claim, ns=(0, time.monotonic_ns()))
        with ours.held(tmp_path / "b") as mine:
            assert not mine, "its time changes: it lives, whatever the clocks say"
        time.sleep(0.06)
    with ours.held(tmp_path / "b") as mine:
        assert mine


def test_a_folder_is_for_one_piece_of_work(tmp_path: Path) -> None:
    run(shouting(tmp_path), tmp_path / "s")
    other = tmp_path / "o"
    other.mkdir()
    (tmp_path / "s" / "request.json").write_text(json.dumps({"source": "another"}))
    with pytest.raises(Mistake, match="other work \\(source"):
        run(shouting(tmp_path), tmp_path / "s")
    (other / "letters").write_text("dear")
    with pytest.raises(Mistake, match="something else"):
        run(shouting(tmp_path), other)


def invoke(*words: object) -> str:
    from latimer.cli.main import main

    return (
        click.testing.CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False).output
    )


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A corpus with something of most that the doctor sees, and a test that is in it."""
    from latimer.data import phrasebook

    book = list(dict.fromkeys(phrasebook.load("train")))[:1600]
    tomorrow = [place for place, (_, target) in enumerate(book) if "demain" in target]
    for place in tomorrow[3::7]:
        book[place] = book[place][0], book[place][1].replace("demain", "tantôt")
    book[100:140] = [(book[n][0], book[n + 1][1]) for n in range(100, 140)]
    book[300:310] = [(target, source) for source, target in book[300:310]]
    pairs = [*book, *book[50:80], *((f"{a}\u00a0", b.replace("é", "Ã©")) for a, b in book[900:960])]
    path = tmp_path / "damaged.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")
    (tmp_path / "test.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in book[700:720]), encoding="utf-8")
    return path


def test_check_and_clean_give_what_one_process_gives(
    damaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latimer.doctor import check, clean, sharded

    for module, name in ((clean, "CHUNK"), (check, "PART")):
        monkeypatch.setattr(module, name, 250)
    monkeypatch.setattr(sharded.Read, "__init__", _with_size(sharded.Read.__init__))
    for job in (sharded.Cleaning, sharded.Checking):
        monkeypatch.setattr(job, "__init__", _with_size(job.__init__))
    given = (
        damaged,
        "--against",
        tmp_path / "test.tsv",
        "--from",
        "en",
        "--to",
        "fr",
        "--json",
        "--processes",
        1,
    )
    shards = ("--shards", tmp_path / "s")
    whole, joined = tmp_path / "whole.tsv", tmp_path / "joined.tsv"
    told = invoke("clean", *given, "--into", whole)
    assert json.loads(told)["reasons"].keys() >= {"shifted", "duplicate", "in test"}
    assert invoke("clean", *given, "--into", joined, *shards) == told
    for name in ("", ".dropped.tsv"):
        assert Path(f"{joined}{name}").read_bytes() == Path(f"{whole}{name}").read_bytes()
    told = invoke("check", *given)
    assert {one["name"] for one in json.loads(told)["findings"]} >= {
        "shifted",
        "swapped",
        "mojibake",
        "in test",
        "drift",
    }
    assert json.loads(told)["drifts"][0]["other"] == "tantôt"
    assert invoke("check", *given, "--shards", tmp_path / "c") == told
    shown = given[:-3] + given[-2:]
    assert invoke("check", *shown, "--shards", tmp_path / "c") == invoke("check", *shown)


def _with_size(usual: Any) -> Any:
    """The same constructor, with shards of 250 pairs."""

    def init(self: Any, *given: Any, **named: Any) -> None:
        usual(self, *given, **{"size": 250, **named})

    return init


def test_translate_writes_the_same_bytes(
    trained: "Trained", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latimer.cli import translate, translating

    lines = tmp_path / "lines.txt"
    lines.write_text(
        "".join(f"{who} see the {what}.\n" for who in ("I", "you") for what in ("dog", "", "boat"))
    )
    for module in (translate, translating):
        monkeypatch.setattr(module, "CHUNK", 2)  # what is beside a line moves the last digits of its score
    monkeypatch.setattr(translating.Translating, "__init__", _with_lines(translating.Translating.__init__))
    given = ("translate", "--model", trained.folder.path, "--input", lines, "--quiet")
    for number, asked in enumerate(((), ("--json",), ("--scores", "--n-best", 2), ("--ban", "chien"))):
        whole, joined = tmp_path / "whole", tmp_path / "joined"
        invoke(*given, *asked, "--output", whole)
        invoke(*given, *asked, "--output", joined, "--shards", tmp_path / f"s{number}")
        assert json.loads((tmp_path / f"s{number}" / "done.json").read_text()) == {"shards": 3}
        assert joined.read_bytes() == whole.read_bytes()
        joined.unlink()
    with pytest.raises(Mistake, match="other work"):
        invoke(*given, "--beam", 2, "--output", joined, "--shards", tmp_path / "s0")


def _with_lines(usual: Any) -> Any:
    def init(self: Any, *given: Any) -> None:
        usual(self, *given, lines=2)

    return init


def test_what_cannot_be_shared_is_a_mistake(tmp_path: Path, damaged: Path) -> None:
    with pytest.raises(Mistake, match="Standard input"):
        invoke("check", "-", "--shards", tmp_path / "s")
    with pytest.raises(Mistake, match="--shards DIR"):
        invoke("check", damaged, "--engine", "ray")
    with pytest.raises(Mistake, match="in one process"):
        invoke("clean", damaged, "--into", tmp_path / "b", "--shards", tmp_path / "s", "--model", tmp_path)
    with pytest.raises(Mistake, match="--input and --output"):
        invoke("translate", "--model", tmp_path, "--shards", tmp_path / "s", "Hello.")
    page = tmp_path / "page.html"
    page.write_text("<p>Hello.</p>")
    with pytest.raises(Mistake, match="document"):
        invoke(
            "translate", "--model", tmp_path, "--input", page, "--output", page, "--shards", tmp_path / "s"
        )
    (tmp_path / "a.tsv").write_text("...\t!\n")
    with pytest.raises(Mistake, match="Nothing of"):
        invoke(
            "clean",
            tmp_path / "a.tsv",
            "--into",
            tmp_path / "b",
            "--shards",
            tmp_path / "t",
            "--processes",
            1,
        )


@pytest.mark.full
def test_of_two_commands_one_is_killed_and_the_other_does_it_all(tmp_path: Path, damaged: Path) -> None:
    large = tmp_path / "large.tsv"
    large.write_text(
        "".join(
            f"{n} {a}\t{n} {b}\n"
            for n in range(60)
            for a, b in (line.split("\t") for line in damaged.read_text().splitlines())
        )
    )
    call = [sys.executable, "-m", "latimer", "clean", str(large), "--processes", "1", "--quiet", "--into"]
    subprocess.run([*call, str(tmp_path / "whole.tsv")], check=True, capture_output=True)
    shared = [*call, str(tmp_path / "b.tsv"), "--shards", str(tmp_path / "s")]
    killed, other = (subprocess.Popen(shared, stdout=subprocess.DEVNULL) for _ in range(2))
    claims: set[Path] = set()
    while not claims:
        claims = {
            path
            for path in (tmp_path / "s").glob("parts/0*.claim")
            if path.exists() and path.read_text().startswith(f"{killed.pid} ")
        }
        assert killed.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert other.wait() == 0
    for name in ("", ".dropped.tsv"):
        assert (tmp_path / f"b.tsv{name}").read_bytes() == (tmp_path / f"whole.tsv{name}").read_bytes()


@pytest.mark.full
@pytest.mark.filterwarnings("default")
def test_ray_does_a_shard_again_whose_worker_was_killed(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="needs latimer[ray]")
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    job, told = shouting(tmp_path, fatal=3), list[int]()
    try:
        assert is_whole(job, tmp_path / "s", run_on_ray(job, tmp_path / "s", progress=told.append))
    finally:
        ray.shutdown()
    assert int(job.into.with_suffix(".once").read_text()) != os.getpid()
    assert len(told) == 13
