"""A look: a sentence, its translations, and every attention map behind them, from strings and arrays.

It shows itself in a notebook and in a terminal, is saved as a page, a picture or data, and hands its arrays
over. Layers and heads are counted from 0. Any model's arrays will do:

    look = Look(["a", "cat"], [Candidate(["un", "chat"], cross=[weights])])     weights: T S, or H T S
    look.save("attention.html")
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from latimer.visualize.maps import AttentionMap, words

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]

Kind = Literal["cross", "encoder", "decoder"]
START = "<s>"  # what the decoder is given before the first piece


class Step(NamedTuple):
    """How sure the model was of a piece, and what else it thought of, likeliest first."""

    probability: float
    others: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True)
class Candidate:
    """A translation, with a list of layers for each kind of attention.

    `cross` holds H T S a layer: what each target piece looked at in the source. `decoder` holds H T T: what
    it looked at in the target before it, where column 0 is the start and column t piece t - 1. T S and T T
    will do for one head. `steps` has one for each piece. ValueError where the shapes do not fit the pieces.
    """

    target: Sequence[str]
    cross: Sequence[Any] = field(default=(), repr=False)
    decoder: Sequence[Any] = field(default=(), repr=False)
    text: str = ""
    log_probability: float | None = None
    score: float | None = None
    steps: Sequence[Step] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        size = len(self.target)
        object.__setattr__(self, "target", list(self.target))
        object.__setattr__(self, "cross", _layers(self.cross, size, None))
        object.__setattr__(self, "decoder", _layers(self.decoder, size, size))
        object.__setattr__(self, "text", self.text or _plain(self.target))
        if len(self.steps) not in (0, size):
            raise ValueError(f"there are {len(self.steps)} steps, but {size} target pieces")

    @property
    def inputs(self) -> list[str]:
        """What the decoder was given at each step: the start, and every piece but the last."""
        return [START, *self.target[:-1]] if self.target else []


class Forced(NamedTuple):
    """What comes of a translation when at `step` another piece is said than the first candidate's."""

    step: int
    candidate: Candidate


class Branch(NamedTuple):
    """A hypothesis at one step of beam search: the one at place `parent` of the step before, and a piece."""

    piece: str
    parent: int
    log_probability: float
    score: float
    kept: bool  # or dropped at this step
    ended: bool  # by this piece or an earlier one


