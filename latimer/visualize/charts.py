"""The pictures of a comparison, each an SVG of its own, drawn from what report.json holds."""

from collections.abc import Mapping
from typing import Any

from latimer.visualize.maps import AttentionMap
from latimer.visualize.svg import svg_chart, svg_intervals, svg_map, svg_runs

Report = Mapping[str, Any]

FEW = 10  # sentences of a length: fewer are too few to draw


def scores(report: Report) -> str:
    """BLEU of each model, with its interval and its single seeds."""
    rows = {
        model["name"]: tuple(model["BLEU"][part] for part in ("value", "low", "high", "runs"))
        for model in report["models"]
    }
    return svg_intervals(rows, title="How well they translate", x="BLEU, more is better")


def lengths(report: Report) -> str:
    """BLEU by the length of the source (Bahdanau et al. 2015, figure 2)."""
    series = {
        model["name"]: [
            (bucket["words"], bucket["value"]) for bucket in model["by_length"] if bucket["sentences"] >= FEW
        ]
        for model in report["models"]
    }
    return svg_chart(series, title="BLEU by length of the source", x="words in the source", y="BLEU")


def curves(report: Report) -> str:
    """BLEU on validation against minutes of training, a line a seed."""
    series = {
        model["name"]: [[(one["seconds"] / 60, one["bleu"]) for one in curve] for curve in model["curves"]]
        for model in report["models"]
    }
    return svg_runs(series, title="BLEU while they learn", x="minutes of training", y="BLEU on validation")


def attention(told: Mapping[str, Any], title: str = "") -> str | None:
    """What a model looked at while it said a sentence; None of a model without attention."""
    seen = told["attention"]
    if seen is None:
        return None
    return svg_map(AttentionMap(seen["source"], seen["target"], seen["weights"], title))


def pictures(report: Report) -> dict[str, str]:
    """All of them by the names of their files; the attention maps as attention-SENTENCE-MODEL."""
    drawn = {"scores": scores(report), "lengths": lengths(report), "curves": curves(report)}
    for number, sentence in enumerate(report["sentences"], start=1):
        for model in report["models"]:
            name = model["name"]
            picture = attention(sentence["models"][name], title=name)
            if picture is not None:
                drawn[f"attention-{number}-{name.replace(':', '_')}"] = picture
    return drawn
