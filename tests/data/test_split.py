"""What is held out is not trained on, in any spelling, whatever the corpus looks like."""

from hypothesis import given, settings
from hypothesis import strategies as st

from latimer.data.corpus import LEFT_OUT, TRAIN, VALIDATION, Pair, hold_out


def pairs_of(sides: list[tuple[str, str]]) -> list[Pair]:
    return [Pair(source, target, line) for line, (source, target) in enumerate(sides, start=1)]


MANY = pairs_of([(f"Sentence number {number}.", f"Phrase {number} !") for number in range(5000)])
few = st.integers(0, 12).map(lambda number: "Word " * (number + 1))


def bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    sides=st.lists(st.tuples(few, few), min_size=1, max_size=60),
    loud=st.lists(st.booleans(), min_size=60, max_size=60),
    seed=st.integers(0, 5),
)
def test_no_sentence_stands_on_both_sides(sides: list[tuple[str, str]], loud: list[bool], seed: int) -> None:
    pairs = pairs_of(
        [(a.upper() + " !" if shout else a, b) for (a, b), shout in zip(sides, loud, strict=False)]
    )
    division = hold_out(pairs, share=0.2, least=3, seed=seed)
    train = list(division.choose(pairs, TRAIN))
    validation = list(division.choose(pairs, VALIDATION))
    assert len(validation) <= len(pairs) // 4
    assert division.count(LEFT_OUT) <= len(pairs) // 4
    assert len(train) + len(validation) + division.count(LEFT_OUT) == len(pairs)
    assert not {bare(pair.source) for pair in train} & {bare(pair.source) for pair in validation}
    assert not {bare(pair.target) for pair in train} & {bare(pair.target) for pair in validation}


def test_sizes() -> None:
    assert hold_out(MANY).count(VALIDATION) == 100
    assert hold_out(MANY, share=0.5, most=40).count(VALIDATION) == 40
    assert hold_out(MANY[:400]).count(VALIDATION) == 50
    assert hold_out(MANY[:40]).count(VALIDATION) == 10
    assert hold_out(MANY[:3]).count(VALIDATION) == 0
    assert hold_out([]).parts.tolist() == []


def test_seed_and_sentences_decide_not_the_order() -> None:
    def chosen(pairs: list[Pair], seed: int = 1) -> set[Pair]:
        return set(hold_out(pairs, seed=seed).choose(pairs, VALIDATION))

    assert chosen(MANY) == chosen(MANY[::-1])
    assert chosen(MANY) != chosen(MANY, 2)
    # A corpus that grows keeps most of what was held out.
    assert len(chosen(MANY) & chosen(MANY[:4900])) > 85


def test_all_targets_of_a_source_stay_together() -> None:
    pairs = pairs_of([(f"Source {number // 3}", f"Cible {number}") for number in range(600)])
    held = list(hold_out(pairs, seed=4).choose(pairs, VALIDATION))
    sources = [pair.source for pair in held]
    assert 45 < len(held) <= 50
    assert all(sources.count(source) == 3 for source in sources)


def test_a_sentence_with_a_hundred_sources_is_not_paid_for() -> None:
    pairs = pairs_of(
        [(f"Yes {number}", "Oui.") for number in range(300)] + [(p.source, p.target) for p in MANY[:700]]
    )
    division = hold_out(pairs)
    assert division.count(VALIDATION) == 50
    assert division.count(LEFT_OUT) == 0
