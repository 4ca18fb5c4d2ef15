"""Corpora in the formats of other tools: the same pairs out of each, every fault placed, nothing trusted."""

import bz2
import gzip
import io
import json
import lzma
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import polib
import pysubs2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latimer.data import streams
from latimer.data.corpus import Corpus
from latimer.data.readers import markup
from latimer.data.text import normalise
from latimer.errors import Mistake

PAIRS = [
    ("The cat sleeps.", "Le chat dort."),
    ('A "quoted" <tag> & more', "Un « mot » <clé> & plus"),
    ("ö", "日本"),
]
Text = tuple[str, str]


def tmx(pairs: list[Text], encoding: str = "UTF-8") -> bytes:
    """As OmegaT writes project_save.tmx: a DOCTYPE, a header, regions, a unit a pair."""
    body = "".join(
        f'    <tu>\n      <tuv lang="EN-GB">\n        <seg>{escape(a)}</seg>\n      </tuv>\n'
        f'      <tuv lang="FR-FR" changeid="me">\n        <seg>{escape(b)}</seg>\n'
        "      </tuv>\n    </tu>\n"
        for a, b in pairs
    )
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<!DOCTYPE tmx SYSTEM "tmx11.dtd">\n'
        '<tmx version="1.1">\n'
        '  <header creationtool="OmegaT" o-tmf="OmegaT TMX" adminlang="EN-US" datatype="plaintext" '
        'segtype="sentence" srclang="EN-GB"/>\n  <body>\n<!-- Default translations -->\n'
        f"{body}  </body>\n</tmx>\n"
    )
    return text.encode(encoding)


def xliff12(pairs: list[Text]) -> bytes:
    units = "".join(
        f'<trans-unit id="{n}"><source>{escape(a)}</source><target state="translated">{escape(b)}</target>'
        "<alt-trans><source>No.</source><target>Non.</target></alt-trans></trans-unit>\n"
        for n, (a, b) in enumerate(pairs)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2" version="1.2">'
        '<file original="a.docx" source-language="en-US" target-language="fr" datatype="plaintext"><body>\n'
        f"{units}</body></file></xliff>"
    ).encode()


def xliff2(pairs: list[Text]) -> bytes:
    units = "".join(
        f'<unit id="{n}"><segment state="final"><source>{escape(a)}</source>'
        f"<target>{escape(b)}</target></segment>"
        "<ignorable><source> </source></ignorable></unit>\n"
        for n, (a, b) in enumerate(pairs)
    )
    return (
        '<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en" trgLang="fr">'
        f'<file id="f">{units}</file></xliff>'
    ).encode()


def po(pairs: list[Text], encoding: str = "utf-8") -> bytes:
    file = polib.POFile(encoding=encoding, wrapwidth=20)
    file.metadata = {"Language": "fr", "Content-Type": f"text/plain; charset={encoding}"}
    for a, b in pairs:
        file.append(polib.POEntry(msgid=a, msgstr=b, occurrences=[("main.c", "7")], comment="a note"))
    return str(file).encode(encoding)


def comma_separated(pairs: list[Text]) -> bytes:
    import csv

    text = io.StringIO()
    csv.writer(text).writerows([("id", "en", "fr"), *((n, a, b) for n, (a, b) in enumerate(pairs))])
    return text.getvalue().encode()


def json_lines(pairs: list[Text]) -> bytes:
    return "".join(json.dumps({"id": 1, "translation": {"fr": b, "en": a}}) + "\n" for a, b in pairs).encode()


