"""What is asked of many texts at once is what is asked of each: nothing faulty is passed over."""

import re
from random import Random

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from latimer.data import phrasebook
from latimer.data.split import bare
from latimer.doctor.languages import UNSURE, Vocabularies
from latimer.doctor.letters import bares, signs
from latimer.doctor.mending import mend, mend_all
from latimer.doctor.rules import RULES, fault_of, faults_of, faulty_in
from latimer.doctor.shifts import BEST, WORDS, Dictionary, fits
from latimer.doctor.texts import once_each, rows_of, texts_of

BOOK = list(dict.fromkeys(phrasebook.load("train")))
ODDITIES = [
    *("", " ", "a  b", " a", "a ", "cafÃ©", "d’accord", "R&amp;amp;D", "caf\\u00e9 \\n", "e\u0301te\u0301"),
    *(
        "a\u200bb c\u00a0d",
        "\ufffd",
        "I have 15 dogs",
        "J'ai 16 chiens",
        "<b>you</b> {x}",
        "it (a lot) [b",
        "...",
    ),
    *("pаper Ελλάδα", "no no no no no no", "yes " * 200 + "no", "a" * 46, "K" * 46, "ß" * 40, "İstanbul"),
    *(
        "This is a test",
        "this is a TEST",
        "これは 試験 です か？",
        "？",
        "a\u0085b\x1cc",
        "\ud800",
        "𝔘𝔫𝔦 😀",
        "한국어",
        "ﬁn",
    ),
    *("an_under_score", "x1y2 z3", "ͺ ᾳ", "\x00", "\u3042\u3099", "\u1100\u1161\u11a8"),
]
TEXTS = st.lists(st.sampled_from(ODDITIES) | st.text(max_size=12), max_size=30)
MENDED = TEXTS.map(lambda texts: [mend(text) for text in texts])


@given(TEXTS)
@example(ODDITIES)
def test_mending_all_is_mending_each(texts: list[str]) -> None:
    mended, held = mend_all(texts)
    assert mended == [mend(text) for text in texts]
    assert (held == signs(mended)).all()


def test_every_letter_is_mended_and_laid_bare_as_alone() -> None:
    codes = [*range(0x3200), *range(0x3200, 0xD700, 7), *range(0xD700, 0x10100)]
    for before, after in (("", ""), ("a", "\u0301"), ("Ã", "b")):
        texts = [f"{before}{chr(code)}{after}" for code in codes]
        assert mend_all(texts)[0] == [mend(text) for text in texts]
    texts = [chr(code) for code in codes]
    assert bares(texts) == [bare(text) for text in texts]


@given(TEXTS)
@example(ODDITIES)
def test_laying_bare_all_is_laying_bare_each(texts: list[str]) -> None:
    assert bares(texts) == [bare(text) for text in texts]


@given(MENDED, st.randoms())
@example([mend(text) for text in ODDITIES for _ in range(3)], Random(0))
def test_no_rule_passes_over_a_faulty_pair(texts: list[str], chance: Random) -> None:
    shuffled = chance.sample(texts, len(texts))
    pairs = list(zip(texts, shuffled, strict=True))
    order = np.array(chance.sample(range(len(pairs)), len(pairs)), dtype=np.int64)
    names, rows = rows_of(pairs)
    gathered, moved = texts_of(names), rows[:, order]
    apart = [pairs[place] for place in order]
    for rule in RULES:
        assert faulty_in(rule, gathered, moved) == [n for n, pair in enumerate(apart) if rule.faulty(*pair)]
    assert faults_of(gathered, moved) == [fault_of(*pair) for pair in apart]


@given(MENDED)
def test_words_are_those_of_each_text(texts: list[str]) -> None:
    gathered = texts_of(texts)
    for place, text in enumerate(texts):
        ids = gathered.ids[gathered.starts[place] :][: gathered.counts[place]]
        assert [gathered.words[one] for one in ids] == text.casefold().split(" ")
        assert gathered.distinct[place] == len(set(ids.tolist()))
        assert (gathered.owners == place).sum() == len(ids)


@given(st.lists(st.integers(-5, 5)))
def test_once_each_is_what_a_set_is(keys: list[int]) -> None:
    assert once_each(np.array(keys, dtype=np.int64)).tolist() == sorted(set(keys))


def test_exchanged_pairs_are_those_that_are_swapped_alone() -> None:
    pairs = [pair[::-1] if place % 7 == 3 else pair for place, pair in enumerate(BOOK[:3000])]
    words = Vocabularies(pairs)
    names, rows = rows_of(pairs)
    sure, unsure = words.exchanged(texts_of(names), rows)
    assert sure == [n for n, pair in enumerate(pairs) if words.swapped(*pair)]
    doubtful = [n for n, pair in enumerate(pairs) if words.swapped(*pair, sure=UNSURE)]
    assert unsure == [n for n in doubtful if n not in sure]
    assert sure
    assert unsure


def test_sides_in_a_third_language_are_told_and_those_in_the_other_are_not() -> None:
    german = "Der alte Hund schläft heute unter dem Tisch"
    pairs = BOOK[:3000]
    at = [place for place, pair in enumerate(pairs) if len("".join(pair)) > 80][:3]
    again = "Gestern haben wir lange auf unseren Zug gewartet"
    strange = [(german, pairs[at[0]][1]), (pairs[at[1]][0], german), (german, again)]
    for place, pair in zip(at, strange, strict=True):
        pairs[place] = pair
    pairs += [pairs[-1][::-1], (BOOK[3000][0], BOOK[3001][0])]
    pairs += [("Mr. Turp, Beauharnois - Salaberry, 12:30", "M. Turp, Beauharnois - Salaberry, 12:30")]
    names, rows = rows_of(pairs)
    found = Vocabularies(pairs).foreign(texts_of(names), rows)
    assert set(found) >= set(at)
    assert len(found) < 12, "sayings of rare words"
    assert not {3000, 3001, 3002} & set(found), "exchanged, in one language, and names that both sides have"
    assert Vocabularies([]).foreign(texts_of(names), rows) == [], "who learned nothing says nothing"


def test_fits_are_counted_as_one_would_by_hand() -> None:
    pairs = [*BOOK[:1500], ("One_two three. " * 20, "un deux trois " * 20), ("", ""), ("Three!", "Trois !")]
    dictionary = Dictionary(pairs)
    names, rows = rows_of(pairs)
    rows[:, 5] = rows[::-1, 5]
    pairs[5] = pairs[5][::-1]

    def words(text: str) -> set[str]:
        return set(re.findall(r"[^\W_]+", text.casefold())[:WORDS])

    def fit(source: str, target: str) -> float:
        known = [best for word in words(source) if (best := dictionary.best(word))]
        assert all(len(best) <= BEST for best in known)
        return sum(bool(best & words(target)) for best in known) / max(2, len(known))

    found = fits(texts_of(names), rows, dictionary)
    assert found[1].max() > 0.9
    for place, (source, _) in enumerate(pairs):
        for neighbour in (-1, 0, 1):
            other = place + neighbour
            wanted = fit(source, pairs[other][1]) if 0 <= other < len(pairs) else 0
            assert found[neighbour + 1, place] == wanted


def test_fits_follow_the_rows() -> None:
    dictionary, plain, straight = Dictionary(BOOK[:1500]), *rows_of(BOOK[:600])
    order = Random(0).sample(range(600), 600)
    names, rows = rows_of([BOOK[place] for place in order])
    there = fits(texts_of(plain), straight[:, order], dictionary)
    assert (fits(texts_of(names), rows, dictionary) == there).all()
    assert there.any()
