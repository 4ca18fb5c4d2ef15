"""Hugging Face's `generate` on a Transformer of our transformer's shape, which nobody trained.

    .envs/transformers/bin/python -m bench.peers.generating LENGTHS.json

LENGTHS holds a pair of numbers a sentence: pieces of the source, and of the translation that ours wrote, the
ends counted. Every batch is made to write what its longest sentence needs. Prints a row a batch and a beam.
"""

import json
import sys
import time
from pathlib import Path

import torch
from transformers import MarianConfig, MarianMTModel  # type: ignore[import-not-found]

VOCABULARY, WIDTH, HEADS, LAYERS = 7832, 256, 4, 2
INNER = 504  # two products of this width weigh what our three of 336 do
FEW = 40  # sentences, one at a time, as in bench.running


def make_model() -> MarianMTModel:
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
    return MarianMTModel(config).eval()


@torch.inference_mode()
def main() -> None:
    lengths = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = make_model()
    for batch in (1, 64):
        for beam in (1, 5):
            some = lengths if batch > 1 else lengths[:FEW]
            begun = time.process_time()
            for start in range(0, len(some), batch):
                sizes = some[start : start + batch]
                longest = max(source for source, _ in sizes)
                steps = max(target for _, target in sizes)
                mask = (torch.arange(longest) < torch.tensor([source for source, _ in sizes])[:, None]).long()
                model.generate(
                    input_ids=torch.randint(3, VOCABULARY, mask.shape),
                    attention_mask=mask,
                    num_beams=beam,
                    do_sample=False,
                    min_new_tokens=steps,
                    max_new_tokens=steps,
                )
            spent = time.process_time() - begun
            tokens = sum(target for _, target in some)
            print(
                f"{batch} {beam}: {len(some) / spent:.1f} sentences/s, {tokens / spent:,.0f} tokens/s",
                flush=True,
            )


if __name__ == "__main__":
    main()
