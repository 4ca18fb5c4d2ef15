"""From sentence pairs to a folder that is ready to train: hold out, learn subwords, write token ids."""

import platform
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import file_digest
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from latimer.alignment import Reading
from latimer.config import Config, DataConfig, ModelConfig, flatten
from latimer.data.corpus import TRAIN, VALIDATION, Corpus, Pair, one_direction
from latimer.data.guides import write_guides
from latimer.data.mixing import mixed, repetitions, rows, weighted
from latimer.data.spool import TOLD_EVERY, Spool
from latimer.data.store import TokenStore
from latimer.data.text import Spacing
from latimer.data.tokenizer import SPECIALS, Tokenizer, vocabulary_size
from latimer.errors import Mistake
from latimer.files import replacing
from latimer.folder import ModelFolder, Tokenizers
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.presets import complete_config, size_for
from latimer.training.guidance import guided_head
from latimer.training.log import Reporter


def must_exist(model: ModelConfig) -> Seq2Seq:
    """Raise Mistake for a model that can't be built, at no cost: before anything is read or trained.

    Returns its shape, a model without numbers.
    """
    with torch.device("meta"):
        return build(model, source_vocabulary=SPECIALS, target_vocabulary=SPECIALS, joint=True)


class Material(NamedTuple):
    """The pairs of some corpora: those to train on, and those to validate with."""

    corpora: list[Corpus]
    spool: Spool
    languages: tuple[str | None, str | None]
    held: list[Pair]
    fresh: bool  # just read, not found in the folder
    weights: list[float]
    temperature: float

    @property
    def total(self) -> int:
        """How many pairs are trained on, repetitions counted."""
        return rows(*self._mix())

    def pairs(self) -> Iterator[Pair]:
        """Those to train on, in their order, as often as their corpus weighs (see data/mixing.py)."""
        return mixed(self.spool.pairs(TRAIN), *self._mix())

    def _mix(self) -> tuple[list[int], list[float]]:
        sizes = self.spool.sizes(TRAIN)
        return sizes, repetitions(sizes, self.weights, self.temperature)


def prepare(
    folder: ModelFolder,
    config: Config,
    corpus: Sequence[str],
    *,
    validation: Sequence[str],
    languages: tuple[str | None, str | None],
    guide: str | None = None,
    reporter: Reporter,
) -> None:
    """Read, hold out, learn subwords, write token ids; config.json comes last and seals it.

    Several models can share what is made here (see `fork`). What a killed run has read and learned is kept.
    Raises Mistake for faults of the data.
    """
    shape = must_exist(config.model)
    head = guided_head(shape) if guide else None
    spool = folder.training / "pairs"
    material = gather(
        corpus, validation, languages=languages, data=config.data, spool=spool, reporter=reporter
    )
    size = config.data.vocabulary or vocabulary_size(material.total)
    if config.model.size == "auto":
        reporter.note("Model size {}: {}.".format(*size_for(material.total)))
    if material.fresh or not folder.has_tokenizers:
        reporter.note(f"Learning subwords from {material.total:,} pairs.")
        folder.save_tokenizers(_learn(material, size, config))
    completed = complete_config(config, pairs=material.total)
    record = {
        "source_language": material.languages[0],
        "target_language": material.languages[1],
        "corpus": list(corpus),
        "validation": list(validation),
        "asked": flatten(config),
        "config": flatten(completed),
    }
    if guide and head:
        record |= keep_guides(folder, guide, head, material, longest=config.data.longest)
    seal(folder, record, [material], material.pairs(), material.held, reporter)


def keep_guides(
    folder: ModelFolder,
    guide: str,
    head: Reading,
    material: Material,
    *,
    longest: int,
) -> dict[str, Any]:
    """Keep the links in the file `guide` beside the pairs; returns what config.json is to say of them.

    The folder holds the subwords already, and the pairs are of one corpus. Raises Mistake for faults of the
    links.
    """
    [corpus] = material.corpora
    tokenizers = folder.load_tokenizers()
    write_guides(
        folder.training / "guides",
        corpus,
        guide,
        division=material.spool.division,
        source=tokenizers.source,
        target=tokenizers.target,
        longest=longest,
    )
    with Path(guide).open("rb") as file:
        told = {"file": guide, "sha256": file_digest(file, "sha256").hexdigest()}
    return {"guide": told, "reading": head._asdict()}


def gather(
    corpus: Sequence[str],
    validation: Sequence[str],
    *,
    languages: tuple[str | None, str | None],
    data: DataConfig,
    spool: Path,
    reporter: Reporter,
) -> Material:
    """Read the corpora once, and say what is to be done with each pair; without `validation` hold some out.

    The usable pairs are kept in the file `spool`. Raises Mistake for faults of the data, or too few pairs.
    """
    wanted = [weighted(one) for one in corpus]
    if len(wanted) == 1 and wanted[0].weight != 1:
        raise Mistake(f"{corpus[0]}: a weight is for several corpora; with one alone leave it away.")
    corpora, others = (
        _open(names, languages, data.keep_going) for names in ([one.name for one in wanted], validation)
    )
    languages = one_direction([*corpora, *others])
    names = ", ".join(one.name for one in corpora)
    stamps = [one.stamp() for one in corpora]
    request = [list(corpus), stamps, list(languages), bool(others), version("latimer")]
    request += [data.seed, data.vocabulary, data.joint]  # on which the subwords depend
    request += [data.keep_going, data.temperature]
    found = None if None in stamps else Spool.open(spool, request)
    if found:
        reporter.note(f"{names}: read before, {len(found.division.parts):,} pairs.")
        kept = found
    else:
        reporter.note(f"Reading {names}.")
        kept = Spool.write(
            spool,
            corpora,
            hold=not others,
            seed=data.seed,
            request=request,
            progress=lambda share: reporter.preparing("Reading", share),
        )
    held = list(chain.from_iterable(one.pairs() for one in others)) or list(kept.pairs(VALIDATION))
    if not held:
        total = len(kept.division.parts)
        raise Mistake(f"{total} pairs are too few to hold any out; name others with --validation.")
    for one in kept.facts:
        for sentence in one.report:
            reporter.note(sentence)
    weights = [one.weight for one in wanted]
    return Material(corpora, kept, languages, held, found is None, weights, data.temperature)


