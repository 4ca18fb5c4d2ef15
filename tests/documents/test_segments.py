"""Texts and pages: what is a segment, what stays, and what becomes of tags."""

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.documents import translate_html, translate_text, without_placeholders
from latimer.documents.inline import repaired
from latimer.documents.sentences import sentences

SENTENCES = """
Dr. Smith paid 3.50 euros.|“Really?” she said.|He left... and came back.|J. R. R. Tolkien wrote it.
1. The first thing.|He came.|Wait!|What?!|Then he (at last) left.|It costs 5 euros.|See fig. 3 there.
你好。|再见！|「はい。」と言った。|هل أنت بخير؟|نعم.|Ça va…|Voilà.|यह है।|ठीक।
Mr. Jones met Mrs. Brown, e.g. at home.|He works at Apple Inc. in May.
"""

markup = st.lists(
    st.sampled_from(
        [
            *"<>&/ \n.a。é\u00a0",
            "<b>",
            "</b>",
            "<i class='x>y'>",
            "</i>",
            "<br>",
            "<img src=a>",
            "&amp;",
            "&eacute;",
            "<p>",
            "</p>",
            "<code>x</code>",
            "<!-- a -->",
            "<script>",
            "</script>",
            "<0>",
            "</0>",
            "<1/>",
            "One. Two.",
        ]
    )
).map("".join)


def upper(segments: list[str]) -> list[str]:
    return [segment.upper() for segment in segments]


def same(segments: list[str]) -> list[str]:
    return segments


def backwards(segments: list[str]) -> list[str]:
    return [" ".join(segment.split(" ")[::-1]) for segment in segments]


@given(st.text() | markup, st.integers(1, 40))
@settings(derandomize=True, deadline=None)
def test_text_comes_back_as_it_was(text: str, limit: int) -> None:
    seen: list[str] = []

    def watched(segments: list[str]) -> list[str]:
        seen.extend(segments)
        return segments

    assert translate_text(text, watched, limit=limit) == text
    assert all(len(re.sub(r"</?\d{1,9}/?>", "", segment)) <= limit for segment in seen)


@given(st.text() | markup, st.integers(1, 40))
@settings(derandomize=True, deadline=None)
def test_spans_hold_all_that_is_not_space(text: str, limit: int) -> None:
    spans = sentences(text, limit)
    outside = [
        *zip([0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)], strict=True)
    ]
    assert all(not text[start:end].strip() for start, end in outside)
    assert all(
        0 < end - start <= limit and text[start:end] == text[start:end].strip() for start, end in spans
    )


@pytest.mark.parametrize("line", SENTENCES.strip().splitlines())
def test_sentences_are_found(line: str) -> None:
    wanted = line.split("|")
    glue = [" " if not re.match("[一-鿿「]", one) else "" for one in wanted[1:]]
    text = wanted[0] + "".join(space + one for space, one in zip(glue, wanted[1:], strict=True))
    assert [text[start:end] for start, end in sentences(text)] == wanted


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("one two three, four five six", 20, ["one two three,", "four five six"]),
        ("one two three four", 9, ["one two", "three", "four"]),
        ("aaaaaaaaaa", 4, ["aaaa", "aaaa", "aa"]),
        ("aaae\u0301aaa", 4, ["aaa", "e\u0301aa", "a"]),
        ("一二三，四五六七八九", 6, ["一二三，", "四五六七八九"]),
    ],
)
def test_long_sentences_are_cut_at_the_best_place(text: str, limit: int, pieces: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text, limit)] == pieces


def test_space_between_sentences_follows_the_script() -> None:
    english = {"你好。": "Hello.", "再见。": "Bye."}
    chinese = {new: old for old, new in english.items()}
    assert translate_text("你好。再见。", lambda some: [english[one] for one in some]) == "Hello. Bye."
    assert translate_text("Hello. Bye.", lambda some: [chinese[one] for one in some]) == "你好。再见。"
    assert translate_text("Hello.  Bye.\n", upper) == "HELLO.  BYE.\n"


def test_a_line_stays_a_line() -> None:
    assert translate_text("a\r\nb", lambda some: [f"{one}\n{one}" for one in some]) == "a a\r\nb b"


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("<p class='a b'>one <b>two</b> three</p>", "<p class='a b'>three <b>two</b> one</p>"),
        ("<p><b>one two</b></p>", "<p><b>two one</b></p>"),
        ("one two<br>three four", "two one<br>four three"),
        ("<p>x &lt; y &amp; z", "<p>z &amp; y &lt; x"),
        ("use <code>a b</code> here now", "now here <code>a b</code> use"),
        (
            "<script>a b</script><!-- a b --><style>a b</style>",
            "<script>a b</script><!-- a b --><style>a b</style>",
        ),
        ('<p translate="no">a b</p><div class="x notranslate"><div>a</div>c d</div>e f', None),
        ("a <span translate=no>b c</span> d", "d <span translate=no>b c</span> a"),
        ("<title>a b</title><pre>c d</pre><td>e f", "<title>b a</title><pre>c d</pre><td>f e"),
        ("a&nbsp;b c\n  d", "d c a&nbsp;b"),
        ("a b <img src='x y'/>", "b a <img src='x y'/>"),
        ("</i>a b<b>", "</i>b a<b>"),
        (
            "<!DOCTYPE html>\n<a href='x y' title=\"z>w\">a b</a>",
            "<!DOCTYPE html>\n<a href='x y' title=\"z>w\">b a</a>",
        ),
        ("a <3> b", "b &lt;3&gt; a"),
    ],
)
def test_only_words_are_translated(page: str, wanted: str | None) -> None:
    assert translate_html(page, backwards) == (wanted or page.replace("e f", "f e"))