def moses(pairs: list[Text]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README", "about")
        for place, language in enumerate(("en", "fr")):
            file.writestr(f"Own.en-fr.{language}", "".join(pair[place] + "\n" for pair in pairs))
        file.writestr("Own.en-fr.ids", "a\tb\n" * len(pairs))
    return packed.getvalue()


WRITERS: dict[str, Callable[[list[Text]], bytes]] = {
    ".tmx": tmx,
    ".xlf": xliff12,
    ".xliff": xliff2,
    ".po": po,
    ".csv": comma_separated,
    ".jsonl": json_lines,
    ".zip": moses,
}


def zstandard(content: bytes) -> bytes:
    import zstandard as library

    return library.ZstdCompressor().compress(content)


PACKERS = {".gz": gzip.compress, ".xz": lzma.compress, ".zst": zstandard, ".bz2": bz2.compress}


def put(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(content)
    return str(path)


def read(
    name: str, source: str | None = "en", target: str | None = "fr", keep_going: bool = False
) -> list[Text]:
    corpus = Corpus.open(name, source_language=source, target_language=target, keep_going=keep_going)
    return [(pair.source, pair.target) for pair in corpus.pairs()]


sentence = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=12).filter(
    normalise
)


@pytest.mark.parametrize("ending", WRITERS)
@settings(derandomize=True, max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(pairs=st.lists(st.tuples(sentence, sentence), min_size=1, max_size=5))
def test_every_format_gives_the_pairs_that_another_writer_put_in(
    ending: str, pairs: list[Text], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    name = put(folder, f"a{ending}", WRITERS[ending](pairs))
    expected = [(normalise(a), normalise(b)) for a, b in pairs]
    if ending == ".po" and any(not a for a, _ in pairs):
        return
    assert read(name) == expected
    corpus = Corpus.open(name, source_language="fr", target_language="en")
    for _ in range(2):  # again and again, and its digest with it
        assert [(pair.target, pair.source, pair.line) for pair in corpus.pairs()] == [
            (*pair, line) for line, pair in enumerate(expected, start=1)
        ]
    assert corpus.skipped.total == 0
    assert corpus.stamp() is not None
    assert len(corpus.sha256()) in (64, 129)


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("ending", [".tsv", ".tmx", ".po", ".csv", ".jsonl"])
def test_packing_changes_nothing(tmp_path: Path, ending: str, packer: str) -> None:
    plain = "".join(f"{a}\t{b}\n" for a, b in PAIRS).encode() if ending == ".tsv" else WRITERS[ending](PAIRS)
    one = Corpus.open(put(tmp_path, f"a{ending}", plain))
    other = Corpus.open(put(tmp_path, f"b{ending}{packer}", PACKERS[packer](plain)))
    assert list(one.pairs()) == list(other.pairs())
    assert one.sha256() == other.sha256()
    cut = PACKERS[packer](plain)[:-9]
    with pytest.raises(Mistake, match="cut short or damaged"):
        read(put(tmp_path, f"c{ending}{packer}", cut))


@pytest.mark.parametrize("ending", [".tmx", ".xlf", ".jsonl"])
def test_a_pipe_tells_its_format_by_how_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(WRITERS[ending](PAIRS))))
    corpus = Corpus.open("-", source_language="en", target_language="fr")
    assert [(pair.source, pair.target) for pair in corpus.pairs()] == PAIRS
    assert [(pair.source, pair.target) for pair in corpus.pairs()] == PAIRS


def test_the_file_tells_the_languages_where_nobody_does(tmp_path: Path) -> None:
    for ending in (".tmx", ".xlf", ".csv", ".zip"):
        corpus = Corpus.open(put(tmp_path, f"a{ending}", WRITERS[ending](PAIRS)))
        assert (corpus.source_language, corpus.target_language) == ("en", "fr")
        assert next(corpus.pairs())[:2] == PAIRS[0]
    corpus = Corpus.open(put(tmp_path, "a.po", po(PAIRS)))
    assert (corpus.source_language, corpus.target_language) == (None, "fr")


def test_more_than_two_languages_must_be_chosen_from(tmp_path: Path) -> None:
    unit = "<tu>{}</tu>".format(
        "".join(
            f'<tuv xml:lang="{tag}"><seg>{tag}!</seg></tuv>'
            for tag in ("en-GB", "en-US", "fr-CA", "de", "pt_BR")
        )
    )
    name = put(tmp_path, "a.tmx", f'<tmx version="1.4"><header/><body>{unit}</body></tmx>'.encode())
    with pytest.raises(Mistake, match="holds en, fr, de, pt; say which two with --from and --to"):
        read(name, None, None)
    with pytest.raises(Mistake, match="not es; change --from or --to"):
        read(name, "en", "es")
    assert read(name, "en", "fr") == [("en-GB!", "fr-CA!")]
    assert read(name, "de", "en-US") == [("de!", "en-US!")]
    assert read(name, "pt-BR", "fr") == [("pt_BR!", "fr-CA!")]


def test_a_unit_without_one_of_the_languages_is_counted(tmp_path: Path) -> None:
    units = '<tu><tuv xml:lang="en"><seg>One.</seg></tuv></tu>'
    corpus = Corpus.open(
        put(tmp_path, "a.tmx", tmx(PAIRS).replace(b"  </body>", units.encode() + b"</body>"))
    )
    assert len(list(corpus.pairs())) == 3
    assert corpus.skipped.counts == {"not in both languages": 1}
    assert corpus.skipped.examples["not in both languages"].endswith("a.tmx:31")


def test_inline_tags_go_and_the_words_in_them_stay(tmp_path: Path) -> None:
    seg = 'Press <bpt i="1">&lt;b&gt;</bpt><hi>OK</hi><ept i="1">&lt;/b&gt;</ept><ph>{1}<sub>x</sub></ph> now'
    name = put(tmp_path, "a.tmx", tmx([("SEG", "b")]).replace(b"SEG", seg.encode()))
    assert read(name) == [("Press OK now", "b")]
    old = '<g id="1">A <bpt id="2">x</bpt>word</g><x id="3"/> more<x id="4" ctype="lb"/>lines<it>\\n</it>'
    name = put(tmp_path, "a.xlf", xliff12([("SEG", "b")]).replace(b"SEG", old.encode()))
    assert read(name) == [("A word more lines", "b")]
    new = '<pc id="1">A <mrk id="m" type="term">word</mrk></pc><ph id="2"/> <cp hex="0001"/>more'
    name = put(tmp_path, "b.xlf", xliff2([("SEG", "b")]).replace(b"SEG", new.encode()))
    assert read(name) == [("A word more", "b")]


def test_segments_that_a_tool_marked_are_pairs_of_their_own(tmp_path: Path) -> None:
    """As the files of SDL Trados and of Okapi have them; what nobody has translated is left out."""
    unit = (
        '<trans-unit id="1"><source>One. Two.</source>'
        '<seg-source><mrk mtype="seg" mid="1">One.</mrk> '
        '<mrk mtype="seg" mid="2">T<g id="1">w</g>o.</mrk></seg-source>'
        '<target><mrk mtype="seg" mid="1">Un.</mrk> '
        '<mrk mtype="seg" mid="2">Deux.</mrk></target></trans-unit>'
        '<trans-unit id="2"><source>Three.</source><target state="new">Three.</target></trans-unit>'
        '<trans-unit id="3"><source>Four.</source>'
        "<alt-trans><target>Quatre.</target></alt-trans></trans-unit>"
    )
    corpus = Corpus.open(
        put(tmp_path, "a.sdlxliff", xliff12([]).replace(b"</body>", unit.encode() + b"</body>"))
    )
    assert [(pair.source, pair.target) for pair in corpus.pairs()] == [("One.", "Un."), ("Two.", "Deux.")]
    assert corpus.skipped.counts == {"not translated yet": 1, "an empty side": 1}


def test_what_polib_writes_is_read(tmp_path: Path) -> None:
    file = polib.POFile()
    file.metadata = {"Content-Type": "text/plain; charset=utf-8", "Language": "fr_FR"}
    file.append(polib.POEntry(msgid='Tab\there\n"x" \\n', msgstr='Ici\t"y" \\n', msgctxt="menu"))
    file.append(
        polib.POEntry(
            msgid="%d file", msgid_plural="%d files", msgstr_plural={0: "%d fichier", 1: "%d fichiers"}
        )
    )
    file.append(polib.POEntry(msgid="Doubt", msgstr="Doute", flags=["fuzzy", "c-format"]))
    file.append(polib.POEntry(msgid="Old", msgstr="Vieux", obsolete=True))
    file.append(polib.POEntry(msgid="Nothing", msgstr=""))
    corpus = Corpus.open(put(tmp_path, "a.po", str(file).encode()))
    found = [(pair.source, pair.target) for pair in corpus.pairs()]
    assert sorted(found) == sorted(
        [('Tab here "x" \\n', 'Ici "y" \\n'), ("%d file", "%d fichier"), ("%d files", "%d fichiers")]
    )
    assert corpus.skipped.counts == {"marked as fuzzy": 1, "an empty side": 1}
    one = polib.POFile()
    one.append(polib.POEntry(msgid="%d dog", msgid_plural="%d dogs", msgstr_plural={0: "犬 %d"}))
    assert read(put(tmp_path, "b.po", str(one).encode()), "en", "ja") == [("%d dogs", "犬 %d")]


def srt(cues: list[tuple[int, int, str]]) -> bytes:
    file = pysubs2.SSAFile()
    file.events = [
        pysubs2.SSAEvent(start=begin, end=end, text=text.replace("\n", "\\N")) for begin, end, text in cues
    ]
    return file.to_string("srt").encode()


def test_subtitles_are_paired_by_time(tmp_path: Path) -> None:
    ours = [
        (0, 1000, "One."),
        (2000, 4000, "{\\i1}Two,{\\i0} and\nthree."),
        (5000, 6000, "Alone."),
        (8000, 9000, "Last."),
    ]
    theirs = [
        (100, 1100, "Un."),
        (2000, 2900, "Deux,"),
        (3000, 3900, "et trois."),
        (6500, 7000, "Seul."),
        (8100, 9100, "Fin."),
    ]
    put(tmp_path, "a.en.srt", srt(ours))
    put(tmp_path, "a.fr.srt", srt(theirs))
    corpus = Corpus.open(f"{tmp_path}/a.en.srt,{tmp_path}/a.fr.srt")
    assert (corpus.source_language, corpus.target_language) == ("en", "fr")
    assert [(pair.source, pair.target) for pair in corpus.pairs()] == [
        ("One.", "Un."),
        ("Two, and three.", "Deux, et trois."),
        ("Last.", "Fin."),
    ]
    assert corpus.skipped.counts == {"a subtitle without a counterpart": 2}
    with pytest.raises(Mistake, match=r"a\.en\.srt,a\.fr\.srt"):
        Corpus.open(f"{tmp_path}/a.en.srt")


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    gaps=st.lists(st.tuples(st.integers(300, 3000), st.integers(50, 3000)), min_size=1, max_size=12),
    late=st.integers(0, 100),
)
def test_subtitles_that_are_a_little_late_stay_together(
    gaps: list[tuple[int, int]], late: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, now, cues = tmp_path_factory.mktemp("srt"), 0, []
    for number, (length, pause) in enumerate(gaps):
        cues.append((now, now + length, f"say {number}x"))
        now += length + pause
    put(folder, "a.en.srt", srt(cues))
    put(folder, "a.fr.srt", srt([(begin + late, end + late, text) for begin, end, text in cues]))
    found = read(f"{folder}/a.en.srt,{folder}/a.fr.srt")
    assert found == [(f"say {number}x",) * 2 for number in range(len(gaps))]


def test_encodings_are_believed_when_told_and_reported(tmp_path: Path) -> None:
    pairs = [("A café.", "Un café, déjà.")]
    for encoding in ("UTF-16", "ISO-8859-1", "WINDOWS-1252"):
        corpus = Corpus.open(put(tmp_path, f"{encoding}.tmx", tmx(pairs, encoding)))
        assert [(pair.source, pair.target) for pair in corpus.pairs()] == pairs
        assert corpus.report() == [f"{tmp_path}/{encoding}.tmx is in {encoding}, as it says itself."]
    corpus = Corpus.open(put(tmp_path, "a.po", po(pairs, "iso-8859-1")))
    assert [(pair.source, pair.target) for pair in corpus.pairs()] == pairs
    assert corpus.report() == [f"{tmp_path}/a.po is in ISO8859-1, as it says itself."]
    lying = tmx(pairs, "ISO-8859-1").replace(b"ISO-8859-1", b"UTF-8")
    with pytest.raises(Mistake, match=r"a\.tmx:9: not well-formed"):
        read(put(tmp_path, "a.tmx", lying))
    with pytest.raises(Mistake, match=r"b\.po:.*0xE9.*charset"):
        read(put(tmp_path, "b.po", po(pairs, "iso-8859-1").replace(b"iso-8859-1", b"utf-8")))
    assert Corpus.open(put(tmp_path, "c.tmx", tmx(pairs))).report() == []


def test_headers_of_csv(tmp_path: Path) -> None:
    assert read(put(tmp_path, "a.csv", b'Hello;Bonjour vous\n"a;\nb";c\n')) == [
        ("Hello", "Bonjour vous"),
        ("a; b", "c"),
    ]
    assert read(put(tmp_path, "b.csv", "\ufeffTarget,note,Source\nb,x,a\n".encode())) == [("a", "b")]
    assert read(put(tmp_path, "c.csv", b"fr-CA,en_GB\nb,a\n")) == [("a", "b")]
    assert read(put(tmp_path, "d.csv", b"It,is\na,b\n"), "en", "fr") == [("It", "is"), ("a", "b")]


@pytest.mark.parametrize(
    ("name", "content", "place", "kept"),
    [
        ("a.csv", b"a,b\nc\nd,e\n", ":2: one column", 2),
        ("a.csv", b'en,fr\na,b\n"c"x,d\ne,f\n', ":3: this row of the CSV is broken", 2),
        ("a.csv", b'a,b\n"c,d\n' + b"e,f\n" * 50_000, ":2: this row of the CSV is broken", None),
        ("a.jsonl", b'{"en":"a","fr":"b"}\n{"en":\n{"en":"c","fr":"d"}\n', ":2: this is not JSON", 2),
        ("a.jsonl", b'{"en":"a","fr":"b"}\n[1]\n{"en":3}\n', ":2: no two texts", 1),
        ("a.jsonl", b'{"en":"a","fr":"b"}\n' + b"[" * 100_000, ":2: this is not JSON", 1),
        ("a.po", b'msgid "a"\nmsgstr "b"\n\nhello\n\nmsgid "c"\nmsgstr "d"\n', ":4: this line is none of", 2),
        ("a.tsv", b"a\tb\nno tab\n\xe9\tx\nc\td\n", ":2: no tab", 2),
        ("a.tmx", tmx(PAIRS)[:-200], ":20: unclosed token", 1),
        ("a.tmx", tmx(PAIRS).replace(b"cat", b"c\x01t"), ":9: not well-formed", None),
        ("a.xlf", tmx(PAIRS), ":3: the root is <tmx>", None),
        ("a.tmx", tmx(PAIRS).replace(b"cat", b"&eacute;"), ":9: the entity &eacute; is not known", None),
    ],
)
def test_what_is_broken_stops_at_its_line_or_is_counted(
    tmp_path: Path, name: str, content: bytes, place: str, kept: int | None
) -> None:
    path = put(tmp_path, name, content)
    with pytest.raises(Mistake) as caught:
        read(path, None, None)
    assert str(caught.value).startswith(path)
    assert place in str(caught.value)
    corpus = Corpus.open(path, keep_going=True)
    if kept is None:
        return
    assert len(list(corpus.pairs())) == kept
    assert corpus.skipped.total >= 1


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    '<tmx><body><tu><tuv lang="en"><seg>&b;</seg></tuv></tu></body></tmx>'
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]><tmx><seg>&a;</seg></tmx>'
)


