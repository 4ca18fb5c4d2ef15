"""OpenNMT-py's recipe for a Transformer: Adam with its second beta at 0.998, and Glorot's initial values.

The rates are those of Vaswani et al. 2017, section 5.3, the warm-up cut to what so short a training allows.
They do not depend on how long it lasts: one training serves all marks.
"""

import logging
import math
import os
from importlib.metadata import version

from onmt.bin.translate import translate as translate_file  # type: ignore[import-not-found]
from onmt.models import build_model_saver  # type: ignore[import-not-found]
from onmt.opts import translate_opts  # type: ignore[import-not-found]
from onmt.utils.parse import ArgumentParser  # type: ignore[import-not-found]

from bench import task
from bench.peers import opennmt
from bench.peers.meter import Arguments
from bench.recipes.job import Job, Marks, run, translation

RECIPE: dict[str, object] = {
    "batch_size": task.RECIPE_BATCH_TOKENS,
    "adam_beta2": 0.998,
    "param_init": 0.0,
    "param_init_glorot": True,
    "decay_method": "noam",
    "warmup_steps": task.WARM_UP,
    "learning_rate": task.PEAK_RATE * math.sqrt(task.WIDTH * task.WARM_UP),  # its peak: that of the task
}


def train(job: Job) -> None:
    logging.disable(logging.INFO)
    recipe = {**RECIPE, "save_model": job.folder / "model"}
    prepared = opennmt.prepare(opennmt.options(Arguments("transformer", job.corpus, 0, 0, job.seed), recipe))
    saver = build_model_saver(
        prepared.options, prepared.options, prepared.model, prepared.vocabularies, prepared.optimizer, -1
    )
    marks = Marks(job, version=version("OpenNMT-py"), parameters=prepared.parameters, save=saver.save)
    opennmt.train(prepared, marks)


def translate(job: Job, mark: int) -> None:
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"  # its checkpoints hold more than tensors
    given = {
        "model": job.folder / f"model_step_{mark}.pt",
        "src": job.corpus / task.VALIDATION_SOURCE_IDS,
        "output": translation(job.folder, mark),
        "beam_size": 1,
        "max_length": task.LONGEST,
        "batch_size": task.SEARCH_SENTENCES,
    }
    parser = ArgumentParser()
    translate_opts(parser)
    translate_file(
        parser.parse_args([word for name, value in given.items() for word in (f"-{name}", str(value))])
    )


if __name__ == "__main__":
    run(train, translate)
