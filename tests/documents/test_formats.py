# ruff: noqa: E501, RUF005 - documents have the lines they have
"""Documents: equal when nothing is translated, right for the libraries of others when something is."""

import io
import re
import time
import tracemalloc
import zipfile
from collections.abc import Callable

import docx
import polib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.documents import FORMATS, translate_document
from latimer.errors import Mistake


def same(segments: list[str]) -> list[str]:
    return segments


def upper(segments: list[str]) -> list[str]:
    return [re.sub(r"(</?\d+/?>)|(.)", lambda match: match[1] or match[2].upper(), one) for one in segments]


MARKDOWN = """---
title: keep me
---
# A *big* head #

A paragraph `keep` with a [link **here**](keep "me") and
a second line. <b>More</b> at https://keep.me/x

- item one
  goes on
- [ ] item two  \nbroken

| head | b |
|---|:-:|
| cell | `keep` |

one | two
--- | ---
three | four

```keep
keep | me
```

    keep me

> quoted
> more

<div>
keep
</div>

[keep]: http://keep.me
Under
-----
a * b, snake_case, __bold__ ![keep](me) $keep$
"""
MARKDOWN_UPPER = """---
title: keep me
---
# A *BIG* HEAD #

A PARAGRAPH `keep` WITH A [LINK **HERE**](keep "me") AND A SECOND LINE. <b>MORE</b> AT https://keep.me/x

- ITEM ONE GOES ON
- [ ] ITEM TWO  \nBROKEN

| HEAD | B |
|---|:-:|
| CELL | `keep` |

ONE | TWO
--- | ---
THREE | FOUR

```keep
keep | me
```

    keep me

> QUOTED
> MORE

<div>
keep
</div>

[keep]: http://keep.me
UNDER
-----
A * B, SNAKE_CASE, __BOLD__ ![keep](me) $keep$
"""
SRT = (
    "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Where are you\r\ngoing now?</i>\r\n\r\n"
    "2\r\n00:00:03,000 --> 00:00:04,000\r\n- Home.\r\n- {\\an8}Me too.\r\n"
)
VTT = (
    "WEBVTT keep\n\nNOTE keep me\n\nSTYLE\n::cue { color: red }\n\nkeep\n00:01.000 --> 00:02.000 align:start\n"
    "<v Mary>Fish &amp; chips, <00:01.500>please</v>\n"
)
XLIFF = """<?xml version="1.0" encoding="UTF-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file original="a" source-language="en"><body>
  <trans-unit id="1">
    <source>Hello <g id="1">big</g> world<x id="2"/> &amp; <ph id="3">&lt;keep/&gt;</ph>more</source>{0}
  </trans-unit>
  <trans-unit id="2"><source>Kept</source><target>Gardez</target></trans-unit>
  <trans-unit id="3"><source>One. Two.</source>{1}</trans-unit>
  <trans-unit id="4" translate="no"><source>keep</source></trans-unit>
</body></file></xliff>
"""
XLIFF_2 = """<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0"{0} srcLang="en"><file id="f">
<unit id="u"><segment><source>Hello <pc id="1">you</pc> there</source>{1}</segment></unit></file></xliff>"""
TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx11.dtd">
<tmx version="1.1"><header creationtool="some" srclang="EN-US" datatype="plaintext"/><body>
    <tu>
      <tuv lang="EN-US"><seg>Hello <bpt i="1">&lt;b&gt;</bpt>you<ept i="1">&lt;/b&gt;</ept> there.</seg></tuv>{0}
    </tu>
    <tu><tuv lang="FR-FR"><seg>{1}</seg></tuv><tuv lang="EN-US"><seg>Second.</seg></tuv></tu>
