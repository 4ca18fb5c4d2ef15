"""Terms that drift are found where they do, and forms of one word are no drift."""

import json
from collections.abc import Sequence
from pathlib import Path

import click.testing
import pytest

from latimer.cli.check import command as check_command
from latimer.data.corpus import Corpus
from latimer.doctor import terms
from latimer.doctor.check import check, examine
from latimer.doctor.learned import learn
from latimer.doctor.shifts import Dictionary
from latimer.doctor.terms import Drift, Terms, Uses, akin
from latimer.doctor.texts import rows_of, texts_of
from latimer.visualize.diagnosis import diagnosis_page

SUBJECTS = [
    ("a nurse", "une infirmière"),
    ("the clerk", "le commis"),
    ("my boss", "mon patron"),
    ("Anna", "Anna"),
]
VERBS = [("sees", "voit"), ("wants", "veut"), ("hides", "cache"), ("sells", "vend"), ("finds", "trouve")]
THINGS = [("captain", "capitaine"), ("lamps", "lampes"), ("bridge", "pont étroit"), ("window", "fenêtre")]
PAIRS = [
    (f"{subject} {verb} the {thing} {number}", f"{sujet} {verbe} {nom} {number}")
    for number in range(8)
    for subject, sujet in SUBJECTS
    for verb, verbe in VERBS
    for thing, nom in THINGS
]


def drifts(pairs: Sequence[tuple[str, str]], part: int = 1000) -> list[Drift]:
    wanted, uses = Terms(Dictionary(pairs)), Uses()
    for first in range(0, len(pairs), part):
        names, rows = rows_of(pairs[first : first + part])
        seen = wanted.look(texts_of(names), rows, range(first + 1, first + part + 1))
        uses.extend(Uses.from_json(json.loads(json.dumps(vars(seen)))))
    return uses.drifts()


def said_otherwise(usual: str, other: str, every: int) -> tuple[list[tuple[str, str]], list[int]]:
    """Every so many of the pairs with a word say another; and which."""
    pairs = list(PAIRS)
    chosen = [place for place, (_, target) in enumerate(pairs) if usual in target][::every]
    for place in chosen:
        pairs[place] = pairs[place][0], pairs[place][1].replace(usual, other)
    return pairs, [place + 1 for place in chosen]


@pytest.mark.parametrize("part", [1000, 37])
def test_a_term_that_is_said_otherwise_now_and_then_is_told_with_its_lines(part: int) -> None:
    pairs, lines = said_otherwise("capitaine", "commandant", 12)
    assert drifts(pairs, part) == [Drift("captain", "capitaine", 160 - len(lines), "commandant", lines)]


def test_of_many_other_pairs_the_first_are_kept_however_the_corpus_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terms, "_KEPT", 5)
    pairs, lines = said_otherwise("capitaine", "commandant", 12)
    for part in (1000, 37, 150):
        [found] = drifts(pairs, part)
        assert found.lines == lines[:5]


def test_what_is_said_in_one_way_in_two_or_in_other_forms_is_no_drift() -> None:
    assert drifts(PAIRS) == []
    assert drifts(said_otherwise("lampes", "lampadaires", 12)[0]) != []
    assert drifts(said_otherwise("lampes", "lampe", 12)[0]) == [], "a form of it"
    assert drifts(said_otherwise("capitaine", "commandant", 2)[0]) == [], "two ways, neither usual"
    assert drifts(said_otherwise("capitaine", "commandant", 80)[0]) == [], "twice may be chance"
    assert drifts(said_otherwise("capitaine", "Anna", 12)[0]) == [], "a word of everywhere"


def test_forms_begin_alike() -> None:
    assert akin("capitaine", "capitaines")
    assert akin("lampe", "lampes")
    assert akin("canada", "canadienne")
    assert not akin("capitaine", "capsule")
    assert akin("an", "an")
    assert not akin("an", "ans")


def test_check_tells_of_drift_and_of_several_targets(tmp_path: Path) -> None:
    pairs, lines = said_otherwise("capitaine", "commandant", 12)
    pairs += [(PAIRS[0][0], "autre chose"), ("Good day", "Bonjour")]
    path = tmp_path / "a.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")
    found = check(Corpus.open(str(path)), keep_lines=True)
    by_name = {one.name: one for one in found.findings}
    assert set(by_name["drift"].lines) <= set(lines)
    assert by_name["several targets"].lines == [len(PAIRS) + 1]
    assert found.json()["drifts"][0]["other"] == "commandant"
    assert any('"captain" is "capitaine" in' in sentence for sentence in found.advice)
    words = [str(path), "--html", str(tmp_path / "a.html")]
    told = click.testing.CliRunner().invoke(check_command, words, catch_exceptions=False).output
    assert "commandant" in told
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert '<td dir="auto">commandant</td>' in page
    assert "Terms said" not in diagnosis_page({**found.json(), "drifts": []})


def test_a_part_of_which_nothing_is_left_shows_nothing() -> None:
    found = examine([(1, "\u200b", "a"), (2, "b", "\u200b")], [], learn([]))
    assert (found.numbers.size, found.ratios.size, found.sums.tolist()) == (0, 0, [0, 0, 0, 0])
    assert found.uses == Uses()
    assert found.notes.counts == {"invisible": 2}
