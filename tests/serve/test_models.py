"""A trained model as the queue asks it: whatever stands beside a text, its answers are the translator's."""

import re
from pathlib import Path

import pytest

from latimer.explaining import explain
from latimer.search.settings import Wishes
from latimer.serve.models import Answer, Glossary, Manner, Search, search_of
from latimer.translator import Translation, Translator

TEXTS = ["I see a dog.", "you want my {name} boat.", "12 !", "she hears the friend."]


@pytest.fixture(scope="module")
def translator(shipped: Path) -> Translator:
    return Translator.load(shipped, engine="onnx")


@pytest.fixture(scope="module")
def search(translator: Translator) -> Search:
    return search_of(translator)


def plain(found: list[list[Translation]]) -> list[list[Answer]]:
    return [[Answer(one.text, pytest.approx(one.confidence, abs=1e-4)) for one in some] for some in found]


@pytest.mark.parametrize("beam", [1, 3])
def test_without_wishes_it_is_the_translator(search: Search, translator: Translator, beam: int) -> None:
    assert search(TEXTS, Manner(beam)) == plain(translator.hypotheses(TEXTS, beam=beam))
    assert search([], Manner(beam)) == []


def test_only_texts_that_hold_a_term_are_bound(search: Search, translator: Translator) -> None:
    terms: Glossary = (("Dog", ("xy", "zz")), ("cat", ("chat",)))
    found = search(TEXTS, Manner(2, terms))
    assert found[0] == plain(translator.hypotheses(TEXTS[:1], beam=2, wishes=Wishes(glossary=terms)))[0]
    assert all(re.search(r"\b(xy|zz)\b", one.text) for one in found[0])
    assert found[1:] == plain(translator.hypotheses(TEXTS[1:], beam=2))


def test_a_term_is_said_beside_a_protected_span(search: Search) -> None:
    [some] = search(TEXTS[1:2], Manner(2, (("boat", ("xy",)),)))
    assert all("{name}" in one.text and "xy" in one.text for one in some)


@pytest.mark.parametrize("terms", [(), (("dog", ("xy",)),)])
def test_the_best_is_explained(search: Search, translator: Translator, terms: Glossary) -> None:
    freely, found = search(TEXTS, Manner(2, terms)), search(TEXTS, Manner(2, terms, explain=True))
    for text, some, its in zip(TEXTS, found, freely, strict=True):
        assert [one.text for one in some] == [one.text for one in its]
        assert [one.explained is None for one in some[1:]] == [True] * len(some[1:])
        [wanted] = explain(translator, [(text, some[0].text)])
        said = some[0].explained
        assert said is not None
        assert wanted is not None
        assert (said.source, said.target) == (text.split(), some[0].text.split())
        assert said.attention == pytest.approx(wanted.attention, abs=0.05)


def test_tags_go_to_the_model_and_are_not_explained(search: Search) -> None:
    [[answer]] = search(["I <0>see</0> a dog."], Manner(1, explain=True))
    assert {"<0>", "</0>"} <= set(re.findall("<[^>]*>", answer.text))
    assert answer.explained is not None
    assert answer.explained.source == ["I", "see", "a", "dog."]
    assert answer.explained.target == re.sub("<[^>]*>", "", answer.text).split()