</body></tmx>
"""
GOLDEN = [
    ("a.md", MARKDOWN, MARKDOWN_UPPER),
    ("a.srt", SRT, SRT.replace("Where are you", "WHERE ARE YOU").replace("going now", "GOING NOW")
     .replace("Home", "HOME").replace("Me too", "ME TOO")),
    ("a.vtt", VTT, VTT.replace("Fish", "FISH").replace("chips", "CHIPS").replace("please", "PLEASE")),
    (
        "a.xlf",
        XLIFF.format("", "<target state='new'/>"),
        XLIFF.format(
            '\n    <target>HELLO <g id="1">BIG</g> WORLD<x id="2"/> &amp; <ph id="3">&lt;keep/&gt;</ph>MORE</target>',
            "<target state='translated'>ONE. TWO.</target>",
        ).replace("<file ", '<file target-language="fr" '),
    ),
    (
        "a.xliff",
        XLIFF_2.format("", ""),
        XLIFF_2.format("", '<target>HELLO <pc id="1">YOU</pc> THERE</target>').replace("<xliff", '<xliff trgLang="fr"'),
    ),
    (
        "a.tmx",
        TMX.format("", "Autre."),
        TMX.format(
            '\n      <tuv lang="fr"><seg>HELLO <bpt i="1">&lt;b&gt;</bpt>YOU<ept i="1">&lt;/b&gt;</ept> THERE.</seg></tuv>',
            "SECOND.",
        ),
    ),
    ("a.txt", "One. Two.\n\n\tThree", "ONE. TWO.\n\n\tTHREE"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "document", "wanted"), GOLDEN, ids=[name for name, _, _ in GOLDEN])
def test_the_right_segments_are_touched_and_nothing_else(name: str, document: str, wanted: str) -> None:
    before = document.encode()
    assert translate_document(name, before, same, target="fr") == before
    assert translate_document(name, before, upper, target="fr").decode() == wanted
    if name.endswith(("xlf", "xliff")):  # what is filled is left alone the second time
        assert translate_document(name, wanted.encode(), lambda _: [], target="fr").decode() == wanted


pieces = st.lists(
    st.sampled_from(
        [
            *'<>&|*_`#-[]()"\\:{}. \n\r\t1aé。',
            "\r\n",
            "\n\n",
            "```",
            "---",
            "<b>",
            "</b>",
            "<0>",
            "a b. C d",
            "-->",
        ]
        + [
            "00:01.000 --> 00:02.000\n",
            "msgid ",
            'msgstr ""\n',
            'msgid "a"\n',
            "#, fuzzy\n",
            "| a | b |\n",
            "1\n",
            "**",
        ]
    )
).map("".join)


@pytest.mark.parametrize("kind", [".html", ".md", ".po", ".srt", ".txt", ".vtt"])
@given(text=pieces | st.text(), mark=st.sampled_from(["", "\ufeff"]))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_any_text_comes_back_as_it_was(kind: str, text: str, mark: str) -> None:
    data = (mark + text).encode()
    assert translate_document(f"a{kind}", data, same) == data
    translate_document(f"a{kind}", data, upper)  # and nothing makes it stumble


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30)


@given(st.lists(words, max_size=4), st.data())
@settings(derandomize=True, max_examples=100, deadline=None)
def test_exchange_formats_hold_any_words(texts: list[str], data: st.DataObject) -> None:
    inside = "".join(
        f"<g id='{number}'>{text.translate({38: '&amp;', 60: '&lt;', 62: '&gt;'})}</g>"
        for number, text in enumerate(texts)
        if not re.search("[\ufffe\uffff]", text)
    )
    xliff = XLIFF_2.format("", "").replace("there", inside).encode()
    assert translate_document("a.xliff", xliff, same, target="fr") == xliff
    answer = translate_document("a.xliff", xliff, lambda some: [data.draw(words) for _ in some], target="fr")
    translate_document("a.xliff", answer, same, target="fr")  # still well-formed


def test_a_translation_that_is_wanting_is_made_anew() -> None:
    wanting = XLIFF.format("", '<target state="needs-translation">Vieux</target>').encode()
    written = translate_document("a.xliff", wanting, upper, target="fr").decode()
    assert '<target state="translated">ONE. TWO.</target>' in written
    assert "Vieux" not in written


CATALOGUE = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=n>1;\\n"

# a translator's note
#, fuzzy, c-format
#| msgid "Old"
msgid "Hello %s, 100% of {name}"
msgstr "Bonjour"

msgid "Kept"
msgstr "Gardez"

#: a.c:1
msgctxt "menu"
msgid "One file"
msgid_plural "%d files"
msgstr[0] ""
msgstr[1] ""
#, fuzzy
msgid ""
"Line \\"one\\"\\n"
"Line\\ttwo\\n"
msgstr ""

#~ msgid "gone"
#~ msgstr ""
"""


