"""What one pair does not tell: the words of either side, which translate each other, and the tests."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from latimer.data.corpus import Corpus
from latimer.doctor.languages import LEAST_PAIRS, Vocabularies
from latimer.doctor.memory import Marks, joined, mark
from latimer.doctor.mending import mend
from latimer.doctor.shifts import Dictionary

SAMPLE = 50_000  # pairs that words are learned from
PART = 20_000  # pairs that are marked together


class Learned(NamedTuple):
    """Of a corpus and of the tests that must not be in it."""

    words: Vocabularies
    dictionary: Dictionary
    test: Marks


def learn(sample: Sequence[tuple[str, str]], against: Sequence[Corpus] = ()) -> Learned:
    """Learn from the first pairs of a corpus, nothing of words from fewer than LEAST_PAIRS."""
    enough = sample if len(sample) >= LEAST_PAIRS else []
    test = joined([mark(part) for one in against for part in _texts(one)])
    return Learned(Vocabularies(enough), Dictionary(enough), test)


def _texts(corpus: Corpus) -> Iterator[list[tuple[str, str]]]:
    pairs = ((mend(pair.source), mend(pair.target)) for pair in corpus.pairs())
    while part := list(islice(pairs, PART)):
        yield part
