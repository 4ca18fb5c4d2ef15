"""The model as it was trained, by torch, on any device."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int

from latimer.models.base import Seq2Seq
from latimer.runtime.engine import Engine
from latimer.state import Array, Nest


class TorchEngine(Engine):
    """Runs a model where its parameters are, without dropout."""

    name = "torch"

    def __init__(self, model: Seq2Seq, device: torch.device | str | None = None) -> None:
        self._model = model if device is None else model.to(device)

    @property
    def model(self) -> Seq2Seq:
        return self._model

    @torch.inference_mode()
    def memory(self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"]) -> Nest:
        device = next(self.model.parameters()).device
        self.model.eval()
        return self.model.memory(torch.from_numpy(source).to(device), torch.from_numpy(mask).to(device))

    def decoder(self, tokens: Array, memory: Nest, state: Nest) -> Any:
        return self.model.decoder(tokens, memory, state)
