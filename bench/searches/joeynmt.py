"""joeynmt's search, which has no cache. Who has finished leaves the batch: all write the mean of it."""

import logging
import tempfile
from pathlib import Path

import torch
from joeynmt.batch import Batch  # type: ignore[import-not-found]
from joeynmt.config import parse_global_args  # type: ignore[import-not-found]
from joeynmt.model import build_model  # type: ignore[import-not-found]
from joeynmt.search import search as search_batch  # type: ignore[import-not-found]
from joeynmt.vocabulary import build_vocab  # type: ignore[import-not-found]

from bench.peers.joeynmt import configuration
from bench.peers.meter import Arguments
from bench.searches.job import INNER, LAYERS, Search, pretend_corpus, run


def make() -> Search:
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name)
        pretend_corpus(corpus)
        wanted = configuration(Arguments("transformer", corpus, 0, 0, 1), {})
        for side in ("encoder", "decoder"):
            wanted["model"][side] |= {"num_layers": LAYERS, "ff_size": INNER}
        parsed = parse_global_args(wanted, rank=0, mode="train")
        source_words, target_words = build_vocab(parsed.data, model_dir=None)
    model = build_model(parsed.model, src_vocab=source_words, trg_vocab=target_words).eval()
    padding, end = source_words.pad_index, source_words.eos_index

    def search(source: torch.Tensor, lengths: torch.Tensor, written: tuple[int, int], beam: int) -> object:
        _, mean = written
        batch = Batch(
            src=torch.where(source == 0, padding, source),
            src_length=lengths,
            src_prompt_mask=None,
            trg=None,
            trg_prompt_mask=None,
            indices=torch.arange(len(source)),
            device=torch.device("cpu"),
            pad_index=padding,
            eos_index=end,
            is_train=False,
        )
        return search_batch(
            model, batch, max_output_length=mean, min_output_length=mean, beam_size=beam, beam_alpha=-1
        )

    return search


if __name__ == "__main__":
    run(make)
