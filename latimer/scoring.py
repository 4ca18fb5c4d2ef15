"""How well the two sides of a pair fit, by trained models.

Junczys-Dowmunt 2018, "Dual conditional cross-entropy filtering of noisy parallel corpora", equation 3: with
H(y|x) the mean cross-entropy of a target piece given the source, of both directions,

    |H(y|x) - H(x|y)| + (H(y|x) + H(x|y)) / 2

is low where both models find the pair likely, and about equally so. With one model it is H(y|x) alone.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from latimer.data.tokenizer import BOS, EOS
from latimer.directions import tags
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.packing import batches, padded
from latimer.translator import Translator

POSITIONS = 4096  # of sources and targets that are scored at once


class Scorer:
    """A model of the direction of the pairs, and one of the other direction where there is one."""

    def __init__(self, forward: Translator, back: Translator | None = None) -> None:
        self._forward, self._back = forward, back

    @classmethod
    def load(cls, folder: str, reverse: str | None = None) -> "Scorer":
        """From model directories. Raises Mistake for two of the same direction, or one of several."""
        for one in (folder, reverse):
            if one and tags(ModelFolder(one)):
                raise Mistake(f"{one} has several target languages or domains; score with one that has not.")
        names = ("source_language", "target_language")
        directions = [
            tuple(ModelFolder(one).record[name] for name in names) for one in (folder, reverse) if one
        ]
        if len(directions) == 2 and all(directions[0]) and directions[0] == directions[1]:
            way = " to ".join(directions[0])
            raise Mistake(f"{folder} and {reverse} both translate {way}; --reverse goes back.")
        loaded = [Translator.load(one, engine="torch") for one in (folder, reverse) if one]
        return cls(*loaded)

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Nats a piece, for each pair; the lower, the better both sides fit."""
        onward = cross_entropies(self._forward, pairs)
        if self._back is None:
            return onward
        back = cross_entropies(self._back, [(target, source) for source, target in pairs])
        return np.abs(onward - back) + (onward + back) / 2


@torch.inference_mode()
def cross_entropies(translator: Translator, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """The mean cross-entropy of each target's pieces and its end, in nats, given its source."""
    sources = translator.tokenizers.source.encode_many([source for source, _ in pairs])
    targets = translator.tokenizers.target.encode_many([target for _, target in pairs])
    model, device = translator.model.eval(), translator.device
    found = np.zeros(len(pairs))
    lengths = [[*source, *target, EOS] for source, target in zip(sources, targets, strict=True)]
    for chosen in batches(lengths, POSITIONS):
        source, mask = padded([sources[place] for place in chosen])
        said, real = padded([targets[place] for place in chosen])
        wanted = torch.from_numpy(said).to(device)
        inputs = F.pad(wanted[:, :-1], (1, 0), value=BOS)
        memory = model.memory(torch.from_numpy(source).to(device), torch.from_numpy(mask).to(device))
        logits = model.decoder(inputs, memory, None).logits.float()
        nats = F.cross_entropy(logits.transpose(1, 2), wanted, reduction="none").cpu().numpy()
        found[chosen] = (nats * real).sum(axis=1) / real.sum(axis=1)
    return found


def name_of(*folders: str | None) -> list[tuple[str, int]]:
    """What tells models apart: where they are, and when they were written."""
    paths = [Path(folder).resolve() / "model.safetensors" for folder in folders if folder]
    return [(str(path), path.stat().st_mtime_ns) for path in paths]
