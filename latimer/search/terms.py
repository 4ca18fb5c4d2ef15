"""Terms that a translation must hold, and a beam that always comes to hold them.

After Post and Vilar (2018): hypotheses are kept by how much they still owe, the best of each debt first,
so that one which has said its terms needn't beat those that have not. A term may be said in any of several
forms. No end comes before all are said, and where no more tokens are left than are owed, nothing but terms
may follow: a search with room for all terms at its start can't end without them, unless two terms begin
alike, where what was begun for the one may leave no room for the other, and nothing may be found.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

Numbers = NDArray[Any]
Forms = Sequence[Sequence[int]]  # the ways in which one term can be said, each some tokens


class Terms(NamedTuple):
    """What one sentence must hold; `bounds` are the tokens (V) that may stand after a whole term."""

    wanted: Sequence[Forms]
    bounds: Bool[np.ndarray, " V"]

    @property
    def size(self) -> int:
        """Tokens that it takes to say all."""
        return sum(min(map(len, forms)) for forms in self.wanted)

    def owed(self, tokens: Sequence[int]) -> int:
        """Tokens that it still takes; a form that is begun at the end of the hypothesis counts."""
        pending = [forms for forms in self.wanted if not self.holds(tokens, forms)]
        begun = [
            min(map(len, forms)) - (len(form) - size)
            for forms in pending
            for form in forms
            for size in _begun(tokens, form)
        ]
        return sum(min(map(len, forms)) for forms in pending) - max([0, *begun])

    def holds(self, tokens: Sequence[int], forms: Forms, *, ended: bool = True) -> bool:
        """Whether a form stands in the tokens as whole words; `ended`: also as the very last of them."""
        return any(
            list(tokens[at : at + len(form)]) == list(form)
            and (ended if at + len(form) == len(tokens) else bool(self.bounds[tokens[at + len(form)]]))
            for form in forms
            for at in range(len(tokens) - len(form) + 1)
        )


class Offers(NamedTuple):
    """Besides the likeliest tokens of N hypotheses: E that go on with a term each, and what is owed then."""

    token: Int[np.ndarray, "N E"]
    log_prob: Float[np.ndarray, "N E"]  # -inf where there is none
    owed: Int[np.ndarray, "N E"]
    otherwise: Int[np.ndarray, " N"]  # after any other token


def offer(
    terms: Sequence[Terms | None],
    sentence: Int[np.ndarray, " B"],
    log_probs: Float[np.ndarray, "N V"],
    tokens: Int[np.ndarray, "N T"],
    limits: Int[np.ndarray, " B"],
    *,
    eos: int,
) -> tuple[Float[np.ndarray, "N V"], Offers]:
    """What may follow without a term, and what with one; N is B sentences times the beam."""
    beam = len(tokens) // len(sentence)
    wanted = [terms[index] for index in sentence.repeat(beam)]
    room = (limits - tokens.shape[1] - 1).repeat(beam)  # after the next token, and before the end
    log_probs = log_probs.copy()
    found: list[list[tuple[int, float, int]]] = []
    otherwise = np.zeros(len(tokens), dtype=np.int64)
    for row, (one, ids, left) in enumerate(zip(wanted, tokens.tolist(), room.tolist(), strict=True)):
        found.append([])
        if one is None or ids[-1] == eos:
            continue
        said = ids[1:]
        pending = [forms for forms in one.wanted if not one.holds(said, forms)]
        # A word that ends in a term goes no further, unless into another form of it.
        ended = [
            forms for forms in one.wanted if forms not in pending and not one.holds(said, forms, ended=False)
        ]
        open_forms = [form for forms in (*pending, *ended) for form in forms]
        nexts = {form[size] for form in open_forms for size in (0, *_begun(said, form))}
        otherwise[row] = sum(min(map(len, forms)) for forms in pending)
        for token in sorted(nexts):
            owed = one.owed([*said, token])
            if owed <= left:
                found[-1].append((token, float(log_probs[row, token]), owed))
            log_probs[row, token] = -np.inf
        if pending:
            log_probs[row, eos] = -np.inf
        if ended:
            log_probs[row, ~one.bounds] = -np.inf
        if otherwise[row] > left:
            end = log_probs[row, eos]
            log_probs[row] = -np.inf
            log_probs[row, eos] = end
    most = max(1, *map(len, found)) if found else 1
    padded = [[*some, *[(eos, -np.inf, 0)] * (most - len(some))] for some in found]
    columns = [np.array([[one[part] for one in some] for some in padded]) for part in range(3)]
    return log_probs, Offers(columns[0], columns[1], columns[2], otherwise)


def best_of_each_debt(
    scores: Float[np.ndarray, "B C"], owed: Int[np.ndarray, "B C"], whole: Bool[np.ndarray, "B C"], beam: int
) -> Int[np.ndarray, "B K"]:
    """The places of `beam` candidates of each sentence, best first.

    First the best of each debt, then the second best. Once half of the beam is whole, what owes is given up.
    """
    return np.stack([_chosen(*row, beam) for row in zip(scores, owed, whole, strict=True)])


def _chosen(scores: Numbers, owed: Numbers, whole: Numbers, beam: int) -> Numbers:
    order = np.argsort(-scores, kind="stable")
    debts = owed[order]
    rank = np.tril(debts[:, None] == debts, -1).sum(1)
    last = np.isneginf(scores[order])
    if (whole & np.isfinite(scores)).sum() > beam // 2:
        last |= debts > 0
    best = np.lexsort((np.arange(len(order)), rank, last))[:beam]
    return order[np.sort(best)]


def _begun(tokens: Sequence[int], form: Sequence[int]) -> Iterator[int]:
    """How many tokens of the form, not all, the hypothesis may end with."""
    for size in range(1, min(len(form) - 1, len(tokens)) + 1):
        if list(tokens[-size:]) == list(form[:size]):
            yield size
