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
CHARTS = {
    "scores": "How well they translate",
    "lengths": "BLEU by length of the source",
    "curves": "BLEU while they learn",
}


def comparison_summary(report: Mapping[str, Any]) -> str:
    """What report.json says: one sentence, one table, the signatures of its scores, and its pictures.

    The pictures are those of charts.py, in the folder `pictures`.
    """
    rows = [HEADS, ("---",) * len(HEADS), *(_row(model) for model in report["models"])]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    signatures = "\n".join(f"- {metric}: `{text}`" for metric, text in report["signatures"].items())
    how = (
        f"{report['seeds']} seeds each, {report['manifest']['data']['test_sentences']:,} test sentences, "
        f"beam {report['manifest']['plan']['beam']}. Intervals: 95 %, over sentences and seeds."
    )
    charts = "\n".join(f"![{title}](pictures/{name}.svg)" for name, title in CHARTS.items())
    sentences = "\n".join(
        _sentence(number, sentence, report) for number, sentence in enumerate(report["sentences"], start=1)
    )
    return f"{_plain(report['result'])} {how}\n\n{table}\n\n{signatures}\n\n{charts}\n{sentences}"


def _sentence(number: int, sentence: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """What each model makes of a sentence, and what it looks at."""
    lines = ["", f"### {_plain(sentence['source'])}", ""]
    lines += [f"- reference: {_plain(text)}" for text in sentence["references"]]
    maps = []
    for name in (model["name"] for model in report["models"]):
        told = sentence["models"][name]
        lines.append(f"- {_plain(name)}: {_plain(told['translation'])}")
        if told["attention"] is not None:
            file = f"attention-{number}-{name.replace(':', '_')}.svg"
            maps.append(f"![What {_plain(name)} looks at](pictures/{file})")
    return "\n".join([*lines, "", *maps, ""])


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
