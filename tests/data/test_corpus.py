"""Sentence pairs from files: every fault with its file and line, every skip counted."""

import gzip
import io
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.data import corpus as module
from latimer.data import lines
from latimer.data.corpus import Corpus, Pair
from latimer.data.text import normalise
from latimer.errors import Mistake


def tsv(folder: Path, content: bytes, name: str = "pairs.tsv") -> Corpus:
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return Corpus.open(str(path))


def aligned(folder: Path, first: bytes, second: bytes, names: tuple[str, str] = ("a.en", "a.fr")) -> str:
    for name, content in zip(names, (first, second), strict=True):
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return ",".join(str(folder / name) for name in names)


def read(corpus: Corpus) -> list[tuple[str, str, int]]:
    return [tuple(pair) for pair in corpus.pairs()]  # type: ignore[misc]


sentence = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(normalise)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    pairs=st.lists(st.tuples(sentence, sentence), min_size=1, max_size=8), end=st.sampled_from(["\n", "\r\n"])
)
def test_every_way_of_storing_gives_the_same_pairs(
    pairs: list[tuple[str, str]], end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    expected = [Pair(normalise(a), normalise(b), line) for line, (a, b) in enumerate(pairs, start=1)]
    columns = end.join(f"{a}\t{b}" for a, b in pairs).encode()
    sides = [end.join(side).encode() for side in zip(*pairs, strict=True)]
    # A lone final line without its end, a mark in front, packed or not: all the same.
    for corpus in (
        tsv(folder, columns),
        tsv(folder, "\ufeff".encode() + columns + end.encode(), "p.tsv.gz"),
        Corpus.open(aligned(folder, sides[0], sides[1])),
        Corpus.open(aligned(folder, sides[0], sides[1] + end.encode(), ("b.en.gz", "b.fr"))),
    ):
        assert list(corpus.pairs()) == expected
        assert list(corpus.pairs()) == expected
        assert corpus.skipped.total == 0


def test_more_columns_are_left_alone(tmp_path: Path) -> None:
    assert read(tsv(tmp_path, b"Go.\tVa !\tCC-BY\tmore\n")) == [("Go.", "Va !", 1)]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    odd = "a\u2028b\x0bc\x0cd\x85e\rf\tg\n".encode()
    assert read(tsv(tmp_path, odd)) == [("a b c d e f", "g", 1)]


def test_a_tab_inside_an_aligned_file_is_a_space(tmp_path: Path) -> None:
    assert read(Corpus.open(aligned(tmp_path, b"a\tb\n", b"c\n"))) == [("a b", "c", 1)]


def test_skips_are_counted_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_LIMIT", 20_000)
    rows = [
        b"good\tbon",
        b"\tvide",
        b"",
        b" \xc2\xa0\t ",
        b"nul\0\tnul",
        b"esc\tesc\x1b[0m",
        b"x" * 5001 + b"\tlong",
        b"y" * 70_000 + b"\tenormous",
        b"z" * 5000 + b"\tfits",
    ]
    corpus = tsv(tmp_path, b"\n".join(rows))
    assert [line for _, _, line in read(corpus)] == [1, 9]
    assert corpus.skipped.counts == {
        "an empty side": 3,
        "a control character": 2,
        "a side longer than 5,000 characters": 1,
        "a line too long": 1,
    }
    assert corpus.skipped.total == 7
    place = tmp_path / "pairs.tsv"
    assert corpus.skipped.report()[:2] == [
        f"Skipped 3 pairs: an empty side (first at {place}:2).",
        f"Skipped 2 pairs: a control character (first at {place}:5).",
    ]
    assert f"Skipped 1 pair: a line too long (at {place}:8)." in corpus.skipped.report()
    read(corpus)
    assert corpus.skipped.total == 7


@pytest.mark.parametrize("size", [9, 10, 11, 19, 20, 21, 35])
def test_a_line_at_the_limit_never_shifts_its_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(lines, "LINE_LIMIT", 10)
    corpus = Corpus.open(aligned(tmp_path, b"1\n" + b"x" * size + b"\n3\n", b"1\n2\n3\n"))
    found = [line for _, _, line in read(corpus)]
    assert found == ([1, 2, 3] if size + 1 <= 10 else [1, 3])
    assert read(corpus)[-1] == ("3", "3", 3)


def test_an_enormous_line_does_not_fill_the_memory(tmp_path: Path) -> None:
    import tracemalloc

    corpus = tsv(tmp_path, b"a\tb\n" + b"x" * 30_000_000 + b"\nc\td\n")
    tracemalloc.start()
    assert [line for _, _, line in read(corpus)] == [1, 3]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("content", "place", "remedy"),
    [
        ("ok\tok\ncafé\tcafé\n".encode("cp1252"), ":2: byte 4 of this line (0xE9)", "iconv -f WINDOWS-1252"),
        ("a\tb\n".encode("utf-16"), ":1: byte 1 of this line (0xFF)", "iconv -f UTF-16"),
        ("日本\t語\n".encode("shift-jis"), ":1: byte 1 of this line (0x93)", "-f ENCODING"),
        (gzip.compress(b"a\tb\n", mtime=0), ":1: byte 2 of this line (0x8B)", "ends in .gz"),
        (b"surrogate \xed\xa0\x80\tb\n", ":1: byte 11 of this line (0xED)", "-f ENCODING"),
        (b"a\tb\nc\tcut \xe2\x82", ":2: byte 7 of this line (0xE2)", "-f ENCODING"),
    ],
)
def test_broken_utf8_is_placed(tmp_path: Path, content: bytes, place: str, remedy: str) -> None:
    with pytest.raises(Mistake) as caught:
        read(tsv(tmp_path, content))
    assert str(caught.value).startswith(f"{tmp_path / 'pairs.tsv'}{place} is not UTF-8")
    assert remedy in str(caught.value)


