"""What every tool trains: the sizes of the three models, and the files. Standard library only.

The peers' scripts import this from their own environments, so that no size is written twice.
"""

from pathlib import Path

LAYERS = {"lstm": 1, "transformer": 3, "conv": 3}  # of the encoder, and as many of the decoder
TASKS = tuple(LAYERS)

WIDTH = 256  # embeddings, decoder, and encoder (an LSTM's both directions together)
HEADS = 4  # of the Transformer
INNER = 1_024  # feed-forward layers of the Transformer
KERNEL = 3  # positions that a convolution sees
VOCABULARY = 8_000  # joint, special symbols included
BATCH_TOKENS = 4_096  # target positions of a batch, as each tool counts them
DROPOUT = 0.1
LABEL_SMOOTHING = 0.1
LEARNING_RATE = 0.001
CLIP = 1.0

# How the peers train to the end (`bench.recipes`); ours decides for itself.
RECIPE_BATCH_TOKENS = 1_024
PEAK_RATE = 0.001
WARM_UP = 400  # updates
LONGEST = 100  # pieces that greedy search may write
SEARCH_SENTENCES = 64  # translated together

# Ids below SPECIALS are special, in the order that Latimer gives them.
PADDING, BEGINNING, END, UNKNOWN = range(4)
SPECIALS = 4

# Names of the files that `bench.corpus` writes: one sentence a line, ids as decimal numbers.
SOURCE_IDS = "train.source.ids"
TARGET_IDS = "train.target.ids"
VALIDATION_SOURCE_IDS = "validation.source.ids"
VALIDATION_TARGET_IDS = "validation.target.ids"
WORDS = "words.txt"  # the ids that can stand in those files, one a line


def read_ids(path: Path) -> list[list[int]]:
    """The sentences of a file of ids, without beginning and end symbols."""
    with path.open(encoding="ascii") as lines:
        return [[int(number) for number in line.split()] for line in lines]
