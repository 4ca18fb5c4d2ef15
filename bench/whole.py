"""Trainings that are compared: what is asked of all, and that they come to their end, or not at all."""

import argparse
from pathlib import Path
from typing import Any

from latimer.config import configure
from latimer.folder import ModelFolder
from latimer.recipe import train


def corpus_parser(description: str) -> argparse.ArgumentParser:
    """For command lines that train many models on one corpus."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("corpus", help="sentence pairs to train on")
    parser.add_argument("--from", dest="source", required=True, help="their first language")
    parser.add_argument("--to", dest="target", required=True, help="and the other")
    parser.add_argument("--validation", required=True, help="pairs to validate on")
    parser.add_argument("--models", nargs="+", required=True, help="names as in latimer train --model")
    return parser


def train_whole(settings: dict[str, Any], corpus: str, into: Path, **rest: Any) -> dict[str, Any]:
    """What the model's record says of its training, which is not done twice; `rest` is as in recipe.train.

    What was stopped in the middle is nothing to compare: it goes on when called again.
    """
    if not train(configure(settings), corpus, into=into, **rest).progress.finished:
        raise KeyboardInterrupt
    told: dict[str, Any] = ModelFolder(into).record["training"]
    return told