def test_broken_utf8_in_the_second_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"a\.fr:2: byte 1 "):
        read(Corpus.open(aligned(tmp_path, b"a\nb\nc\n", b"a\n\xe9t\xe9\nc\n")))


@pytest.mark.parametrize(("first", "second"), [(3, 5), (5, 3), (0, 2)])
def test_unequal_files_tell_both_counts(tmp_path: Path, first: int, second: int) -> None:
    with pytest.raises(Mistake) as caught:
        read(Corpus.open(aligned(tmp_path, b"a\n" * first, b"b\n" * second)))
    assert f"a.en has {first} lines" in str(caught.value)
    assert f"a.fr has {second}" in str(caught.value)


def test_a_line_without_a_tab_is_placed(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"pairs\.tsv:2: no tab in this line"):
        read(tsv(tmp_path, b"a\tb\nno tab\n"))


def test_a_corpus_of_nothing_says_why(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"no usable sentence pair\. It is empty"):
        read(tsv(tmp_path, b""))
    with pytest.raises(Mistake, match="Skipped 2 pairs: an empty side"):
        read(tsv(tmp_path, b"\ta\nb\t\n"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    packed = gzip.compress(b"line\tligne\n" * 1000)
    (tmp_path / "plain.gz").write_bytes(b"a\tb\n")
    (tmp_path / "cut.gz").write_bytes(packed[:-20])
    (tmp_path / "bad.gz").write_bytes(packed[:30] + b"????" + packed[34:])
    (tmp_path / "secret.tsv").mkdir()
    for name, words in (
        ("gone.tsv", "does not exist"),
        ("secret.tsv", "is a folder"),
        ("gone.en,gone.fr", "does not exist"),
        ("plain.gz", "not gzip"),
        ("cut.gz", "cut short or damaged"),
        ("bad.gz", "cut short or damaged"),
    ):
        with pytest.raises(Mistake, match=words) as caught:
            read(Corpus.open(",".join(str(tmp_path / one) for one in name.split(","))))
        assert name.split(",")[0] in str(caught.value)
    with pytest.raises(Mistake, match="names 3"):
        Corpus.open("a.en,a.fr,a.de")
    with pytest.raises(Mistake, match="must both be files"):
        Corpus.open("a.en,-")


def test_a_comma_in_a_file_name_is_only_a_comma(tmp_path: Path) -> None:
    assert read(tsv(tmp_path, b"a\tb\n", "one,two.tsv")) == [("a", "b", 1)]


class Pipe(io.TextIOWrapper):
    """Standard input that is no terminal, and cannot be read twice."""


def test_standard_input_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Pipe(io.BytesIO(b"a\tb\nbad line\n")))
    corpus = Corpus.open("-", source_language="de", target_language="pl")
    assert (corpus.source_language, corpus.target_language) == ("de", "pl")
    for _ in range(2):
        with pytest.raises(Mistake, match=r"^standard input:2: no tab"):
            read(corpus)


def test_standard_input_line_by_line_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO(b"one\ntwo\n")
    monkeypatch.setattr(sys, "stdin", Pipe(stream))
    found = lines.LineFile("-", once=True).lines()
    assert next(found) == "one"
    assert stream.tell() == 4
    assert list(found) == ["two"]
    assert not stream.closed


def test_a_terminal_is_no_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipe(io.BytesIO())
    monkeypatch.setattr(pipe, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", pipe)
    with pytest.raises(Mistake, match="is a terminal"):
        read(Corpus.open("-"))


def test_digests_are_those_of_sha256sum(tmp_path: Path) -> None:
    content = b"a\tb\r\n" + b"x" * (lines.LINE_LIMIT + 5) + b"\nc\td"
    expected = sha256(content).hexdigest()
    assert tsv(tmp_path, content).sha256() == expected
    assert tsv(tmp_path, content, "p.tsv.gz").sha256() == expected
    both = Corpus.open(aligned(tmp_path, b"a\n", b"b\n"))
    assert (
        both.sha256() == f"{sha256(b'a' + bytes([10])).hexdigest()},{sha256(b'b' + bytes([10])).hexdigest()}"
    )
    assert both.reversed().sha256() == both.sha256()


def test_spacing_comes_with_the_pass(tmp_path: Path) -> None:
    corpus = tsv(tmp_path, "Why?\tPourquoi\u202f?\nSo !\tAlors\u202f!\n".encode())
    assert read(corpus)[0] == ("Why?", "Pourquoi ?", 1)
    assert corpus.spacing.restore("Quoi ?") == "Quoi\u202f?"
    backwards = corpus.reversed()
    assert read(backwards)[0] == ("Pourquoi ?", "Why?", 1)
    assert backwards.spacing.restore("Quoi ?") == "Quoi ?"


@pytest.mark.parametrize(
    ("names", "asked", "expected"),
    [
        ("a.en,a.fr", (None, None), ("en", "fr", False)),
        ("a.en,a.fr", ("fr", "en"), ("fr", "en", True)),
        ("a.en,a.fr", ("fr", None), ("fr", "en", True)),
        ("a.en,a.fr", (None, "en"), ("fr", "en", True)),
        ("a.en,a.fr", ("en", None), ("en", "fr", False)),
        ("x.swa.txt.gz,x.pt_BR.gz", (None, None), ("swa", "pt_BR", False)),
        ("src.txt,tgt.txt", (None, None), (None, None, False)),
        ("a.src,a.tgt", ("en", "fr"), ("en", "fr", False)),
        ("a.en,b.txt", ("fr", "en"), ("fr", "en", True)),
        ("a.en,b.txt", (None, "en"), (None, "en", True)),
        ("train.en-fr.tsv", (None, None), ("en", "fr", False)),
        ("tatoeba_en_fr.tsv.gz", ("fr", "en"), ("fr", "en", True)),
        ("en-swa.tsv", ("swa", "en"), ("swa", "en", True)),
        ("my-big-corpus.tsv", ("en", "fr"), ("en", "fr", False)),
        ("pairs.tsv", (None, None), (None, None, False)),
        ("pairs.tsv", ("en", "en"), ("en", "en", False)),
    ],
)
def test_languages_and_sides(
    tmp_path: Path,
    names: str,
    asked: tuple[str | None, str | None],
    expected: tuple[str | None, str | None, bool],
) -> None:
    for name in names.split(","):
        (tmp_path / name).write_bytes(b"")
    name = ",".join(str(tmp_path / one) for one in names.split(","))
    corpus = Corpus.open(name, source_language=asked[0], target_language=asked[1])
    assert (corpus.source_language, corpus.target_language, corpus.swapped) == expected
    again = corpus.reversed()
    assert (again.target_language, again.source_language, not again.swapped) == expected


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("a.en,a.fr", ("de", "fr")),
        ("a.en,a.fr", ("en", "de")),
        ("a.en,a.fr", ("en", "en")),
        ("x.en-fr.tsv", ("de", "fr")),
    ],
)
def test_a_language_that_the_name_does_not_have(tmp_path: Path, name: str, asked: tuple[str, str]) -> None:
    for one in name.split(","):
        (tmp_path / one).write_bytes(b"")
    with pytest.raises(Mistake, match=f"holds en and fr by its name, not {asked[0]} to {asked[1]}"):
        Corpus.open(
            ",".join(str(tmp_path / one) for one in name.split(",")),
            source_language=asked[0],
            target_language=asked[1],
        )


