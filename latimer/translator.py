"""Text to text: what the command line, the evaluation and the service share."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from latimer.arrangement import Said
from latimer.confidence import Calibration
from latimer.data.text import Spacing, normalise
from latimer.data.tokenizer import EOS
from latimer.errors import Mistake
from latimer.folder import ModelFolder, Tokenizers
from latimer.guarded import Guard
from latimer.guarding import usual_limit
from latimer.machine import finds_gpu, keep_memory
from latimer.plain import NOTHING, PlainTranslator, Query
from latimer.runtime.engine import Engine
from latimer.runtime.graphs import GRAPHS, OnnxEngine
from latimer.search.settings import Wishes

if TYPE_CHECKING:
    from latimer.models.base import Seq2Seq
    from latimer.visualize.looks import Look

EngineName = Literal["onnx", "torch"]
LONGEST = 160  # pieces of a sentence that training may have seen, where no record says it
LEFT = frozenset(["unknown", "untranslated"])  # flags of what stands there as in the source
PLAIN = Wishes(guard=False)  # what the model says, as it comes; to compare models by


class Translation(NamedTuple):
    """One way to say it. `score` is `log_probability` (natural) / tokens ** length_penalty; where coverage is
    wished, what that comes to is added.

    `confidence` is the chrF2++, from 0 to 1, that sentences so probable had on validation data; of a model
    that wasn't shipped, the geometric mean probability of a piece. It is 0 where some of the source was left
    as it is, because its letters are unknown or what it holds could not be kept.

    `flags` is what made the guard search again, "repetition", "length" or "copy", whatever came of it; and
    "loop" (what the source says more than 8 times in a row was searched as if said three times), "unknown"
    (letters that training has not seen: left as they are), "number" (a long number of the source is missing),
    "untranslated" (no translation kept what is protected: the source stands there), "unprotected" (the prefix
    left no room for it), "glossary" (its terms could not all be said), "wishes" (none could be had).
    """

    text: str
    score: float
    log_probability: float
    flags: tuple[str, ...] = ()
    confidence: float = 0.0


class Translator(PlainTranslator):
    """A trained model with its subwords, and a guard.

    >>> translator = Translator.load("model")
    >>> translator.translate(["Good morning!", "I like your garden."])
    """

    def __init__(self, engine: Engine, tokenizers: Tokenizers, spacing: Spacing | None = None) -> None:
        super().__init__(engine, tokenizers, spacing)
        self.longest = LONGEST  # pieces; a longer line is cut
        self.calibration = Calibration()
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
            engine is None and device is None and directory.has_graphs and not finds_gpu()
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

            chosen = TorchEngine(directory.load_model(), device or ("cuda" if finds_gpu() else "cpu"))
        translator = cls(chosen, tokenizers, Spacing.from_json(record["spacing"]))
        translator.reading = record.get("reading")
        translator.calibration = Calibration(**record.get("confidence", {}))
        translator.longest = record.get("seen") or record["config"]["data.longest"]
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

        `wishes` is what each must and must not hold; `progress` is told how many lines each batch held.
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

        Long lines are cut, spans protected, and what runs away is searched again, with what is wished at
        once. Where no translation can have all wishes, a sentence gets one without the glossary, else without
        any; `Translation.flags` says so.
        """
        if isinstance(texts, str):
            raise Mistake("Give a list of texts, not one text: its letters would be lines.")
        if beam < 1:
            raise Mistake(f"The beam must be at least 1, not {beam}.")
        wishes = wishes or NOTHING
        if wishes.guard:
            guard = Guard(
                self,
                longest=self.longest,
                beam=beam,
                length_penalty=length_penalty,
                wishes=wishes,
                progress=progress,
            )
            found = guard.translate(texts)
        else:
            found = self._as_it_comes(texts, beam, length_penalty, wishes, progress)
        return [[self._told(one, length_penalty) for one in line] for line in found]

    def _told(self, one: Said, length_penalty: float) -> Translation:
        score = one.log_probability / max(1, one.tokens) ** length_penalty + one.coverage
        confidence = self.calibration.confidence(one.log_probability, one.tokens)
        left = LEFT.intersection(one.flags)
        return Translation(one.text, score, one.log_probability, one.flags, 0.0 if left else confidence)

    def _as_it_comes(
        self,
        texts: Sequence[str],
        beam: int,
        length_penalty: float,
        wishes: Wishes,
        progress: Callable[[int], None] | None,
    ) -> list[list[Said]]:
        """As wished, and nothing else: no line is cut, and no translation searched again for its own sake."""
        texts = [normalise(text) for text in texts]
        queries = [
            Query(row, wishes, wishes.wanted(text, self.ids))
            for row, text in zip(self.tokenizers.source.encode_many(texts), texts, strict=True)
        ]
        answers = self.answer(
            queries, beam, length_penalty, advance=lambda chosen: progress(len(chosen)) if progress else None
        )
        return [
            [
                Said(self.text(tokens), log_probability, len(tokens) + 1, answer.flags, coverage)
                for tokens, log_probability, _, coverage in answer.hypotheses
            ]
            for answer in answers
        ]

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
            [found] = self._search([Query(source_ids)], max(beam, n_best), length_penalty, recorder)
            targets = [hypothesis.tokens for hypothesis in found[:n_best]]
        else:
            targets = [self.tokenizers.target.encode(normalise(target))]
        source = torch.tensor([[*source_ids, EOS]], device=self.device)
        self.model.eval()
        writer = looking.Writer(self.tokenizers.target.pieces, self.text)
        seen = looking.read(self.model, source, targets, writer, length_penalty=length_penalty)
        courses = looking.courses(targets[0], seen.runners_up[0], force)
        return Look(
            self.tokenizers.source.pieces([*source_ids, EOS]),
            seen.candidates,
            seen.encoder,
            sentence=text.strip(),
            beam=recorder.steps,
            first=self.shown_first,
            forced=looking.force(self.model, source, courses, writer, limit=usual_limit(len(source_ids) + 1)),
        )
