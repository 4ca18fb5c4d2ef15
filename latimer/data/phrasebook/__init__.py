"""The built-in English-French corpus: generated from a small grammar, with everyday pairs by hand."""

import gzip
from importlib.resources import files

from latimer.errors import Mistake

PARTS = ("train", "validation", "test", "test-new-combinations", "test-long")


def load(part: str) -> list[tuple[str, str]]:
    """The (English, French) pairs of one of ``PARTS``. Mistake for another name."""
    if part not in PARTS:
        raise Mistake(f"The phrasebook has no part {part!r}; choose one of {', '.join(PARTS)}.")
    packed = files("latimer.data.phrasebook").joinpath(f"{part}.tsv.gz").read_bytes()
    lines = gzip.decompress(packed).decode("utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return [(english, french) for english, french in pairs]
