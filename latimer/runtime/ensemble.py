"""Several models that say each piece together: the mean of their probabilities.

log p(y_t) = log (1 / M) sum over models m of p_m(y_t | y_1 .. y_{t-1}, source)

Search sees one engine; memory and state are tuples, of each model its own.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from latimer.errors import Mistake
from latimer.runtime.engine import Engine
from latimer.search.arrays import log_mean, log_softmax
from latimer.state import Array, Nest


class Averaged(NamedTuple):
    """What search wants of a step."""

    logits: Float[Array, "N 1 V"]
    state: tuple[Nest, ...]


class Ensemble(Engine):
    """Models of any families over the same subwords, run by the same library."""

    name: ClassVar[str] = "ensemble"

    def __init__(self, engines: Sequence[Engine]) -> None:
        self.engines = engines

    def memory(self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"]) -> tuple[Nest, ...]:
        return tuple(engine.memory(source, mask) for engine in self.engines)

    def decoder(self, tokens: Array, memory: tuple[Nest, ...], state: tuple[Nest, ...] | None) -> Averaged:
        states = state or [None] * len(self.engines)
        said = [
            engine.decoder(tokens, its_memory, its_state)
            for engine, its_memory, its_state in zip(self.engines, memory, states, strict=True)
        ]
        mean = log_mean([log_softmax(out.logits[:, -1]) for out in said])
        return Averaged(mean[:, None], tuple(out.state for out in said))

    def maps(
        self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"], target: Int[np.ndarray, "B T"]
    ) -> dict[str, Float[np.ndarray, "B H T S"]]:
        """The first one's."""
        return self.engines[0].maps(source, mask, target)

    @property
    def model(self) -> Any:
        raise Mistake("Several models together have no attention to look at; give one of them.")
