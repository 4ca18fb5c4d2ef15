"""A model as the queue asks it: translations of many texts at once, terms said as wanted, words explained."""

from collections.abc import Callable
from typing import Any, NamedTuple

from latimer.data.text import normalise
from latimer.explaining import Explained, explain
from latimer.protection import find, keeps
from latimer.search.settings import Wishes
from latimer.translator import Translation, Translator

Glossary = tuple[tuple[str, tuple[str, ...]], ...]  # terms, and the forms that each may take


class Manner(NamedTuple):
    """How texts are translated: those that want the same go together."""

    beam: int
    glossary: Glossary = ()
    explain: bool = False


class Answer(NamedTuple):
    """One way to say a text, with its score: the mean log-probability of a piece."""

    text: str
    score: float
    explained: Explained | None = None


Search = Callable[[list[str], Manner], list[list[Any]]]
"""The answers to each text, best first; where it was asked for, the best one is explained."""


def search_of(translator: Translator) -> Search:
    """The search of a translator."""

    def search(texts: list[str], manner: Manner) -> list[list[Answer]]:
        say = _with_terms if manner.glossary else _freely
        found = [[Answer(one.text, one.score) for one in some] for some in say(translator, texts, manner)]
        if manner.explain:
            pairs = [(text, some[0].text if some else "") for text, some in zip(texts, found, strict=True)]
            for some, explained in zip(found, explain(translator, pairs), strict=True):
                some[:1] = [one._replace(explained=explained) for one in some[:1]]
        return found

    return search


def _freely(translator: Translator, texts: list[str], manner: Manner) -> list[list[Translation]]:
    return translator.hypotheses(texts, beam=manner.beam)


def _with_terms(translator: Translator, texts: list[str], manner: Manner) -> list[list[Translation]]:
    """Texts that hold a term as wished; where that loses a protected span, and all others, freely."""
    wishes = Wishes(glossary=manner.glossary)
    bound = [index for index, text in enumerate(texts) if wishes.wanted(normalise(text), lambda form: [])]
    wished = translator.hypotheses([texts[index] for index in bound], beam=manner.beam, wishes=wishes)
    found = {
        index: [one for one in some if keeps(find(texts[index]), one.text)]
        for index, some in zip(bound, wished, strict=True)
    }
    free = [index for index in range(len(texts)) if not found.get(index)]
    found |= zip(free, _freely(translator, [texts[index] for index in free], manner), strict=True)
    return [found[index] for index in range(len(texts))]
