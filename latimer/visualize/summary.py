"""The report of a comparison as Markdown, for a README, a paper's notes or a bug report."""

from collections.abc import Mapping
from typing import Any

from latimer.visualize.text import visible

HEADS = (
    "model",
    "BLEU (95 % interval)",
    "each seed",
    "chrF2++",
    "parameters",
    "updates",
    "training tokens/CPU s",
    "sentences/s, one by one",
    "64 at once",
)


def comparison_summary(report: Mapping[str, Any]) -> str:
    """What report.json says, in one sentence, one table and the signatures of its scores."""
    rows = [HEADS, ("---",) * len(HEADS), *(_row(model) for model in report["models"])]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    signatures = "\n".join(f"- {metric}: `{text}`" for metric, text in report["signatures"].items())
    return f"{_plain(report['result'])}\n\n{table}\n\n{signatures}\n"


def _row(model: Mapping[str, Any]) -> tuple[str, ...]:
    bleu = model["BLEU"]
    return (
        _plain(model["name"]),
        f"{bleu['value']:.1f} ({bleu['low']:.1f} - {bleu['high']:.1f})",
        ", ".join(f"{score:.1f}" for score in bleu["runs"]),
        f"{model['chrF2++']['value']:.1f}",
        f"{model['parameters']:,}",
        f"{model['updates']:,.0f}",
        f"{model['training_tokens_per_cpu_second']:,.0f}",
        f"{model['sentences_per_second_batch_1']:,.1f}",
        f"{model['sentences_per_second_batch_64']:,.1f}",
    )


def _plain(text: str) -> str:
    """One line in which nothing is a mark of Markdown or of HTML."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in visible(text))
