"""What a look is handed over as: files, and the shapes that other tools take."""

import json
from collections.abc import Sequence
from typing import Any

from latimer.visualize.looks import Candidate, Look

DIGITS = 5  # of a weight in a file of data


def rendered(
    looks: Sequence[Look],
    kind: str,
    *,
    layer: int | None = None,
    head: int | None = None,
    title: str = "Attention",
) -> bytes:
    """The bytes of a file of one kind: .html or .json of all looks, .svg or .png of the first."""
    from latimer.visualize.page import html_page
    from latimer.visualize.svg import png, svg_map

    match kind:
        case ".html":
            return html_page(looks, title=title).encode()
        case ".json":
            return json_lines(looks).encode()
        case ".svg" | ".png":
            first = looks[0].kinds[0] if looks[0].kinds else "cross"
            picture = svg_map(looks[0].map(first, layer=layer, head=head, title=looks[0].text), titled=False)
            return png(picture) if kind == ".png" else picture.encode()
    raise ValueError(
        f"a look is saved as .html, .svg, .png or .json, not as {kind or 'a file without ending'}"
    )


def json_lines(looks: Sequence[Look]) -> str:
    """A JSON list with all looks, one a line."""
    lines = ",\n".join(json.dumps(as_json(look), ensure_ascii=False) for look in looks)
    return f"[{lines}]\n"


def as_json(look: Look) -> dict[str, Any]:
    """Everything: pieces, maps as [layer][head][row][column], steps, beam, other courses."""
    return {
        "sentence": look.sentence,
        "source": list(look.source),
        "encoder": _numbers(look.encoder),
        "translations": [_candidate(candidate) for candidate in look.candidates],
        "beam": [[branch._asdict() for branch in step] for step in look.beam],
        "forced": [{"step": forced.step, **_candidate(forced.candidate)} for forced in look.forced],
    }


def bertviz(look: Look, *, candidate: int = 0) -> dict[str, Any]:
    """The arguments of BertViz's `model_view` and `head_view`.

    A row of its decoder is a piece that the decoder was given, not the one that it then said.
    """
    import torch

    told: dict[str, Any] = {}
    for kind in look.kinds:
        layers = look.layers(kind, candidate=candidate)
        told[f"{kind}_attention"] = [torch.from_numpy(heads)[None] for heads in layers]
    if {"cross_attention", "encoder_attention"} & set(told):
        told["encoder_tokens"] = list(look.source)
    if look.candidates:
        told["decoder_tokens"] = look.candidates[candidate].inputs
    return told


def inseq(
    look: Look, *, layer: int | None = None, head: int | None = None, candidate: int = 0
) -> dict[str, Any]:
    """The fields of inseq's `FeatureAttributionSequenceOutput`, the tokens as strings.

    Attributions are S x T, and T x T for the target: a row the piece that was looked at, a column the piece
    that was said; nan where it was not there to be looked at.
    """
    import torch

    chosen = look.candidates[candidate]
    cross = look.weights("cross", layer=layer, head=head, candidate=candidate)
    told: dict[str, Any] = {
        "source": list(look.source),
        "target": list(chosen.target),
        "source_attributions": torch.from_numpy(cross.T.copy()),
    }
    if chosen.decoder:
        past = torch.from_numpy(look.weights("decoder", layer=layer, head=head, candidate=candidate).T.copy())
        told["target_attributions"] = torch.full_like(past, torch.nan)
        told["target_attributions"][:-1] = past[1:]  # the start is no piece of the target
        told["target_attributions"][torch.ones_like(past, dtype=torch.bool).tril()] = torch.nan
    if chosen.steps:
        told["step_scores"] = {"probability": torch.tensor([step.probability for step in chosen.steps])}
    return told


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "text": candidate.text,
        "target": list(candidate.target),
        "log_probability": candidate.log_probability,
        "score": candidate.score,
        "steps": [step._asdict() for step in candidate.steps],
        "cross": _numbers(candidate.cross),
        "decoder": _numbers(candidate.decoder),
    }


def _numbers(layers: Sequence[Any]) -> list[Any]:
    return [layer.astype(float).round(DIGITS).tolist() for layer in layers]
