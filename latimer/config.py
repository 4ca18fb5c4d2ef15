"""Configuration: frozen dataclasses, TOML in, `key=value` on top; an unknown key is an error.

Every field has a type, a default and one line of help, and lives here only.
"""

import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from latimer.errors import Mistake


def option(default: Any, explanation: str, choices: tuple[str, ...] = ()) -> Any:
    """A field with its help, and the values it may take where they are few."""
    return field(default=default, metadata={"help": explanation, "choices": choices})


SCORES = ("additive", "dot", "scaled-dot", "general", "none")
ACTIVATIONS = ("relu", "swiglu")
PRECISIONS = ("float32", "bfloat16")
SIZES = ("tiny", "small", "base", "paper")


@dataclass(frozen=True)
class ModelConfig:
    encoder: str = option("lstm", "what reads the source, a name of models/build.py")
    decoder: str = option("lstm", "what writes the target, a name of models/build.py")
    score: str = option(
        "auto", "how a key answers a query; none: no attention; auto: the decoder's own", ("auto", *SCORES)
    )
    size: str = option(
        "auto", "what the zeros below become; auto: by the size of the corpus", ("auto", *SIZES)
    )
    embedding: int = option(0, "width of token embeddings; 0: as the model is wide")
    width: int = option(0, "width of encoder states (both directions) and of the decoder's; 0: by size")
    encoder_layers: int = option(0, "layers that read; 0: by size")
    decoder_layers: int = option(0, "layers that write; 0: by size")
    encoder_heads: int = option(0, "heads of the encoder's self-attention; 0: by width")
    decoder_heads: int = option(0, "heads of the decoder's attention; 0: by width, or one as in its paper")
    feed_forward: int = option(0, "inner width of feed-forward layers; 0: by size")
    activation: str = option(
        "auto", "what stands in feed-forward layers; auto: swiglu, in size paper relu", ("auto", *ACTIVATIONS)
    )
    kernel: int = option(3, "positions that a convolution sees")
    dropout: float = option(-1.0, "share of activations dropped in training; -1: by how often a pair is seen")
    tied: bool = option(True, "output layer and target embedding are one matrix")


@dataclass(frozen=True)
class DataConfig:
    vocabulary: int = option(0, "subword pieces; 0: chosen from the size of the corpus")
    joint: bool = option(True, "one subword model and one embedding for both languages")
    longest: int = option(160, "pairs with more pieces than this on a side are left out of training")
    seed: int = option(1, "seed of what is held out and of the subword model")
    temperature: float = option(
        1.0, "of several corpora: above 1 evens out their sizes; they stand as n^(1/T)"
    )
    keep_going: bool = option(False, "skip and count what is broken in a corpus, and go on")


@dataclass(frozen=True)
class TrainingConfig:
    minutes: float | None = option(None, "train so long: the schedule is fitted to it")
    epochs: float | None = option(None, "train for so many passes over the corpus")
    steps: int | None = option(None, "train for so many updates")
    tokens: int | None = option(None, "train on so many target tokens, repetitions counted")
    batch: int = option(0, "tokens in a batch, padding counted; 0: what suits the model")
    rate: float = option(0.0, "highest learning rate; 0: what suits the model")
    warmup: int = option(
        -1, "updates in which the rate rises, at most a tenth of all; -1: what suits the model"
    )
    smoothing: float = option(0.1, "label smoothing")
    candidates: int = option(2048, "pieces that compete in an update's softmax, the others sampled; 0: all")
    splitting: float = option(
        -1.0, "share of pieces that are split in training; -1: by how often a pair is seen"
    )
    precision: str = option(
        "auto", "numbers that products are made in; auto: the faster, measured", ("auto", *PRECISIONS)
    )
    guidance: float = option(0.05, "weight of the loss that pulls attention toward --guide")
    decay: float = option(0.01, "weight decay")
    clip: float = option(1.0, "longest gradient")
    embeddings: str = option(
        "corpus",
        "what embeddings begin as; corpus: by the pairs that a piece stands in",
        ("corpus", "random"),
    )
    validations: int = option(12, "how often the model is validated in a run")
    patience: int = option(6, "validations without a better BLEU before training stops early")
    seed: int = option(1, "seed of the first parameters, of the order of the pairs and of dropout")


@dataclass(frozen=True)
class Config:
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def flatten(config: Config) -> dict[str, Any]:
    """Every setting under its full name, `model.width` and so on."""
    return {
        f"{section}.{key}": value
        for section, values in dataclasses.asdict(config).items()
        for key, value in values.items()
    }