@given(markup)
@settings(derandomize=True, deadline=None)
def test_a_page_comes_back_as_it_was(page: str) -> None:
    assert translate_html(page, same) == page


@given(markup, st.data())
@settings(derandomize=True, deadline=None)
def test_tags_are_kept_whatever_comes_back(page: str, data: st.DataObject) -> None:
    """A translator that returns nonsense loses no tag, adds none, and opens what it closes."""
    noise = st.lists(st.sampled_from(["<0>", "</0>", "<1>", "</1>", "<2/>", "<7>", "<1/>", "wo", " "])).map(
        "".join
    )
    written = translate_html(page, lambda some: [data.draw(noise) for _ in some])
    tags = re.compile(r"</?(?:b|i|p)\b[^<>]*>|<br>|<img src=a>|<code>x</code>")
    assert sorted(tags.findall(written)) == sorted(tags.findall(page))


@given(st.lists(st.sampled_from(["<0>", "</0>", "<1>", "</1>", "<2/>", "<9/>", "a", " b "])).map("".join))
@settings(derandomize=True, deadline=None)
def test_placeholders_end_up_nested(answer: str) -> None:
    parts = repaired("x <0>y <1>z</1> w</0> v <2/> u", answer)
    stack = []
    for part in parts:
        if isinstance(part, tuple):
            if part[1] == "open":
                stack.append(part[0])
            elif part[1] == "close":
                assert stack.pop() == part[0]
    assert not stack
    found = sorted(part for part in parts if isinstance(part, tuple))
    assert found == sorted([(0, "open"), (0, "close"), (1, "open"), (1, "close"), (2, "alone")])
    plain = re.sub(r"</?\d+/?>", "", answer)
    assert "".join(part for part in parts if isinstance(part, str)) == plain


def test_a_lost_tag_goes_where_its_words_stood() -> None:
    assert repaired("one two <0>three</0>", "eins zwei drei") == [
        "eins zwei ",
        (0, "open"),
        "drei",
        (0, "close"),
        "",
    ]
    assert repaired("one <0/> two", "eins zwei") == ["eins ", (0, "alone"), "zwei"]


def test_a_translator_that_knows_no_placeholders_sees_none() -> None:
    seen: list[str] = []

    def known(segments: list[str]) -> list[str]:
        seen.extend(segments)
        return ["EINS ZWEI DREI" if "one" in one else one for one in segments]

    page = "<p>one two <b>three</b><p>kept <i>as</i> it&#32;is"
    wanted = "<p>EINS ZWEI <b>DREI</b><p>kept <i>as</i> it&#32;is"
    assert translate_html(page, without_placeholders(known)) == wanted
    assert seen == ["one two three", "kept as it is"]


def test_a_sentence_is_cut_at_a_tag_that_ends_in_another() -> None:
    seen: list[str] = []
    page = "<p>He said <i>hello. Goodbye now</i> and left.</p>"
    translate_html(page, lambda some: seen.extend(some) or some)
    assert seen == ["He said", "hello.", "Goodbye now", "and left."]


def test_a_wrong_number_of_translations_is_told() -> None:
    with pytest.raises(ValueError, match="2 segments"):
        translate_text("One. Two.", lambda some: some[:1])


# In a process of its own: here the types of every call are checked, which takes ten times as long as it.
TIMED = """
import sys, time
from latimer.documents import translate_html, translate_text
page = sys.stdin.read()
began = time.process_time()
assert translate_html(page, list) == page
assert translate_text(page, list) == page
print(time.process_time() - began)
"""


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        '<a "',
        "<!--",
        "<?",
        "<b>",
        "</b>",
        "<code>",
        "<code>x</code>",
        "<p translate=no>",
        ".",
        "a. ",
        '!"',
        "<0>",
        "&",
        " ",
    ],
)
def test_time_grows_with_the_page_and_no_faster(piece: str) -> None:
    page = piece * (200_000 // len(piece))
    command = [sys.executable, "-c", TIMED]
    done = subprocess.run(command, input=page, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 3