@dataclass(frozen=True)
class Look:
    """A source, its translations (best first), the encoder's maps (H S S a layer) and how the search went.

    `beam` has the hypotheses of every step, those kept first; `forced` other courses of the first candidate.
    Both may be missing. `first` is the layer and the head of the cross-attention that is shown before another
    is asked for, None the mean of all. ValueError where the shapes do not fit the pieces.
    """

    source: Sequence[str]
    candidates: Sequence[Candidate] = ()
    encoder: Sequence[Any] = field(default=(), repr=False)
    sentence: str = ""
    beam: Sequence[Sequence[Branch]] = field(default=(), repr=False)
    forced: Sequence[Forced] = field(default=(), repr=False)
    first: tuple[int | None, int | None] = (None, None)

    def __post_init__(self) -> None:
        size = len(self.source)
        object.__setattr__(self, "source", list(self.source))
        object.__setattr__(self, "encoder", _layers(self.encoder, size, size))
        object.__setattr__(self, "sentence", self.sentence or _plain(self.source))
        for candidate in (*self.candidates, *(forced.candidate for forced in self.forced)):
            _layers(candidate.cross, len(candidate.target), size)

    @property
    def text(self) -> str:
        """The best translation."""
        return self.candidates[0].text if self.candidates else ""

    @property
    def target(self) -> list[str]:
        """The pieces of the best translation."""
        return list(self.candidates[0].target) if self.candidates else []

    @property
    def kinds(self) -> list[Kind]:
        """Which kinds of attention there are."""
        first = self.candidates[0] if self.candidates else Candidate([])
        layers: Mapping[Kind, Sequence[Any]] = {
            "cross": first.cross,
            "encoder": self.encoder,
            "decoder": first.decoder,
        }
        return [kind for kind, some in layers.items() if some]

    def layers(self, kind: Kind = "cross", *, candidate: int = 0) -> Sequence["Array"]:
        """The arrays of a kind, H x rows x columns a layer; none where the model has no such attention."""
        if kind == "encoder":
            return self.encoder
        if not self.candidates:
            return []
        chosen = self.candidates[candidate]
        return chosen.cross if kind == "cross" else chosen.decoder

    def weights(
        self,
        kind: Kind = "cross",
        *,
        layer: int | None = None,
        head: int | None = None,
        candidate: int = 0,
    ) -> "Array":
        """One map, rows x columns; the mean over the layers or heads that are not picked.

        ValueError names the layers or heads that there are.
        """
        layers = self.layers(kind, candidate=candidate)
        if not layers:
            raise ValueError(
                f"there is no {kind} attention here; there is: {', '.join(self.kinds) or 'none'}"
            )
        chosen = layers if layer is None else [_pick(layers, layer, f"layer of {kind} attention")]
        maps = [each.mean(0) if head is None else _pick(each, head, "head") for each in chosen]
        total: Array = sum(maps[1:], maps[0]) / len(maps)
        return total

    def map(
        self,
        kind: Kind = "cross",
        *,
        layer: int | None = None,
        head: int | None = None,
        candidate: int = 0,
        pieces: bool = False,
        title: str = "",
    ) -> AttentionMap:
        """The same with its labels, between words or between `pieces`."""
        weights = self.weights(kind, layer=layer, head=head, candidate=candidate)
        rows = columns = self.source
        if kind != "encoder":
            rows = self.candidates[candidate].target
            columns = self.source if kind == "cross" else self.candidates[candidate].inputs
        whole = AttentionMap(columns, rows, weights, title)
        return whole if pieces else words(whole)

    def arrays(self, *, candidate: int = 0) -> dict[str, "Array"]:
        """Every map by its name, KIND.LAYER.HEAD, such as cross.0.3: fit for `numpy.savez`."""
        return {
            f"{kind}.{layer}.{head}": weights
            for kind in self.kinds
            for layer, heads in enumerate(self.layers(kind, candidate=candidate))
            for head, weights in enumerate(heads)
        }

    def bertviz(self, *, candidate: int = 0) -> dict[str, Any]:
        """The arguments of BertViz's `model_view` and `head_view`: tensors (1, heads, T, S) and tokens."""
        from latimer.visualize.handover import bertviz

        return bertviz(self, candidate=candidate)

    def inseq(
        self, *, layer: int | None = None, head: int | None = None, candidate: int = 0
    ) -> dict[str, Any]:
        """The fields of inseq's `FeatureAttributionSequenceOutput`: attributions S by T, tokens, scores."""
        from latimer.visualize.handover import inseq

        return inseq(self, layer=layer, head=head, candidate=candidate)

    def save(self, path: str | Path, *, layer: int | None = None, head: int | None = None) -> None:
        """Write what the name of the file asks for: .html, .svg, .png (the cross-attention) or .json.

        Without layer and head a picture is of those that are shown first. ValueError for another ending;
        ImportError for .png without the extra `pictures`.
        """
        from latimer.visualize.handover import rendered

        if layer is None and head is None:
            layer, head = self.first
        Path(path).write_bytes(rendered([self], Path(path).suffix, layer=layer, head=head))

    def __str__(self) -> str:
        from latimer.visualize.console import terminal

        title = f"{self.sentence} → {self.text}" if self.text else self.sentence
        kind = self.kinds[0] if self.kinds else None
        layer, head = self.first if kind == "cross" else (None, None)
        return terminal(self.map(kind, layer=layer, head=head, title=title), colour=False) if kind else title

    def _repr_html_(self) -> str:
        """The page, in a frame of its own, so that it and the notebook leave each other alone."""
        from html import escape

        from latimer.visualize.page import html_page

        page = escape(html_page([self], title=""), quote=True)
        return f'<iframe title="Attention" style="width:100%;height:44rem;border:0" srcdoc="{page}"></iframe>'


def _layers(layers: Sequence[Any], rows: int, columns: int | None) -> list["Array"]:
    """A layer an array H x rows x columns; `columns` is None where they are not known yet."""
    import numpy as np  # here: who only draws a map need not wait for it

    arrays = []
    for layer in layers:
        tolist = layer.tolist() if hasattr(layer, "tolist") and not isinstance(layer, np.ndarray) else layer
        array = np.asarray(tolist, dtype=np.float32)
        array = array[None] if array.ndim == 2 else array
        if array.ndim != 3 or array.shape[1] != rows or columns not in (None, array.shape[2]):
            wanted = f"heads x {rows} x {'the source' if columns is None else columns}"
            raise ValueError(f"a layer's maps are {' x '.join(map(str, array.shape))}, but must be {wanted}")
        arrays.append(array)
    return arrays


def _pick(things: Any, number: int, name: str) -> Any:
    if not 0 <= number < len(things):
        raise ValueError(f"there is no {name} {number}; they go from 0 to {len(things) - 1}")
    return things[number]


def _plain(pieces: Sequence[str]) -> str:
    """Pieces as a text, where nobody has given it."""
    if any(piece.startswith("▁") for piece in pieces):
        return "".join(piece for piece in pieces if piece not in (START, "</s>")).replace("▁", " ").strip()
    return " ".join(pieces)
