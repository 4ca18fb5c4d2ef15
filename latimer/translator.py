"""Text to text: what the command line, the evaluation and the service share."""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from latimer.arrangement import Said, arrange, assemble, parts
from latimer.data.text import Spacing, normalise
from latimer.data.tokenizer import BOS, EOS
from latimer.errors import Mistake
from latimer.folder import ModelFolder, Tokenizers
from latimer.guarding import collapse, has_letters, safe_limit, trouble, unknown, usual_limit
from latimer.machine import finds_gpu, keep_memory
from latimer.packing import batches, padded
from latimer.runtime.engine import Engine
from latimer.runtime.graphs import GRAPHS, OnnxEngine
from latimer.search.beam import Hypothesis, Move
from latimer.search.constraints import no_repeat, word_bounds
from latimer.search.settings import Wishes, fill_in, search
from latimer.search.terms import Forms, Terms

if TYPE_CHECKING:
    from latimer.models.base import Seq2Seq
    from latimer.visualize.looks import Look

EngineName = Literal["onnx", "torch"]
LONGEST = 160  # pieces of a sentence that training has seen, where no record says it
BLOCKED = 3  # pieces that may not come twice in a row where search is done again
POSITIONS = 4096  # source positions times beams that are searched at once
PLAIN = Wishes()  # no guard, no cutting: what the model says, as it comes; to compare models by


class Translation(NamedTuple):
    """One way to say it. `score` is `log_probability` (natural) / tokens ** length_penalty.

    `flags` is what made the guard search again, "repetition", "length" or "copy", whatever came of it; and
    "unknown" (letters that training has not seen: left as they are), "number" (a long number of the source is
    missing), "untranslated" (no translation kept what is protected: the source stands there).
    """

    text: str
    score: float
    log_probability: float
    flags: tuple[str, ...] = ()


