"""What is protected comes out once, byte for byte, whatever the model says."""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.arrangement import Asked, Said, Say, arrange, arrange_whole, translated
from latimer.protection import Known, find, keeps, keeps_numbers, ways
from latimer.tagging import diagonal, place, strip, words

PROTECTED = [
    *("{name}", "{0}", "%1$s", "%(x)d", "%s", "{{count}}", "{{ a b }}", "<0/>", "me@x.example.org"),
    *("https://example.org/a?b=c&d=1", "www.example.org", '<a href="x  y">', "</a>", "<b>", "</b>", "<br />"),
]
LINES = st.lists(
    st.sampled_from([*PROTECTED, "a", "dog", ".", ", ", " ", "  ", "12", "2,048", "É"]), max_size=9
).map("".join)
MODELS: dict[str, Callable[[str], list[str]]] = {
    "copies": lambda text: [text, text.upper()],
    "says nothing": lambda text: [""],
    "finds nothing": lambda text: [],
    "doubles": lambda text: [f"{text} {text}"],
    "reverses": lambda text: [" ".join(reversed(text.split()))],
    "invents": lambda text: ["<b> {name} me@x.example.org 2048", "https://example.org/a"],
}
BYTES = Known(spells=lambda span: False)
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def saying(model: Callable[[str], list[str]], seen: list[str] | None = None) -> Say:
    """A model that looks at nothing, as a guard would ask it."""

    def say(asked: Sequence[Asked]) -> list[list[Said]]:
        found = []
        for part, *_ in asked:
            if seen is not None:
                seen.append(part.text)
            there = words(part.text)
            texts = model(part.text)
            found.append([Said(place(t, part.tags, there, diagonal(words(t), there))) for t in texts])
        return found

    return say


def said(text: str, model: Callable[[str], str], *, spelled: bool = True) -> Said:
    units = arrange(text, len, 100, Known(spells=lambda span: spelled))
    return translated([units], saying(lambda part: [model(part)]))[0][0]


@every_model
@settings(max_examples=40, deadline=None)
@given(texts=st.lists(LINES, max_size=3), longest=st.sampled_from([3, 12, 100]), spelled=st.booleans())
def test_every_protected_span_comes_out_once(
    model: Callable[[str], list[str]], texts: list[str], longest: int, spelled: bool
) -> None:
    lines = [arrange(text, len, longest, Known(spells=lambda span: spelled)) for text in texts]
    found = translated(lines, saying(model))
    assert len(found) == len(texts)
    for text, some in zip(texts, found, strict=True):
        assert bool(some) is bool(text.strip())
        assert all(keeps(find(text), one.text) for one in some)


@every_model
@settings(max_examples=25, deadline=None)
@given(text=LINES)
def test_a_line_is_translated_alone_as_among_others(model: Callable[[str], list[str]], text: str) -> None:
    lines = [arrange(one, len, 12) for one in (text, "a {name} dog", text)]
    first, _, last = translated(lines, saying(model))
    assert first == last == translated(lines[:1], saying(model))[0]


@pytest.mark.parametrize("span", PROTECTED)
def test_each_kind_is_found_whole(span: str) -> None:
    found = find(f"See {span}, then go.")
    assert [tag for tag, _ in found.tags] + [*found.others] == [span]


def test_ordinary_text_holds_none() -> None:
    text = "It is 5 < 6, 7 > 3, 50% of {what we have}; 3/4 @ home."
    assert not any(find(text))
    assert len(ways(text)) == 1


