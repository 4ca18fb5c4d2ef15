"""CTranslate2 driven by hand: the same weights, the same subwords, batches as they are given.

Wants nothing of Latimer's engines: texts become pieces, `translate_batch` does the rest.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from latimer.data.text import normalise
from latimer.folder import ModelFolder, Tokenizers


class CTranslate2:
    """The folder `exported` that `latimer.export.ctranslate2` wrote of `folder`, in its own precision."""

    def __init__(self, exported: Path, folder: Path) -> None:
        import ctranslate2

        self.tokenizers: Tokenizers = ModelFolder(folder).load_tokenizers()
        threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        self._translator: Any = ctranslate2.Translator(str(exported), intra_threads=threads, inter_threads=1)
        pieces = self.tokenizers.target.all_pieces()
        self._numbers = {piece: number for number, piece in enumerate(pieces)}

    def translate(self, texts: Sequence[str], *, beam: int) -> list[str]:
        """The best translation of each line."""
        source, target = self.tokenizers
        rows = source.encode_many([normalise(text) for text in texts])
        found = self._translator.translate_batch(
            [source.pieces(row) for row in rows], beam_size=beam, max_batch_size=0
        )
        return [target.decode([self._numbers[piece] for piece in one.hypotheses[0]]) for one in found]
