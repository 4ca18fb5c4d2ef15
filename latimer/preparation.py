"""From sentence pairs to a folder that is ready to train: hold out, learn subwords, write token ids."""

import platform
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import torch

from latimer.config import Config, ModelConfig, flatten
from latimer.data.corpus import TRAIN, VALIDATION, Corpus, Division, Pair, hold_out, one_direction
from latimer.data.store import TokenStore
from latimer.data.text import Spacing
from latimer.data.tokenizer import SPECIALS, Tokenizer, vocabulary_size
from latimer.errors import Mistake
from latimer.files import replacing
from latimer.folder import ModelFolder, Tokenizers
from latimer.models.build import build
from latimer.presets import complete_config, size_for
from latimer.training.log import Reporter


def must_exist(model: ModelConfig) -> None:
    """Raise Mistake for a model that can't be built, at no cost: before anything is read or trained."""
    with torch.device("meta"):
        build(model, source_vocabulary=SPECIALS, target_vocabulary=SPECIALS, joint=True)


def prepare(
    folder: ModelFolder,
    config: Config,
    corpus: Sequence[str],
    *,
    validation: Sequence[str],
    languages: tuple[str | None, str | None],
    reporter: Reporter,
) -> None:
    """Read, hold out, learn subwords, write token ids; config.json comes last and seals it.

    Several models can share what is made here (see `fork`). Raises Mistake for faults of the data.
    """
    must_exist(config.model)
    corpora = _open(corpus, languages)
    languages = one_direction([*corpora, *_open(validation, languages)])
    reporter.note(f"Reading {', '.join(one.name for one in corpora)}.")
    division, total, held = _hold_out(corpora, _open(validation, languages), config.data.seed)
    for one in corpora:
        for sentence in one.skipped.report():
            reporter.note(sentence)
    skipped = {one.name: dict(one.skipped.counts) for one in corpora}
    size = config.data.vocabulary or vocabulary_size(total)
    completed = complete_config(config, pairs=total)
    if config.model.size == "auto":
        reporter.note("Model size {}: {}.".format(*size_for(total)))
    reporter.note(f"Learning subwords from {total:,} pairs.")
    tokenizers = _learn(corpora, division, size, config)
    too_long = _write_store(folder, corpora, division, held, tokenizers, config)
    if too_long:
        reporter.note(f"Left out {too_long:,} pairs longer than {config.data.longest} pieces (data.longest).")
    folder.save_tokenizers(tokenizers)
    folder.write_record(
        {
            "source_language": languages[0],
            "target_language": languages[1],
            "corpus": list(corpus),
            "validation": list(validation),
            "asked": flatten(config),
            "config": flatten(completed),
            "data": {
                "pairs": total - too_long,
                "validation_pairs": len(held),
                "too_long": too_long,
                "skipped": skipped,
                "sha256": {one.name: one.sha256() for one in corpora},
                "vocabulary": [tokenizers.source.size, tokenizers.target.size],
            },
            "spacing": Spacing.from_counts(sum((one.spacing_counts for one in corpora), Counter())).to_json(),
            "versions": _versions(),
        }
    )


def fork(prepared: ModelFolder, into: Path, config: Config) -> ModelFolder:
    """A folder of its own, ready to run, for another model or seed on the same data and subwords.

    A folder that is there already is left as it is.
    """
    folder = ModelFolder(into)
    if not folder.holds_something:
        shutil.copytree(prepared.path, into, ignore=shutil.ignore_patterns("config.json"), dirs_exist_ok=True)
        record = prepared.record
        completed = complete_config(config, pairs=record["data"]["pairs"])
        folder.write_record({**record, "asked": flatten(config), "config": flatten(completed)})
    return folder


def _open(names: Sequence[str], languages: tuple[str | None, str | None]) -> list[Corpus]:
    return [Corpus.open(name, source_language=languages[0], target_language=languages[1]) for name in names]


def _pairs(corpora: Sequence[Corpus]) -> Iterator[Pair]:
    return chain.from_iterable(corpus.pairs() for corpus in corpora)


def _hold_out(
    corpora: Sequence[Corpus], validation: Sequence[Corpus], seed: int
) -> tuple[Division | None, int, list[Pair]]:
    """Which pairs are trained on (None: all of them), how many those are, and the validation pairs."""
    if validation:
        return None, sum(1 for _ in _pairs(corpora)), list(_pairs(validation))
    division = hold_out(_pairs(corpora), seed=seed)
    total, held = division.count(TRAIN), list(division.choose(_pairs(corpora), VALIDATION))
    if not held:
        raise Mistake(f"{total} pairs are too few to hold any out; name others with --validation.")
    return division, total, held


def _training_pairs(corpora: Sequence[Corpus], division: Division | None) -> Iterator[Pair]:
    return division.choose(_pairs(corpora), TRAIN) if division is not None else _pairs(corpora)


def _learn(corpora: Sequence[Corpus], division: Division | None, size: int, config: Config) -> Tokenizers:
    seed = config.data.seed
    if config.data.joint:
        texts = (text for pair in _training_pairs(corpora, division) for text in pair[:2])
        shared = Tokenizer.learn(texts, size, seed=seed)
        return Tokenizers(shared, shared)
    sources = (pair.source for pair in _training_pairs(corpora, division))
    targets = (pair.target for pair in _training_pairs(corpora, division))
    return Tokenizers(Tokenizer.learn(sources, size, seed=seed), Tokenizer.learn(targets, size, seed=seed))


def _write_store(
    folder: ModelFolder,
    corpora: Sequence[Corpus],
    division: Division | None,
    held: Sequence[Pair],
    tokenizers: Tokenizers,
    config: Config,
) -> int:
    """Token ids of the training pairs, and the validation pairs as text; returns how many were too long."""
    too_long = 0

    def rows() -> Iterator[tuple[list[int], list[int]]]:
        nonlocal too_long
        for pair in _training_pairs(corpora, division):
            source, target = tokenizers.source.encode(pair.source), tokenizers.target.encode(pair.target)
            if max(len(source), len(target)) <= config.data.longest:
                yield source, target
            else:
                too_long += 1

    size = max(tokenizers.source.size, tokenizers.target.size)
    TokenStore.write(folder.training / "tokens", rows(), vocabulary=size)
    with replacing(folder.training / "validation.tsv") as temporary:
        lines = (f"{pair.source}\t{pair.target}\n" for pair in held)
        temporary.write_text("".join(lines), encoding="utf-8", newline="\n")
    return too_long


def _versions() -> dict[str, str]:
    packages = ("latimer", "torch", "sentencepiece", "sacrebleu", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
