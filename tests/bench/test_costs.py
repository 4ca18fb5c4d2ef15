"""The benches of preparing and of precision: what they measure is what they say."""

import gzip
from pathlib import Path

import pytest

from bench import precision, preparing

LINES = [f"Sentence number {number}." for number in range(400)]


def test_the_first_pairs_of_packed_and_plain_files(tmp_path: Path) -> None:
    (tmp_path / "a.en.gz").write_bytes(gzip.compress("\n".join(LINES).encode()))
    (tmp_path / "a.fr").write_text("\n".join(LINES[::-1]))
    (tmp_path / "few").mkdir()
    named = preparing.first_pairs(f"{tmp_path}/a.en.gz,{tmp_path}/a.fr", 3, tmp_path / "few")
    assert named == f"{tmp_path}/few/a.en,{tmp_path}/few/a.fr"
    assert (tmp_path / "few" / "a.en").read_text().splitlines() == LINES[:3]
    assert (tmp_path / "few" / "a.fr").read_text().splitlines() == LINES[::-1][:3]


def test_a_row_for_each_size_and_one_for_all(tmp_path: Path) -> None:
    for language in ("en", "fr"):
        (tmp_path / f"a.{language}").write_text("\n".join(LINES) + "\n")
    rows = list(preparing.rows(f"{tmp_path}/a.en,{tmp_path}/a.fr", [250]))
    pairs = [int(row.split("|")[1]) for row in rows]
    assert 150 < pairs[0] < 250 < pairs[1] < 400, "all but those held out"


def test_both_precisions_are_measured_and_compared() -> None:
    [whole, half] = precision.speeds("lstm", 1)
    assert whole > 0
    assert half > 0
    assert precision.table([("lstm", [2000.0, 3000.0])]).splitlines()[-1] == "| lstm | 2,000 | 3,000 | 1.50 |"


@pytest.mark.parametrize("name", precision.MODELS)
def test_its_models_exist(name: str) -> None:
    assert precision.model_settings(name)
