"""OpenNMT-py's Translator. Who has finished leaves the batch: all write what is the mean of the batch."""

import logging
import tempfile
from pathlib import Path

import torch
from onmt.model_builder import build_model  # type: ignore[import-not-found]
from onmt.train_single import _init_train  # type: ignore[import-not-found]
from onmt.translate import GNMTGlobalScorer, Translator  # type: ignore[import-not-found]

from bench.peers.meter import Arguments
from bench.peers.opennmt import options
from bench.searches.job import INNER, LAYERS, Search, pretend_corpus, run


def make() -> Search:
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name)
        pretend_corpus(corpus)
        sizes = {"layers": LAYERS, "transformer_ff": INNER}
        parsed = options(Arguments("transformer", corpus, 0, 0, 1), sizes)
        _, vocabularies, _ = _init_train(parsed)
    model = build_model(parsed, parsed, vocabularies, None, -1).eval()
    scorer = GNMTGlobalScorer(alpha=0.0, beta=0.0, length_penalty="avg", coverage_penalty="none")

    def search(source: torch.Tensor, lengths: torch.Tensor, written: tuple[int, int], beam: int) -> object:
        _, mean = written
        translator = Translator(
            model,
            vocabularies,
            min_length=mean - 1,  # the end comes after it
            max_length=mean,
            max_length_ratio=0,
            beam_size=beam,
            global_scorer=scorer,
        )
        return translator.translate_batch({"src": source[:, :, None], "srclen": lengths}, False)

    return search


if __name__ == "__main__":
    run(make)
