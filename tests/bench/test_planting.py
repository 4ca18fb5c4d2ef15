"""Faults are planted where the bench says, and nowhere else."""

from bench.planting import RUN, TERMS, plant
from latimer.data import phrasebook

BOOK = list(dict.fromkeys(phrasebook.load("train")))
PAIRS, TEST = BOOK[:8000], [pair for pair in BOOK[9000:12000] if len(pair[0].split()) > 4]


def test_each_planted_line_is_damaged_once_and_no_other_line_is() -> None:
    damaged, planted = plant(PAIRS, ["Der Hund schläft."], TEST)
    lines = [line for _, some in planted.values() for line in some]
    changed = {number for number, pair in enumerate(damaged, 1) if pair != PAIRS[number - 1]}
    assert len(lines) == len(set(lines))
    assert changed == {*lines, len(PAIRS) // 2 + 1}, "of the first of a run the right target is gone"
    assert len(planted["off by one"][1]) == RUN - 1
    for line in planted["term"][1]:
        assert any(other in damaged[line - 1][1] for other in TERMS.values())
    assert plant(PAIRS, ["Der Hund schläft."], TEST) == (damaged, planted)


def test_what_comes_again_comes_after_the_first_or_out_of_the_test_as_it_is_named() -> None:
    damaged, planted = plant(PAIRS, test=TEST)
    sources, targets = ({pair[side] for pair in TEST} for side in (0, 1))

    def sides(kind: str) -> set[tuple[bool, bool]]:
        found = [damaged[line - 1] for line in planted[kind][1]]
        return {(source in sources, target in targets) for source, target in found}

    for line in planted["twice, as it was"][1]:
        assert damaged[line - 1] in damaged[: line - 1]
    assert sides("of the test, as it was") == {(True, True)}
    assert sides("of the test, one word other in the source") == {(False, True)}
    assert sides("of the test, one word other in both") == {(False, False)}
    assert sides("twice, one word other in both") == {(False, False)}
