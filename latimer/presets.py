"""What a model's name stands for, and what a size is: all that is chosen for people in a configuration.

A setting that was not given (0, or "auto") is filled in by `complete`, and nowhere else.
"""

import dataclasses
from math import log2
from typing import Any

from latimer.config import SCORES, Config, ModelConfig, configure, flatten, nearest
from latimer.errors import Mistake

# What a name in `--model NAME` stands for: encoder, decoder, score.
PRESETS = {
    "lstm": ("lstm", "lstm", "additive"),
    "lstm-dot": ("lstm", "lstm", "dot"),
    "lstm-general": ("lstm", "lstm", "general"),
    "lstm-plain": ("lstm", "lstm", "none"),
    "luong-general": ("lstm", "luong-feeding", "general"),
    "lstm-parallel": ("lstm-residual", "lstm-parallel", "scaled-dot"),
    "conv": ("conv", "conv", "scaled-dot"),
    "transformer": ("transformer", "transformer", "scaled-dot"),
    "hybrid": ("transformer", "lstm-parallel", "scaled-dot"),
}

# A Transformer that is deeper and narrower than others of its size, and the updates that suit it (Wu et al.
# 2021, "Good for misconceived reasons", its Transformer-Tiny): what learns small corpora best, given time.
DEEP = "transformer-deep"
_DEEP = {
    **dict(zip(("model.encoder", "model.decoder", "model.score"), PRESETS["transformer"], strict=True)),
    "model.width": 128,
    "model.encoder_layers": 4,
    "model.decoder_layers": 4,
    "model.encoder_heads": 4,
    "model.decoder_heads": 4,
    "model.feed_forward": 256,
    "model.activation": "relu",
    "training.batch": 4096,
    "training.rate": 0.005,
    "training.warmup": 800,
}
MODELS = (*PRESETS, DEEP)

# Where no model is named: the usual one, or the deep one where it sees each of many pairs often enough.
USUAL = "lstm-parallel"
AUTO = "auto"
_DEEP_LEAST, _DEEP_EPOCHS = 20_000, 40  # pairs, and how often they are seen
_DEEP_PAIRS = 200  # a second and thread

# The decoders that have one attention however many layers, and may go without.
ONE_ATTENTION = ("lstm", "luong", "luong-feeding")

# The decoders of residual blocks, whose attention has several heads and projects even with one.
BLOCKS = ("lstm-parallel", "transformer")

# The score of the paper that each decoder comes from.
_SCORES = {
    "lstm": "additive",
    "luong": "general",
    "luong-feeding": "general",
    "lstm-parallel": "scaled-dot",
    "conv": "scaled-dot",
    "transformer": "scaled-dot",
}

# Sizes: about 2, 10 and 50 million parameters beside the embeddings, whatever the family.
_WIDTHS = {"tiny": 256, "small": 512, "base": 768}
_LAYERS = {"tiny": 1, "small": 2, "base": 4}  # of a part that nobody has sized yet
_ENCODER_LAYERS = {
    "lstm": {"tiny": 1, "small": 2, "base": 5},
    "lstm-residual": {"tiny": 1, "small": 2, "base": 3},
    "conv": {"tiny": 2, "small": 3, "base": 6},
    "transformer": {"tiny": 2, "small": 2, "base": 4},
}
_DECODER_LAYERS = {
    "lstm": {"tiny": 1, "small": 2, "base": 5},
    "luong": {"tiny": 1, "small": 2, "base": 5},
    "luong-feeding": {"tiny": 1, "small": 2, "base": 5},
    "lstm-parallel": {"tiny": 1, "small": 1, "base": 3},
    "conv": {"tiny": 2, "small": 2, "base": 6},
    "transformer": {"tiny": 2, "small": 2, "base": 4},
}
_HEAD_WIDTH = 64

