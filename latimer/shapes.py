"""The letters of the axes, the same in every signature.

    B  sentences in a batch          D  width of encoder states, or of any vector
    S  source positions              E  width of an embedding
    T  target positions              H  heads, or the width of a hidden state
    Q  width of a query              L  layers
    K  width of a key, or beam size  V  vocabulary, or the width of a value
    A  width of an attention layer   N  rows of whatever: tokens, hypotheses

`Float[Tensor, "B S D"]` reads "a tensor of floats, B by S by D". The test run checks every one of
them (jaxtyping with beartype); outside the tests they cost nothing.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor

__all__ = ["Bool", "Float", "Int", "Tensor"]
