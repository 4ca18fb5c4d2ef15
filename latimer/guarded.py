"""People's text under guard: lines cut, spans protected, runaways searched again, above a plain translator.

What is wished holds beside all that, for each sentence that is searched. Only a prefix leaves less room: a
line with one isn't cut, and where it can't be kept together with the spans of the source, it is kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.arrangement import Asked, Said, Unit, arrange, arrange_whole, flagged, translated
from latimer.data.text import normalise
from latimer.guarding import collapse, sentence_ends, trouble, unknown
from latimer.plain import NOTHING, Answer, PlainTranslator, Query, Ranked
from latimer.protection import Known, Part, find
from latimer.search.settings import Wishes
from latimer.tagging import Words, diagonal, place, words

COMMON = 2  # pieces of a word at most, that training has seen often


class _Sentence(NamedTuple):
    """A part as it is searched; none of it is where the subwords don't know its letters."""

    part: Part
    text: str
    query: Query


class Guard:
    """What is done for the texts of one call; `longest` is how many pieces a sentence may have."""

    def __init__(
        self,
        plain: PlainTranslator,
        *,
        longest: int,
        beam: int,
        length_penalty: float,
        wishes: Wishes = NOTHING,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.plain, self.longest, self.wishes, self.progress = plain, longest, wishes, progress
        self.settings: Any = (beam, length_penalty)
        self.known = Known(plain.says, plain.spells, copies=lambda word: plain.count(word) <= COMMON)
        # The first of a line begins as wished; what is less than a sentence may be short.
        self._wishes = {
            (first, whole): replace(
                wishes,
                prefix=wishes.prefix if first else "",
                min_length=wishes.min_length if whole else 0,
            )
            for first in (True, False)
            for whole in (True, False)
        }

    def translate(self, texts: Sequence[str]) -> list[list[Said]]:
        """The translations of each line, the likeliest first; none of an empty one."""
        lines = [self._without_loops(text) for text in texts]
        found = translated([self._units(line) for line in lines], self._say, prefix=self.wishes.prefix)
        return [
            said if line == text else flagged(said, "loop")
            for text, line, said in zip(texts, lines, found, strict=True)
        ]

    def _without_loops(self, text: str) -> str:
        """The line, its loops shortened, unless sentences or spans go round in them, or it says nothing."""
        if not self.plain.says(text):
            return text
        tokenizer = self.plain.tokenizers.source
        row = tokenizer.encode(normalise(text))
        kept = collapse(row)
        shorter = text if kept == row else tokenizer.decode(kept)
        kept_whole = all(some(shorter) == some(text) for some in (find, sentence_ends))
        return shorter if kept_whole else text

    def _units(self, text: str) -> list[Unit]:
        if self.wishes.prefix:
            return arrange_whole(text, self.known)
        return arrange(text, self.plain.count, self.longest, self.known)

    def _say(self, asked: Sequence[Asked]) -> list[list[Said]]:
        """The translations of each part, those in trouble searched again, with their tags."""

        def advance(chosen: list[int]) -> None:
            if self.progress is not None:
                self.progress(sum(asked[index].first and asked[index].new for index in chosen))

        sentences = [self._sentence(one) for one in asked]
        queries = [sentence.query for sentence in sentences]
        answers = self._sound(sentences, self.plain.answer(queries, *self.settings, advance=advance))
        found = [
            [self._said(answer, hypothesis) for hypothesis in answer.hypotheses]
            if sentence.query.row
            else [Said(self.plain.spaced(sentence.text), flags=("unknown",))]
            for sentence, answer in zip(sentences, answers, strict=True)
        ]
        self._tag(sentences, answers, found)
        return found

    def _sentence(self, asked: Asked) -> _Sentence:
        part, wishes = asked.part, self._wishes[asked.first, asked.whole]
        text = normalise(part.text)
        encode = self.plain.tokenizers.source.encode
        if unknown(self.plain.tokenizers.source.pieces(encode(normalise(part.words)))):
            return _Sentence(part, text, Query([]))
        if wishes.prefix and (part.instead or part.tags):
            wishes = replace(wishes, prefix=part.prefix(wishes.prefix))
        wanted = wishes.wanted(part.words, self.plain.ids)
        wanted += [[self.plain.ids(term)] for term in part.terms]
        return _Sentence(part, text, Query(encode(text), wishes, wanted))

    def _sound(self, sentences: Sequence[_Sentence], answers: list[Answer]) -> list[Answer]:
        """The answers, those in trouble exchanged for safer ones."""
        wrong = [
            self._trouble(sentence, answer.hypotheses[0]) if sentence.query.row else None
            for sentence, answer in zip(sentences, answers, strict=True)
        ]
        again = [one.query if flag else Query([]) for one, flag in zip(sentences, wrong, strict=True)]
        found = []
        safer = self.plain.answer(again, *self.settings, safely=True) if any(wrong) else answers
        for sentence, answer, safe, flag in zip(sentences, answers, safer, wrong, strict=True):
            if flag is None:
                found.append(answer)
                continue
            # There may be none, where what is wished repeats itself: then the first have to do.
            some = [(bool(self._trouble(sentence, one)), one) for one in safe.hypotheses or answer.hypotheses]
            sound = [one for _, one in sorted(some, key=lambda pair: pair[0])]
            found.append(Answer(sound, (flag, *answer.flags)))
        return found

    def _trouble(self, sentence: _Sentence, hypothesis: Ranked) -> str | None:
        query, said = sentence.query, self.plain.text(hypothesis.tokens)
        return trouble(
            query.row,
            hypothesis.tokens,
            (sentence.text, said),
            limit=self.plain.limit(query, safely=True),
            begun=self.plain.ids(query.wishes.prefix),
        )

    def _said(self, answer: Answer, hypothesis: Ranked) -> Said:
        tokens, log_probability, _, coverage = hypothesis
        return Said(self.plain.text(tokens), log_probability, len(tokens) + 1, answer.flags, coverage)

    def _tag(
        self, sentences: Sequence[_Sentence], answers: Sequence[Answer], found: list[list[Said]]
    ) -> None:
        """Put the tags of each part into its translations, by what the model looked at."""
        rows = [row for row, one in enumerate(sentences) if one.part.tags and one.query.row]
        places = [(row, rank) for row in rows for rank in range(len(found[row]))]
        pairs = [(sentences[row].query.row, answers[row].hypotheses[rank].tokens) for row, rank in places]
        looked = self.plain.looked_at(pairs)
        for (row, rank), (source, target), weights in zip(places, pairs, looked, strict=True):
            sentence, said = sentences[row], found[row][rank]
            here, there = words(said.text), words(sentence.text)
            tokenizers = self.plain.tokenizers
            members = (
                _membership(here, tokenizers.target.pieces(target)),
                _membership(there, tokenizers.source.pieces(source), silent=tokenizers.source.tags),
            )
            if weights is None or members[0] is None or members[1] is None:
                looks = diagonal(here, there)
            else:
                looks = members[0].T @ weights[:, :-1] @ members[1]
            found[row][rank] = said._replace(text=place(said.text, sentence.part.tags, there, looks))


def _membership(some: Words, pieces: Sequence[str], *, silent: Sequence[str] = ()) -> NDArray[Any] | None:
    """Of P pieces and W words, whose piece each is (P W); None where they don't spell the same text.

    A piece that is a byte counts where a character begins; a `silent` one stands before the text, in no word.
    """
    spoken = np.array([piece not in silent for piece in pieces])
    sizes = spoken * [
        int(piece[3] not in "89AB") if piece.startswith("<0x") else len(piece.removeprefix("\u2581"))
        for piece in pieces
    ]
    if sum(sizes) != (some[-1][1] if some else 0):
        return None
    starts = np.cumsum([0, *sizes])[:-1]
    members = np.zeros((len(pieces), len(some)))
    word = np.searchsorted([end for _, end in some], starts, side="right")
    members[np.arange(len(pieces)), np.minimum(word, len(some) - 1)] = spoken
    return members
