"""A model as two graphs in the ONNX format, for engines that have no torch.

    encoder.onnx    source, mask                        -> what the decoder looks at, and its first step
    step.onnx       tokens, memory_*, state_*           -> logits, likeliest tokens, next_state_*, scores_*

The first graph takes the first step too, since that is always told BOS and has no state yet. Which axes are
of any size is not told by the models: whatever differs between two batches of different sizes is. Both graphs
tell the scores of each attention over the source, named like its module in the model. Their softmax, what it
looked at, is left to whoever asks for it, so that nobody else pays.
"""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jaxtyping
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.export import Dim

from latimer.files import write_whole
from latimer.models.base import DecoderOutput, Seq2Seq, source_attentions
from latimer.nn.recurrent import LSTM, BidirectionalLSTM, LSTMState, LSTMStep
from latimer.runtime.finishing import ask_once, finish, spare_copies
from latimer.runtime.fused import POSITIONS, asks_by_sentence, fuse
from latimer.runtime.graphs import PER_SENTENCE
from latimer.runtime.int8 import quantise, see_reaches
from latimer.runtime.shortlist import can_list, choose_among, list_words
from latimer.shapes import Bool, Float, Int, Tensor
from latimer.state import Nest, leaves, repeat, with_leaves

Tensors = tuple[Tensor, ...]
Weights = Literal["float32", "int8"]


class FirstStep(nn.Module):
    """Everything before the second token: memory, the first logits, the first state."""

    def __init__(self, model: Seq2Seq, bos: int) -> None:
        super().__init__()
        self.model, self.bos = model, bos

    def forward(
        self, source: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"]
    ) -> tuple[Tensors, Tensor, Tensors, Tensors]:
        memory = self.model.memory(source, mask)
        out, scores = looking(self.model, torch.full_like(source[:, :1], self.bos), memory, None)
        return tuple(leaves(memory)), out.logits, tuple(leaves(out.state)), scores


class NextStep(nn.Module):
    """One step, memory and state laid out flat."""

    def __init__(self, model: Seq2Seq, memory: Nest, state: Nest) -> None:
        super().__init__()
        self.model, self.memory, self.state = model, memory, state

    def forward(
        self, tokens: Int[Tensor, "N 1"], memory: Tensors, state: Tensors
    ) -> tuple[Float[Tensor, "N 1 V"], Tensors, Tensors]:
        nests = with_leaves(self.memory, memory), with_leaves(self.state, state)
        out, scores = looking(self.model, tokens, *nests)
        return out.logits, tuple(leaves(out.state)), scores


def looking(model: Seq2Seq, tokens: Tensor, memory: Nest, state: Nest) -> tuple[DecoderOutput, Tensors]:
    """One step of the decoder, and the scores that each attention over the source gave."""
    scores: list[Tensor] = []
    handles = [
        attention.softmax.register_forward_pre_hook(lambda module, given: scores.append(given[0]))
        for attention in source_attentions(model).values()
    ]
    out = model.decoder(tokens, memory, state)
    for handle in handles:
        handle.remove()
    return out, tuple(scores)


class Graphs(NamedTuple):
    """The two, as the exporter made them."""

    encoder: Any
    step: Any

    @property
    def can_list(self) -> bool:
        """Whether `list_words` can be done: not with an output layer that has a bias."""
        return can_list(self.step.model)

    def list_words(self, likely: NDArray[np.int32], always: NDArray[np.int32], *, eos: int) -> None:
        """Let them choose among the words that may follow from a source, as `shortlist` says."""
        list_words(self.encoder.model, likely, always, eos=eos)
        choose_among(self.step.model)

    def save(self, folder: Path) -> None:
        """Write encoder.onnx and step.onnx, each whole or not at all."""
        for name, program in self._asdict().items():
            write_whole(folder / f"{name}.onnx", program.model_proto.SerializeToString())


def record(model: Seq2Seq, *, bos: int, weights: Weights = "float32") -> Graphs:
    """The model, which may be in training and stays as it is, in two graphs."""
    model = copy.deepcopy(model).cpu().float().eval()
    shares = asks_by_sentence(model)
    beam = 2 if shares else 1
    one, other = _sample(model, bos, 2, 5, 3, beam), _sample(model, bos, 3, 7, 4, beam)
    scores = [f"scores_{name}" for name in source_attentions(model)]
    model = step_by_step(model)
    if weights == "int8":
        see_reaches(model, bos)
    model = fuse(written_out(model))
    if weights == "int8":
        model = quantise(model)
    free: Any = Dim.DYNAMIC
    memory, state = tuple(leaves(one.memory)), tuple(leaves(one.state))
    memory_names = [f"memory_{place}" for place in range(len(memory))]
    state_names = [f"state_{place}" for place in range(len(state))]
    step = _export(
        NextStep(model, one.memory, one.state),
        (one.source[:, :1].repeat_interleave(beam, 0), memory, state),
        ({0: free}, _differing(memory, leaves(other.memory)), _differing(state, leaves(other.state))),
        ["tokens", *memory_names, *state_names],
        ["logits", *(f"next_{name}" for name in state_names), *scores],
    )
    encoder = _export(
        FirstStep(model, bos),
        (one.source, one.mask),
        ({0: free, 1: free}, {0: free, 1: free}),
        ["source", "mask"],
        [*memory_names, "logits", *state_names, *scores],
    )
    # What only the first step looked at, such as where the state begins, need not be carried on.
    inputs, outputs = step.model.graph.inputs, encoder.model.graph.outputs
    unused = {value.name for value in inputs if value.name in memory_names and not value.uses()}
    inputs[:] = [value for value in inputs if value.name not in unused]
    outputs[:] = [value for value in outputs if value.name not in unused]
    spare_copies(step.model)
    spare_copies(encoder.model)
    ask_once(step.model)
    finish(step.model, positions=POSITIONS)
    if shares:
        step.model.metadata_props["memory"] = PER_SENTENCE
    return Graphs(encoder, step)