# The sizes of the papers: Bahdanau 2015, Luong 2015, Gehring 2017 (English-Romanian), Vaswani 2017 (base).
_PAPERS: dict[tuple[str, str], dict[str, int | str]] = {
    ("lstm", "lstm"): {"embedding": 620, "width": 1000, "encoder_layers": 1, "decoder_layers": 1},
    ("lstm", "luong"): {"width": 1000, "encoder_layers": 4, "decoder_layers": 4},
    ("lstm", "luong-feeding"): {"width": 1000, "encoder_layers": 4, "decoder_layers": 4},
    ("conv", "conv"): {"width": 512, "encoder_layers": 20, "decoder_layers": 20},
    ("transformer", "transformer"): {
        "width": 512,
        "encoder_layers": 6,
        "decoder_layers": 6,
        "feed_forward": 2048,
        "activation": "relu",
    },
}

_BATCH, _WARMUP = 1024, 200  # tokens; updates

# Dropout of a run of twelve epochs or fewer, and at most.
_DROPOUT, _MOST_DROPOUT = 0.1, 0.3
_SPLITTING, _SPLITTING_EPOCHS = 0.1, 20  # the share of pieces; how often a pair must be seen to gain by it

# The highest learning rate that suits each part at width 256; wider ones want less.
_RATE = 0.002  # of a part that nobody has tuned yet
_RATES = {
    "lstm": 0.005,
    "luong": 0.005,
    "luong-feeding": 0.005,
    "lstm-residual": 0.003,
    "lstm-parallel": 0.003,
    "conv": 0.004,
    "transformer": 0.002,
}


def model_settings(name: str) -> dict[str, Any]:
    """The settings that NAME, NAME:SCORE or ENCODER+DECODER[:SCORE] stands for; AUTO: see `settle`."""
    if name == AUTO:
        return {"model.encoder": AUTO, "model.decoder": AUTO}
    if name == DEEP:
        return dict(_DEEP)
    model, colon, score = name.partition(":")
    encoder, plus, decoder = model.partition("+")
    if colon and score not in SCORES:
        raise Mistake(f"There is no score {score!r}{nearest(score, SCORES)} Scores: {', '.join(SCORES)}.")
    if not plus:
        if model not in PRESETS:
            raise Mistake(
                f"There is no model {model!r}{nearest(model, MODELS)} Models: {', '.join(MODELS)}, "
                "or ENCODER+DECODER[:SCORE]."
            )
        encoder, decoder, usual = PRESETS[model]
        return {"model.encoder": encoder, "model.decoder": decoder, "model.score": score or usual}
    return {"model.encoder": encoder, "model.decoder": decoder, "model.score": score or "auto"}


def name_of(config: Config) -> str | None:
    """The name whose settings a configuration has, the more special one of two; None where none has."""
    told = flatten(config).items()
    return next((name for name in reversed(MODELS) if model_settings(name).items() <= told), None)


def settle(config: Config, *, pairs: int = 0, threads: int = 1) -> Config:
    """The same configuration with a model, where it is AUTO, or a part of it.

    What was set beside that stays. `threads` are those that train; without `pairs` it is the usual model, as
    it is where a part or a size was chosen.
    """
    parts = (config.model.encoder, config.model.decoder)
    if AUTO not in parts:
        return config
    can_be = (*parts, config.model.size) == (AUTO, AUTO, AUTO) and pairs >= _DEEP_LEAST
    name = DEEP if can_be and _deep_epochs(config, pairs, threads) >= _DEEP_EPOCHS else USUAL
    untouched, given = flatten(configure(model_settings(AUTO))), flatten(config)
    free = {key: value for key, value in model_settings(name).items() if given[key] == untouched[key]}
    return configure(free, config)


def _deep_epochs(config: Config, pairs: int, threads: int) -> float:
    """How often the deep model would see each pair, about."""
    training = config.training
    if training.minutes is not None:
        return 60 * training.minutes * threads * _DEEP_PAIRS / pairs
    return training.epochs or 0.0


def unknown(kind: str, name: str) -> Mistake:
    """The error for an encoder or decoder that does not exist."""
    known = {"encoder": _ENCODER_LAYERS, "decoder": _DECODER_LAYERS}[kind]
    return Mistake(
        f"There is no {kind} {name!r}{nearest(name, known)} {kind.capitalize()}s: {', '.join(known)}."
    )


