"""A model as the queue asks it: translations of many texts at once, terms said as wanted, words explained."""

from collections.abc import Callable
from typing import Any, NamedTuple

from latimer.documents.inline import PLACEHOLDER
from latimer.explaining import Explained, explain
from latimer.search.settings import Wishes
from latimer.translator import Translator

Glossary = tuple[tuple[str, tuple[str, ...]], ...]  # terms, and the forms that each may take


class Manner(NamedTuple):
    """How texts are translated: those that want the same go together."""

    beam: int
    glossary: Glossary = ()
    explain: bool = False


class Answer(NamedTuple):
    """One way to say a text, and its confidence, as of a Translation."""

    text: str
    confidence: float
    explained: Explained | None = None


Search = Callable[[list[str], Manner], list[list[Any]]]
"""The answers to each text, best first; where it was asked for, the best one is explained."""


def search_of(translator: Translator) -> Search:
    """The search of a translator."""

    def search(texts: list[str], manner: Manner) -> list[list[Answer]]:
        wishes = Wishes(glossary=manner.glossary)
        found = [
            [Answer(one.text, one.confidence) for one in some]
            for some in translator.hypotheses(texts, beam=manner.beam, wishes=wishes)
        ]
        if manner.explain:
            both = zip(texts, [some[0].text if some else "" for some in found], strict=True)
            pairs = [(PLACEHOLDER.sub("", text), PLACEHOLDER.sub("", said)) for text, said in both]
            for some, explained in zip(found, explain(translator, pairs), strict=True):
                some[:1] = [one._replace(explained=explained) for one in some[:1]]
        return found

    return search
