"""What a comparison is asked to do, and the manifest that says it so that anyone can do it again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from latimer.config import Config, configure, differences, flatten
from latimer.errors import Mistake
from latimer.files import write_whole
from latimer.presets import complete, model_settings

FORMAT = 1
BUDGETS = {"training.minutes": "minutes", "training.steps": "updates", "training.tokens": "target tokens"}


class Run(NamedTuple):
    """One training of one model."""

    model: str
    seed: int
    config: Config

    @property
    def name(self) -> str:
        """The name of its folder; a colon is no letter for one everywhere."""
        return f"{self.model.replace(':', '_')}-{self.seed}"


@dataclass(frozen=True)
class Plan:
    """A comparison. `models` are configurations by name; all but the model in them is the same."""

    corpus: str
    models: Mapping[str, Config]
    seeds: int = 2
    test: str | None = None  # held out of the corpus where there is none
    validation: str | None = None  # likewise
    source_language: str | None = None
    target_language: str | None = None
    beam: int = 5
    sentences: tuple[str, ...] = ()  # whose attention is shown

    def __post_init__(self) -> None:
        if len(self.models) < 2:
            raise Mistake("A comparison needs at least two models; name them with --models a,b.")
        for option, number in (("--seeds", self.seeds), ("--beam", self.beam)):
            if number < 1:
                raise Mistake(f"{option} must be at least 1, not {number}.")
        if "-" in (self.corpus, self.test, self.validation):
            raise Mistake("Standard input can be read only once, and a comparison goes on; give a file.")
        if any(not sentence.strip() for sentence in self.sentences):
            raise Mistake("There is nothing to look at in an empty --sentence; give a sentence.")

    @property
    def corpora(self) -> list[str]:
        """The names of all that is read."""
        return [name for name in (self.corpus, self.test, self.validation) if name]

    @property
    def config(self) -> Config:
        """Whatever all models have in common is to be read here."""
        return next(iter(self.models.values()))

    @property
    def budget(self) -> tuple[str, int | float]:
        """What is given to each model, and how much of it."""
        settings = flatten(self.config)
        return next((word, settings[key]) for key, word in BUDGETS.items() if settings[key] is not None)

    def runs(self) -> Iterator[Run]:
        """Every run, each seed of all models before the next: a slow hour of the machine hits all alike."""
        for seed in range(1, self.seeds + 1):
            for name, config in self.models.items():
                yield Run(name, seed, replace(config, training=replace(config.training, seed=seed)))

    def json(self) -> dict[str, Any]:
        """The plan as the manifest holds it."""
        told = {**self.__dict__, "sentences": list(self.sentences)}
        return {**told, "models": {name: flatten(config) for name, config in self.models.items()}}


def models_of(names: str, settings: Mapping[str, Any]) -> dict[str, Config]:
    """The configurations of `a,b,c`, each as `latimer train --model` knows it, with the same settings.

    Raises Mistake for a model that does not exist or is named twice, and where the budget is not one.
    """
    if "training.seed" in settings:
        raise Mistake("The seeds of a comparison are 1 and up; say how many with --seeds.")
    if not settings.keys() & BUDGETS.keys():
        raise Mistake("Say how long each model may train: --minutes, --updates or --tokens.")
    models: dict[str, Config] = {}
    for name in (part.strip() for part in names.split(",")):
        config = configure({**model_settings(name), **settings})
        completed = complete(config.model)
        for other, known in models.items():
            if complete(known.model) == completed:
                raise Mistake(f"{other} and {name} are the same model; name each once.")
        models[name] = config
    return models


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest that `write_manifest` wrote. Raises Mistake where there is none, or it is damaged."""
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] > FORMAT:
            raise Mistake(f"{path} is of a newer Latimer (format {manifest['format']}); update this one.")
        plan_of(manifest)
        return manifest
    except OSError as error:
        raise Mistake(f"{path} can't be read ({error.strerror}); give a manifest.json.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Mistake(f"{path} is no manifest of a comparison, or is damaged; give another.") from None


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Write it whole."""
    write_whole(
        path, (json.dumps({"format": FORMAT, **manifest}, indent=2, ensure_ascii=False) + "\n").encode()
    )


def plan_of(manifest: Mapping[str, Any]) -> Plan:
    """The plan that a manifest was made from."""
    told = manifest["plan"]
    models = {name: configure(settings) for name, settings in told["models"].items()}
    return Plan(**{**told, "models": models, "sentences": tuple(told["sentences"])})


def again(manifest: Mapping[str, Any]) -> Plan:
    """The plan that makes a finished comparison again, every setting as it was, whatever is usual now."""
    resolved = {name: configure(settings) for name, settings in manifest.get("resolved", {}).items()}
    plan = plan_of(manifest)
    return replace(plan, models={name: resolved.get(name, config) for name, config in plan.models.items()})


def must_agree(before: Plan, asked: Plan, folder: Path) -> None:
    """Raise Mistake where the folder's comparison differs in more than models, seeds or sentences shown."""
    one, other = _settings(before, asked), _settings(asked, before)
    if names := differences(one, other):
        told = "; ".join(f"{name} is {one.get(name)!r} there and {other.get(name)!r} here" for name in names)
        raise Mistake(f"{folder} holds another comparison ({told}); choose another --into.")


def _settings(plan: Plan, other: Plan) -> dict[str, Any]:
    """All that must be the same: what models of one name are, and else what all models share."""
    told = plan.json()
    common = sorted(plan.models.keys() & other.models.keys())
    values: dict[str, list[Any]] = {}
    for name in common or list(plan.models)[:1]:
        for key, value in told["models"][name].items():
            if common or not key.startswith("model."):
                values.setdefault(key, []).append(value)
    settings = {key: found[0] if len(set(found)) == 1 else found for key, found in values.items()}
    return settings | {key: told[key] for key in told if key not in ("models", "seeds", "sentences")}
