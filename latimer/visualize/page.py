"""The page: looks at any number of sentences in one file, with the script and style beside this module.

What a sentence needs stands in a block of data that is only read when the sentence is opened, so that a page
of a hundred is there at once. A weight takes a byte: rows are rounded so that their sums stay what they were.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from latimer.visualize.document import document, safe
from latimer.visualize.looks import Branch, Candidate, Look
from latimer.visualize.maps import word_groups
from latimer.visualize.text import visible

if TYPE_CHECKING:
    from latimer.visualize.looks import Array

HOW = (
    "Point at a word, or walk with the arrow keys, to see what it looked at, and what looked at it; click to "
    "keep it. Numbers are per cent."
)


def html_page(looks: Sequence[Look], *, title: str) -> str:
    """A whole page, to be written as UTF-8, with the first sentence open."""
    sentences = "\n".join(_sentence(look, opened=number == 0) for number, look in enumerate(looks))
    data = "\n".join(
        f'<script type="application/json" class="data">{_json(_look(look))}</script>' for look in looks
    )
    heading = f'<h1 dir="auto">{safe(title)}</h1>\n' if title else ""
    body = f"""{heading}<p class="how">{HOW}</p>
<noscript><p>The maps need this page's own script; your browser does not run it.</p></noscript>
{sentences}
{data}
<script>{_beside("page.js")}</script>"""
    return document(body, title=title or "Attention", style=_beside("page.css"))


def _sentence(look: Look, *, opened: bool) -> str:
    said = f' <span class="said" dir="auto">{safe(look.text)}</span>' if look.text else ""
    return (
        f'<details class="look"{" open" if opened else ""}><summary><span dir="auto">{safe(look.sentence)}'
        f'</span>{said}</summary><div class="inside"></div></details>'
    )


def _beside(name: str) -> str:
    return (files("latimer.visualize") / name).read_text(encoding="utf-8").strip()


def _json(told: Any) -> str:
    """Fit to stand in a page: no text in it can end the script."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _look(look: Look) -> dict[str, Any]:
    return {
        "source": _labels(look.source),
        "encoder": [_layer(layer) for layer in look.encoder],
        "candidates": [_candidate(candidate) for candidate in look.candidates],
        "forced": [{"step": forced.step, **_candidate(forced.candidate)} for forced in look.forced],
        "beam": [[_branch(branch) for branch in step] for step in look.beam],
        "first": [-1 if number is None else number for number in look.first],
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "text": visible(candidate.text),
        "log": _short(candidate.log_probability),
        "score": _short(candidate.score),
        "target": _labels(candidate.target),
        "inputs": _labels(candidate.inputs) if candidate.decoder else None,
        "cross": [_layer(layer) for layer in candidate.cross],
        "decoder": [_layer(layer) for layer in candidate.decoder],
        "steps": [
            [_short(step.probability), [[visible(piece), _short(p)] for piece, p in step.others]]
            for step in candidate.steps
        ],
    }


def _labels(pieces: Sequence[str]) -> dict[str, Any]:
    """The pieces, the words that they make, and how many pieces each word takes."""
    labels, groups = word_groups(pieces)
    return {
        "pieces": [visible(piece) for piece in pieces],
        "words": [visible(label) for label in labels],
        "sizes": [len(group) for group in groups],
    }


def _layer(heads: "Array") -> dict[str, Any]:
    return {"heads": len(heads), "weights": b64encode(quantised(heads).tobytes()).decode()}


def quantised(weights: "Array") -> Any:
    """Weights from 0 to 1 as bytes from 0 to 255, each row with the sum that it had, to half a step.

    Down to the byte below first; what is then missing of the row's sum goes to those that lost most.
    """
    import numpy as np

    exact = np.clip(weights.astype(np.float64), 0, 1) * 255
    below = np.floor(exact)
    missing = np.rint(exact.sum(-1, keepdims=True)) - below.sum(-1, keepdims=True)
    place = np.argsort(np.argsort(below - exact, axis=-1, kind="stable"), axis=-1, kind="stable")
    return np.minimum(below + (place < missing), 255).astype(np.uint8)


def _branch(branch: Branch) -> list[Any]:
    return [
        visible(branch.piece),
        branch.parent,
        _short(branch.log_probability),
        _short(branch.score),
        int(branch.kept),
        int(branch.ended),
    ]


def _short(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.4g}")