def size_for(pairs: int) -> tuple[str, str]:
    """The size that so many sentence pairs can feed, and why, in a few words."""
    for size, enough in (("tiny", 1_000_000), ("small", 10_000_000)):
        if pairs < enough:
            return size, f"fewer than {enough:,} pairs; --size chooses another"
    return "base", "10,000,000 pairs or more; --size chooses another"


def dropout_for(epochs: float) -> float:
    """The dropout of a run that sees each pair so often: the oftener, the more there is to be forgotten."""
    return round(min(_MOST_DROPOUT, _DROPOUT + 0.1 * max(0.0, log2(epochs / 12))), 2)


def splitting_for(epochs: float) -> float:
    """The share of pieces to split: none in runs that are too short to gain by it."""
    return _SPLITTING if epochs >= _SPLITTING_EPOCHS else 0.0


def complete(model: ModelConfig, *, pairs: int = 0) -> ModelConfig:
    """The same model with nothing left open. Raises Mistake for a size that it does not have."""
    size = size_for(pairs)[0] if model.size == "auto" else model.size
    chosen: dict[str, Any] = {"size": size}
    if size == "paper":
        paper = _PAPERS.get((model.encoder, model.decoder))
        if paper is None:
            raise Mistake(
                f"{model.encoder}+{model.decoder} is in no paper; choose the size tiny, small or base."
            )
        chosen.update(paper)
    else:
        chosen["width"] = _WIDTHS[size]
        chosen["encoder_layers"] = _ENCODER_LAYERS.get(model.encoder, _LAYERS)[size]
        chosen["decoder_layers"] = _DECODER_LAYERS.get(model.decoder, _LAYERS)[size]
    width = model.width or chosen["width"]
    most = width // _HEAD_WIDTH
    heads = next((number for number in range(most, 0, -1) if width % (2 * number) == 0), 1)
    chosen = {
        "score": _SCORES.get(model.decoder, "additive"),
        "embedding": width,
        "feed_forward": 2 * width
        if model.activation == "relu"
        else max(8, width // 6 * 8),  # as many parameters
        "activation": "swiglu",
        "encoder_heads": heads,
        "decoder_heads": heads if model.decoder in BLOCKS else 1,
        **chosen,
    }
    still_open = {name: value for name, value in chosen.items() if getattr(model, name) in (0, "auto")}
    if model.dropout == -1:
        still_open["dropout"] = _DROPOUT  # until the length of the run is known
    completed = dataclasses.replace(model, **still_open)
    _check(completed)
    return completed


def complete_config(config: Config, *, pairs: int) -> Config:
    """The same configuration with nothing left open but the vocabulary."""
    model, training = complete(config.model, pairs=pairs), config.training
    rate = min(_RATES.get(part, _RATE) for part in (model.encoder, model.decoder))
    training = dataclasses.replace(
        training,
        rate=training.rate or rate * min(1.0, 256 / model.width),
        batch=training.batch or _BATCH,
        warmup=_WARMUP if training.warmup == -1 else training.warmup,
    )
    return dataclasses.replace(config, model=model, training=training)


def _check(model: ModelConfig) -> None:
    if model.width % 2:
        raise Mistake(f"model.width must be even, half for each reading direction, not {model.width}.")
    if model.score == "none" and model.decoder not in ONE_ATTENTION:
        raise Mistake(f"The {model.decoder} decoder can't go without attention; choose another model.score.")
    heads = {"decoder": model.decoder_heads}
    if model.encoder == "transformer":
        heads["encoder"] = model.encoder_heads
    for side, number in heads.items():
        parts = 2 * number if getattr(model, side) == "transformer" else number  # these turn pairs
        if model.width % parts:
            raise Mistake(
                f"model.{side}_heads is {number}, so model.width must be a multiple of {parts}, "
                f"not {model.width}."
            )
