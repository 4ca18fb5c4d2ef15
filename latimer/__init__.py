"""Latimer: train, inspect and ship sequence-to-sequence translators with attention.

>>> import latimer
>>> config = latimer.configure({"training.minutes": 20})
>>> trained = latimer.train(config, "pairs.tsv", into="model")
>>> latimer.Translator.load("model").translate(["Good morning!"])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latimer.config import Config, configure
    from latimer.errors import Mistake
    from latimer.models.base import Decoder, Encoder, Seq2Seq
    from latimer.models.build import build
    from latimer.nn.attention import (
        Additive,
        Attention,
        Dot,
        General,
        MultiHead,
        ScaledDot,
        capture,
        length_mask,
        masked_softmax,
    )
    from latimer.presets import model_settings
    from latimer.recipe import train
    from latimer.search.beam import beam_search
    from latimer.translator import Translator

# Where each public name lives; it is imported when it is first used, so that `import latimer` is light.
_HOMES = {
    "Additive": "nn.attention",
    "Attention": "nn.attention",
    "Config": "config",
    "Decoder": "models.base",
    "Dot": "nn.attention",
    "Encoder": "models.base",
    "General": "nn.attention",
    "Mistake": "errors",
    "MultiHead": "nn.attention",
    "ScaledDot": "nn.attention",
    "Seq2Seq": "models.base",
    "Translator": "translator",
    "beam_search": "search.beam",
    "build": "models.build",
    "capture": "nn.attention",
    "configure": "config",
    "length_mask": "nn.attention",
    "masked_softmax": "nn.attention",
    "model_settings": "presets",
    "train": "recipe",
}

__all__ = [
    "Additive",
    "Attention",
    "Config",
    "Decoder",
    "Dot",
    "Encoder",
    "General",
    "Mistake",
    "MultiHead",
    "ScaledDot",
    "Seq2Seq",
    "Translator",
    "beam_search",
    "build",
    "capture",
    "configure",
    "length_mask",
    "masked_softmax",
    "model_settings",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'latimer' has no attribute {name!r}")
    return getattr(import_module(f"latimer.{_HOMES[name]}"), name)