def test_the_better_way_comes_first() -> None:
    assert said("go {name} now", lambda part: part.replace("go", "va")).text == "va {name} now"
    turned = said("go {name} now", lambda part: "maintenant 37 va" if "37" in part else "rien")
    assert turned.text == "maintenant {name} va"
    turned = said("go {name} now", lambda part: "maintenant Alex va" if "Alex" in part else "rien")
    assert turned.text == "maintenant {name} va"
    around = said("Hi {name}, you see.", lambda part: {"Hi": "Ha", "you see": "Tu vois."}.get(part, "rien"))
    assert around.text == "Ha {name}, tu vois."
    number = said("He has 3,512 dogs.", lambda part: "37 chiens" if "37" in part else "trois52 chiens")
    assert number == Said("3,512 chiens")
    parts = {"He has": "Il a", "dogs": "Chiens."}
    assert said("He has 3512 dogs.", lambda part: parts.get(part, "des chiens")).text == "Il a 3512 chiens."
    assert said("He has 3512 dogs.", lambda part: "3 512 chiens").text == "3 512 chiens"


def test_a_way_is_searched_only_for_what_the_ways_before_lost() -> None:
    texts = ["a {name} dog", "a dog", "go 2048", "lose {name}", "<b>a</b> dog"]
    seen: list[str] = []
    model = saying(lambda part: [part.replace("{name}", "") if "lose" in part else part], seen)
    translated([arrange(text, len, 100) for text in texts], model)
    assert seen[:5] == texts
    assert seen[5:] == ["lose 37"]
    # What the subwords can't spell is not tried as it stands.
    seen.clear()
    translated([arrange("a {name} <b>dog</b>", len, 100, BYTES)], model)
    assert seen == ["a 37 dog"]
    seen.clear()
    rare = Known(spells=lambda span: False, copies=lambda word: False)
    translated([arrange("a {name} <b>dog</b>", len, 100, rare)], model)
    assert seen == ["a", "dog"]


def test_in_a_begun_translation_spans_are_terms_where_no_word_stands_for_them() -> None:
    def model(asked: Sequence[Asked]) -> list[list[Said]]:
        return [[Said(" ".join(["va", *one.part.terms]))] for one in asked]

    for text, expected in (
        ("go {name} to me@x.example.org", "va {name} me@x.example.org"),
        ("go 2048", "va 2048"),
    ):
        assert translated([arrange_whole(text)], model, prefix="v") == [[Said(expected)]]
    lost = saying(lambda part: ["va des chiens"])
    assert translated([arrange_whole("go 2048")], lost, prefix="va")[0][0].flags == ("number",)


def test_a_prefix_is_kept_before_what_is_protected() -> None:
    def answer(model: Callable[[str], str]) -> Said:
        units = arrange_whole("go {name} now")
        return translated([units], saying(lambda part: [model(part)]), prefix="Va ")[0][0]

    assert answer(lambda part: part.replace("go", "Va")) == Said("Va {name} now")
    assert answer(lambda part: "Va Alex." if "Alex" in part else "{name}") == Said("Va {name}.")
    assert answer(lambda part: "Va." if "{name}" in part else "{name}") == Said("Va.", flags=("unprotected",))


# --- tags move with their words


