"""The shipped phrasebook is the built one, and keeps what it promises about its parts and its French."""

import json
import re
import subprocess
import sys
import unicodedata

import pytest

from latimer.data.phrasebook import PARTS, load
from latimer.data.phrasebook.lexicon import rows
from latimer.data.phrasebook.make import LONG_WORDS, held_out, key, words
from latimer.data.phrasebook.phrases import Text
from latimer.errors import Mistake

Built = dict[str, list[Text]]
SHIPPED = {part: load(part) for part in PARTS}
EVERYONE = [pair for pairs in SHIPPED.values() for pair in pairs]
VOWELS = "aàâeéèêëiîoôuûœ"


@pytest.fixture(scope="module")
def built() -> Built:
    """Every part from the grammar; in a process of its own, which no checker of types slows down."""
    code = (
        "import json; from latimer.data.phrasebook.make import build_texts\n"
        "told = {part: [(one.english, one.french, sorted(one.combinations)) for one in texts]\n"
        "        for part, texts in build_texts().items()}\n"
        "print(json.dumps(told))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return {
        part: [
            Text(english, french, frozenset((kind, one, other) for kind, one, other in combinations))
            for english, french, combinations in texts
        ]
        for part, texts in json.loads(done.stdout).items()
    }


def length(english: str) -> int:
    return len(english.split())


def test_the_shipped_files_are_the_built_ones(built: Built) -> None:
    assert list(built) == list(PARTS)
    for part, texts in built.items():
        assert SHIPPED[part] == [(text.english, text.french) for text in texts], part


def test_counts() -> None:
    assert {part: len(pairs) for part, pairs in SHIPPED.items()} == {
        "train": 36_000,
        "validation": 1_000,
        "test": 1_000,
        "test-new-combinations": 1_000,
        "test-long": 600,
    }
    by_hand = {row[0] for row in rows("everyday.tsv")}
    assert sum(english in by_hand for english, _ in EVERYONE) >= 1_000
    assert sum(english in by_hand for english, _ in SHIPPED["test"]) == 60


def test_no_sentence_of_either_side_stands_in_two_parts() -> None:
    for side in (0, 1):
        home: dict[str, str] = {}
        for part, pairs in SHIPPED.items():
            for pair in pairs:
                assert home.setdefault(key(pair[side]), part) == part, pair


def test_each_english_sentence_has_one_translation() -> None:
    english = [key(pair[0]) for pair in EVERYONE]
    assert len(set(english)) == len(english)


def test_new_combinations_are_new_and_their_words_are_not(built: Built) -> None:
    new = built["test-new-combinations"]
    assert all(any(held_out(combination) for combination in text.combinations) for text in new)
    for part in ("train", "validation", "test", "test-long"):
        assert not any(held_out(combination) for text in built[part] for combination in text.combinations)
    train = "\n".join(f" {key(english)} " for english, _ in SHIPPED["train"])
    train = train.replace("orange juice", "orange-juice").replace("apple juice", "apple-juice")
    for text in new:
        for kind, adjective, noun in filter(held_out, text.combinations):
            assert kind != "adjective" or f" {adjective} {noun} " not in train, (adjective, noun)
    for side in (0, 1):
        known = {word for pair in SHIPPED["train"] for word in words(pair[side])}
        for pair in SHIPPED["test-new-combinations"]:
            assert known.issuperset(words(pair[side])), pair


def test_lengths() -> None:
    lengths = sorted(length(english) for english, _ in EVERYONE)
    assert lengths[0] == 1
    assert lengths[-1] <= 40
    assert sum(n > 15 for n in lengths) / len(lengths) >= 0.12
    assert sum(n > 22 for n in lengths) / len(lengths) >= 0.04
    assert min(length(english) for english, _ in SHIPPED["test-long"]) >= LONG_WORDS > 18
    train = [length(english) for english, _ in SHIPPED["train"]]
    assert sum(n >= LONG_WORDS for n in train) / len(train) < 0.04


@pytest.mark.parametrize(
    "wrong",
    [
        # The infinitive may follow a clitic object pronoun: "de le rallumer" is right.
        r"\bde les? (?!\w+(er|ir|re|oir)\b)",
        r"\bà les? (?!\w+(er|ir|re|oir)\b)",
        rf"\b(que|jusque|lorsque|puisque) (?!oui\b)[{VOWELS}]",
        rf"\b(ne|me|te|se|de) [{VOWELS}]",
        # After an inverted je, nothing elides.
        rf"(?<!-)\bje [{VOWELS}y]",
        rf"(?<!-)\b(le|la) (?!on(ze|zième)\b|oui\b)[{VOWELS}]",
        r"\bsi ils?\b",
        r"\b(ma|ta|sa) [aàâeéèêëiîoôuûœ]",
        r"\bce (est|était|homme|hôtel|enfant|ami)\b",
        r"\b(beau|nouveau|vieux) (ami|homme|hôtel|enfant|appartement|hôpital|aéroport|oiseau)\b",
        r"\bde des\b|\bde du\b|\bde de la\b",
        r"  |\t|^ | $| ,| \.",
        r"[^ ][?!;:]",
    ],
)
def test_no_wrong_french(wrong: str) -> None:
    pattern = re.compile(wrong, re.IGNORECASE)
    caught = [french for _, french in EVERYONE if pattern.search(french)]
    assert not caught, caught[:5]


def test_text_is_clean() -> None:
    for english, french in EVERYONE:
        for text in (english, french):
            assert unicodedata.is_normalized("NFC", text)
            assert text[-1] in ".?!", text
            assert "  " not in text
            assert text == text.strip()
        assert french[0] == french[0].upper()


def test_no_wrong_english() -> None:
    wrong = re.compile(
        r"\b(a [aeio]\w+|an [bcdfgjklmnpqrstvwxyz]\w*|childs|mans|womans|(he|she|it) have)\b", re.I
    )
    allowed = re.compile(r"\b(a (one|once)|an MP3|an X)\b", re.I)
    caught = [english for english, _ in EVERYONE if wrong.search(english) and not allowed.search(english)]
    caught = [
        english
        for english in caught
        if not re.search(r"does (he|she|it) have|(he|she|it) have to", english, re.I)
    ]
    caught = [
        e
        for e in caught
        if not re.search(r"\b(did|does|will|can|could|would|let|should|must)\b.*\b(he|she|it) have", e, re.I)
    ]
    assert not caught, caught[:5]


def test_unknown_part_is_a_mistake() -> None:
    with pytest.raises(Mistake, match=r"'dev'.*validation"):
        load("dev")
