"""The model card: what a person should know before using a model."""

from collections.abc import Mapping, Sequence
from typing import Any


def model_card(record: Mapping[str, Any]) -> str:
    """Markdown with the front matter that model hubs read, from what config.json holds."""
    ways = record.get("directions") or [[record["source_language"], record["target_language"]]]
    title = ", ".join(f"{source or 'source'} to {target or 'target'}" for source, target in ways)
    data, training, config = record["data"], record["training"], record["config"]
    languages = list(dict.fromkeys(code for way in ways for code in way if code))
    front = ["---", "library_name: latimer", "pipeline_tag: translation"]
    if languages:
        front += ["language:", *(f'- "{code}"' for code in languages)]  # else YAML takes "no" for an answer
    front += ["---", ""]
    attention = "no attention" if config["model.score"] == "none" else f"{config['model.score']} attention"
    body = [
        f"# {title}",
        "",
        f"A translator trained with Latimer {record['versions']['latimer']}: "
        f"{config['model.encoder']} encoder, {config['model.decoder']} decoder, {attention}, "
        f"{training['parameters']:,} parameters.",
        "",
        "## Use",
        "",
        "    latimer translate --model DIR"
        + (" --to LANGUAGE" if len({target for _, target in ways}) > 1 else "")
        + " < text",
        "",
        *(f"`--domain {name}` says that the text is of that kind.\n" for name in record.get("domains", [])),
        "## Data",
        "",
        f"- Trained on {data['pairs']:,} sentence pairs: {', '.join(record['corpus'])}.",
        *_origin(record),
        *_terms(data.get("origins", [])),
        f"- Validated on {data['validation_pairs']:,} pairs, "
        + ("given for it." if record["validation"] else "held out of them."),
        f"- {sum(sum(reasons.values()) for reasons in data['skipped'].values()):,} pairs of the corpus could "
        f"not be used, and {data['too_long']:,} were too long.",
        "",
        "## Training",
        "",
        f"- {training['updates']:,} updates in {training['seconds'] / 60:.0f} minutes on "
        f"{training['device']} ({training['threads']} threads).",
        f"- The best model is that of update {training['best_update']:,}.",
        f"- Validation BLEU in training (greedy search, at most 500 pairs): {training['validation_bleu']}.",
        "" if training["finished"] else "- The training was stopped before its end.",
        "",
        "## Limits",
        "",
        "It knows what its corpus knew. Each line is translated for itself; text unlike the corpus is "
        "translated badly, and a fluent sentence can still be wrong.",
        "",
    ]
    return "\n".join(front + body)


def _terms(origins: Sequence[Mapping[str, str]]) -> list[str]:
    """Whose the corpora are, and on which terms."""
    return [
        f"- {one['name']}: {_line(one['attribution'])}. Licence: {_line(one['licence'])}. "
        f"SHA-256 {one['sha256']}."
        for one in origins
    ]


def _line(text: str) -> str:
    """The first line of a text that others wrote, at a length that a card bears."""
    return next(iter(text.splitlines()), "")[:300].rstrip(". ")


def _origin(record: Mapping[str, Any]) -> list[str]:
    """Where a model came from that did not begin at nothing."""
    if "from_model" not in record:
        return []
    old = f", with pairs of {', '.join(record['replay'])} mixed in" if record["replay"] else ""
    return [f"- It goes on from the model in {record['from_model']}{old}."]
