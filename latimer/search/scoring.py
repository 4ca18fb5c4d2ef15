"""How likely a model finds what is given: the sum of log p(y_t | y_1 .. y_{t-1}, source), with the end."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from latimer.search.arrays import like, log_softmax, to_numpy, without_gradients
from latimer.search.beam import Step
from latimer.state import Array, Nest


def log_probabilities(
    decoder: Callable[[Array, Nest, Nest], Step],
    memory: Nest,
    targets: Sequence[Sequence[int]],
    *,
    bos: int,
    eos: int,
) -> Float[np.ndarray, " N"]:
    """Natural logarithms; the decoder and the memory, a row a target, are as beam search has them."""
    size = 1 + max(map(len, targets), default=0)
    said = np.array([[bos, *row, eos, *[eos] * (size - 1 - len(row))] for row in targets])
    lengths = np.array([len(row) + 1 for row in targets])
    total, state, rows = np.zeros(len(targets)), None, np.arange(len(targets))
    with without_gradients(memory):
        for place in range(size):
            out = decoder(like(memory, said[:, place : place + 1]), memory, state)
            log_probs = log_softmax(out.logits[:, -1])
            of_next = to_numpy(log_probs[like(memory, rows), like(memory, said[:, place + 1])])
            total += np.where(place < lengths, of_next, 0.0)
            state = out.state
    return total
