"""Trainings that are compared: to their end, or not at all."""

from pathlib import Path
from typing import Any

from latimer.config import configure
from latimer.folder import ModelFolder
from latimer.recipe import train


def train_whole(settings: dict[str, Any], corpus: str, into: Path, **rest: Any) -> dict[str, Any]:
    """What the model's record says of its training, which is not done twice; `rest` is as in recipe.train.

    What was stopped in the middle is nothing to compare: it goes on when called again.
    """
    if not train(configure(settings), corpus, into=into, **rest).progress.finished:
        raise KeyboardInterrupt
    told: dict[str, Any] = ModelFolder(into).record["training"]
    return told
