"""From outcomes to numbers: all that report.json says, and the one sentence that says most of it."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from latimer.compare.data import Lines
from latimer.compare.plan import Plan
from latimer.config import Config, flatten
from latimer.evaluate import METRICS, bleu_by_length, count, tokenizer_for
from latimer.folder import ModelFolder
from latimer.significance import Significance, assess
from latimer.translator import PLAIN, Translator

LIKELY = 0.05  # a difference that chance makes more often than this is none

Outcomes = dict[str, list[dict[str, Any]]]


def make_report(
    plan: Plan,
    manifest: dict[str, Any],
    outcomes: Outcomes,
    *,
    speed: dict[str, Any],
    test: Lines,
    folders: dict[str, ModelFolder],
) -> dict[str, Any]:
    """Everything that is told, the best model first; `folders` are those of the first seed."""
    languages = manifest["data"]["languages"]
    tokenize = tokenizer_for(languages[1])
    found, signatures = {}, {}
    for metric in METRICS:
        how = tokenize if metric == "BLEU" else None
        counted = {
            name: [count(run["hypotheses"], test.references, metric=metric, tokenize=how) for run in runs]
            for name, runs in outcomes.items()
        }
        found[metric] = assess(counted)
        signatures[metric] = counted[next(iter(counted))][0].signature(0, 0)
    order = sorted(plan.models, key=lambda name: -found["BLEU"].estimates[name].value)
    models = [
        {
            "name": name,
            "description": _describe(plan.models[name], manifest["resolved"][name]),
            **{metric: found[metric].estimates[name]._asdict() for metric in METRICS},
            **_costs(outcomes[name], speed[name]),
            "by_length": _by_length(outcomes[name], test, tokenize, languages[0]),
            "curves": [run["curve"] for run in outcomes[name]],
        }
        for name in order
    ]
    return {
        "format": 1,
        "result": result(plan, found["BLEU"], order),
        "budget": dict([plan.budget]),
        "seeds": plan.seeds,
        "beam": plan.beam,
        "settings": _settings(plan),
        "models": models,
        "differences": {metric: _ordered(found[metric], order) for metric in METRICS},
        "resamples": found["BLEU"].resamples,
        "signatures": signatures,
        "sentences": _looks(plan, test, {name: folders[name] for name in order}),
        "manifest": manifest,
    }


def _settings(plan: Plan) -> dict[str, Any]:
    """What is alike in all models and not the default, beside the models' own parts."""
    usual, told = flatten(Config()), [flatten(config) for config in plan.models.values()]
    return {
        name: value
        for name, value in told[0].items()
        if value != usual[name] and all(other[name] == value for other in told)
    }


def result(plan: Plan, significance: Significance, order: Sequence[str]) -> str:
    """The whole comparison in one sentence. `order`: the best model first."""
    scores = {name: f"{significance.estimates[name].value:.1f}" for name in order}
    best = order[0]
    against = {
        one.b if one.a == best else one.a: one for one in significance.differences if best in (one.a, one.b)
    }
    behind = [name for name in order[1:] if against[name].holm < LIKELY]
    level = [name for name in order[1:] if name not in behind]
    word, much = plan.budget
    unit = word.removesuffix("s") if much == 1 else word
    corpus = " and ".join(Path(part).name for part in plan.corpus.split(","))
    start = f"After {much:,g} {unit} each on {corpus}, "
    if not level:
        low, high = significance.estimates[best].low, significance.estimates[best].high
        following = order[1]
        return (
            f"{start}{best} translates best: BLEU {scores[best]} ({low:.1f} to {high:.1f}), "
            f"{abs(against[following].value):.1f} ahead of the next, {following} "
            f"(p = {against[following].holm:.2g})."
        )
    told = _listed([f"{name} (BLEU {scores[name]})" for name in level])
    least = min(against[name].holm for name in level)
    sentence = (
        f"{start}{best} scores highest (BLEU {scores[best]}), but whether it is better than {told} "
        f"can't be told (p = {least:.2g}{' or more' if len(level) > 1 else ''})"
    )
    if behind:
        sentence += f"; it is better than {_listed(behind)}"
    return sentence + "."


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _describe(config: Config, resolved: dict[str, Any]) -> str:
    score = resolved["model.score"]
    attention = "no attention" if score == "none" else f"{score} attention"
    return (
        f"{config.model.encoder} encoder ({resolved['model.encoder_layers']}), "
        f"{config.model.decoder} decoder ({resolved['model.decoder_layers']}), {attention}, "
        f"width {resolved['model.width']}"
    )


