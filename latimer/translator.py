"""Text to text: what the command line, the evaluation and the service share."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch.nn.utils.rnn import pad_sequence

from latimer import looking
from latimer.data.text import Spacing, normalise
from latimer.data.tokenizer import BOS, EOS, PAD
from latimer.errors import Mistake
from latimer.folder import ModelFolder, Tokenizers
from latimer.machine import keep_memory
from latimer.models.base import Seq2Seq
from latimer.search.beam import Hypothesis, Move, beam_search
from latimer.shapes import Bool, Int, Tensor
from latimer.visualize.looks import Look

POSITIONS = 4096  # source positions times beams that are searched at once


class Translation(NamedTuple):
    """One way to say it. `score` is `log_probability` (natural) / tokens ** length_penalty."""

    text: str
    score: float
    log_probability: float


class Translator:
    """A trained model with its subwords.

    >>> translator = Translator.load("model")
    >>> translator.translate(["Good morning!", "I like your garden."])
    """

    def __init__(self, model: Seq2Seq, tokenizers: Tokenizers, spacing: Spacing | None = None) -> None:
        self.model = model
        self.tokenizers = tokenizers
        self.spacing = spacing
        self.shown_first: tuple[int | None, int | None] = (None, None)  # layer and head, in a look
        keep_memory()

    @classmethod
    def load(cls, folder: Path | str, device: str | None = None) -> "Translator":
        """From a model directory; on the GPU where there is one, unless told otherwise."""
        directory = ModelFolder(folder)
        model = directory.load_model().to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        translator = cls(model, directory.load_tokenizers(), directory.spacing)
        translator.shown_first = looking.shown_first(model, directory.record.get("reading"))
        return translator

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
        for chosen in _batches(rows, POSITIONS // beam):
            source, mask = self._source([rows[index] for index in chosen])
            results = self._search(source, mask, beam, length_penalty)
            for index, hypotheses in zip(chosen, results, strict=True):
                found[index] = [
                    Translation(self._text(tokens), score, log_probability)
                    for tokens, log_probability, score in hypotheses
                ]
            if progress is not None:
                progress(len(chosen))
        return found

    def look(
        self,
        text: str,
        *,
        target: str | None = None,
        beam: int = 5,
        length_penalty: float = 1.0,
        n_best: int = 1,
        force: int = 0,
    ) -> Look:
        """What the model attends to in its `n_best` translations, or in `target` where it is given.

        `force` is how many times, at the likeliest places, another word is said in the best of them to see
        where that leads. Raises Mistake at an empty text, or a model without attention.
        """
        source_ids = self.tokenizers.source.encode(normalise(text))
        if not source_ids:
            raise Mistake("There is nothing to look at in an empty text; give a sentence.")
        if min(beam, n_best) < 1:
            raise Mistake(
                f"The beam and the number of translations must be at least 1, not {min(beam, n_best)}."
            )
        source, mask = self._source([source_ids])
        recorder = looking.Recorder(self.tokenizers.target.pieces, length_penalty=length_penalty)
        if target is None:
            [found] = self._search(source, mask, max(beam, n_best), length_penalty, recorder)
            targets = [hypothesis.tokens for hypothesis in found[:n_best]]
        else:
            targets = [self.tokenizers.target.encode(normalise(target))]
        self.model.eval()
        writer = looking.Writer(self.tokenizers.target.pieces, self._text)
        seen = looking.read(self.model, source, targets, writer, length_penalty=length_penalty)
        courses = looking.courses(targets[0], seen.runners_up[0], force)
        return Look(
            self.tokenizers.source.pieces([*source_ids, EOS]),
            seen.candidates,
            seen.encoder,
            sentence=text.strip(),
            beam=recorder.steps,
            first=self.shown_first,
            forced=looking.force(self.model, source, courses, writer, limit=_limit(len(source_ids) + 1)),
        )

    def _search(
        self,
        source: Int[Tensor, "B S"],
        mask: Bool[Tensor, "B S"],
        beam: int,
        length_penalty: float,
        watch: Callable[[Move], None] | None = None,
    ) -> list[list[Hypothesis]]:
        self.model.eval()
        with torch.inference_mode():
            memory = self.model.memory(source, mask)
        return beam_search(
            self.model.decoder,
            memory,
            limits=_limit(mask.sum(1)),
            bos=BOS,
            eos=EOS,
            beam=beam,
            length_penalty=length_penalty,
            watch=watch,
        )

    def _source(self, rows: list[list[int]]) -> tuple[Int[Tensor, "B S"], Bool[Tensor, "B S"]]:
        padded = pad_sequence(
            [torch.tensor([*row, EOS]) for row in rows], batch_first=True, padding_value=PAD
        )
        return padded.to(self.device), (padded != PAD).to(self.device)

    def _text(self, tokens: list[int]) -> str:
        text = normalise(self.tokenizers.target.decode(tokens))
        return self.spacing.restore(text) if self.spacing else text


Count = TypeVar("Count", int, Tensor)


def _limit(source: Count) -> Count:
    """How many pieces a translation may have, the end counted, for a number of source pieces."""
    return 2 * source + 20


def _batches(rows: Sequence[Sequence[int]], positions: int) -> Iterator[list[int]]:
    """Indices of the rows that are not empty, the longest first, at most `positions` a batch, padded."""
    order = sorted((index for index, row in enumerate(rows) if row), key=lambda index: -len(rows[index]))
    while order:
        size = max(1, positions // (len(rows[order[0]]) + 1))
        yield order[:size]
        order = order[size:]
