"""How much of its source a translation covers, by what it looked at (Wu et al. 2016, section 7).

score    = log p(target | source) / length ** length_penalty + beta coverage                      equation 14
coverage = sum over source pieces i of log(min(sum over target pieces t of weight[t, i], 1))

It is 0 where all target pieces together looked at each source piece as much as one of them looks at all, and
less where a piece was left out. The ends are no pieces: the source's is where models look that look for
nothing, and no translation could leave it out; nor are tags of a language or a domain.
"""

import numpy as np
from jaxtyping import Float

LEAST = 1e-9  # how much a piece is taken to be looked at that nothing looked at, so that the sum is a number


def coverage(weights: Float[np.ndarray, "T S"]) -> float:
    """Of what T target pieces looked at among S source pieces: 0, or less."""
    looked = weights.sum(0, dtype=np.float64)
    return float(np.log(looked.clip(LEAST, 1.0)).sum())
