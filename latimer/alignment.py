"""Word alignments: lines of links, two directions made one, and how far they are from what people linked.

A link (i, j) says that source word i and target word j translate each other, counted from 0. A line holds
the links of a sentence pair, "0-0 1-2", as the aligners of statistical translation write them (Pharaoh
format). People mark links as sure, "i-j", or as possible, "ipj" or "i?j" (Och and Ney 2003, section 5).
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from latimer.errors import Mistake

Links = frozenset[tuple[int, int]]

SYMMETRIES = ("intersection", "union", "grow-diag-final-and")

_LINK = re.compile(r"(\d{1,9})([-p?])(\d{1,9})", re.ASCII)
_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


class Reading(NamedTuple):
    """Which attention to believe: a layer by its name in the model, a head (None: the mean of all), a step.

    Shifted: what the decoder looked at when word t was its input, not when word t was asked for.
    """

    layer: str
    head: int | None
    shifted: bool

    def described(self) -> str:
        """In words."""
        head = "the mean of its heads" if self.head is None else f"head {self.head}"
        return f"{self.layer}, {head}" + (", a step later" if self.shifted else "")


class Gold(NamedTuple):
    """What a person linked. A sure link is also a possible one."""

    sure: Links
    possible: Links

    def reversed(self) -> "Gold":
        """The same links from the other language."""
        return Gold(reverse(self.sure), reverse(self.possible))


def read_links(line: str, place: str = "the line") -> Gold:
    """The links of a line, empty for an empty line. Raises Mistake, naming `place`, for what is no link."""
    sure, possible = set(), set()
    for word in line.split():
        match = _LINK.fullmatch(word)
        if match is None:
            raise Mistake(
                f"{place}: {word!r} is no link; one is written 3-4 (ipj or i?j if not sure), from 0."
            )
        link = (int(match[1]), int(match[3]))
        possible.add(link)
        if match[2] == "-":
            sure.add(link)
    return Gold(frozenset(sure), frozenset(possible))


def must_fit(links: Links, source_words: int, target_words: int, place: str) -> None:
    """Raise Mistake, naming `place`, for a link to a word that is not there."""
    for source, target in links:
        if source >= source_words or target >= target_words:
            raise Mistake(
                f"{place}: the link {source}-{target} leads out of a pair of {source_words} and "
                f"{target_words} words; they are counted from 0, and parted by spaces."
            )


def write_links(links: Links) -> str:
    """The links as a line, in order."""
    return " ".join(f"{source}-{target}" for source, target in sorted(links))


def reverse(links: Links) -> Links:
    """The links seen from the other language."""
    return frozenset((target, source) for source, target in links)


def symmetrise(one: Links, other: Links, how: str = "grow-diag-final-and") -> Links:
    """One set of links from those of two directions, both given as (source, target).

    grow-diag-final-and (Koehn et al. 2005, "Edinburgh system description", section 2): from the intersection
    grow into the union, link by neighbouring link (diagonals too) while a word of it has none yet; then take
    links, first of `one`, then of `other`, whose words both have none.
    """
    match how:
        case "intersection":
            return one & other
        case "union":
            return one | other
        case "grow-diag-final-and":
            return _grown(one, other)
    raise Mistake(f"There is no way {how!r} to make two directions one; take {', '.join(SYMMETRIES)}.")


def _grown(one: Links, other: Links) -> Links:
    links, union = set(one & other), one | other
    sources, targets = {source for source, _ in links}, {target for _, target in links}

    def add(link: tuple[int, int]) -> None:
        links.add(link)
        sources.add(link[0])
        targets.add(link[1])

    size = -1
    while len(links) != size:
        size = len(links)
        for link in sorted(union):
            if link not in links:  # asked now, for what was just added grows on in the same round
                continue
            for down, right in _NEIGHBOURS:
                near = (link[0] + down, link[1] + right)
                if near in union and not (near[0] in sources and near[1] in targets):
                    add(near)
    for direction in (one, other):
        for link in sorted(direction):
            if link[0] not in sources and link[1] not in targets:
                add(link)
    return frozenset(links)


class AlignmentScore(NamedTuple):
    """How links compare with gold ones; all shares between 0 and 1 (Och and Ney 2003, section 5).

        precision  = |A & P| / |A|
        recall     = |A & S| / |S|
        error rate = 1 - (|A & S| + |A & P|) / (|A| + |S|)

    A: links found, S: sure ones, P: possible ones (S among them), counted over all sentences. A share of
    nothing is 1 (0 for the error rate).
    """

    precision: float
    recall: float
    error_rate: float
    sentences: int


def score_links(found: Iterable[Links], gold: Iterable[Gold]) -> AlignmentScore:
    """Score the links of some sentences, as many as there are gold ones. ValueError where there are not."""
    links = sure = found_sure = found_possible = sentences = 0
    for ours, theirs in zip(found, gold, strict=True):
        sentences += 1
        links += len(ours)
        sure += len(theirs.sure)
        found_sure += len(ours & theirs.sure)
        found_possible += len(ours & theirs.possible)
    return AlignmentScore(
        found_possible / links if links else 1.0,
        found_sure / sure if sure else 1.0,
        1 - (found_sure + found_possible) / (links + sure) if links + sure else 0.0,
        sentences,
    )