def seal(
    folder: ModelFolder,
    record: dict[str, Any],
    materials: Sequence[Material],
    pairs: Iterable[Pair],
    held: Sequence[Pair],
    reporter: Reporter,
) -> None:
    """Write the token ids of `pairs`, the validation pairs and, last, config.json; spools are done with.

    The folder holds the subwords already.
    """
    longest, total = record["config"]["data.longest"], sum(one.total for one in materials)
    tokenizers = folder.load_tokenizers()
    told = _telling(pairs, total, lambda share: reporter.preparing("Writing token ids", share))
    store, too_long = _write_store(folder, told, tokenizers, longest)
    if too_long:
        reporter.note(f"Left out {too_long:,} pairs longer than {longest} pieces (data.longest).")
    with replacing(folder.training / "validation.tsv") as temporary:
        lines = (f"{pair.source}\t{pair.target}\n" for pair in held)
        temporary.write_text("".join(lines), encoding="utf-8", newline="\n")
    facts = [fact for one in materials for fact in one.spool.facts]
    folder.write_record(
        {
            **record,
            "seen": max(seen(store), record.get("seen", 0)),
            "data": {
                "pairs": len(store),
                "validation_pairs": len(held),
                "too_long": too_long,
                "skipped": {one.name: one.skipped for one in facts},
                "origins": [
                    origin._asdict()
                    for one in materials
                    for corpus in one.corpora
                    for origin in corpus.origins()
                ],
                "sha256": {one.name: one.sha256 for one in facts},
                "vocabulary": [tokenizers.source.size, tokenizers.target.size],
            },
            "spacing": Spacing.from_counts(sum((one.spacing_counts for one in facts), Counter())).to_json(),
            "versions": _versions(),
        }
    )
    for one in materials:
        one.spool.delete()


def seen(store: TokenStore) -> int:
    """Pieces of the longest source sentences of which training sees enough: some hundreds, 1 % at most."""
    lengths = store.source_lengths
    longer = float(np.clip(300 / max(1, len(lengths)), 0.001, 0.01))
    return int(np.quantile(lengths, 1 - longer, method="higher")) if len(lengths) else 0


def held_out(folder: ModelFolder) -> list[tuple[str, str]]:
    """The validation pairs that were sealed in."""
    text = (folder.training / "validation.tsv").read_text(encoding="utf-8")
    lines = (line.split("\t") for line in text.split("\n") if line)
    return [(source, target) for source, target in lines]


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


def _open(names: Sequence[str], languages: tuple[str | None, str | None], keep_going: bool) -> list[Corpus]:
    source, target = languages
    return [
        Corpus.open(name, source_language=source, target_language=target, keep_going=keep_going)
        for name in names
    ]


def _telling(pairs: Iterable[Pair], total: int, progress: Callable[[float], None]) -> Iterator[Pair]:
    """The same pairs; now and then it is told how many of them have passed."""
    for number, pair in enumerate(pairs):
        if number % TOLD_EVERY == 0:
            progress(number / total)
        yield pair


def _learn(material: Material, size: int, config: Config) -> Tokenizers:
    seed = config.data.seed
    if config.data.joint:
        texts = (text for pair in material.pairs() for text in pair[:2])
        shared = Tokenizer.learn(texts, size, seed=seed)
        return Tokenizers(shared, shared)
    sources = (pair.source for pair in material.pairs())
    targets = (pair.target for pair in material.pairs())
    return Tokenizers(Tokenizer.learn(sources, size, seed=seed), Tokenizer.learn(targets, size, seed=seed))


def _write_store(
    folder: ModelFolder, pairs: Iterable[Pair], tokenizers: Tokenizers, longest: int
) -> tuple[TokenStore, int]:
    """The token ids of the pairs; returns what was kept, and how many were too long."""
    too_long = 0

    def rows() -> Iterator[tuple[list[int], list[int]]]:
        nonlocal too_long
        for pair in pairs:
            source, target = tokenizers.source.encode(pair.source), tokenizers.target.encode(pair.target)
            if max(len(source), len(target)) <= longest:
                yield source, target
            else:
                too_long += 1

    size = max(tokenizers.source.size, tokenizers.target.size)
    store = TokenStore.write(folder.training / "tokens", rows(), vocabulary=size)
    return store, too_long


def _versions() -> dict[str, str]:
    packages = ("latimer", "torch", "sentencepiece", "sacrebleu", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