def configure(settings: Mapping[str, Any], base: Config | None = None) -> Config:
    """`base` (default: the defaults) with these settings, full name to value or to its text.

    Raises Mistake at an unknown key (naming the nearest valid one), a value of another type, or
    settings that contradict each other.
    """
    base = base or Config()
    known = flatten(base)
    changes: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        if name not in known:
            raise Mistake(f"There is no setting {name!r}{nearest(name, known)}")
        section, key = name.split(".")
        changes.setdefault(section, {})[key] = _typed(name, value)
    sections = {name: dataclasses.replace(getattr(base, name), **change) for name, change in changes.items()}
    config = dataclasses.replace(base, **sections)
    _check(config)
    return config


def read_toml(path: Path) -> dict[str, Any]:
    """The settings in a TOML file: a table a section, or full names at the top."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}; --config wants a TOML file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Mistake(f"{path} is not TOML: {error}.") from None
    return dict(_settings(tables))


def read_settings(texts: tuple[str, ...]) -> dict[str, Any]:
    """The settings in texts such as `model.width=512`."""
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise Mistake(f"--set {text!r} has no '='; write for example --set model.width=512.")
        settings[name.strip()] = value.strip()
    return settings


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The names under which two configurations differ, sorted."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def explain() -> Iterator[tuple[str, Any, str]]:
    """Every setting: full name, default, help."""
    for section in dataclasses.fields(Config):
        for entry in dataclasses.fields(getattr(Config(), section.name)):
            yield f"{section.name}.{entry.name}", entry.default, entry.metadata["help"]


def _settings(tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in tables.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", inner) for key, inner in value.items())
        else:
            yield name, value


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence: what was perhaps meant by `name`, or a full stop."""
    last = {key.split(".")[-1]: key for key in known}
    near = [last[key] for key in difflib.get_close_matches(name.split(".")[-1], last, 1, 0.75)]
    near = near or difflib.get_close_matches(name, list(known), 1, 0.5)
    return f"; did you mean {near[0]!r}?" if near else "."


def _typed(name: str, value: Any) -> Any:
    """`value`, or the text of it, as the type that its field declares."""
    section, key = name.split(".")
    owner = type(getattr(Config(), section))
    declared = get_type_hints(owner)[key]
    kinds = get_args(declared) if isinstance(declared, UnionType) else (declared,)
    if type(None) in kinds and value in (None, "none"):
        return None
    kind = kinds[0]
    wrong = Mistake(f"{name} wants {_kind(kind)}, not {value!r}.")
    choices = next(entry for entry in dataclasses.fields(owner) if entry.name == key).metadata["choices"]
    if choices and value not in choices:
        raise Mistake(f"{name} is one of {', '.join(choices)}, not {value!r}.")
    if kind is bool:
        found = {"true": True, "false": False}.get(str(value).lower())
        if found is None:
            raise wrong
        return found
    if isinstance(value, bool) or (kind is int and isinstance(value, float)):
        raise wrong
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise wrong from None


def _kind(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}[kind]


def _check(config: Config) -> None:
    """Raise Mistake where the settings can't be meant."""
    training, model = config.training, config.model
    budgets = {name: getattr(training, name) for name in ("minutes", "epochs", "steps", "tokens")}
    given = {f"training.{name}": value for name, value in budgets.items() if value is not None}
    if len(given) > 1:
        raise Mistake(f"{' and '.join(given)} can't both say how long to train; give one of them.")
    at_least_one = {
        f"{section}.{name}": getattr(getattr(config, section), name)
        for section, names in {
            "model": ("kernel",),
            "data": ("longest",),
            "training": ("validations", "patience"),
        }.items()
        for name in names
    }
    for name, value in at_least_one.items():
        if value < 1:
            raise Mistake(f"{name} must be at least 1, not {value}.")
    if not 1 <= config.data.temperature < float("inf"):
        raise Mistake(f"data.temperature must be at least 1, not {config.data.temperature}.")
    for name, value in {**given, "training.clip": training.clip}.items():
        if not 0 < value < float("inf"):
            raise Mistake(f"{name} must be positive, not {value}.")
    sizes = ("embedding", "width", "encoder_layers", "decoder_layers", "encoder_heads", "decoder_heads")
    for name, value in {
        **{f"model.{name}": getattr(model, name) for name in (*sizes, "feed_forward")},
        "training.rate": training.rate,
        "data.seed": config.data.seed,
        "training.seed": training.seed,
        "training.batch": training.batch,
        "training.candidates": training.candidates,
        "training.guidance": training.guidance,
        "training.decay": training.decay,
    }.items():
        if not 0 <= value < float("inf"):
            raise Mistake(f"{name} must be at least 0, not {value}.")
    if training.warmup < -1:
        raise Mistake(f"training.warmup must be at least 0, not {training.warmup}.")
    by_epochs = {"model.dropout": model.dropout, "training.splitting": training.splitting}
    for name, value in {**by_epochs, "training.smoothing": training.smoothing}.items():
        if not 0 <= value < 1 and not (name in by_epochs and value == -1):
            raise Mistake(f"{name} must be at least 0 and below 1, not {value}.")
