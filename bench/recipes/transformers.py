"""Hugging Face's Marian Transformer with the schedule of its Trainer: up, then straight down to zero.

That schedule has an end, so it is fitted to the run: the way down is measured in CPU seconds, and its end is
the last mark. The marks before the last one see a training that was meant to go on.
"""

import random
import time
from collections.abc import Callable

import torch
from transformers import MarianMTModel, __version__  # type: ignore[import-not-found]

from bench import task
from bench.peers.transformers import batches, make_model, padded
from bench.peers.transformers import train as train_model
from bench.recipes.job import Job, Marks, run, translation, write_ids


def fitted(
    marks: Marks, seconds: float
) -> Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LambdaLR]:
    """The schedule for an optimizer whose peak rate is the task's."""

    def share(update: int) -> float:
        down = 1 - (time.process_time() - marks.apart) / seconds
        return min((update + 1) / task.WARM_UP, max(0.0, down))

    return lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def train(job: Job) -> None:
    random.seed(job.seed)
    torch.manual_seed(job.seed)
    model = make_model().train()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    marks = Marks(
        job,
        version=__version__,
        parameters=parameters,
        save=lambda mark: model.save_pretrained(job.folder / f"model-{mark}"),
    )
    feed = batches(job.corpus, task.RECIPE_BATCH_TOKENS)
    train_model(model, feed, marks, schedule=fitted(marks, job.marks[-1]))


@torch.inference_mode()
def translate(job: Job, mark: int) -> None:
    model = MarianMTModel.from_pretrained(job.folder / f"model-{mark}").eval()
    sources = task.read_ids(job.corpus / task.VALIDATION_SOURCE_IDS)
    order = sorted(range(len(sources)), key=lambda row: len(sources[row]))
    lines = [""] * len(sources)
    for start in range(0, len(order), task.SEARCH_SENTENCES):
        rows = order[start : start + task.SEARCH_SENTENCES]
        inputs = padded([sources[row] for row in rows], task.PADDING)
        outputs = model.generate(
            input_ids=inputs,
            attention_mask=inputs != task.PADDING,
            num_beams=1,
            do_sample=False,
            max_length=task.LONGEST,
        )
        for row, output in zip(rows, outputs.tolist(), strict=True):
            words = output[1:]
            words = words[: words.index(task.END)] if task.END in words else words
            lines[row] = " ".join(map(str, words))
    write_ids(translation(job.folder, mark), lines)


if __name__ == "__main__":
    run(train, translate)
