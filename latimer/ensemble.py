"""Several model directories that translate together, as one Translator."""

from collections.abc import Sequence
from pathlib import Path

from latimer.directions import load
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.runtime.ensemble import Ensemble
from latimer.translator import EngineName, Translator


def load_together(
    folders: Sequence[Path | str],
    *,
    to: str | None = None,
    domain: str | None = None,
    engine: EngineName | None = None,
) -> Translator:
    """One Translator that says what its models say on average; of one folder, that model's own.

    All are run by ONNX Runtime where all have graphs for it, else by torch. Raises Mistake where they don't
    have the same subwords, and as `directions.load` does.
    """
    if len(folders) > 1 and not all(ModelFolder(folder).has_graphs for folder in folders):
        engine = engine or "torch"
    first, *others = (load(folder, to=to, domain=domain, engine=engine) for folder in folders)
    for folder, other in zip(folders[1:], others, strict=True):
        for one, its in zip(first.tokenizers, other.tokenizers, strict=True):
            if one.all_pieces() != its.all_pieces():
                raise Mistake(
                    f"{folder} has other subwords than {folders[0]}, and can't speak with it; models of "
                    "the same corpus and data.vocabulary can, and those of one latimer compare."
                )
    if others:
        first.engine = Ensemble([first.engine, *(other.engine for other in others)])
        first.longest = min(translator.longest for translator in (first, *others))
    return first
