"""Text to text: what the command line, the evaluation and the service share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from latimer.data.text import Spacing, normalise
from latimer.data.tokenizer import BOS, EOS, PAD
from latimer.errors import Mistake
from latimer.folder import ModelFolder, Tokenizers
from latimer.machine import keep_memory
from latimer.runtime.engine import Engine
from latimer.runtime.graphs import GRAPHS, OnnxEngine
from latimer.search.beam import Constraint, Hypothesis, Move, beam_search
from latimer.search.constraints import word_bounds
from latimer.search.settings import Wishes
from latimer.search.terms import Forms, Terms

if TYPE_CHECKING:
    from latimer.models.base import Seq2Seq
    from latimer.visualize.looks import Look

EngineName = Literal["onnx", "torch"]
DRIVER = Path("/dev/nvidiactl")  # stands where a GPU of the kind that torch uses has its driver
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

    def __init__(self, engine: Engine, tokenizers: Tokenizers, spacing: Spacing | None = None) -> None:
        self.engine = engine
        self.tokenizers = tokenizers
        self.spacing = spacing
        self.reading: Mapping[str, Any] | None = None  # which attention aligns best, where it is known
        keep_memory()

    @classmethod
    def load(
        cls, folder: Path | str, device: str | None = None, *, engine: EngineName | None = None
    ) -> "Translator":
        """From a model directory.

        On a GPU where torch finds one; else by ONNX Runtime, without torch, where the folder holds graphs for
        it, and by torch where it holds none. `engine` or `device` (of torch's) say otherwise. Raises Mistake
        where the folder lacks what that needs.
        """
        directory = ModelFolder(folder)
        record = directory.record
        if engine == "onnx" and not directory.has_graphs:
            raise Mistake(
                f"{folder} holds no graphs for ONNX Runtime; make them: latimer export --model {folder}"
            )
        tokenizers = directory.load_tokenizers()
        chosen: Engine
        if engine == "onnx" or (
            engine is None and device is None and directory.has_graphs and not _finds_gpu()
        ):
            directory.verify(*(directory.runtime / name for name in GRAPHS))
            chosen = OnnxEngine(directory.runtime, load_model=directory.load_model)
        elif not directory.has_graphs and find_spec("torch") is None:
            raise Mistake(
                f"{folder} holds no graphs for ONNX Runtime, and torch is not installed; run latimer export "
                f"--model {folder} where it is, or pip install 'latimer[train]' here."
            )
        else:
            from latimer.runtime.eager import TorchEngine

            chosen = TorchEngine(directory.load_model(), device or ("cuda" if _finds_gpu() else "cpu"))
        translator = cls(chosen, tokenizers, Spacing.from_json(record["spacing"]))
        translator.reading = record.get("reading")
        return translator

    @property
    def model(self) -> "Seq2Seq":
        """The model itself, in torch, for whoever looks inside."""
        return self.engine.model

    @property
    def shown_first(self) -> tuple[int | None, int | None]:
        """Layer and head of the attention that a look shows first, None for the mean of all."""
        from latimer import looking

        return looking.shown_first(self.model, self.reading)

    @property
    def device(self) -> Any:
        """Where that is, as torch says it."""
        return next(self.model.parameters()).device

    def translate(
        self,
        texts: Sequence[str],
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
        wishes: Wishes | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """The best translation of each line, in their order; an empty line gives an empty line.

        `wishes` is what each must and must not hold; `progress` is told after each batch how many lines it
        held.
        """
        found = self.hypotheses(
            texts, beam=beam, length_penalty=length_penalty, wishes=wishes, progress=progress
        )
        return [translations[0].text if translations else "" for translations in found]

    def hypotheses(
        self,
        texts: Sequence[str],
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
        wishes: Wishes | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[list[Translation]]:
        """The `beam` best translations of each line, best first; none of an empty line.

        Where no translation can have all that is wished, a line gets one without the glossary, and where that
        can't be had either one without any wish.
        """
        if isinstance(texts, str):
            raise Mistake("Give a list of texts, not one text: its letters would be lines.")
        if beam < 1:
            raise Mistake(f"The beam must be at least 1, not {beam}.")
        texts = [normalise(text) for text in texts]
        rows = self.tokenizers.source.encode_many(texts)
        wanted = [wishes.wanted(text, self._ids) if wishes else [] for text in texts]
        found: list[list[Translation]] = [[] for _ in texts]
        # Those with terms to say go by themselves: their beam is wider.
        free, bound = (
            [row if bool(w) is b else [] for row, w in zip(rows, wanted, strict=True)] for b in (False, True)
        )
        for chosen in [*_batches(free, POSITIONS // beam), *_batches(bound, POSITIONS // (2 * beam))]:
            some, held = [rows[index] for index in chosen], [wanted[index] for index in chosen]
            results = self._search(some, beam, length_penalty, wishes=wishes, wanted=held)
            if wishes is not None:
                self._search_again(results, some, beam, length_penalty, wishes, held)
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
    ) -> "Look":
        """What the model attends to in its `n_best` translations, or in `target` where it is given.

        `force` is how many times, at the likeliest places, another word is said in the best of them to see
        where that leads. Raises Mistake at an empty text, or a model without attention.
        """
        import torch

        from latimer import looking
        from latimer.visualize.looks import Look

        source_ids = self.tokenizers.source.encode(normalise(text))
        if not source_ids:
            raise Mistake("There is nothing to look at in an empty text; give a sentence.")
        if min(beam, n_best) < 1:
            raise Mistake(
                f"The beam and the number of translations must be at least 1, not {min(beam, n_best)}."
            )
        recorder = looking.Recorder(self.tokenizers.target.pieces, length_penalty=length_penalty)
        if target is None:
            [found] = self._search([source_ids], max(beam, n_best), length_penalty, recorder)
            targets = [hypothesis.tokens for hypothesis in found[:n_best]]
        else:
            targets = [self.tokenizers.target.encode(normalise(target))]
        source = torch.tensor([[*source_ids, EOS]], device=self.device)
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
        rows: Sequence[Sequence[int]],
        beam: int,
        length_penalty: float,
        watch: Callable[[Move], None] | None = None,
        *,
        wishes: Wishes | None = None,
        wanted: Sequence[Sequence[Forms]] = (),
    ) -> list[list[Hypothesis]]:
        source, mask = _padded(rows)
        limits = [_limit(len(row) + 1) for row in rows]
        constraints: list[Constraint] = []
        if wishes is not None:
            pieces = self.tokenizers.target.all_pieces()
            limits = [wishes.limit(limit, self._ids) for limit in limits]
            constraints = wishes.constraints(self._ids, pieces, bos=BOS, eos=EOS)
        terms = None
        if any(wanted):
            bounds = word_bounds(self.tokenizers.target.all_pieces(), bos=BOS, eos=EOS)
            terms = [Terms(some, bounds) for some in wanted]
            limits = [limit + one.size for limit, one in zip(limits, terms, strict=True)]
        found = beam_search(
            self.engine.decoder,
            self.engine.memory(source, mask),
            limits=limits,
            bos=BOS,
            eos=EOS,
            beam=2 * beam if terms else beam,
            length_penalty=length_penalty,
            constraints=constraints,
            terms=terms,
            watch=watch,
        )
        return [hypotheses[:beam] for hypotheses in found]

    def _search_again(
        self,
        found: list[list[Hypothesis]],
        rows: Sequence[Sequence[int]],
        beam: int,
        length_penalty: float,
        wishes: Wishes,
        wanted: Sequence[Sequence[Forms]],
    ) -> None:
        """Fill in what was not found: with a wider beam, then without the glossary, then without wishes."""
        for less in (wishes, replace(wishes, glossary=()), None):
            left = [index for index, hypotheses in enumerate(found) if not hypotheses]
            if left:
                held = [wanted[index] for index in left] if less is wishes else ()
                some = [rows[index] for index in left]
                again = self._search(some, 4 * beam, length_penalty, wishes=less, wanted=held)
                for index, hypotheses in zip(left, again, strict=True):
                    found[index] = hypotheses[:beam]

    def _ids(self, text: str) -> list[int]:
        return self.tokenizers.target.encode(normalise(text))

    def _text(self, tokens: list[int]) -> str:
        text = normalise(self.tokenizers.target.decode(tokens))
        return self.spacing.restore(text) if self.spacing else text


def _finds_gpu() -> bool:
    """Whether torch is there and finds one; asked only where a driver is: importing torch takes seconds."""
    if not DRIVER.exists() or find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def _limit(source: int) -> int:
    """How many pieces a translation may have, the end counted, for a number of source pieces."""
    return 2 * source + 20


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Int[np.ndarray, "B S"], Bool[np.ndarray, "B S"]]:
    """Sentences, each with its EOS, in a rectangle, and the mask of what is real."""
    lengths = np.array([len(row) + 1 for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    source = np.full(mask.shape, PAD)
    for place, row in enumerate(rows):
        source[place, : len(row) + 1] = [*row, EOS]
    return source, mask


def _batches(rows: Sequence[Sequence[int]], positions: int) -> Iterator[list[int]]:
    """Indices of the rows that are not empty, the longest first, at most `positions` a batch, padded."""
    order = sorted((index for index, row in enumerate(rows) if row), key=lambda index: -len(rows[index]))
    while order:
        size = max(1, positions // (len(rows[order[0]]) + 1))
        yield order[:size]
        order = order[size:]
