"""eole's recipe for a Transformer, which is that of OpenNMT-py: see there."""

import logging
import math
from importlib.metadata import version

from eole.bin.run.predict import predict  # type: ignore[import-not-found]
from eole.config.run import PredictConfig  # type: ignore[import-not-found]
from eole.models.model_saver import build_model_saver  # type: ignore[import-not-found]

from bench import task
from bench.peers import eole
from bench.peers.meter import Arguments
from bench.recipes.job import Job, Marks, run, translation

RECIPE = {
    "batch_size": task.RECIPE_BATCH_TOKENS,
    "adam_beta2": 0.998,
    "param_init_method": "xavier_uniform",
    "decay_method": "noam",
    "warmup_steps": task.WARM_UP,
    "learning_rate": task.PEAK_RATE * math.sqrt(task.WIDTH * task.WARM_UP),  # its peak: that of the task
}


def train(job: Job) -> None:
    logging.disable(logging.INFO)
    model_path = job.folder / "model"
    model_path.mkdir()
    recipe = {**RECIPE, "model_path": str(model_path)}
    prepared = eole.prepare(eole.configuration(Arguments("transformer", job.corpus, 0, 0, job.seed), recipe))
    context = prepared.context
    saver = build_model_saver(
        context.config, prepared.model, context.vocabs, prepared.optimizer, -1, context.transforms
    )
    marks = Marks(job, version=version("eole"), parameters=prepared.parameters, save=saver.save)
    eole.train(prepared, marks)


def translate(job: Job, mark: int) -> None:
    predict(
        PredictConfig(
            model_path=[str(job.folder / "model" / f"step_{mark}")],
            src=str(job.corpus / task.VALIDATION_SOURCE_IDS),
            output=str(translation(job.folder, mark)),
            beam_size=1,
            max_length=task.LONGEST,
            batch_size=task.SEARCH_SENTENCES,
            batch_type="sents",
            compute_dtype="fp32",
        )
    )


if __name__ == "__main__":
    run(train, translate)
