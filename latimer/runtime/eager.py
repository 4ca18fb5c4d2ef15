"""The model as it was trained, by torch, on any device."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from latimer.models.base import Seq2Seq, source_attentions
from latimer.nn.attention import capture
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

    @torch.inference_mode()
    def maps(
        self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"], target: Int[np.ndarray, "B T"]
    ) -> dict[str, Float[np.ndarray, "B H T S"]]:
        memory = self.memory(source, mask)
        with capture(self.model.decoder) as maps:
            self.model.decoder.features(
                torch.from_numpy(target).to(next(self.model.parameters()).device), memory
            )
        told = {name: maps[name.removeprefix("decoder.")] for name in source_attentions(self.model)}
        return {
            name: weights.float().reshape(len(weights), -1, *weights.shape[-2:]).cpu().numpy()
            for name, weights in told.items()
        }

    def decoder(self, tokens: Array, memory: Nest, state: Nest) -> Any:
        return self.model.decoder(tokens, memory, state)