def test_a_catalogue_is_filled() -> None:
    assert translate_document("a.po", CATALOGUE.encode(), same) == CATALOGUE.encode()
    written = translate_document("a.po", CATALOGUE.encode(), upper).decode()
    old, new = polib.pofile(CATALOGUE), polib.pofile(written)
    assert [one.msgid for one in new] == [one.msgid for one in old]
    hello, kept, files, lines, gone = new
    assert hello.msgstr == "HELLO %s, 100% OF {name}"
    assert hello.flags == ["c-format"]
    assert (hello.tcomment, hello.previous_msgid) == ("a translator's note", "Old")
    assert kept.msgstr == "Gardez"
    assert files.msgstr_plural == {0: "ONE FILE", 1: "%d FILES"}
    assert files.msgctxt == "menu"
    assert (lines.msgstr, lines.flags) == ('LINE "ONE"\nLINE\tTWO\n', [])
    assert gone.obsolete
    assert not gone.msgstr
    assert new.metadata == old.metadata


@given(st.lists(st.tuples(st.text(min_size=1), st.booleans(), st.booleans()), max_size=4))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_catalogues_that_polib_writes(entries: list[tuple[str, bool, bool]]) -> None:
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    for number, (text, done, fuzzy) in enumerate(entries):
        # What polib doesn't escape it cannot read again either.
        plain = re.sub(
            "[\x00-\x08\x0b-\x1f\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\\\\]", "", text
        )
        entry = polib.POEntry(msgid=f"a{number} {plain}", msgstr="done" if done else "")
        entry.flags = ["fuzzy"] if fuzzy else []
        catalogue.append(entry)
    data = str(catalogue).encode()
    assert translate_document("a.po", data, same) == data
    written = polib.pofile(translate_document("a.po", data, lambda some: ["x"] * len(some)).decode())
    for entry, (_, done, fuzzy) in zip(written, entries, strict=True):
        assert (entry.msgstr == "done") == (done and not fuzzy)
        assert not entry.fuzzy


