"""How often the choice among few words (shortlist.py) is that among all, on the way that all words lead."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from latimer.runtime.engine import Engine
from latimer.search.arrays import Likeliest, likeliest, log_softmax
from latimer.state import Array, Nest


class Agreement(Engine):
    """An engine with a list of words that goes by all of them, and counts."""

    name: ClassVar[str] = "agreement"

    def __init__(self, engine: Engine) -> None:
        self._engine, self._same, self._all = engine, 0, 0

    @property
    def share(self) -> float:
        """Of all likeliest tokens so far, those that are the list's, too."""
        return self._same / max(1, self._all)

    def note(self, found: Likeliest, listed: Likeliest) -> None:
        same = found.tokens[:, 0] == listed.tokens[:, 0]
        self._same, self._all = self._same + int(same.sum()), self._all + len(same)

    def memory(self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"]) -> Nest:
        return self._engine.memory(source, mask)

    def decoder(self, tokens: Array, memory: Nest, state: Nest) -> "_Both":
        return _Both(self._engine.decoder(tokens, memory, state), self)

    def maps(
        self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"], target: Int[np.ndarray, "B T"]
    ) -> dict[str, Float[np.ndarray, "B H T S"]]:
        return self._engine.maps(source, mask, target)

    @property
    def model(self) -> Any:
        return self._engine.model


class _Both(NamedTuple):
    """A step, taken both ways."""

    step: Any
    agreement: Agreement

    @property
    def logits(self) -> Array:
        return self.step.logits

    @property
    def state(self) -> Nest:
        return self.step.state

    def likeliest(self, count: int, end: int) -> Likeliest:
        found = likeliest(log_softmax(self.logits[:, -1]), count, end)
        self.agreement.note(found, self.step.likeliest(count, end))
        return found
