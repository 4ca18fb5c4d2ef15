"""Nothing is lost: what a corpus says stands in the clean file or beside it, whatever was wrong with it."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from latimer.data import phrasebook
from latimer.data.corpus import Corpus
from latimer.data.text import normalise
from latimer.doctor import clean as cleaning
from latimer.doctor.clean import clean
from latimer.doctor.mending import mend

BOOK = [pair for pair in dict.fromkeys(phrasebook.load("train")) if len("".join(pair)) > 40][:900]
DAMAGES: dict[str, Callable[[str, str], tuple[str, str]]] = {
    "exchanged": lambda source, target: (target, source),
    "entities": lambda source, target: (source, f"{target} R&amp;amp;D"),
    "emptied by mending": lambda source, target: (source, "&nbsp;\\n" if len(target) % 2 else "&#8203;"),
    "numbers": lambda source, target: (f"{source} 47", f"{target} 58"),
    "copied": lambda source, target: (source, source),
    "broken": lambda source, target: (source, f"{target} \ufffd"),
    "control": lambda source, target: (f"{source} \\u0001 &#x81;", target),
}
RUNS = st.tuples(st.integers(0, 880), st.integers(8, 60), st.sampled_from((1, -1)))
FAULTS = st.tuples(st.integers(0, len(BOOK) - 1), st.sampled_from(sorted(DAMAGES)))
COPIES = st.tuples(st.integers(0, len(BOOK) - 1), st.integers(0, len(BOOK) - 1))


def damaged(
    runs: list[tuple[int, int, int]], faults: list[tuple[int, str]], copies: list[tuple[int, int]]
) -> list[tuple[str, str]]:
    """The book with slipped runs of either direction, faults in lines of their own, and pairs said twice."""
    pairs = list(BOOK)
    for first, length, offset in runs:
        for place in range(first, min(first + length, len(pairs))):
            pairs[place] = pairs[place][0], BOOK[(place - offset) % len(BOOK)][1]
    for place, name in faults:
        pairs[place] = DAMAGES[name](*pairs[place])
    for place, other in copies:
        pairs[place] = pairs[other]
    return pairs


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a corpus takes too long to be made smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(RUNS, min_size=1, max_size=3),
    st.lists(FAULTS, max_size=12),
    st.lists(COPIES, max_size=6),
    st.sampled_from([97, 400, 20_000]),
)
def test_every_text_is_in_the_clean_file_or_beside_it(
    tmp_path: Path,
    runs: list[tuple[int, int, int]],
    faults: list[tuple[int, str]],
    copies: list[tuple[int, int]],
    chunk: int,
) -> None:
    pairs = damaged(runs, faults, copies)
    path, into = tmp_path / "a.tsv", tmp_path / "b.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")
    with patch.object(cleaning, "CHUNK", chunk):
        done = clean(Corpus.open(str(path)), into, processes=1)
    kept = [line.split("\t") for line in into.read_text(encoding="utf-8").split("\n")[:-1]]
    aside = Path(f"{into}.dropped.tsv").read_text(encoding="utf-8").split("\n")[:-1]
    dropped = [line.split("\t") for line in aside]
    found = {side for line in kept for side in line} | {side for line in dropped for side in line[2:]}
    for pair in pairs:
        for side in pair:
            assert normalise(side) in found or mend(side) in found, (side, pair)
    assert "" not in {side for line in kept for side in line}
    alone = [line for line in dropped if line[1] == cleaning.ALONE]
    assert done.kept + len(dropped) - len(alone) == done.pairs == len(pairs)
    assert sum(done.reasons.values()) == len(dropped)
    assert all(not source and target for _, _, source, target in alone)
    assert [int(line[0]) for line in dropped] == sorted(int(line[0]) for line in dropped)