def by_words(text: str, order: Sequence[int]) -> Callable[[str], str]:
    """Puts tags where words went that only changed places: word t of the translation is word order[t]."""

    def tagged(source: str) -> str:
        def say(asked: Sequence[Asked]) -> list[list[Said]]:
            [(part, *_)] = asked
            spelled = part.text.split()
            translation = " ".join(spelled[place] for place in order)
            return [[Said(place(translation, part.tags, words(part.text), np.eye(len(order))[list(order)]))]]

        [[one]] = translated([arrange(source, len, 200, BYTES)], say)
        return one.text

    return tagged


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a <b>c</b> d e", "e d <b>c</b> a"),
        ("<b>a c</b> d e", "e d <b>c a</b>"),
        ("<b>a</b> c <i>d e</i>", "<i>e d</i> c <b>a</b>"),
        ("<b>a <i>c</i> d</b> e", "e <b>d <i>c</i> a</b>"),
        ("<b><i>a</i> c</b> d e", "e d <b>c <i>a</i></b>"),
        ("a c <br/> d e", "e d <br/> c a"),
        ("<0/> a c d e", "<0/> e d c a"),
        ("a c d e<0/>", "e d c a<0/>"),
        ("a <b></b>c d e", "e d c <b></b>a"),
        ("<b>a c d e</b>", "<b>e d c a</b>"),
        ("a <b>c <0/>d</b> e", "e <b>d <0/>c</b> a"),
    ],
)
def test_in_a_model_that_reverses_the_tags_reverse(source: str, expected: str) -> None:
    assert by_words(source, [3, 2, 1, 0])(source) == expected


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(6)), st.lists(st.sampled_from("012345bi/"), max_size=14), st.data())
def test_whatever_the_order_each_pair_stands_around_what_it_stood_around(
    order: list[int], noise: list[str], data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, 5))
    spelled = [f"w{number}" for number in range(6)]
    source = " ".join([*spelled[:start], f"<b>{spelled[start]}</b>", *spelled[start + 1 :]])
    assert f"<b>w{start}</b>" in by_words(source, order)(source)
    mixed = " ".join({"b": "<b>", "i": "<i>x</i>", "/": "</b>"}.get(one, f"w{one}") for one in noise)
    moved = list(range(len([one for one in noise if one not in "b/"])))
    if moved and find(mixed).tags:
        found = by_words(mixed, moved[::-1])(mixed)
        assert keeps(find(mixed), found)
        assert sorted(strip(found)[0].split()) == sorted(strip(mixed)[0].split())


@pytest.mark.parametrize(
    ("source", "kept", "lost"),
    [
        ("at 10:30", ["à 10:30", "à 10 h 30.", "10h30", "10.30"], ["à 1030", "30:10", "10 ans", "110:30"]),
        ("1,234.5 km", ["1 234,5 km", "1.234,5", "1234.5"], ["12345", "1,234", "1234"]),
        ("on 12/05/1987", ["12.05.1987", "12-05-1987"], ["1987", "12/05/87"]),
        ("call 06 12 34 56", ["06 12 34 56", "06.12.34.56"], ["06 12 34", "06123456"]),
        ("2048 men", ["2048", "2 048", "2,048", "\u0662\u0660\u0664\u0668"], ["20 48", "12048", "20482"]),
        ("two of 12", ["deux"], []),
    ],
)  # fmt: skip
def test_a_number_is_the_same_in_whichever_way(source: str, kept: list[str], lost: list[str]) -> None:
    assert all(keeps_numbers(find(source), text) for text in kept)
    assert not any(keeps_numbers(find(source), text) for text in lost)


@pytest.mark.parametrize(
    "text", ["<b>go</b> at 10:30", "go <b>at 10:30</b>, 12/05/1987", "06 12 34 56 <i>x</i>"]
)
def test_times_and_dates_come_through_beside_tags(text: str) -> None:
    one = said(text, lambda part: re.sub(r"\d", "", part))
    assert keeps(find(text), one.text)
    assert keeps_numbers(find(text), one.text)
    assert one.flags == ()


def test_a_line_is_no_longer_for_its_tags_and_addresses() -> None:
    def units(text: str) -> int:
        return len(arrange(text, len, 16))

    assert units("a <b>dog</b> runs") == units("go to someone@example.org") == 1
    assert units("a <b>dog</b> of the town") == 2


def test_punctuation_stays_outside_and_spaces_where_they_were() -> None:
    weights = np.array([[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0.0]])
    units = arrange("go, <b>dog</b>!", len, 100, BYTES)
    [[part]] = [way for way in units[0].ways if way[0].tags]
    assert [tag.at for tag in part.tags] == [3, 6]
    there = words(part.text)
    found = place("! , chien va", part.tags, there, weights)
    assert found == "! , <b>chien</b> va"
    assert place("chien", part.tags, there, np.ones((1, 4))) == "<b>chien</b>"
    assert place("", part.tags, there, np.ones((0, 4))) == "<b></b>"
