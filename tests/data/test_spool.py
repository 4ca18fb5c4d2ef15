"""What was read once is what a reading gives; it answers only the request that it was made for."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from latimer.data.corpus import LEFT_OUT, TRAIN, VALIDATION, Corpus, hold_out
from latimer.data.spool import Spool
from latimer.errors import Mistake

ROWS = [f"Sentence number {number}.\tPhrase {number} !" for number in range(400)]
ODD = [
    "\tnothing",
    "Café  \u00a0 ▁ \u2028 end\tPhrase\u202f! ▁",
    "nul \0 here\tnon",
    "Sentence number 3!\tAutre",
]


def corpus_file(folder: Path, *, name: str = "some.en-fr.tsv", rows: list[str] = ROWS + ODD) -> Path:
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def spool(path: Path, into: Path, *, hold: bool = True, request: Any = "asked") -> Spool:
    corpora = [Corpus.open(str(path)), Corpus.open(str(path))]
    return Spool.write(into, corpora, hold=hold, seed=3, request=request, progress=lambda share: None)


@pytest.mark.parametrize("hold", [True, False])
def test_it_holds_what_the_corpora_hold(tmp_path: Path, hold: bool) -> None:
    path = corpus_file(tmp_path)
    pairs = 2 * list(Corpus.open(str(path)).pairs())
    written = spool(path, tmp_path / "spool", hold=hold)
    opened = Spool.open(tmp_path / "spool", "asked")
    for one in (written, opened):
        assert one is not None
        if hold:
            for part in (TRAIN, VALIDATION, LEFT_OUT):
                assert list(one.pairs(part)) == list(hold_out(pairs, seed=3).choose(pairs, part))
            assert one.division.count(VALIDATION) == 50
        else:
            assert list(one.pairs()) == pairs
        assert one.facts[0] == one.facts[1] == written.facts[0]
    corpus = Corpus.open(str(path))
    assert written.facts[0].sha256 == corpus.sha256()
    assert written.facts[0].pairs == len(pairs) // 2
    assert written.facts[0].skipped == {"an empty side": 1, "a control character": 1}
    assert written.facts[0].report == corpus.skipped.report()
    assert written.facts[0].spacing_counts == corpus.spacing_counts


def test_another_request_is_not_answered(tmp_path: Path) -> None:
    spool(corpus_file(tmp_path), tmp_path / "spool", request=[1, ["a", None], (2, 3)])
    assert Spool.open(tmp_path / "spool", [1, ["a", None], (2, 3)]) is not None
    assert Spool.open(tmp_path / "spool", [1, ["a", None], (2, 4)]) is None
    assert Spool.open(tmp_path / "other", [1, ["a", None], (2, 3)]) is None


@pytest.mark.parametrize("lost", ["spool", "spool.parts", "spool.json"])
def test_half_of_it_is_nothing(tmp_path: Path, lost: str) -> None:
    spool(corpus_file(tmp_path), tmp_path / "spool")
    content = (tmp_path / lost).read_bytes()
    (tmp_path / lost).unlink()
    assert Spool.open(tmp_path / "spool", "asked") is None
    if lost != "spool":
        (tmp_path / lost).write_bytes(content[: len(content) // 2])
        assert Spool.open(tmp_path / "spool", "asked") is None


def test_a_fault_leaves_none_behind(tmp_path: Path) -> None:
    path = corpus_file(tmp_path)
    spool(path, tmp_path / "spool")
    path.write_bytes(path.read_bytes() + b"caf\xe9\tbar\n")
    with pytest.raises(Mistake, match="not UTF-8"):
        spool(path, tmp_path / "spool")
    assert Spool.open(tmp_path / "spool", "asked") is None


def test_deleting_it_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    spool(corpus_file(tmp_path), folder / "spool").delete()
    assert not list(folder.iterdir())


@pytest.mark.parametrize("packed", [False, True])
def test_how_much_is_read_grows_to_all(tmp_path: Path, packed: bool) -> None:
    path = corpus_file(tmp_path, rows=[f"Sentence {number} {number**7}.\tPhrase" for number in range(25_000)])
    if packed:
        bare, path = path, path.with_name("some.en-fr.tsv.gz")
        path.write_bytes(gzip.compress(bare.read_bytes()))
    shares: list[float] = []
    corpora = [Corpus.open(str(path)), Corpus.open(str(path))]
    Spool.write(tmp_path / "s", corpora, hold=False, seed=1, request=0, progress=shares.append)
    assert shares == sorted(shares)
    assert len(shares) == 4
    assert shares[:2] == pytest.approx([0.2, 0.4], abs=0.03)
    assert shares[2:] == pytest.approx([0.7, 0.9], abs=0.03)
