"""Links beside a corpus: a file of Pharaoh lines, the first line for the first pair, and so on.

For a training that they guide they are kept as the pairs are: in a `TokenStore` whose row i holds the links
of pair i between pieces, the source positions on one side and the target positions on the other. A link
between words is one between all of their pieces.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latimer.alignment import Gold, Links, must_fit, read_links
from latimer.data.corpus import TRAIN, Corpus, Division, Pair
from latimer.data.lines import LineFile
from latimer.data.store import TokenStore
from latimer.data.tokenizer import Tokenizer
from latimer.errors import Mistake

Words = NDArray[np.int64]


def linked_pairs(corpus: Corpus, name: str) -> Iterator[tuple[Pair, Gold]]:
    """Every usable pair of the corpus with the links in its line of the file `name`.

    The file's links are (first side, second side) as the corpus is written; those that come out are
    (source, target). Raises Mistake for a line that is no links or leads out of its pair, and for another
    number of lines.
    """
    file, usable = LineFile(name), 0
    lines = enumerate(file.lines(), start=1)
    for usable, pair in enumerate(corpus.pairs(), start=1):  # noqa: B007 - it is looked at after the loop
        number, line = next((both for both in lines if both[0] == pair.line), (0, None))
        if not number:
            raise Mistake(_uneven(file, f"at least {pair.line:,}"))
        place = f"{name}:{number}"
        links = read_links(line or "", place)
        links = links.reversed() if corpus.swapped else links
        must_fit(links.possible, len(pair.source.split()), len(pair.target.split()), place)
        yield pair, links
    for _ in lines:
        pass
    if file.count != (all_lines := usable + corpus.skipped.total):
        raise Mistake(_uneven(file, f"{all_lines:,}"))


def _uneven(file: LineFile, lines: str) -> str:
    return (
        f"{file.name} has {file.count:,} lines and the corpus {lines}; each line of the corpus needs a line "
        "of links, if only an empty one."
    )


def write_guides(
    folder: Path,
    corpus: Corpus,
    name: str,
    *,
    division: Division | None,
    source: Tokenizer,
    target: Tokenizer,
    longest: int,
) -> TokenStore:
    """Keep the sure links of the pairs that are trained on; row i is of row i of their token store.

    Those are the pairs of `division`'s TRAIN (None: all) of at most `longest` pieces a side.
    """

    def rows() -> Iterator[tuple[list[int], list[int]]]:
        for number, (pair, links) in enumerate(linked_pairs(corpus, name)):
            if division is not None and division.parts[number] != TRAIN:
                continue
            sources, targets = source.encode(pair.source), target.encode(pair.target)
            if max(len(sources), len(targets)) > longest:
                continue
            words = source.word_of(sources), target.word_of(targets)
            yield _between_pieces(links.sure, *words)

    return TokenStore.write(folder, rows(), vocabulary=longest + 1)


def _between_pieces(links: Links, source_words: Words, target_words: Words) -> tuple[list[int], list[int]]:
    """Source and target positions of the links between all pieces of linked words."""
    between = [
        both
        for source, target in sorted(links)
        for both in product(np.flatnonzero(source_words == source), np.flatnonzero(target_words == target))
    ]
    return [int(source) for source, _ in between], [int(target) for _, target in between]
