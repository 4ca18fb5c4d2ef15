"""Text to text: what the command line, the evaluation and the service share."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn.utils.rnn import pad_sequence

from latimer.data.text import Spacing, normalise
from latimer.data.tokenizer import BOS, EOS, PAD
from latimer.errors import Mistake
from latimer.folder import ModelFolder, Tokenizers
from latimer.machine import keep_memory
from latimer.models.base import Seq2Seq
from latimer.nn.attention import capture
from latimer.search.beam import beam_search
from latimer.shapes import Bool, Float, Int, Tensor

POSITIONS = 4096  # source positions times beams that are searched at once


class Translation(NamedTuple):
    """One way to say it. `score` is `log_probability` (natural) / tokens ** length_penalty."""

    text: str
    score: float
    log_probability: float


class Look(NamedTuple):
    """A translation, and what each of its pieces looked at; the last piece on either side is the end.

    `maps` goes from the name of an attention over the source to its weights (T S), the mean of its heads.
    """

    source: list[str]
    target: list[str]
    text: str
    maps: dict[str, Float[Tensor, "T S"]]


class Translator:
    """A trained model with its subwords.

    >>> translator = Translator.load("model")
    >>> translator.translate(["Good morning!", "I like your garden."])
    """

    def __init__(self, model: Seq2Seq, tokenizers: Tokenizers, spacing: Spacing | None = None) -> None:
        self.model = model
        self.tokenizers = tokenizers
        self.spacing = spacing
        keep_memory()

    @classmethod
    def load(cls, folder: Path | str, device: str | None = None) -> "Translator":
        """From a model directory; on the GPU where there is one, unless told otherwise."""
        directory = ModelFolder(folder)
        model = directory.load_model().to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        return cls(model, directory.load_tokenizers(), directory.spacing)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def translate(
        self,
        texts: Sequence[str],
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """The best translation of each line, in their order; an empty line gives an empty line.

        `progress` is told after each batch how many lines it held.
        """
        found = self.hypotheses(texts, beam=beam, length_penalty=length_penalty, progress=progress)
        return [translations[0].text if translations else "" for translations in found]

    def hypotheses(
        self,
        texts: Sequence[str],
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
        progress: Callable[[int], None] | None = None,
    ) -> list[list[Translation]]:
        """The `beam` best translations of each line, best first; none of an empty line."""
        if isinstance(texts, str):
            raise Mistake("Give a list of texts, not one text: its letters would be lines.")
        if beam < 1:
            raise Mistake(f"The beam must be at least 1, not {beam}.")
        rows = self.tokenizers.source.encode_many([normalise(text) for text in texts])
        found: list[list[Translation]] = [[] for _ in texts]
        self.model.eval()
        for chosen in _batches(rows, POSITIONS // beam):
            source, mask = self._source([rows[index] for index in chosen])
            with torch.inference_mode():
                memory = self.model.memory(source, mask)
            results = beam_search(
                self.model.decoder,
                memory,
                limits=2 * mask.sum(1) + 20,
                bos=BOS,
                eos=EOS,
                beam=beam,
                length_penalty=length_penalty,
            )
            for index, hypotheses in zip(chosen, results, strict=True):
                found[index] = [
                    Translation(self._text(tokens), score, log_probability)
                    for tokens, log_probability, score in hypotheses
                ]
            if progress is not None:
                progress(len(chosen))
        return found

    def look(self, text: str, *, target: str | None = None, beam: int = 5) -> Look:
        """The attention of a translation: the model's own, or `target` where it is given.

        Raises Mistake at an empty text, or a model without attention.
        """
        source_ids = self.tokenizers.source.encode(normalise(text))
        if not source_ids:
            raise Mistake("There is nothing to look at in an empty text; give a sentence.")
        if target is None:
            target = self.translate([text], beam=beam)[0]
        target_ids = self.tokenizers.target.encode(normalise(target))
        source, mask = self._source([source_ids])
        inputs = torch.tensor([[BOS, *target_ids]], device=self.device)
        self.model.eval()
        with torch.inference_mode(), capture(self.model) as maps:
            self.model(source, mask, inputs)
        maps = {
            name: weights
            for name, weights in maps.items()
            if name.startswith("decoder.") and ".past." not in name
        }
        if not maps:
            raise Mistake("This model has no attention to look at (its score is none).")
        return Look(
            self.tokenizers.source.pieces([*source_ids, EOS]),
            self.tokenizers.target.pieces([*target_ids, EOS]),
            target,
            {name: weights[0].cpu().view(-1, *weights.shape[-2:]).mean(0) for name, weights in maps.items()},
        )

    def _source(self, rows: list[list[int]]) -> tuple[Int[Tensor, "B S"], Bool[Tensor, "B S"]]:
        padded = pad_sequence(
            [torch.tensor([*row, EOS]) for row in rows], batch_first=True, padding_value=PAD
        )
        return padded.to(self.device), (padded != PAD).to(self.device)

    def _text(self, tokens: list[int]) -> str:
        text = normalise(self.tokenizers.target.decode(tokens))
        return self.spacing.restore(text) if self.spacing else text


def _batches(rows: Sequence[Sequence[int]], positions: int) -> Iterator[list[int]]:
    """Indices of the rows that are not empty, the longest first, at most `positions` a batch, padded."""
    order = sorted((index for index, row in enumerate(rows) if row), key=lambda index: -len(rows[index]))
    while order:
        size = max(1, positions // (len(rows[order[0]]) + 1))
        yield order[:size]
        order = order[size:]