@pytest.mark.parametrize(
    ("content", "told"),
    [(BOMB, "entities"), (OUTSIDE, "entities"), ("<tmx>" + "<a>" * 100_000, "nested deeper")],
)
def test_xml_that_is_made_to_harm_is_refused(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(Mistake, match=told):
        read(put(tmp_path, "a.tmx", content.encode()))


def test_a_tag_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "TOKEN_LIMIT", 1 << 18)
    with pytest.raises(Mistake, match="a tag that does not end"):
        read(put(tmp_path, "a.tmx", b'<tmx a="' + b"x" * (1 << 20)))


@pytest.mark.parametrize("packer", PACKERS)
def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packer: str
) -> None:
    monkeypatch.setattr(streams, "BOMB_SIZE", 1 << 20)
    name = put(tmp_path, f"a.tsv{packer}", PACKERS[packer](b"a\tb\n" + b"\0" * (60 << 20)))
    with pytest.raises(Mistake, match="unpacks to more than 300 times"):
        read(name)


def test_a_zip_is_read_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No member is written to the disk, whatever its name; what is no Moses zip is refused."""
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("a.zip", "w") as file:
        file.writestr("../../evil.en", "a\n")
        file.writestr("../../evil.fr", "b\n")
    assert read("a.zip") == [("a", "b")]
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert not (tmp_path.parent.parent / "evil.en").exists()
    with pytest.raises(Mistake, match="not a whole zip"):
        read(put(tmp_path, "b.zip", moses(PAIRS)[:60]))
    with zipfile.ZipFile("c.zip", "w") as file:
        file.writestr("a.txt", "a\n")
    with pytest.raises(Mistake, match="holds 0 pairs of aligned files"):
        read("c.zip")


def test_a_folder_is_all_that_is_in_it(tmp_path: Path) -> None:
    put(tmp_path, "a.tmx", tmx([("1", "un")]))
    put(tmp_path, "b.fr-en.tsv", b"deux\t2\n")
    put(tmp_path, "c.en", b"3\n")
    put(tmp_path, "c.fr.gz", gzip.compress(b"trois\n"))
    put(tmp_path, "LICENSE", b"free\n")
    corpus = Corpus.open(str(tmp_path))
    expected = [("1", "un", 1), ("2", "deux", 2), ("3", "trois", 3)]
    assert [tuple(pair) for pair in corpus.pairs()] == expected
    assert [tuple(pair) for pair in corpus.reversed().pairs()] == [(b, a, n) for a, b, n in expected]
    assert corpus.report() == [f"Not read in {tmp_path}, for no pairs are in them: LICENSE."]
    assert corpus.share_read <= 1
    before = corpus.stamp()
    put(tmp_path, "d.csv", b"en,fr\n4,quatre\n")
    assert Corpus.open(str(tmp_path)).stamp() != before
    put(tmp_path, "c.de", b"drei\n")
    with pytest.raises(Mistake, match="holds de, en, fr; say which two"):
        Corpus.open(str(tmp_path))
    assert read(str(tmp_path)) == [pair[:2] for pair in expected] + [("4", "quatre")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(Mistake, match="a folder without a file of pairs"):
        Corpus.open(str(tmp_path / "empty"))


def test_what_mtdata_leaves_is_read_for_its_training_pairs(tmp_path: Path) -> None:
    put(tmp_path, "mtdata.signature.txt", b"mtdata get\n")
    put(tmp_path, "dev.eng", b"dev\n")
    put(tmp_path, "dev.fra", b"dev\n")
    put(tmp_path, "train-parts/Own-news-1-eng-fra.eng", b"1\n")
    put(tmp_path, "train-parts/Own-news-1-eng-fra.fra", b"un\n")
    assert read(str(tmp_path), "eng", "fra") == [("1", "un")]
    put(tmp_path, "train.eng", b"1\n2\n")
    put(tmp_path, "train.fra", b"un\ndeux\n")
    assert read(str(tmp_path), "eng", "fra") == [("1", "un"), ("2", "deux")]


@pytest.mark.parametrize("ending", [*WRITERS, ".srt"])
@settings(derandomize=True, max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), st.binary(max_size=4)), max_size=4),
    keep_going=st.booleans(),
)
def test_damage_gives_pairs_or_a_mistake(
    ending: str,
    cuts: list[tuple[float, int, bytes]],
    keep_going: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    content = srt([(0, 900, "a"), (1000, 1900, "b")]) if ending == ".srt" else WRITERS[ending](PAIRS)
    for where, length, new in cuts:
        at = int(where * len(content))
        content = content[:at] + new + content[at + length :]
    name = put(folder, f"a.en{ending}", content)
    if ending == ".srt":
        put(folder, "a.fr.srt", srt([(0, 900, "a"), (1000, 1900, "b")]))
        name = f"{name},{folder}/a.fr.srt"
    try:
        for text in read(name, None, None, keep_going):
            assert all(text)
    except Mistake:
        pass


@pytest.mark.parametrize("ending", [".tmx", ".xlf", ".po", ".csv", ".jsonl"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, ending: str) -> None:
    peaks = []
    for size in (400, 1600):
        name = put(
            tmp_path,
            f"{size}{ending}",
            WRITERS[ending]([(f"the cat {n} " * 8, f"le chat {n} " * 8) for n in range(size)]),
        )
        tracemalloc.start()
        corpus = Corpus.open(name)
        assert sum(1 for _ in corpus.pairs()) == size
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.7 + 500_000
