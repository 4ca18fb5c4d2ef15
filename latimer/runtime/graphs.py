"""The model as two ONNX graphs (see recording.py), run by ONNX Runtime on the CPU: torch is not needed."""

import os
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from latimer.errors import Mistake
from latimer.runtime.engine import Engine
from latimer.search.arrays import Likeliest, likeliest, log_softmax
from latimer.state import Nest

Arrays = tuple[NDArray[Any], ...]
GRAPHS = ("encoder.onnx", "step.onnx")
LARGE = 32_000_000  # bytes of a graph that several threads are worth while for
PER_SENTENCE = "a row a sentence"  # what a step graph says of the memory that it wants


class Few(NamedTuple):
    """The words that may follow in a batch, where not all are compared (shortlist.py)."""

    words: Int[np.ndarray, " U"]  # in order
    allowed: Float[np.ndarray, "B 1 U"]  # 0 for those of a sentence, else -inf
    weights: dict[str, NDArray[Any]]  # of the output layer, as a step is told of them

    def take(self, sentences: Int[np.ndarray, " N"]) -> "Few":
        return self._replace(allowed=self.allowed.take(sentences, 0))

    def asked(self, count: int, end: int) -> dict[str, NDArray[Any]]:
        """What makes a step choose among them."""
        given = {"few": np.array(True), "few_allowed": self.allowed, **self.weights}
        return {**given, **_asked(min(count, len(self.words)), self.place(end))}

    def place(self, word: int) -> int:
        return int(self.words.searchsorted(word))


