"""A small Transformer that was trained, and sentences for it."""

import random
from pathlib import Path
from typing import Any

import pytest

from latimer.config import configure
from latimer.folder import ModelFolder
from latimer.recipe import train


@pytest.fixture(scope="session")
def transformer(
    tmp_path_factory: pytest.TempPathFactory, pairs_file: Path, small_settings: dict[str, Any]
) -> ModelFolder:
    """A finished run; read only, please."""
    shape = {"model.encoder": "transformer", "model.decoder": "transformer", "training.steps": 300}
    wider = {"model.width": 32, "model.embedding": 32, "training.patience": 99}
    config = configure({**small_settings, **shape, **wider})
    return train(config, str(pairs_file), into=tmp_path_factory.mktemp("runs") / "transformer").folder


@pytest.fixture(scope="session")
def sources() -> list[str]:
    """500 sentences, of words that the model knows in an order that it knows, and some that it does not."""
    chance = random.Random(0)
    words = [["I", "you", "she"], ["see", "want", "hear"], ["a", "the", "my"], ["dog", "boat", "book", "cat"]]
    return [" ".join(map(chance.choice, words)) + chance.choice([".", "!", "", " now."]) for _ in range(500)]
