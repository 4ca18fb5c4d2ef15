"""Builds the phrasebook's parts from the grammar and the everyday pairs written by hand.

``python -m latimer.data.phrasebook`` writes them anew beside this file. The same code gives the same bytes.
"""

import gzip
import re
import zlib
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from latimer.data.phrasebook.lexicon import rows
from latimer.data.phrasebook.phrases import Combination, Text
from latimer.data.phrasebook.sentences import stream

Pair = tuple[str, str]
SEED = 7
TRAIN, ORDINARY, NEW, LONG = 36_000, 1_000, 1_000, 600
# A little more than needed: some hold a word that train lacks.
NEW_POOL, LONG_POOL = 1_200, 640
EVERYDAY_HELD = 60
LONG_WORDS, MOST_WORDS = 23, 38
# Pairs to generate; how often an English and a French word must come in them, lest the pair is dropped.
POOL, DENSE, DENSE_FRENCH = 58_000, 24, 5
# Of the sentences long enough for test-long, train keeps this share of its size at most.
LONG_SHARE = 0.035
_HELD_IN_100 = 4
_WORD = re.compile(r"[\w'-]+")
_SIZES = (TRAIN, ORDINARY, ORDINARY, NEW, LONG)


class Parts(NamedTuple):
    """The parts before they are written; ``combinations`` of each new-combinations sentence."""

    train: list[Text]
    validation: list[Text]
    test: list[Text]
    new: list[Text]
    long: list[Text]


def words(text: str) -> list[str]:
    """Casefolded, without punctuation: what counts as the same word here."""
    return [word for word in _WORD.findall(text.casefold()) if word.strip("'-")]


def key(text: str) -> str:
    """What two sentences share that are the same but for case and punctuation."""
    return " ".join(words(text))


def held_out(combination: Combination) -> bool:
    """Whether train never shows these two words together in this relation."""
    if combination[0] not in ("adjective", "object", "subject"):
        return False
    return zlib.crc32("|".join(combination).encode()) % 100 < _HELD_IN_100


def _everyday() -> tuple[list[Text], list[Text]]:
    """The hand-written pairs: (those that may stand in any part, those that share a side with another)."""
    if not files("latimer.data.phrasebook").joinpath("everyday.tsv").is_file():
        return [], []
    pairs, seen = [], set()
    for row in rows("everyday.tsv"):
        if key(row[0]) not in seen:
            seen.add(key(row[0]))
            pairs.append(Text(row[0], row[1]))
    count = Counter(key(pair.french) for pair in pairs)
    alone = [pair for pair in pairs if count[key(pair.french)] == 1]
    return alone, [pair for pair in pairs if count[key(pair.french)] > 1]


def _pool(seen: tuple[set[str], set[str]]) -> list[Text]:
    """Generated pairs of which each side comes once, without the words that would stay rare."""
    seen_english, seen_french = seen
    pool = []
    for pair in stream(SEED):
        one, two = key(pair.english), key(pair.french)
        if one not in seen_english and two not in seen_french and len(one.split()) <= MOST_WORDS:
            seen_english.add(one)
            seen_french.add(two)
            pool.append(pair)
        if len(pool) == POOL:
            break
    said = [(pair, words(pair.english), words(pair.french)) for pair in pool]
    for _ in range(3):  # dropping a sentence makes its other words rarer; three rounds settle it
        count = Counter(word for _, english, _ in said for word in english)
        count_french = Counter(word for _, _, french in said for word in french)
        said = [
            (pair, english, french)
            for pair, english, french in said
            if min(map(count.__getitem__, english)) >= DENSE
            and min(map(count_french.__getitem__, french)) >= DENSE_FRENCH
        ]
    return [pair for pair, _, _ in said]


def _sort_out() -> Parts:
    """Deals the pairs out to the parts; the everyday pairs that share a side with another go to train."""
    alone, shared = _everyday()
    step = max(1, len(alone) // EVERYDAY_HELD)
    test, validation = alone[0::step][:EVERYDAY_HELD], alone[1::step][:EVERYDAY_HELD]
    taken = {*test, *validation}
    parts = Parts([*shared, *(pair for pair in alone if pair not in taken)], validation, test, [], [])
    by_hand = [*alone, *shared]
    seen = ({key(pair.english) for pair in by_hand}, {key(pair.french) for pair in by_hand})
    for turn, pair in enumerate(_pool(seen)):
        part = _part_of(pair, parts, turn)
        if part is not None:
            part.append(pair)
    for name, part, size in zip(("train", "validation", "test", "new", "long"), parts, _SIZES, strict=True):
        if len(part) < size:
            raise AssertionError(f"the pool is too small: {name} has {len(part)} of {size}")
    return parts


def _part_of(pair: Text, parts: Parts, turn: int) -> list[Text] | None:
    """The part that a new sentence joins, or None where that part is full."""
    length = len(pair.english.split())
    if any(held_out(combination) for combination in pair.combinations):
        return parts.new if len(parts.new) < NEW_POOL and length < LONG_WORDS else None
    if length >= LONG_WORDS:
        if turn % 2 and len(parts.long) < LONG_POOL:
            return parts.long
        return parts.train if _room_for_long(parts) else None
    if turn % 20 == 0 and len(parts.validation) < ORDINARY:
        return parts.validation
    if turn % 20 == 1 and len(parts.test) < ORDINARY:
        return parts.test
    return parts.train if len(parts.train) < TRAIN else None


def _room_for_long(parts: Parts) -> bool:
    if len(parts.train) >= TRAIN:
        return False
    long = sum(1 for pair in parts.train[-2000:] if len(pair.english.split()) >= LONG_WORDS)
    return long < LONG_SHARE * min(len(parts.train) + 1, 2000)


def _known(pairs: list[Text], vocabulary: tuple[set[str], set[str]]) -> list[Text]:
    english, french = vocabulary
    return [p for p in pairs if english.issuperset(words(p.english)) and french.issuperset(words(p.french))]


def build_texts() -> dict[str, list[Text]]:
    """The parts by name, with the word combinations of each sentence."""
    parts = _sort_out()
    vocabulary = (
        {word for pair in parts.train for word in words(pair.english)},
        {word for pair in parts.train for word in words(pair.french)},
    )
    return {
        "train": parts.train,
        "validation": parts.validation,
        "test": parts.test,
        "test-new-combinations": _known(parts.new, vocabulary)[:NEW],
        "test-long": _known(parts.long, vocabulary)[:LONG],
    }


def build() -> dict[str, list[Pair]]:
    """The parts by name, each a list of (English, French)."""
    return {name: [(p.english, p.french) for p in pairs] for name, pairs in build_texts().items()}


def write(folder: Path) -> None:
    """Writes every part into ``folder``, each file whole or not at all."""
    for name, pairs in build().items():
        text = "".join(f"{english}\t{french}\n" for english, french in pairs)
        path = folder / f"{name}.tsv.gz"
        temporary = path.with_suffix(".new")
        temporary.write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0))
        temporary.replace(path)
