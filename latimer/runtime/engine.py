"""What a translator wants of whoever runs its model.

    memory = engine.memory(source, mask)                     once a batch, from NumPy's arrays
    out    = engine.decoder(tokens, memory, state)           as search calls it (search/beam.py)
    maps   = engine.maps(source, mask, target)               what it looked at in translations that are there

Memory and state are nests of arrays of the engine's own library, the batch first.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from latimer.state import Array, Nest


class Engine(ABC):
    """Runs one model."""

    name: ClassVar[str]

    @abstractmethod
    def memory(self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"]) -> Nest:
        """What the decoder looks at; `mask` is True at real positions."""

    @abstractmethod
    def decoder(self, tokens: Array, memory: Nest, state: Nest) -> Any:
        """One token a row, on from `state` (None: from the beginning): logits, and the next state."""

    @abstractmethod
    def maps(
        self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"], target: Int[np.ndarray, "B T"]
    ) -> dict[str, Float[np.ndarray, "B H T S"]]:
        """What each attention over the source looked at when it read the target, which begins with BOS.

        By their names in the model, the lowest layer first; empty where that is not told.
        """

    @property
    @abstractmethod
    def model(self) -> Any:
        """The model itself, in torch, for whoever looks inside."""