class _Sample(NamedTuple):
    source: Tensor
    mask: Tensor
    memory: Nest
    state: Nest


@torch.no_grad()
def _sample(model: Seq2Seq, bos: int, batch: int, size: int, steps: int, beam: int) -> _Sample:
    """A batch of any sentences, the first the longest, and the state of `beam` hypotheses of each."""
    source = torch.full((batch, size), bos)
    mask = torch.arange(size) < torch.arange(size, size - batch, -1)[:, None]
    memory = model.memory(source, mask)
    state = model.decoder(source[:, :steps], memory, None).state
    return _Sample(source, mask, memory, repeat(state, beam))


def _differing(ones: Any, others: Any) -> tuple[dict[int, Any], ...]:
    """Of each pair of tensors the axes of different size, as the exporter wants to be told of them."""
    return tuple(
        {axis: Dim.DYNAMIC for axis in range(one.dim()) if one.shape[axis] != other.shape[axis]}
        for one, other in zip(ones, others, strict=True)
    )


def _export(module: nn.Module, arguments: Any, sizes: Any, inputs: list[str], outputs: list[str]) -> Any:
    with _undisturbed():
        return torch.onnx.export(
            module.eval(),
            arguments,
            dynamo=True,
            verbose=False,
            dynamic_shapes=sizes,
            input_names=inputs,
            output_names=outputs,
        )


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without what the exporter says to those who make it, and without checks of shapes.

    A check asks a size for its value, where there is one, and the graph would be of that size for ever.
    """
    silent, unchecked = logging.root.manager.disable, jaxtyping.config.jaxtyping_disable
    logging.disable(logging.WARNING)
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(silent)
        jaxtyping.config.update("jaxtyping_disable", unchecked)


# --- layers that can't be recorded as they are


def step_by_step(model: Seq2Seq) -> Seq2Seq:
    """The model, the LSTMs that write replaced by such as read one position, in their places."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LSTM):
                setattr(parent, name, OneStep(child.lstm))
    return model


def written_out(model: Seq2Seq) -> Seq2Seq:
    """The model, the LSTMs that read replaced by what the format can say, in their places."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, BidirectionalLSTM):
                setattr(parent, name, BothWays(child.lstm))
    return model


class OneStep(nn.Module):
    """An `LSTM` that is given one position, as matrix products: those can be made in int8."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.inward: Any = nn.Linear(lstm.input_size, 4 * lstm.hidden_size)
        self.step: Any = LSTMStep(lstm.hidden_size, layers=lstm.num_layers)
        weights = dict(lstm.named_parameters())
        with torch.no_grad():
            layers: Any = zip(self.step.recurrent, [self.inward, *self.step.upward], strict=True)
            for layer, (recurrent, inward) in enumerate(layers):
                recurrent.weight.copy_(weights[f"weight_hh_l{layer}"])
                inward.weight.copy_(weights[f"weight_ih_l{layer}"])
                inward.bias.copy_(weights[f"bias_ih_l{layer}"] + weights[f"bias_hh_l{layer}"])

    def forward(
        self, inputs: Float[Tensor, "B 1 E"], state: LSTMState
    ) -> tuple[Float[Tensor, "B 1 H"], LSTMState]:
        output, state = self.step(self.inward(inputs[:, 0]), state)
        return output[:, None], state


class BothWays(nn.Module):
    """A `BidirectionalLSTM` as nodes of the format, which know of lengths themselves."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.width, self.layers = lstm.hidden_size, lstm.num_layers
        weights = dict(lstm.named_parameters())
        for layer, kind in ((layer, kind) for layer in range(self.layers) for kind in ("weight", "bias")):
            for part in ("ih", "hh"):
                ways = [weights[f"{kind}_{part}_l{layer}{way}"] for way in ("", "_reverse")]
                self.register_buffer(f"{kind}_{part}_{layer}", torch.stack([_in_order(way) for way in ways]))

    def forward(
        self, inputs: Float[Tensor, "B S E"], mask: Bool[Tensor, "B S"]
    ) -> tuple[Float[Tensor, "B S D"], Float[Tensor, "B D"]]:
        lengths = mask.sum(1).clamp(min=1).int()
        states, summary = inputs, inputs
        for layer in range(self.layers):
            states, summary = self._read(states, lengths, layer)
        return states * mask[..., None], summary * mask.any(1, keepdim=True)

    def _read(self, states: Tensor, lengths: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        batch, size, kind = states.shape[0], states.shape[1], states.dtype
        bias = torch.cat([getattr(self, f"bias_ih_{layer}"), getattr(self, f"bias_hh_{layer}")], 1)
        found, last, _ = torch.onnx.ops.symbolic_multi_out(
            "LSTM",
            [
                states.transpose(0, 1),
                getattr(self, f"weight_ih_{layer}"),
                getattr(self, f"weight_hh_{layer}"),
                bias,
                lengths,
            ],
            {"direction": "bidirectional", "hidden_size": self.width},
            dtypes=(kind, kind, kind),
            shapes=((size, 2, batch, self.width), (2, batch, self.width), (2, batch, self.width)),
            version=18,
        )
        return found.permute(2, 0, 1, 3).flatten(2), last.transpose(0, 1).flatten(1)


def _in_order(gates: Tensor) -> Tensor:
    """From torch's order of the gates (input, forget, new, output) to the format's (i, o, f, n)."""
    into, forget, new, out = gates.detach().chunk(4)
    return torch.cat([into, out, forget, new])
