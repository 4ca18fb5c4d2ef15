"""Hugging Face's `generate`. Who has finished waits for the longest of the batch, and costs as much."""

import torch
from transformers import MarianConfig, MarianMTModel  # type: ignore[import-not-found]

from bench.searches.job import HEADS, INNER, LAYERS, VOCABULARY, WIDTH, Search, run


def make() -> Search:
    sizes = {
        f"{side}_{name}": value
        for side in ("encoder", "decoder")
        for name, value in (("layers", LAYERS), ("attention_heads", HEADS), ("ffn_dim", INNER))
    }
    config = MarianConfig(
        vocab_size=VOCABULARY,
        d_model=WIDTH,
        pad_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=1,
        forced_eos_token_id=None,
        **sizes,
    )
    model = MarianMTModel(config).eval()

    def search(source: torch.Tensor, lengths: torch.Tensor, written: tuple[int, int], beam: int) -> object:
        longest, _ = written
        return model.generate(
            input_ids=source,
            attention_mask=(source != 0).long(),
            num_beams=beam,
            do_sample=False,
            min_new_tokens=longest,
            max_new_tokens=longest,
        )

    return search


if __name__ == "__main__":
    run(make)
