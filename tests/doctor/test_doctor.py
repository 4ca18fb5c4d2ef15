"""The data doctor: laws of mending and cleaning, each rule on pairs made for it, runs found to the line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import click.testing
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latimer.cli.check import command as check_command
from latimer.cli.clean import command as clean_command
from latimer.data import phrasebook
from latimer.data.corpus import Corpus
from latimer.doctor import clean as cleaning
from latimer.doctor.check import check
from latimer.doctor.clean import clean
from latimer.doctor.learned import Learned
from latimer.doctor.memory import FUNCTIONS, NEAR, mark, near_groups, once, signatures
from latimer.doctor.mending import mend
from latimer.doctor.rules import RULES, fault_of
from latimer.doctor.shifts import EDGE, Shift, find_shifts
from latimer.doctor.split import split
from latimer.errors import Mistake
from latimer.visualize.diagnosis import diagnosis_page

BOOK = list(dict.fromkeys(phrasebook.load("train")))


def corpus_of(path: Path, pairs: list[tuple[str, str]]) -> Corpus:
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")
    return Corpus.open(str(path))


BROKEN = [
    ("cafÃ©", "café"),
    ("dâ€™accord", "d’accord"),
    ("Ãƒ\u00a9t\u00c3\u00a9".replace("Ãƒ\u00a9", "Ã©"), "été"),
    ("R&amp;D", "R&D"),
    ("R&amp;amp;D", "R&D"),
    ("caf&eacute;", "café"),
    ("caf\\u00e9 \\n", "café"),
    ("e\u0301te\u0301", "été"),
    ("a\u200bb  c\u00a0d", "ab c d"),
    ("Ça va ? Œuvre à côté", "Ça va ? Œuvre à côté"),
    ("&am\u200bp;", "&"),
    ("&amp;amp;amp;amp;amp;", "&"),
    ("a\\u0001b&#x81; &#10; c", "ab c"),
    ("C:\\new\\table & co", "C:\\new\\table & co"),
]


@pytest.mark.parametrize(("text", "whole"), BROKEN)
def test_what_was_broken_is_put_back_and_what_was_not_stays(text: str, whole: str) -> None:
    assert mend(text) == whole


@given(st.text(st.sampled_from("aé Ã©â€™&amp;;#\\nu00e9\u00a0\u0301\u200b")))
def test_mending_twice_changes_nothing(text: str) -> None:
    assert mend(mend(text)) == mend(text)


FAULTY = {
    "EncodingFilter": ("a bad � sign", "un mauvais signe"),
    "LengthFilter": ("go " * 200 + "go", "va"),
    "LengthRatioFilter": ("yes", "oui, " * 20),
    "LongWordFilter": ("a" * 46, "b c " * 10),
    "AlphabetRatioFilter": ("...", "oui"),
    "SimilarityFilter": ("This is a test", "this is a test"),
    "NonZeroNumeralsFilter": ("I have 15 dogs", "j'ai 16 chiens"),
    "HtmlTagFilter": ("click <b>here</b>", "cliquez ici"),
    "RepetitionFilter": ("no no no no no no", "non"),
    "CharacterScoreFilter": ("a pаper", "un papier"),
    "BracketsFilter": ("it rains (a lot)", "il pleut beaucoup"),
    "TerminalPunctuationFilter": ("Is it raining?", "Il pleut."),
}
SOUND = [
    (
        " ".join(f"a{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(200)),
        " ".join(f"b{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(200)),
    ),
    ("a" * 45, "c" * 45),
    (f"see https://a.org/{'b' * 40} for more", f"voir https://a.org/{'b' * 40} pour plus"),
    ("not a copy", "not a copy"),
    ("I have 15 dogs", "j'ai quinze chiens"),
    ("at 7:00", "à 7 h"),
    ("at 12:30 on May 4", "à 12 h 30"),
    ("Hello %s, <b>you</b>", "Salut %s, <b>toi</b>"),
    ("50 % of us", "la moitié de nous"),
    ("ha ha ha ha ha", "ah"),
    ("Is it?", "C'est vrai ?"),
    ("一二三四五六七八九十" * 6, "one two three four five six seven eight nine ten and more"),
    ("Ελλάδα and Россия", "la Grèce et la Russie"),
    ("yes", "un deux trois quatre cinq six sept huit neuf dix"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_finds_its_fault_on_either_side_and_no_other(rule: object) -> None:
    source, target = FAULTY[rule.name]  # type: ignore[attr-defined]
    assert rule.faulty(source, target)  # type: ignore[attr-defined]
    assert rule.faulty(target, source)  # type: ignore[attr-defined]
    for pair in SOUND:
        assert not rule.faulty(*pair), pair  # type: ignore[attr-defined]


def test_the_rules_that_only_report_drop_nothing() -> None:
    dropped = {name for name, pair in FAULTY.items() if fault_of(*pair)}
    assert FAULTY.keys() - dropped == {"BracketsFilter", "TerminalPunctuationFilter"}


def test_signatures_agree_as_the_grams_overlap() -> None:
    """Against the Jaccard index, counted."""

    def grams(text: str) -> set[bytes]:
        coded = text.encode()
        return {coded[at : at + 6] for at in range(len(coded) - 5)}

    base = "the quick brown fox jumps over the lazy dog and runs into the wood " * 2
    texts = [base, base[:100], base[:60] + "something else altogether", "nothing of the kind", "x"]
    signed = signatures(texts)
    for other in range(len(texts)):
        one, two = grams(texts[0]), grams(texts[other])
        agree = (signed[0] == signed[other]).mean()
        assert abs(agree - len(one & two) / max(1, len(one | two))) < 0.3
    assert (signed == np.concatenate([signatures([text]) for text in texts])).all()


def test_once_keeps_the_first_of_equal_and_nearly_equal_pairs() -> None:
    long = "We would like to know whether the train to the north leaves in the morning or in the evening"
    pairs = [
        *((long, "a"), (f"{long}!", "A"), ("Hello there", "Salut"), (f"{long} today", "a")),
        ("Something else entirely", "b"),
    ]
    exact, near = once(mark(pairs))
    assert exact.tolist() == [False, True, False, False, False]
    assert near.tolist() == [False, False, False, True, False]
    assert NEAR < FUNCTIONS


@given(st.lists(st.text("abc ", min_size=1, max_size=30), max_size=30))
def test_what_once_leaves_has_nothing_twice(texts: list[str]) -> None:
    marks = mark([(text, "x") for text in texts])
    exact, near = once(marks)
    left = ~(exact | near)
    assert not (exact & near).any()
    assert (near_groups(marks.signatures[left]) == np.arange(left.sum())).all()
    kept = mark([(text, "x") for text, stays in zip(texts, left, strict=True) if stays])
    assert not np.concatenate(once(kept)).any()


SIDES = st.sampled_from(
    [*(side for pair in FAULTY.values() for side in pair if len(side) < 200), *(text for text, _ in BROKEN)]
) | st.text("ab 1é?", max_size=12)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=12))
def test_cleaning_twice_is_cleaning_once_and_no_pair_is_lost(
    tmp_path: Path, pairs: list[tuple[str, str]]
) -> None:
    corpus = corpus_of(tmp_path / "some.tsv", [*pairs, ("Good morning", "Bonjour")])
    usable = sum(1 for _ in corpus.pairs())
    once_, twice = tmp_path / "once.tsv", tmp_path / "twice.tsv"
    done = clean(corpus, once_, processes=1)
    again = clean(Corpus.open(str(once_)), twice, processes=1)
    assert twice.read_bytes() == once_.read_bytes()
    assert again.mended == 0
    assert done.kept + sum(done.reasons.values()) == done.pairs == usable
    dropped = (tmp_path / "once.tsv.dropped.tsv").read_text(encoding="utf-8").split("\n")[:-1]
    assert len(dropped) == done.pairs - done.kept
    assert all(len(line.split("\t")) == 4 and line.split("\t")[1] for line in dropped)


def test_cleaning_keeps_the_order_and_says_why_it_drops(tmp_path: Path) -> None:
    pairs = [("Good  evening", "bonsoir"), ("I have 15 dogs", "j'ai 16 chiens"), ("caf&eacute;", "café")]
    done = clean(corpus_of(tmp_path / "a.tsv", [*pairs, pairs[0]]), tmp_path / "b.tsv", processes=1)
    assert (tmp_path / "b.tsv").read_text() == "Good evening\tbonsoir\ncafé\tcafé\n"
    told = "2\tNonZeroNumeralsFilter\tI have 15 dogs\tj'ai 16 chiens\n4\tduplicate\tGood evening\tbonsoir\n"
    assert (tmp_path / "b.tsv.dropped.tsv").read_text() == told
    assert done == (4, 2, 3, {"NonZeroNumeralsFilter": 1, "duplicate": 1}, None)
    assert not (tmp_path / "b.tsv.work").exists()


def test_nothing_left_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="says why"):
        clean(corpus_of(tmp_path / "a.tsv", [("...", "!")]), tmp_path / "b.tsv", processes=1)


def test_processes_and_interruptions_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = corpus_of(tmp_path / "a.tsv", [pair for pair in BOOK[:1200] for _ in range(2)])
    whole, parallel, stopped = (tmp_path / f"{name}.tsv" for name in "wps")
    monkeypatch.setattr(cleaning, "CHUNK", 500)
    monkeypatch.setattr(cleaning, "SAMPLE", 800)  # fewer pairs start no processes
    clean(corpus, whole, processes=1)
    clean(corpus, parallel, processes=2)
    assert parallel.read_bytes() == whole.read_bytes()

    judged: list[Path] = []

    def judge(chunk: cleaning.Chunk, stem: Path, learned: Learned) -> tuple[int, int]:
        judged.append(stem)
        if len(judged) == 4:
            raise KeyboardInterrupt
        return judging(chunk, stem, learned)

    judging = cleaning.judge
    monkeypatch.setattr(cleaning, "judge", judge)
    with pytest.raises(KeyboardInterrupt):
        clean(corpus, stopped, processes=1)
    assert not stopped.exists()
    clean(corpus, stopped, processes=1)
    assert len(set(judged)) == len(judged) - 1, "a chunk that was done was done again"
    for name in ("", ".dropped.tsv"):
        assert Path(f"{stopped}{name}").read_bytes() == Path(f"{whole}{name}").read_bytes()


def test_what_another_corpus_left_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    into = tmp_path / "b.tsv"
    with monkeypatch.context() as patched:
        patched.setattr(cleaning, "join", stop)
        with pytest.raises(KeyboardInterrupt):
            clean(corpus_of(tmp_path / "a.tsv", [("yes", "oui")]), into, processes=1)
    clean(corpus_of(tmp_path / "a.tsv", [("no thanks", "non merci")]), into, processes=1)
    assert into.read_text() == "no thanks\tnon merci\n"


@pytest.mark.parametrize("offset", [1, -1])
def test_a_shifted_run_is_found_where_it_is(offset: int) -> None:
    pairs = BOOK[:3000]
    first, last = 1000, 1040
    damaged = list(pairs)
    for place in range(first, last + 1):
        damaged[place] = pairs[place][0], pairs[place - offset][1]
    found = find_shifts(damaged)
    assert len(found) == 1
    assert found[0].offset == offset
    assert abs(found[0].first - first) <= 6
    assert abs(found[0].last - last) <= 6
    assert find_shifts(pairs) == []
    assert isinstance(found[0], Shift)


@pytest.mark.parametrize("offset", [1, -1])
def test_a_run_of_three_is_found_and_a_source_with_two_targets_is_none(offset: int) -> None:
    """In long sentences, as of news; the right target of one of the three is gone."""
    pairs = [pair for pair in BOOK if len("".join(pair)) > 90][:4000]
    damaged = list(pairs)
    for place in (*range(100, 103), *range(2000, 2003)):
        damaged[place] = pairs[place][0], pairs[place - offset][1]
    for place in range(3000, 3500, 50):
        damaged[place + offset] = pairs[place]
        damaged[place] = pairs[place][0], pairs[place + 500][1]
    found = [(shift.first, shift.last, shift.offset) for shift in find_shifts(damaged)]
    assert found == [(first + (offset < 0), first + 1 + (offset < 0), offset) for first in (100, 2000)]
    assert find_shifts(pairs) == []


def test_check_tells_lines_leaks_and_sides(tmp_path: Path) -> None:
    pairs = BOOK[:2000]
    pairs[100] = ("cafÃ© noir for me", "un cafÃ© noir pour moi")
    pairs[200] = ("I have 15 dogs", "j'ai 16 chiens")
    pairs[301] = pairs[300]
    long = max(pairs[400:500], key=lambda pair: len(pair[0]))
    at = pairs.index(long)
    pairs[at] = long[::-1]
    test = corpus_of(tmp_path / "t.tsv", [pairs[700], ("Unseen", "Jamais vu")])
    found = check(corpus_of(tmp_path / "a.tsv", pairs), [test], keep_lines=True)
    by_name = {one.name: one for one in found.findings}
    assert by_name["mojibake"].lines == [101]
    assert by_name["NonZeroNumeralsFilter"].lines == [201]
    assert 302 in by_name["duplicate"].lines
    assert by_name["duplicate"].examples
    assert by_name["swapped"].lines == [at + 1]
    assert 701 in by_name["in test"].lines
    assert found.pairs == 2000
    assert "share a sentence with the test" in found.advice[0]
    page = diagnosis_page(found.json())
    assert "NonZeroNumeralsFilter" in page
    assert "http" not in page.replace("http-equiv", "")


def damaged_book() -> tuple[list[tuple[str, str]], set[int]]:
    """Pairs with exchanged sides, and runs that slipped either way; the places of what is right."""
    pairs = BOOK[:4000]
    damaged = list(pairs)
    for place in range(200, 3800, 97):
        damaged[place] = pairs[place][::-1]
    for first, offset in ((1000, 1), (2000, -1)):
        for place in range(first, first + 40):
            damaged[place] = pairs[place][0], pairs[place - offset][1]
    return damaged, set(range(4000)) - {*range(994, 1046), *range(1994, 2046)}


def test_after_cleaning_check_finds_nothing_exchanged_slipped_or_of_a_test(tmp_path: Path) -> None:
    damaged, right = damaged_book()
    long = sorted(right, key=lambda place: -len("".join(damaged[place])))[:20]
    tests = [
        corpus_of(tmp_path / "t.tsv", [(damaged[n][0], f"Autre chose {n}") for n in (700, 703)]),
        corpus_of(tmp_path / "u.tsv", [(f"{damaged[n][0]} now", f"{damaged[n][1]} oui") for n in long]),
    ]
    corpus, into = corpus_of(tmp_path / "a.tsv", damaged), tmp_path / "b.tsv"
    names = {"swapped", "shifted", "in test", "near test"}
    assert {one.name for one in check(corpus, tests).findings} >= names
    done = clean(corpus, into, against=tests, processes=1)
    found = check(Corpus.open(str(into)), tests)
    assert not names & {one.name for one in found.findings}
    assert found.advice[0] == "No sentence of the test is in it."

    dropped = [line.split("\t") for line in lines_of(tmp_path / "b.tsv.dropped.tsv")]
    whole = [line for line in dropped if line[2]]
    assert done.kept + len(whole) == done.pairs == 4000
    assert {reason for _, reason, *_ in dropped} >= {"in test", "near test", "shifted"}
    gone = {int(number) - 1 for number, reason, *_ in dropped if "test" in reason}
    assert gone >= {700, 703}
    assert len(gone & set(long)) >= 10


def test_what_is_put_right_is_what_it_was(tmp_path: Path) -> None:
    damaged, _ = damaged_book()
    done = clean(corpus_of(tmp_path / "a.tsv", damaged), tmp_path / "b.tsv", processes=1)
    true, kept = set(BOOK[:4000]), {tuple(line.split("\t")) for line in lines_of(tmp_path / "b.tsv")}
    wrong = kept - {(mend(source), mend(target)) for source, target in true}
    assert all((target, source) in true for source, target in wrong), "a wrong pair was made, or slipped by"
    assert len(wrong) <= 4, "exchanged, and too short to tell"
    assert done.reasons.get("shifted", 0) <= 2 * (2 * EDGE + 6)
    assert done.reasons.get("swapped", 0) <= 3
    assert sum((mend(BOOK[place][0]), mend(BOOK[place][1])) in kept for place in range(1000, 1040)) >= 32
    assert sum((mend(BOOK[place][0]), mend(BOOK[place][1])) in kept for place in range(200, 3800, 97)) >= 20


def test_what_is_right_is_not_taken_for_exchanged_or_slipped(tmp_path: Path) -> None:
    done = clean(corpus_of(tmp_path / "a.tsv", BOOK[:4000]), tmp_path / "b.tsv", processes=1)
    assert not {"swapped", "shifted"} & done.reasons.keys()
    kept = set(lines_of(tmp_path / "b.tsv"))
    assert kept <= {f"{mend(source)}\t{mend(target)}" for source, target in BOOK[:4000]}


def test_the_commands_say_it(tmp_path: Path) -> None:
    corpus_of(tmp_path / "a.tsv", [*BOOK[:50], ("<i>x</i>", "y"), BOOK[0]])
    runner = click.testing.CliRunner()
    words = [str(tmp_path / "a.tsv"), "--html", str(tmp_path / "page.html")]
    told = runner.invoke(check_command, words, catch_exceptions=False).output
    assert "duplicate" in told
    assert "HtmlTagFilter" in told
    assert "&lt;i&gt;" in (tmp_path / "page.html").read_text()
    parsed = json.loads(runner.invoke(check_command, [words[0], "--json"], catch_exceptions=False).output)
    assert parsed["pairs"] == 52
    words = [words[0], "--into", str(tmp_path / "b.tsv"), "--processes", "1", "--json"]
    done = json.loads(runner.invoke(clean_command, words, catch_exceptions=False).output)
    assert done["reasons"]["HtmlTagFilter"] == 1


@pytest.mark.full
def test_a_killed_process_is_gone_on_with(tmp_path: Path) -> None:
    corpus_of(tmp_path / "a.tsv", [(f"{a} {n}", f"{b} {n}") for n in range(100) for a, b in BOOK])
    call = [sys.executable, "-m", "latimer", "clean", str(tmp_path / "a.tsv"), "--quiet", "--into"]
    subprocess.run([*call, str(tmp_path / "whole.tsv")], check=True, capture_output=True)
    killed = subprocess.Popen([*call, str(tmp_path / "b.tsv")], start_new_session=True)
    while not (tmp_path / "b.tsv.work" / "000001.tsv").exists():
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    subprocess.run([*call, str(tmp_path / "b.tsv")], check=True, capture_output=True)
    for name in ("", ".dropped.tsv"):
        assert (tmp_path / f"b.tsv{name}").read_bytes() == (tmp_path / f"whole.tsv{name}").read_bytes()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefghijklmnop"), st.sampled_from("ABCDEFGHIJKLMNOP")), min_size=24
    ),
    st.randoms(),
)
def test_parts_share_no_side_and_every_pair_is_in_one(
    tmp_path: Path, pairs: list[tuple[str, str]], chance: Random
) -> None:
    corpus = corpus_of(tmp_path / "some.tsv", pairs)
    told = split([corpus], tmp_path / "parts", validation=3, test=3)
    parts = {name: lines_of(tmp_path / "parts" / f"{name}.tsv") for name in told}
    assert sorted(line for lines in parts.values() for line in lines) == sorted(f"{a}\t{b}" for a, b in pairs)
    assert {name: len(lines) for name, lines in parts.items()} == told
    for side in (0, 1):
        sides = [{line.split("\t")[side].casefold() for line in lines} for lines in parts.values()]
        assert sum(map(len, sides)) == len(set().union(*sides))
    assert told["test"] <= 3
    assert told["validation"] <= 3
    shuffled = list(pairs)
    chance.shuffle(shuffled)
    assert split([corpus_of(tmp_path / "some.tsv", shuffled)], tmp_path / "o", validation=3, test=3) == told
    for name, lines in parts.items():
        assert sorted(lines_of(tmp_path / "o" / f"{name}.tsv")) == sorted(lines), "the order of lines decided"


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def test_nearly_equal_pairs_are_in_one_part_and_each_origin_in_every_one(tmp_path: Path) -> None:
    near = [
        (f"{source} Now, please, my dear friend.", f"{target} {n}")
        for n, (source, target) in enumerate(BOOK[:60])
    ]
    near += [
        (f"{source} Now, please, my dear friends.", f"{target} {n} oui")
        for n, (source, target) in enumerate(BOOK[:60])
    ]
    one = corpus_of(tmp_path / "one.tsv", near)
    two = corpus_of(tmp_path / "two.tsv", BOOK[1000:1300])
    told = split([one, two], tmp_path / "parts", validation=40, test=40)
    assert min(told["test"], told["validation"]) >= 38
    part_of = {
        line.split("\t")[0]: name for name in told for line in lines_of(tmp_path / "parts" / f"{name}.tsv")
    }
    for name in ("test", "validation"):
        lines = lines_of(tmp_path / "parts" / f"{name}.tsv")
        ours = sum("my dear friend" in line for line in lines)
        assert 4 <= ours <= 20, "40 times 120 of 420 is 11"
    long = [source for source, _ in near if len(source) > 70]
    assert long
    for source in long:
        twin = source.removesuffix("s.").removesuffix(".")
        assert part_of.get(f"{twin}.") == part_of.get(f"{twin}s.")


def test_too_few_pairs_to_split_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="4 times"):
        split([corpus_of(tmp_path / "a.tsv", BOOK[:10])], tmp_path / "p", validation=2, test=1)