def _costs(runs: Sequence[dict[str, Any]], speed: dict[str, Any]) -> dict[str, Any]:
    """What a model needs: the mean of its runs, but the least memory: others may have left some."""
    memory = [run["peak_memory_mb"] for run in runs if run["peak_memory_mb"]]
    return {
        "parameters": runs[0]["parameters"]["all"],
        "parameters_without_embeddings": runs[0]["parameters"]["without_embeddings"],
        "updates": mean(run["updates"] for run in runs),
        "minutes": mean(run["curve"][-1]["seconds"] for run in runs) / 60,
        "peak_memory_mb": min(memory, default=None),
        "training_tokens_per_second": speed["training"]["tokens"] / speed["training"]["seconds"],
        "training_tokens_per_cpu_second": speed["training"]["tokens"] / speed["training"]["cpu_seconds"],
        **{
            f"sentences_per_{clock}_batch_{size}": speed[kind]["sentences"] / speed[kind][f"{clock}s"]
            for kind, size in (("one", 1), ("together", 64))
            for clock in ("second", "cpu_second")
        },
    }


def _by_length(
    runs: Sequence[dict[str, Any]], test: Lines, tokenize: str, language: str | None
) -> list[dict[str, Any]]:
    """BLEU of each source length, the mean of the runs."""
    told = [
        bleu_by_length(
            test.sources, run["hypotheses"], test.references, tokenize=tokenize, source_language=language
        )
        for run in runs
    ]
    return [
        {**buckets[0]._asdict(), "value": mean(bucket.value for bucket in buckets)}
        for buckets in zip(*told, strict=True)
    ]


def _ordered(significance: Significance, order: Sequence[str]) -> list[dict[str, Any]]:
    """Every pair, the model that stands first in the report as a."""
    place = {name: number for number, name in enumerate(order)}
    told = []
    for one in significance.differences:
        if place[one.a] > place[one.b]:
            one = one._replace(a=one.b, b=one.a, value=-one.value, low=-one.high, high=-one.low)
        told.append({**one._asdict(), "significant": one.holm < LIKELY})
    return sorted(told, key=lambda one: (place[one["a"]], place[one["b"]]))


def shown(test: Lines) -> list[str]:
    """Two sentences for a close look, chosen by place: the first and the last of middle length."""
    lengths = [len(source.split()) for source in test.sources]
    middle = sorted(lengths)[len(lengths) // 2]
    chosen = [source for source, length in zip(test.sources, lengths, strict=True) if length == middle]
    return list(dict.fromkeys([chosen[0], chosen[-1]]))


def _looks(plan: Plan, test: Lines, folders: dict[str, ModelFolder]) -> list[dict[str, Any]]:
    """The sentences with what every model makes of them, and what it looks at meanwhile."""
    references = dict(zip(test.sources, test.references, strict=True))
    told: list[dict[str, Any]] = [
        {"source": source, "references": references.get(source, []), "models": {}}
        for source in plan.sentences or shown(test)
    ]
    for name, folder in folders.items():
        translator = Translator.load(folder.path)
        for sentence in told:
            if folder.record["config"]["model.score"] == "none":
                text, attention = (
                    translator.translate([sentence["source"]], beam=plan.beam, wishes=PLAIN)[0],
                    None,
                )
            else:
                look = translator.look(sentence["source"], beam=plan.beam)
                by_word = look.map()
                rows = [[round(weight, 4) for weight in row] for row in by_word.rows]
                text = look.text
                attention = {"source": by_word.source, "target": by_word.target, "weights": rows}
            sentence["models"][name] = {"translation": text, "attention": attention}
    return told