class Sentences:
    """What there is once a sentence, however many hypotheses it has: those only count it several `times`.

    To whoever repeats and selects it is an array with a row a hypothesis, those of a sentence together.
    """

    def __init__(
        self,
        memory: Arrays,
        logits: Float[np.ndarray, "B 1 V"],
        few: Few | None = None,
        times: int = 1,
    ) -> None:
        self.memory, self.logits, self.few, self.times = memory, logits, few, times

    def repeat(self, times: int, axis: int) -> "Sentences":
        return Sentences(self.memory, self.logits, self.few, self.times * times)

    def take(self, rows: Int[np.ndarray, " N"], axis: int) -> "Sentences":
        sentences, times = rows[:: self.times] // self.times, self.times
        if (rows // times).tolist() != sentences.repeat(times).tolist():
            sentences, times = rows // times, 1
        return Sentences(
            tuple(array.take(sentences, 0) for array in self.memory),
            self.logits.take(sentences, 0),
            self.few and self.few.take(sentences),
            times,
        )

    @cached_property
    def spread(self) -> Arrays:
        """The memory with a row a hypothesis."""
        return tuple(array.repeat(self.times, 0) for array in self.memory)


class First(NamedTuple):
    """What the first graph knows: what every step looks at, and how the first step ended."""

    sentences: Sentences
    state: Arrays

    @property
    def logits(self) -> Float[np.ndarray, "B 1 V"]:
        return self.sentences.logits


class FirstStep(NamedTuple):
    """What search wants of the first step, which is the same for all hypotheses of a sentence."""

    sentences: Sentences
    state: Arrays

    @property
    def logits(self) -> Float[np.ndarray, "N 1 V"]:
        return self.sentences.logits.repeat(self.sentences.times, 0)

    def likeliest(self, count: int, end: int) -> Likeliest:
        few = self.sentences.few
        if few is None:
            found = likeliest(log_softmax(self.sentences.logits[:, -1]), count, end)
        else:
            logits = self.sentences.logits[:, -1].take(few.words, -1) + few.allowed[:, 0]
            found = likeliest(log_softmax(logits), count, few.place(end))
            found = found._replace(tokens=few.words[found.tokens])
        return Likeliest(*(array.repeat(self.sentences.times, 0) for array in found))


class NextStep:
    """What search wants of another step, which is taken when it is first asked for anything.

    It brings what was asked for and no more: numbers for all words are many where there are many rows.
    """

    def __init__(self, run: Callable[..., list[NDArray[Any]]], words: int, few: Few | None) -> None:
        self._run, self._words, self._few = run, words, few
        self._state: Arrays | None = None

    @cached_property
    def logits(self) -> Float[np.ndarray, "N 1 V"]:
        logits, *state = self._run(["logits"], {})
        self._state = tuple(state)
        return logits

    def likeliest(self, count: int, end: int) -> Likeliest:
        """The `count` likeliest tokens of each row, or all, and how likely it is that `end` comes."""
        few = self._few
        asked = few.asked(count, end) if few else _asked(min(count, self._words), end)
        best, tokens, log_prob, *state = self._run(["best_log_probs", "best_tokens", "end_log_prob"], asked)
        self._state = tuple(state)
        best, tokens = (array.reshape(-1, array.shape[-1]) for array in (best, tokens))
        tokens = few.words[tokens] if few else tokens.astype(np.int64)
        return Likeliest(best, tokens, log_prob.reshape(-1))

    @property
    def state(self) -> Arrays:
        if self._state is None:
            assert self.logits is not None
        return self._state  # type: ignore[return-value]


def _asked(count: int, end: int) -> dict[str, NDArray[Any]]:
    return {"count": np.array([count]), "end": np.array([end])}


class WholeStep(NamedTuple):
    """A step of graphs that tell of all words only, as those of earlier versions do."""

    logits: Float[np.ndarray, "N 1 V"]
    state: Arrays


class OnnxEngine(Engine):
    """Runs the graphs of a folder, by as many threads as OMP_NUM_THREADS says (see `_threads`)."""

    name: ClassVar[str] = "onnx"

    def __init__(self, folder: Path, *, load_model: Callable[[], Any] | None = None) -> None:
        self._load_model = load_model
        self._encoder, self._step = (_session(folder / name) for name in GRAPHS)
        self._memory = [value.name for value in self._step.get_inputs() if value.name.startswith("memory_")]
        self._state = [value.name for value in self._step.get_inputs() if value.name.startswith("state_")]
        self._few = [value.name for value in self._encoder.get_outputs() if value.name.startswith("few_")]
        self._first = [*self._memory, "logits", *self._state]
        self._next = [f"next_{name}" for name in self._state]
        outputs = {value.name: value.shape for value in self._step.get_outputs()}
        self._chooses, self._words = "best_tokens" in outputs, outputs["logits"][-1]
        self._scores = [name for name in outputs if name.startswith("scores_")]
        told = self._step.get_modelmeta().custom_metadata_map
        self._shares = told.get("memory") == PER_SENTENCE
        self._positions = int(told.get("positions", 0))  # of which it knows the angles, where it turns any

    def memory(self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"]) -> First:
        names = [*self._first, *self._few]
        found = self._encoder.run(names, {"source": source, "mask": mask})
        size, states = len(self._memory), len(self._first)
        few = None
        if self._few:
            rest = dict(zip(self._few, found[states:], strict=True))
            words = rest.pop("few_words").astype(np.int64)  # of the same size, but by another name
            few = Few(words, rest.pop("few_allowed"), rest)
        return First(Sentences(tuple(found[:size]), found[size], few), tuple(found[size + 1 : states]))

    def decoder(self, tokens: Int[np.ndarray, "N 1"], memory: First, state: Nest) -> Any:
        """From the beginning `tokens` are BOS, as the first graph took them to be."""
        if state is None:
            return FirstStep(*memory)
        seen = memory.sentences.memory if self._shares else memory.sentences.spread
        run = partial(self._run, self._given(tokens, seen, state))
        if self._chooses:
            return NextStep(run, self._words, memory.sentences.few)
        logits, *after = run(["logits"], {})
        return WholeStep(logits, tuple(after))

    def _run(self, given: dict[str, Any], outputs: list[str], asked: dict[str, Any]) -> list[NDArray[Any]]:
        """These outputs of the step graph, and the state after it."""
        found: list[NDArray[Any]] = self._step.run([*outputs, *self._next], {**given, **asked})
        return found

    def _given(self, tokens: Int[np.ndarray, "N 1"], memory: Arrays, state: Nest) -> dict[str, Any]:
        """What the step graph is told."""
        given = {"tokens": tokens, **dict(zip(self._memory, memory, strict=True))}
        given.update(zip(self._state, state, strict=True))
        if state and 0 < self._positions <= state[0].shape[2]:
            given["cos"], given["sin"] = angles(state[0].shape[3], 2 * state[0].shape[2])
        return given

    def maps(
        self, source: Int[np.ndarray, "B S"], mask: Bool[np.ndarray, "B S"], target: Int[np.ndarray, "B T"]
    ) -> dict[str, Float[np.ndarray, "B H T S"]]:
        """Step by step; nothing of graphs that were recorded before they told scores."""
        if not self._scores:
            return {}
        size, states = len(self._memory), len(self._memory) + len(self._state)
        found = self._encoder.run(
            [*self._memory, *self._state, *self._scores], {"source": source, "mask": mask}
        )
        memory, state, steps = tuple(found[:size]), found[size:states], [found[states:]]
        for tokens in target.T[1:, :, None]:
            found = self._step.run([*self._next, *self._scores], self._given(tokens, memory, state))
            state = found[: len(state)]
            steps.append(found[len(state) :])
        maps, visible = {}, mask[:, None, None]
        for name, parts in zip(self._scores, zip(*steps, strict=True), strict=True):
            scores = np.concatenate(parts, -2)
            scores = scores.reshape(len(source), -1, *scores.shape[-2:])
            scores = np.where(visible, scores, np.finfo(scores.dtype).min)
            weights = np.exp(scores - scores.max(-1, keepdims=True)) * visible
            maps[name.removeprefix("scores_")] = weights / weights.sum(-1, keepdims=True).clip(1e-9)
        return maps

    @cached_property
    def model(self) -> Any:
        """The model itself, which wants torch after all."""
        if self._load_model is None:
            raise Mistake(
                "These graphs stand alone; load the translator from a model's folder to look inside."
            )
        return self._load_model()


def angles(width: int, positions: int) -> tuple[Float[np.ndarray, "P _"], Float[np.ndarray, "P _"]]:
    """Cosines and sines by which `nn.embedding.rotate` turns heads of that width, a position a row."""
    half = width // 2
    turned = np.arange(positions)[:, None] * 10_000 ** (-np.arange(half) / half)
    return np.cos(turned).astype(np.float32), np.sin(turned).astype(np.float32)


def _session(path: Path) -> Any:
    # Read once, before anything runs: else ONNX Runtime reports its use to its makers, on Linux since 1.29,
    # and leaves an identifier in the home folder. The call is for a program that imported it earlier.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = _threads(path.stat().st_size if path.exists() else 0)
    options.enable_mem_pattern = False  # no two steps have the same sizes
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of many kinds, none of which says more than this
        raise Mistake(f"{path} can't be run by ONNX Runtime {onnxruntime.__version__}: {error}") from None


def _threads(size: int) -> int:
    """As many as OMP_NUM_THREADS says, of which nested teams are no business here; 0 is one a core.

    Else one, for a graph of fewer than LARGE bytes: its nodes are done before another thread has woken.
    """
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(told) if told.isdecimal() else int(size < LARGE)
