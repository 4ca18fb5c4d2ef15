"""Sampling: translations drawn piece by piece with the probabilities that the model gives them.

A draw spends one random number a piece, which falls on one of the probabilities, the greatest first. The
numbers follow from the seed, the sentence's key and which of its draws it is: what else is in the batch, and
how many draws are wanted, changes nothing. A draw is whole, and its score is the model's own score of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from latimer.errors import Mistake
from latimer.search.arrays import like, log_softmax, to_numpy, top, without_gradients
from latimer.search.beam import Constraint, Hypothesis, Step
from latimer.state import Array, Nest, select

FEW = 32  # pieces among which most draws fall: only where one does not are all put in order


@dataclass(frozen=True)
class Sampling:
    """What is drawn from: the model's probabilities, in the order of these fields made sharper and cut.

    What is left is drawn in proportion to its probability. By default only pieces are cut that are less than
    a twentieth as likely as the likeliest, slips mostly; `min_p=0.0` cuts nothing.
    """

    temperature: float = 1.0  # log-probabilities are divided by it: under 1 the likely gets likelier
    top_k: int = 0  # only so many of the likeliest pieces (Fan et al. 2018); 0: all
    top_p: float = 1.0  # the fewest of the likeliest that have so much together (Holtzman et al. 2020)
    min_p: float = 0.05  # those that have at least this share of the likeliest (Nguyen et al. 2024)
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise Mistake(f"--temperature must be above 0, not {self.temperature}; 1 is the model itself.")
        if min(self.top_k, self.seed) < 0:
            raise Mistake("--top-k and --seed must not be negative.")
        if not (0 < self.top_p <= 1 and 0 <= self.min_p <= 1):
            raise Mistake("--top-p and --min-p are probabilities, from 0 to 1; --top-p not 0 itself.")


def sample(
    decoder: Callable[[Array, Nest, Nest], Step],
    memory: Nest,
    *,
    limits: ArrayLike,
    bos: int,
    eos: int,
    count: int,
    sampling: Sampling,
    keys: Sequence[Sequence[int]],
    length_penalty: float = 1.0,
    constraints: Sequence[Constraint] = (),
) -> list[list[Hypothesis]]:
    """`count` draws of each sentence, in the order drawn; one that comes twice is there twice.

    `keys` are some whole numbers a sentence, its pieces for example: equal ones draw alike. A draw that the
    constraints leave nothing to say is left out. All else is as with `beam_search`.
    """
    most = np.asarray(limits).repeat(count)
    chances = np.zeros((len(most), max(most, default=0)))
    for number in range(len(most)):
        chance = np.random.default_rng([sampling.seed, number % count, *keys[number // count]])
        chances[number] = chance.random(chances.shape[1])
    # Draws that have said the same so far share a row of tokens, memory and state.
    draws, rows = np.arange(len(most)), np.arange(len(most)) // count
    tokens, total, state = np.full((len(most) // count, 1), bos), np.zeros(len(most) // count), None
    found: list[Hypothesis | None] = [None] * len(most)
    with without_gradients(memory):
        while len(draws):
            out = decoder(like(memory, tokens[:, -1:]), memory, state)
            log_probs, size = log_softmax(out.logits[:, -1]), tokens.shape[1]
            if constraints:
                log_probs = to_numpy(log_probs)
                for constrain in constraints:
                    log_probs = constrain(log_probs, tokens)
                stuck = log_probs.max(1) == -np.inf
                total = np.where(stuck, -np.inf, total)
                log_probs = np.where(stuck[:, None], 0, log_probs)
            drawn = draw(log_probs, rows, chances[draws, size - 1], sampling)
            drawn = np.where(most[draws] <= size, eos, drawn)
            totals = total[rows] + to_numpy(log_probs[rows, drawn])
            for at in np.flatnonzero((drawn == eos) & (totals > -np.inf)).tolist():
                score = float(totals[at]) / size**length_penalty
                found[draws[at]] = Hypothesis(tokens[rows[at], 1:].tolist(), float(totals[at]), score)
            going = np.flatnonzero((drawn != eos) & (totals > -np.inf))
            said, first, after = np.unique(
                np.stack([rows, drawn])[:, going], axis=1, return_index=True, return_inverse=True
            )
            draws, total, rows = draws[going], totals[going][first], after.reshape(-1)
            tokens = np.concatenate([tokens[said[0]], said[1][:, None]], 1)
            memory, state = (select(nest, like(memory, said[0])) for nest in (memory, out.state))
    by_sentence = [found[start : start + count] for start in range(0, len(found), count)]
    return [[one for one in some if one is not None] for some in by_sentence]


def draw(
    log_probs: Float[Array, "U V"],
    rows: Int[np.ndarray, " N"],
    chances: Float[np.ndarray, " N"],
    sampling: Sampling,
) -> Int[np.ndarray, " N"]:
    """The token on which each chance, from 0 to 1, falls in its row. What is -inf is never drawn."""
    shaped = log_softmax(log_probs / sampling.temperature)
    size = shaped.shape[-1]
    cut = sampling.top_p < 1 or sampling.min_p > 0
    drawn, left = np.zeros(len(chances), dtype=np.int64), np.arange(len(chances))
    for count in (min(max(FEW, sampling.top_k + 1), size), size):
        if count == size:  # hardly ever: then only the rows of those that are left
            few, rows = np.unique(rows, return_inverse=True)
            shaped = select(shaped, like(shaped, few))
        greatest, tokens = top(shaped, count)
        share = np.exp(greatest.astype(np.float64))
        if sampling.top_k:
            share[:, sampling.top_k :] = 0
            share /= share.sum(1, keepdims=True)
        before = share.cumsum(1) - share
        share *= (share > 0) & (before < sampling.top_p) & (share >= sampling.min_p * share[:, :1])
        whole = ((share[:, -1] == 0) | (count == size))[rows]  # nothing that is not here would be kept
        sums = share.cumsum(1)[rows]
        fallen = (sums <= (chances[left] * np.where(whole, sums[:, -1], 1.0))[:, None]).sum(1)
        sure = whole | (not cut and fallen < count)
        drawn[left[sure]] = tokens[rows[sure], fallen[sure]]
        left, rows = left[~sure], rows[~sure]
        if not len(left):
            break
    return drawn
