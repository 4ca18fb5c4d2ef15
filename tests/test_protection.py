"""What is protected comes out once, byte for byte, whatever the model says."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.arrangement import Said, arrange, assemble, parts
from latimer.protection import find, keeps, ways

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


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@settings(max_examples=60, deadline=None)
@given(text=LINES, longest=st.sampled_from([3, 12, 100]))
def test_every_protected_span_comes_out_once(
    model: Callable[[str], list[str]], text: str, longest: int
) -> None:
    units = arrange(text, len, longest)
    found = iter([[Said(said) for said in model(part)] for part in parts(units)])
    for said in assemble(units, found):
        assert keeps(find(text), said.text)
    assert next(found, None) is None, "all that was searched is used"


@pytest.mark.parametrize("span", PROTECTED)
def test_each_kind_is_found_whole(span: str) -> None:
    found = find(f"See {span}, then go.")
    assert [*found.tags, *found.others] == [span]


def test_ordinary_text_holds_none() -> None:
    text = "It is 5 < 6, 7 > 3, 50% of {what we have}; 3/4 @ home."
    assert not any(find(text))
    assert len(ways(text)) == 1


def test_the_better_way_comes_first() -> None:
    def say(text: str, model: Callable[[str], str]) -> Said:
        units = arrange(text, len, 100)
        return assemble(units, iter([[Said(model(part))] for part in parts(units)]))[0]

    assert say("go {name} now", lambda part: part.replace("go", "va")).text == "va {name} now"
    turned = say("go {name} now", lambda part: "maintenant Alex va" if "Alex" in part else "rien")
    assert turned.text == "maintenant {name} va"
    around = say("Hi {name}, you see.", lambda part: {"Hi": "Ha", "you see": "Tu vois."}.get(part, "rien"))
    assert around.text == "Ha {name}, tu vois."
    number = say("He has 3,512 dogs.", lambda part: "37 chiens" if "37" in part else "trois52 chiens")
    assert number == Said("3,512 chiens")
    lost = say("He has 3512 dogs.", lambda part: "des chiens")
    assert lost == Said("des chiens", flags=("number",))
    assert say("He has 3512 dogs.", lambda part: "3 512 chiens").text == "3 512 chiens"