def word(fill: Callable[[docx.document.Document], None]) -> bytes:
    document = docx.Document()
    fill(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def some_paragraphs(document: docx.document.Document) -> None:
    document.add_heading("The head", 1)
    paragraph = document.add_paragraph("Some ")
    paragraph.add_run("bold").bold = True
    paragraph.add_run(" words & more. ")
    paragraph.add_run("All slanted.").italic = True
    paragraph.add_run("\tafter a tab")
    document.add_table(1, 1).cell(0, 0).text = "In a cell"
    document.sections[0].header.paragraphs[0].text = "On top"


def test_a_word_document_is_translated() -> None:
    data = word(some_paragraphs)
    assert translate_document("a.docx", data, same) == data
    seen: list[str] = []
    written = translate_document("a.docx", data, lambda some: seen.extend(some) or upper(some))
    assert "Some <0>bold</0> words & more." in seen
    new = docx.Document(io.BytesIO(written))
    head, paragraph = new.paragraphs
    assert all(run.text for one in new.paragraphs for run in one.runs)  # none is left empty
    assert head.text == "THE HEAD"
    assert head.style.name == "Heading 1"
    runs = [(run.text, run.bold, run.italic) for run in paragraph.runs if run.text.strip()]
    assert runs[:3] == [("SOME ", None, None), ("BOLD", True, None), (" WORDS & MORE. ", None, None)]
    assert runs[3] == ("ALL SLANTED.", None, True)
    assert paragraph.text == "SOME BOLD WORDS & MORE. ALL SLANTED.\tafter a tab"
    assert new.tables[0].cell(0, 0).text == "IN A CELL"
    assert new.sections[0].header.paragraphs[0].text == "ON TOP"
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(io.BytesIO(written)) as now:
        assert old.namelist() == now.namelist()
        changed = {part for part in old.namelist() if old.read(part) != now.read(part)}
    assert changed == {"word/document.xml", "word/header1.xml"}


def test_words_of_a_word_document_may_move() -> None:
    written = translate_document(
        "a.docx", word(some_paragraphs), lambda some: [" ".join(one.split(" ")[::-1]) for one in some]
    )
    paragraph = docx.Document(io.BytesIO(written)).paragraphs[1]
    assert paragraph.text.startswith("more. & words bold Some ")
    assert [run.text for run in paragraph.runs if run.bold] == ["bold"]


BOMB = "<!DOCTYPE a [<!ENTITY a0 'ha'>{}]><tmx>&a30;</tmx>".format(
    "".join(f"<!ENTITY a{n} '&a{n - 1};&a{n - 1};'>" for n in range(1, 31))
)
OUTSIDE = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><xliff>&a;</xliff>'


def packed(*parts: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in parts:
            out.writestr(name, content)
    return buffer.getvalue()


HOSTILE = {
    "laughs": ("a.tmx", BOMB.encode()),
    "laughs in docx": ("a.docx", packed(("word/document.xml", BOMB.encode()))),
    "outside": ("a.xliff", OUTSIDE.encode()),
    "zip bomb": ("a.docx", packed(("word/document.xml", bytes(40 << 20)))),
    "many parts": (
        "a.docx",
        packed(("word/document.xml", b"<a/>"), *[(f"x{n}", b"") for n in range(10_001)]),
    ),
    "leaves its folder": ("a.docx", packed(("word/document.xml", b"<a/>"), ("../../x", b""))),
    "rooted": ("a.docx", packed(("word/document.xml", b"<a/>"), ("/x", b""))),
    "no zip": ("a.docx", b"PK\x03\x04" + bytes(100)),
    "no word": ("a.docx", packed(("x", b"<a/>"))),
    "huge": ("a.txt", b"a" * (17 << 20)),
    "elements": ("a.tmx", b"<tmx>" + b"<a/>" * 900_000 + b"</tmx>"),
    "cut short": ("a.tmx", b"<tmx><a>"),
    "other root": ("a.xliff", b"<tmx/>"),
    "no language": ("a.tmx", b"<tmx/>"),
    "bytes": ("a.html", b"caf\xe9"),
    "no format": ("a.exe", b""),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_documents_are_refused_at_once(case: str) -> None:
    name, data = HOSTILE[case]
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(Mistake) as caught:
            translate_document(name, data, same)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 1
    assert peak < 200 << 20
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
    why = {"zip bomb": "unpacks to over", "huge": "is over", "laughs": "entities", "outside": "entities"}
    assert why.get(case, "") in str(caught.value)


def test_a_deep_document_is_read() -> None:
    page = b"<xliff version='1.2'>" + b"<group>" * 100_000 + b"</group>" * 100_000 + b"</xliff>"
    assert translate_document("a.xliff", page, same) == page


def test_other_encodings_are_kept() -> None:
    assert translate_document("a.txt", "né".encode("utf-16"), upper) == "NÉ".encode("utf-16")
    xml = "<?xml version='1.0' encoding='iso-8859-1'?>" + XLIFF_2.format("", "").replace("you", "é")
    written = translate_document("a.xliff", xml.encode("latin-1"), lambda some: [one + "中" for one in some])
    assert "é" in written.decode("latin-1")
    assert "&#20013;" in written.decode("latin-1")
    catalogue = CATALOGUE.replace("UTF-8", "ISO-8859-1").replace("Kept", "é").encode("latin-1")
    assert translate_document("a.po", catalogue, same) == catalogue
    with pytest.raises(Mistake, match="UTF-8"):
        translate_document("a.po", catalogue, lambda some: ["中"] * len(some))


LINEAR = [kind for kind in FORMATS if kind not in (".docx", ".tmx", ".xliff")]


@pytest.mark.parametrize("kind", LINEAR)
@pytest.mark.parametrize(
    "piece",
    ["|a", "a|b\n", "# ", "- ", "`a", "![", "[a", "*", "\n", " ", "$a", "> ", "msgid\n", '"', "1\n-->\na\n\n"]
    + ["<b></b>", "a<b>", "- a\n", "```\n", "#,\n", 'msgid "a"\nmsgstr ""\n', "\\", "\u2028"],
)
def test_time_grows_with_the_document_and_no_faster(kind: str, piece: str) -> None:
    data = f"a {piece * ((8_000 if len(piece) > 2 else 40_000) // len(piece))}a".encode()
    began = time.process_time()
    assert translate_document(f"A{kind.upper()}", data, same) == data
    assert time.process_time() - began < 4


def test_cells_of_a_table_are_segments() -> None:
    seen: list[str] = []
    translate_document(
        "a.md", b"one | two\n--- | ---\nthree | four\n", lambda some: seen.extend(some) or some
    )
    assert seen == ["one", "two", "three", "four"]


def test_an_encoding_that_would_not_come_back_equal_is_refused() -> None:
    catalogue = b'msgid ""\nmsgstr "charset=UTF-7"\n\nmsgid "+AGE-"\nmsgstr ""\n'
    with pytest.raises(Mistake, match="UTF-7"):
        translate_document("a.po", catalogue, same)
