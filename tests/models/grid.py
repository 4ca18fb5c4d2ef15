"""Which models the laws are tried on.

Encoders, decoders, scores, heads and layers make hundreds of models. Covered are

    PAIRS   every encoder with every decoder, 2 layers, the decoder's own score and number of heads      24
    ASKING  every decoder with every score that fits and 1 or 2 heads, 1 layer, after one encoder         51
    WIDTHS  every encoder and every decoder with embeddings narrower than its layers, output not tied      6

for what an encoder does depends on no score, and a decoder sees of its encoder only what `Encoded` holds.
"""

from typing import NamedTuple

from latimer.config import SCORES

ENCODERS = ("lstm", "lstm-residual", "conv", "transformer")
PLAIN = ("lstm", "luong", "luong-feeding")  # the decoders that can go without attention
BLOCKS = ("lstm-parallel", "transformer")  # those whose attention always has projections of its own
DECODERS = (*PLAIN, "conv", *BLOCKS)
# Each decoder with an encoder that it usually goes with.
FAMILIES = (
    *(("lstm", decoder) for decoder in (*PLAIN, "lstm-parallel")),
    ("conv", "conv"),
    ("transformer", "transformer"),
)


class Kind(NamedTuple):
    """The arguments of `make_model`."""

    encoder: str
    decoder: str
    score: str = "auto"
    layers: int = 1
    heads: int = 0
    embedding: int = 8
    tied: bool = True

    @property
    def projected(self) -> bool:
        """Whether its attention over the source is a `MultiHead`, even with one head."""
        return self.decoder in BLOCKS or self.heads > 1

    @property
    def over_the_source(self) -> list[str]:
        """The names of the decoder's attentions over the source."""
        if self.score == "none":
            return []
        if self.decoder in PLAIN:
            return ["decoder.attention"]
        numbered = "decoder.blocks.{}.attention" if self.decoder in BLOCKS else "decoder.attention.{}"
        return [numbered.format(layer) for layer in range(self.layers)]

    @property
    def over_the_past(self) -> list[str]:
        """The names of the decoder's self-attentions."""
        layers = range(self.layers if self.decoder == "transformer" else 0)
        return [f"decoder.blocks.{layer}.past.attention" for layer in layers]

    @property
    def in_the_encoder(self) -> list[str]:
        """The names of the encoder's self-attentions."""
        layers = range(self.layers if self.encoder == "transformer" else 0)
        return [f"encoder.blocks.{layer}.reader.attention" for layer in layers]

    def __str__(self) -> str:
        heads = f"-{self.heads}heads" if self.heads else ""
        return f"{self.encoder}+{self.decoder}:{self.score}{heads}-{self.layers}layers-{self.embedding}wide"


PAIRS = [Kind(encoder, decoder, layers=2) for encoder in ENCODERS for decoder in DECODERS]
ASKING = [
    Kind("lstm", decoder, score, heads=heads)
    for decoder in DECODERS
    for score in SCORES
    for heads in (1, 2)
    if score != "none" or (decoder in PLAIN and heads == 1)
]
WIDTHS = [
    Kind(ENCODERS[number % len(ENCODERS)], decoder, embedding=6, tied=False)
    for number, decoder in enumerate(DECODERS)
]
GRID = [*PAIRS, *ASKING, *WIDTHS]