class Translator:
    """A trained model with its subwords.

    >>> translator = Translator.load("model")
    >>> translator.translate(["Good morning!", "I like your garden."])
    """

    def __init__(self, engine: Engine, tokenizers: Tokenizers, spacing: Spacing | None = None) -> None:
        self.engine = engine
        self.tokenizers = tokenizers
        self.spacing = spacing
        self.longest = LONGEST  # pieces; a longer line is cut
        # Where there are letters at all, digits and punctuation alone stay as they are.
        letters = any(has_letters(piece) for piece in tokenizers.source.all_pieces() if piece[0] != "<")
        self._says = has_letters if letters else bool
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
        translator.longest = record["config"]["data.longest"]
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

        Long lines are cut, what runs away is searched again (see `Translation.flags`), or `wishes` obeyed.
        Where no translation can have all of them, a line gets one without the glossary, else without any.
        """
        if isinstance(texts, str):
            raise Mistake("Give a list of texts, not one text: its letters would be lines.")
        if beam < 1:
            raise Mistake(f"The beam must be at least 1, not {beam}.")
        if wishes is not None:
            return self._wished(texts, beam, length_penalty, wishes, progress)
        lines = [arrange(text, self._count, self.longest, self._says) for text in texts]
        sentences, firsts = [], []
        for line in lines:
            some = list(parts(line))
            sentences += some
            firsts += [place == 0 for place in range(len(some))]

        def advance(chosen: list[int]) -> None:
            if progress is not None:
                progress(sum(firsts[index] for index in chosen))

        found = iter(self._say(sentences, beam, length_penalty, advance))
        return [
            [
                Translation(
                    one.text,
                    one.log_probability / max(1, one.tokens) ** length_penalty,
                    one.log_probability,
                    one.flags,
                )
                for one in assemble(line, found)
            ]
            for line in lines
        ]

    def _wished(
        self,
        texts: Sequence[str],
        beam: int,
        length_penalty: float,
        wishes: Wishes,
        progress: Callable[[int], None] | None,
    ) -> list[list[Translation]]:
        """As wished, and nothing else: no line is cut, and no translation searched again for its own sake."""
        texts = [normalise(text) for text in texts]
        rows = self.tokenizers.source.encode_many(texts)
        wanted = [wishes.wanted(text, self._ids) for text in texts]
        found: list[list[Translation]] = [[] for _ in texts]
        # Those with terms to say go by themselves: their beam is wider.
        free, bound = (
            [row if bool(w) is b else [] for row, w in zip(rows, wanted, strict=True)] for b in (False, True)
        )
        for chosen in [*batches(free, POSITIONS // beam), *batches(bound, POSITIONS // (2 * beam))]:
            some, held = [rows[index] for index in chosen], [wanted[index] for index in chosen]
            results = self._search(some, beam, length_penalty, wishes=wishes, wanted=held)

            def again(
                left: list[int], less: Wishes | None, rows: list[list[int]] = some, held: Any = held
            ) -> list[list[Hypothesis]]:
                kept = [held[index] for index in left] if less is wishes else ()
                part = [rows[index] for index in left]
                return self._search(part, 4 * beam, length_penalty, wishes=less, wanted=kept)

            fill_in(results, wishes, again)
            for index, hypotheses in zip(chosen, results, strict=True):
                found[index] = [
                    Translation(self._text(tokens), score, log_probability)
                    for tokens, log_probability, score in hypotheses[:beam]
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
            forced=looking.force(self.model, source, courses, writer, limit=usual_limit(len(source_ids) + 1)),
        )

    def _say(
        self, sentences: Sequence[str], beam: int, length_penalty: float, advance: Callable[[list[int]], None]
    ) -> list[list[Said]]:
        """The translations of each sentence under guard; `advance` is told which ones a batch held."""
        texts = [normalise(text) for text in sentences]
        rows = [collapse(row) for row in self.tokenizers.source.encode_many(texts)]
        found: list[list[Said]] = [[Said(self._spaced(text), flags=("unknown",))] for text in texts]
        known = [[] if unknown(self.tokenizers.source.pieces(row)) else row for row in rows]
        wrong: dict[int, str] = {}
        for chosen in batches(known, POSITIONS // beam):
            results = self._search([rows[index] for index in chosen], beam, length_penalty)
            for index, hypotheses in zip(chosen, results, strict=True):
                found[index] = [self._said(hypothesis) for hypothesis in hypotheses]
                flag = trouble(rows[index], hypotheses[0].tokens, (texts[index], found[index][0].text))
                if flag:
                    wrong[index] = flag
            advance(chosen)
        troubled = [row if index in wrong else [] for index, row in enumerate(rows)]
        for chosen in batches(troubled, POSITIONS // beam):
            results = self._search([rows[index] for index in chosen], beam, length_penalty, safely=True)
            for index, hypotheses in zip(chosen, results, strict=True):
                said = [self._said(hypothesis, wrong[index]) for hypothesis in hypotheses]
                unsound = [
                    bool(trouble(rows[index], hypothesis.tokens, (texts[index], one.text)))
                    for one, hypothesis in zip(said, hypotheses, strict=True)
                ]
                found[index] = [said[place] for place in sorted(range(len(said)), key=unsound.__getitem__)]
        return found

    def _said(self, hypothesis: Hypothesis, *flags: str) -> Said:
        tokens = hypothesis.tokens
        return Said(self._text(tokens), hypothesis.log_probability, len(tokens) + 1, flags)

    def _count(self, text: str) -> int:
        return len(self.tokenizers.source.encode(normalise(text)))

    def _search(
        self,
        rows: Sequence[Sequence[int]],
        beam: int,
        length_penalty: float,
        watch: Callable[[Move], None] | None = None,
        *,
        safely: bool = False,
        wishes: Wishes | None = None,
        wanted: Sequence[Sequence[Forms]] = (),
    ) -> list[list[Hypothesis]]:
        limits = [(safe_limit if safely else usual_limit)(len(row) + 1) for row in rows]
        constraints = [no_repeat(BLOCKED, eos=EOS)] if safely else []
        if wishes is not None:
            pieces = self.tokenizers.target.all_pieces()
            limits = [wishes.limit(limit, self._ids) for limit in limits]
            constraints = wishes.constraints(self._ids, pieces, bos=BOS, eos=EOS)
        terms = None
        if any(wanted):
            bounds = word_bounds(self.tokenizers.target.all_pieces(), bos=BOS, eos=EOS)
            terms = [Terms(some, bounds) for some in wanted]
            limits = [limit + one.size for limit, one in zip(limits, terms, strict=True)]
        return search(
            self.engine.decoder,
            self.engine.memory(*padded(rows)),
            wishes,
            keys=rows,
            limits=limits,
            bos=BOS,
            eos=EOS,
            beam=beam,
            length_penalty=length_penalty,
            constraints=constraints,
            terms=terms,
            watch=watch,
        )

    def _ids(self, text: str) -> list[int]:
        return self.tokenizers.target.encode(normalise(text))

    def _text(self, tokens: list[int]) -> str:
        return self._spaced(self.tokenizers.target.decode(tokens))

    def _spaced(self, text: str) -> str:
        text = normalise(text)
        return self.spacing.restore(text) if self.spacing else text
