"""What someone wants of a search, in words; and the constraints that it comes to over some subwords."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from latimer.errors import Mistake
from latimer.search.beam import Hypothesis, Move, Step, beam_search
from latimer.search.constraints import Constraint, at_least, ban, begin, no_repeat
from latimer.search.sampling import Sampling, sample
from latimer.search.terms import Terms
from latimer.state import Array, Nest


@dataclass(frozen=True)
class Wishes:
    """What a translation must and must not hold.

    A glossary's term is said in one of its forms, as it is written, wherever the source holds it as whole
    words, in small letters or capitals; of terms that overlap, the longest. Lengths are in pieces of the
    target, the greatest without the prefix and the terms. `prefix` is how the translation begins; its last
    word may be half typed, and a space after it says that it is whole.
    """

    banned: tuple[str, ...] = ()
    no_repeat: int = 0  # pieces in a row that may stand in a translation only once; 0: whatever
    min_length: int = 0
    max_length: int | None = None
    prefix: str = ""
    glossary: tuple[tuple[str, tuple[str, ...]], ...] = ()  # source terms, and the forms that each may take
    guard: bool = True  # False: what the model says, as it comes: nothing cut, protected or searched again
    sampling: Sampling | None = None  # draws, instead of the best
    diversity: float = 0.0  # how much a piece costs for each hypothesis that says it at the same place
    coverage: float = 0.0  # how much it counts, when hypotheses are ranked, what of the source they looked at

    def __post_init__(self) -> None:
        if min(self.no_repeat, self.min_length) < 0:
            raise Mistake("--no-repeat and --min-length must not be negative.")
        if self.max_length is not None and self.max_length < max(1, self.min_length):
            raise Mistake("--max-length must be at least 1, and no less than --min-length.")
        if self.diversity < 0:
            raise Mistake("--diversity must not be negative; 0 is the plain beam.")
        if self.glossary and (self.diversity or self.sampling):
            raise Mistake("--glossary goes with the plain beam only; leave --sample or --diversity.")
        if self.diversity and self.sampling:
            raise Mistake("--sample draws, --diversity searches; give one of them.")
        if not 0 <= self.coverage <= (0 if self.sampling else 1e6):
            raise Mistake("--coverage must be from 0 to 1,000,000, and 0 with --sample or --mbr, which draw.")

    def limit(self, limit: int, encode: Callable[[str], list[int]]) -> int:
        """How many tokens a translation may have, its end counted, where without wishes it is `limit`."""
        whole, rest = self._beginning(encode)
        longest = limit if self.max_length is None else self.max_length + 1
        return max(
            longest + len(whole) + 2 * len(encode(rest)) if self.prefix else longest, self.min_length + 1
        )

    def sound_limit(self, limit: int, encode: Callable[[str], list[int]]) -> int:
        """Beyond how many tokens a translation is absurdly long; without wishes it is `limit`."""
        return replace(self, max_length=None).limit(limit, encode)

    def constraints(
        self, encode: Callable[[str], list[int]], pieces: list[str], *, bos: int, eos: int
    ) -> list[Constraint]:
        """All of them; `pieces` is how each id is spelled, with U+2581 before a word."""

        def spelled(text: str) -> str:
            return "".join(pieces[token] for token in encode(text))

        found = []
        if self.min_length:
            found.append(at_least(self.min_length, eos=eos))
        if self.no_repeat:
            found.append(no_repeat(self.no_repeat, eos=eos))
        if phrases := [spelled(phrase).lstrip("\u2581") for phrase in self.banned if phrase.strip()]:
            found.append(ban(phrases, pieces, bos=bos, eos=eos))
        if self.prefix.strip():
            whole, rest = self._beginning(encode)
            more = "\u2581" if not rest else spelled(rest)
            found.append(begin(whole, more, pieces, eos=eos))
        return found

    def wanted(self, source: str, encode: Callable[[str], list[int]]) -> list[list[list[int]]]:
        """The terms that the translation of a source must hold, each in one of its forms."""
        if self._terms is None:
            return []
        forms = {term.lower(): said for term, said in self.glossary}
        found = dict.fromkeys(match.group().lower() for match in self._terms.finditer(source))
        return [[encode(form) for form in forms[term]] for term in found if term in forms]

    @cached_property
    def _terms(self) -> re.Pattern[str] | None:
        longest = sorted((term for term, _ in self.glossary), key=len, reverse=True)
        if not longest:
            return None
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)

    def _beginning(self, encode: Callable[[str], list[int]]) -> tuple[list[int], str]:
        """The pieces of the words that are whole, and the word that may go on."""
        whole, rest = re.fullmatch(r"(.*\s)?(\S*)", self.prefix, re.DOTALL).groups()  # type: ignore[union-attr]
        return encode(whole or ""), rest


def search(
    decoder: Callable[[Array, Nest, Nest], Step],
    memory: Nest,
    wishes: Wishes,
    *,
    keys: Sequence[Sequence[int]],
    limits: Sequence[int],
    bos: int,
    eos: int,
    beam: int,
    length_penalty: float,
    constraints: Sequence[Constraint],
    terms: Sequence[Terms | None] | None = None,
    watch: Callable[[Move], None] | None = None,
) -> list[list[Hypothesis]]:
    """`beam` hypotheses of each sentence, the best, the best apart or drawn, as is wished.

    `keys` are numbers of each sentence's own. What has terms to say is neither drawn nor kept apart.
    """
    shared: Any = {"limits": limits, "bos": bos, "eos": eos, "constraints": constraints}
    shared["length_penalty"] = length_penalty
    if terms is None and wishes.sampling is not None:
        return sample(decoder, memory, count=beam, sampling=wishes.sampling, keys=keys, **shared)
    if terms is None:
        return beam_search(decoder, memory, beam=beam, diversity=wishes.diversity, watch=watch, **shared)
    # Room for what says its terms and for what does not.
    found = beam_search(decoder, memory, beam=2 * beam, terms=terms, watch=watch, **shared)
    return [hypotheses[:beam] for hypotheses in found]


def fill_in(
    found: list[list[Hypothesis]],
    wishes: Wishes,
    search: Callable[[list[int], Wishes], list[list[Hypothesis]]],
) -> dict[int, tuple[str, ...]]:
    """Search again where nothing was found: as wished (more widely), without the glossary, without wishes.

    `search` is told which of `found` are left, and what is to be obeyed. Returns which of them had to be
    found without their "glossary", or without any "wishes".
    """
    lost: dict[int, tuple[str, ...]] = {}
    for less, flags in (
        (wishes, ()),
        (replace(wishes, glossary=()), ("glossary",) if wishes.glossary else ()),
        (Wishes(), ("wishes",)),
    ):
        left = [index for index, hypotheses in enumerate(found) if not hypotheses]
        if left:
            for index, hypotheses in zip(left, search(left, less), strict=True):
                found[index] = hypotheses
                lost[index] = flags
    return lost
