"""joeynmt's recipe for a small Transformer: the rates of Vaswani et al. 2017, section 5.3, in its own code.

The warm-up is cut to what so short a training allows. Its search has no cache: translating takes minutes.
"""

import logging
import math
from importlib.metadata import version
from typing import Any

import torch
from joeynmt.config import parse_global_args, set_validation_args  # type: ignore[import-not-found]
from joeynmt.prediction import predict, prepare  # type: ignore[import-not-found]

from bench import task
from bench.peers import joeynmt
from bench.peers.meter import Arguments
from bench.recipes.job import Job, Marks, run, translation, write_ids

RECIPE: dict[str, object] = {
    "batch_size": task.RECIPE_BATCH_TOKENS,
    "adam_betas": [0.9, 0.98],
    "scheduling": "noam",
    "learning_rate_warmup": task.WARM_UP,
    # of the peak rate: that of the task
    "learning_rate_factor": task.PEAK_RATE * math.sqrt(task.WIDTH * task.WARM_UP),
}


def configuration(job: Job) -> dict[str, Any]:
    wanted = joeynmt.configuration(Arguments("transformer", job.corpus, 0, 0, job.seed), RECIPE)
    return {**wanted, "model_dir": str(job.folder)}


def train(job: Job) -> None:
    logging.disable(logging.INFO)
    manager, corpus = joeynmt.prepare_manager(configuration(job))

    def save(mark: int) -> None:
        torch.save({"model_state": manager.model.state_dict()}, job.folder / f"{mark}.ckpt")

    parameters = sum(parameter.numel() for parameter in manager.model.parameters())
    manager.meter = Marks(job, version=version("joeynmt"), parameters=parameters, save=save)
    manager.train_and_validate(train_data=corpus, valid_data=corpus)


def translate(job: Job, mark: int) -> None:
    wanted = configuration(job)
    wanted["data"]["dev"] = str(job.corpus / task.VALIDATION_SOURCE_IDS.removesuffix(".source.ids"))
    wanted["testing"] = {
        "load_model": str(job.folder / f"{mark}.ckpt"),
        "beam_size": 1,
        "batch_size": task.SEARCH_SENTENCES,
        "max_output_length": task.LONGEST,
    }
    parsed = parse_global_args(wanted, rank=0, mode="test")
    model, _, validation, _ = prepare(parsed, rank=0, mode="test")
    _, _, hypotheses, *_ = predict(
        model=model,
        data=validation,
        device=parsed.device,
        n_gpu=0,
        args=set_validation_args(parsed.test),
        autocast=parsed.autocast,
    )
    write_ids(translation(job.folder, mark), hypotheses)


if __name__ == "__main__":
    run(train, translate)