def test_sides_are_swapped_line_for_line(tmp_path: Path) -> None:
    name = aligned(tmp_path, b"one\n\nthree\n", b"un\ndeux\ntrois\n")
    corpus = Corpus.open(name, source_language="fr", target_language="en")
    assert read(corpus) == [("un", "one", 1), ("trois", "three", 3)]
    assert read(corpus.reversed()) == [("one", "un", 1), ("three", "trois", 3)]
    assert corpus.skipped.examples == {"an empty side": f"{tmp_path / 'a.en'}:2"}


def test_the_phrasebook(monkeypatch: pytest.MonkeyPatch) -> None:
    from latimer.data import phrasebook

    parts = {"train": [("Hello.", "Bonjour."), ("Why?", "Pourquoi\u202f?")], "test": [("Yes.", "Oui.")]}
    monkeypatch.setattr(phrasebook, "PARTS", tuple(parts), raising=False)
    monkeypatch.setattr(phrasebook, "load", parts.__getitem__, raising=False)
    corpus = Corpus.open("builtin:phrasebook")
    assert (corpus.source_language, corpus.target_language) == ("en", "fr")
    assert read(corpus) == [("Hello.", "Bonjour.", 1), ("Why?", "Pourquoi ?", 2)]
    assert corpus.sha256() == sha256("Hello.\tBonjour.\nWhy?\tPourquoi\u202f?\n".encode()).hexdigest()
    assert read(Corpus.open("builtin:phrasebook/test", source_language="fr")) == [("Oui.", "Yes.", 1)]
    with pytest.raises(Mistake, match=r"builtin:phrasebook/train, builtin:phrasebook/test\."):
        Corpus.open("builtin:phrasebook/exam")
    with pytest.raises(Mistake, match="holds en and fr"):
        Corpus.open("builtin:phrasebook", target_language="de")


def test_the_public_names_are_here() -> None:
    assert {"Corpus", "Pair", "Skipped", "hold_out"} <= set(module.__all__)
