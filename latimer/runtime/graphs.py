"""The model as two ONNX graphs (see recording.py), run by ONNX Runtime on the CPU: torch is not needed."""

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from latimer.errors import Mistake
from latimer.runtime.engine import Engine
from latimer.state import Nest

GRAPHS = ("encoder.onnx", "step.onnx")


class First(NamedTuple):
    """What the first graph knows: what every step looks at, and how the first step ended."""

    memory: tuple[NDArray[Any], ...]
    logits: Float[np.ndarray, "N 1 V"]
    state: tuple[NDArray[Any], ...]


class Stepped(NamedTuple):
    """What search wants of a step."""

    logits: Float[np.ndarray, "N 1 V"]
    state: tuple[NDArray[Any], ...]


class OnnxEngine(Engine):
    """Runs the graphs of a folder, by as many threads as OMP_NUM_THREADS says, or all there are."""

    name: ClassVar[str] = "onnx"

    def __init__(self, folder: Path, *, load_model: Callable[[], Any] | None = None) -> None:
        self._load_model = load_model
        self._encoder, self._step = (_session(folder / name) for name in GRAPHS)
        self._memory = [value.name for value in self._step.get_inputs() if value.name.startswith("memory_")]
        self._state = [value.name for value in self._step.get_inputs() if value.name.startswith("state_")]
        self._first = [*self._memory, "logits", *self._state]
        self._next = ["logits", *(f"next_{name}" for name in self._state)]
        self._maps = [value.name for value in self._step.get_outputs() if value.name.startswith("map_")]

    def memory(self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"]) -> First:
        found = self._encoder.run(self._first, {"source": source, "mask": mask})
        size = len(self._memory)
        return First(tuple(found[:size]), found[size], tuple(found[size + 1 :]))

    def decoder(self, tokens: Int[np.ndarray, "N 1"], memory: First, state: Nest) -> Stepped:
        """From the beginning `tokens` are BOS, as the first graph took them to be."""
        if state is None:
            return Stepped(memory.logits, memory.state)
        given = {"tokens": tokens, **dict(zip(self._memory, memory.memory, strict=True))}
        logits, *after = self._step.run(self._next, {**given, **dict(zip(self._state, state, strict=True))})
        return Stepped(logits, tuple(after))

    def maps(
        self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"], target: Int[np.ndarray, "B T"]
    ) -> dict[str, Float[np.ndarray, "B H T S"]]:
        """Step by step; nothing of graphs that were recorded before they gave maps."""
        if not self._maps:
            return {}
        size, states = len(self._memory), len(self._memory) + len(self._state)
        found = self._encoder.run(
            [*self._memory, *self._state, *self._maps], {"source": source, "mask": mask}
        )
        memory, state = dict(zip(self._memory, found[:size], strict=True)), found[size:states]
        steps = [found[states:]]
        for tokens in target.T[1:, :, None]:
            given = {"tokens": tokens, **memory, **dict(zip(self._state, state, strict=True))}
            found = self._step.run([*self._next[1:], *self._maps], given)
            state = found[: len(state)]
            steps.append(found[len(state) :])
        return {
            name.removeprefix("map_"): np.stack(layer, 2)
            for name, layer in zip(self._maps, zip(*steps, strict=True), strict=True)
        }

    @cached_property
    def model(self) -> Any:
        """The model itself, which wants torch after all."""
        if self._load_model is None:
            raise Mistake(
                "These graphs stand alone; load the translator from a model's folder to look inside."
            )
        return self._load_model()


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = _threads()
    options.enable_mem_pattern = False  # no two steps have the same sizes
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of many kinds, none of which says more than this
        raise Mistake(f"{path} can't be run by ONNX Runtime {onnxruntime.__version__}: {error}") from None


def _threads() -> int:
    """As many as OMP_NUM_THREADS says, of which nested teams are no business here; 0 is one a core."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(told) if told.isdecimal() else 0
