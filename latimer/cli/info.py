"""latimer info"""

import json

import click

from latimer.config import Config, flatten
from latimer.folder import ModelFolder


@click.command()
@click.argument("folder", metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print config.json.")
def command(folder: str, as_json: bool) -> None:
    """Say what is in the model directory DIR: model, data, scores, how it was made."""
    record = ModelFolder(folder).record
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False))
        return
    data, training = record["data"], record.get("training")
    own = [[record["source_language"], record["target_language"]]]
    ways = [f"{source or '?'} to {target or '?'}" for source, target in record.get("directions", own)]
    config, defaults = record["config"], flatten(Config())
    asked = record.get("asked", config)
    lines = {
        "direction": ", ".join(ways),
        **({"domains": ", ".join(record["domains"])} if "domains" in record else {}),
        "model": f"{config['model.encoder']} encoder, {config['model.decoder']} decoder, "
        f"score {config['model.score']}, size {config['model.size']}",
        "parameters": f"{training['parameters']:,}" if training else "not trained yet",
        "vocabulary": " and ".join(f"{size:,}" for size in dict.fromkeys(data["vocabulary"])) + " pieces",
        "data": f"{data['pairs']:,} pairs of {', '.join(record['corpus'])}",
        "validation": f"{data['validation_pairs']:,} pairs, {', '.join(record['validation']) or 'held out'}",
        "not the default": ", ".join(
            f"{name} = {value}" for name, value in asked.items() if value != defaults.get(name)
        )
        or "nothing",
        "seed": str(config["training.seed"]),
        "made with": ", ".join(f"{name} {number}" for name, number in record["versions"].items()),
    }
    if training:
        state = "finished" if training["finished"] else "stopped before its end: the same command goes on"
        lines["training"] = (
            f"{training['updates']:,} updates in {training['seconds'] / 60:.1f} minutes, {state}"
        )
        lines["best"] = (
            f"update {training['best_update']:,}, BLEU {training['validation_bleu']} on validation (greedy)"
        )
    if shipped := record.get("runtime"):
        listed = ", with a list of words for each sentence" if shipped.get("agreement") else ""
        lines["without torch"] = (
            f"by ONNX Runtime in {shipped['weights']}{listed}, BLEU {shipped['bleu']} on {shipped['pairs']} "
            f"pairs of validation, {shipped['torch_bleu']} by torch (greedy)"
        )
    if "from_model" in record:
        lines["goes on from"] = ", with ".join([record["from_model"], *record["replay"]])
    for name, change in record.get("change", {}).items():
        lines[name] = f"{change['before']} before, {change['after']} after (p = {change['p_value']:.2g})"
    for name, digest in data["sha256"].items():
        lines[f"sha256 {name}"] = digest
    for corpus, scores in record.get("scores", {}).items():
        told = ", ".join(f"{score['name']} {score['value']:.1f}" for score in scores["scores"])
        lines[f"score {corpus}"] = f"{told} (beam {scores['beam']})"
    width = max(len(name) for name in lines)
    for name, text in lines.items():
        click.echo(f"{name:>{width}}  {text}")
