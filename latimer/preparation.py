"""From sentence pairs to a folder that is ready to train: hold out, learn subwords, write token ids."""

import platform
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from hashlib import file_digest
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch

from latimer.alignment import Reading
from latimer.config import Config, DataConfig, ModelConfig, flatten
from latimer.data.corpus import TRAIN, VALIDATION
from latimer.data.directions import Direction, Opened, TaggedPair, open_corpora, tagged
from latimer.data.guides import write_guides
from latimer.data.languages import refuse_exchanged
from latimer.data.mixing import mixed, repetitions, rows, weighted
from latimer.data.spool import TOLD_EVERY, Facts, Spool
from latimer.data.store import TokenStore
from latimer.data.text import SpaceCounts, Spacing
from latimer.data.tokenizer import SPECIALS, Tokenizer, vocabulary_size
from latimer.errors import Mistake
from latimer.files import replacing
from latimer.folder import ModelFolder, Tokenizers
from latimer.machine import threads
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.presets import complete_config, settle, size_for
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

    opened: Opened
    spool: Spool
    held: list[TaggedPair]
    fresh: bool  # just read, not found in the folder
    tags: list[tuple[str, ...]]  # of each corpus
    temperature: float

    @property
    def total(self) -> int:
        """How many pairs are trained on, repetitions counted."""
        return rows(*self._mix())

    @property
    def all_tags(self) -> list[str]:
        """Each tag once."""
        return list(dict.fromkeys(tag for tags in self.tags for tag in tags))

    def pairs(self) -> Iterator[TaggedPair]:
        """Those to train on, in their order, as often as their corpus weighs (see data/mixing.py)."""
        stream = self.spool.pairs(TRAIN)
        for size, often, tags in zip(*self._mix(), self.tags, strict=True):
            yield from tagged(mixed(islice(stream, size), [size], [often]), tags)

    def _mix(self) -> tuple[list[int], list[float]]:
        sizes = self.spool.sizes(TRAIN)
        return sizes, repetitions(sizes, [one.weight for one in self.opened.training], self.temperature)


def prepare(
    folder: ModelFolder,
    config: Config,
    corpus: Sequence[str],
    *,
    validation: Sequence[str],
    languages: Direction,
    guide: str | None = None,
    reporter: Reporter,
) -> None:
    """Read, hold out, learn subwords, write token ids; config.json comes last and seals it.

    Several models can share what is made here (see `fork`). What a killed run has read and learned is kept.
    Raises Mistake for faults of the data.
    """
    asked, usual = flatten(config), settle(config)
    shape = must_exist(usual.model)
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
    config = usual if guide else settle(config, pairs=material.total, threads=threads())
    completed = complete_config(config, pairs=material.total)
    record = {
        **material.opened.told(),
        "corpus": list(corpus),
        "validation": list(validation),
        "asked": asked,
        "config": flatten(completed),
    }
    if guide and head:
        record |= keep_guides(folder, guide, head, material, longest=config.data.longest)
    seal(folder, record, [material], material.pairs(), material.held, reporter)


def keep_guides(
    folder: ModelFolder, guide: str, head: Reading, material: Material, *, longest: int
) -> dict[str, Any]:
    """Keep the links in the file `guide` beside the pairs; returns what config.json is to say of them.

    The folder holds the subwords already, and the pairs are of one corpus. Raises Mistake for faults of the
    links.
    """
    [corpus] = [one.corpus for one in material.opened.training]
    if material.all_tags:
        raise Mistake("--guide goes with one direction and no domains; leave one or the other away.")
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
    languages: Direction,
    data: DataConfig,
    spool: Path,
    reporter: Reporter,
    known_tags: Sequence[str] | None = None,
) -> Material:
    """Read the corpora once, and say what is to be done with each pair; without `validation` hold some out.

    The usable pairs are kept in the file `spool`. Raises Mistake for faults of the data, or too few pairs.
    """
    wanted = [weighted(one) for one in corpus]
    if len(wanted) == 1 and wanted[0].weight != 1:
        raise Mistake(f"{corpus[0]}: a weight is for several corpora; with one alone leave it away.")
    opened = open_corpora(
        wanted, [weighted(one) for one in validation], languages, keep_going=data.keep_going
    )
    tags = opened.tags(opened.training, known_tags)
    corpora, others = [one.corpus for one in opened.training], opened.validation
    names = ", ".join(dict.fromkeys(one.name for one in corpora))
    stamps = [one.stamp() for one in corpora]
    request = [list(corpus), stamps, opened.directions, tags, bool(others), version("latimer")]
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
    if others:
        parts = zip((one.corpus.pairs() for one in others), opened.tags(others, known_tags), strict=True)
    else:
        stream = kept.pairs(VALIDATION)
        parts = zip((islice(stream, size) for size in kept.sizes(VALIDATION)), tags, strict=True)
    held = [TaggedPair(*pair, own) for pairs, own in parts for pair in pairs]
    if others:
        ours, theirs = (((pair.source, pair.target) for pair in some) for some in (kept.pairs(), held))
        refuse_exchanged(ours, theirs, names=(names, validation[0]))
    if not held:
        total = len(kept.division.parts)
        raise Mistake(f"{total} pairs are too few to hold any out; name others with --validation.")
    for one in kept.facts:
        for sentence in one.report:
            reporter.note(sentence)
    return Material(opened, kept, held, found is None, tags, data.temperature)


def seal(
    folder: ModelFolder,
    record: dict[str, Any],
    materials: Sequence[Material],
    pairs: Iterable[TaggedPair],
    held: Sequence[TaggedPair],
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
    with replacing(folder.held_file) as temporary:
        lines = ("\t".join([pair.source, pair.target, *pair.tags]) + "\n" for pair in held)
        temporary.write_text("".join(lines), encoding="utf-8", newline="\n")
    facts = [fact for one in materials for fact in one.spool.facts]
    folder.write_record(
        {
            **record,
            "seen": max(store.seen, record.get("seen", 0)),
            "data": {
                "pairs": len(store),
                "validation_pairs": len(held),
                "too_long": too_long,
                "skipped": _skipped(facts),
                "origins": [
                    origin._asdict()
                    for one in materials
                    for chosen in one.opened.training
                    for origin in chosen.corpus.origins()
                ],
                "sha256": {one.name: one.sha256 for one in facts},
                "vocabulary": [tokenizers.source.size, tokenizers.target.size],
            },
            "spacing": Spacing.from_counts(sum((one.spacing_counts for one in facts), Counter())).to_json(),
            **_spacings(materials),
            "versions": _versions(),
        }
    )
    for one in materials:
        one.spool.delete()


def held_out(folder: ModelFolder) -> list[tuple[str, str]]:
    """The validation pairs that were sealed in."""
    return [(source, target) for source, target, *_ in folder.held_lines()]


def held_tags(folder: ModelFolder) -> list[tuple[str, ...]]:
    """The tags before the source of each of them."""
    return [tuple(tags) for _, _, *tags in folder.held_lines()]


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


def _telling(
    pairs: Iterable[TaggedPair], total: int, progress: Callable[[float], None]
) -> Iterator[TaggedPair]:
    """The same pairs; now and then it is told how many of them have passed."""
    for number, pair in enumerate(pairs):
        if number % TOLD_EVERY == 0:
            progress(number / total)
        yield pair


def _learn(material: Material, size: int, config: Config) -> Tokenizers:
    seed, tags = config.data.seed, material.all_tags
    if config.data.joint:
        texts = (text for pair in material.pairs() for text in pair[:2])
        shared = Tokenizer.learn(texts, size, seed=seed, tags=tags)
        return Tokenizers(shared, shared)
    sources = (pair.source for pair in material.pairs())
    targets = (pair.target for pair in material.pairs())
    return Tokenizers(
        Tokenizer.learn(sources, size, seed=seed, tags=tags), Tokenizer.learn(targets, size, seed=seed)
    )


def _skipped(facts: Iterable[Facts]) -> dict[str, dict[str, int]]:
    """By corpus; one that is read in several directions gives the sum."""
    found: dict[str, Counter[str]] = {}
    for one in facts:
        found.setdefault(one.name, Counter()).update(one.skipped)
    return {name: dict(counts) for name, counts in found.items()}


def _spacings(materials: Sequence[Material]) -> dict[str, Any]:
    """The habits of spacing by target language, where there are several."""
    found: dict[str, SpaceCounts] = {}
    for material in materials:
        for one, fact in zip(material.opened.training, material.spool.facts, strict=True):
            found.setdefault(str(one.corpus.target_language), Counter()).update(fact.spacing_counts)
    if len(found) < 2:
        return {}
    return {"spacings": {to: Spacing.from_counts(counts).to_json() for to, counts in found.items()}}


def _write_store(
    folder: ModelFolder, pairs: Iterable[TaggedPair], tokenizers: Tokenizers, longest: int
) -> tuple[TokenStore, int]:
    """The token ids of the pairs; returns what was kept, and how many were too long."""
    too_long = 0
    tagged_by = cache(tokenizers.source.tagged)

    def rows() -> Iterator[tuple[list[int], list[int]]]:
        nonlocal too_long
        for pair in pairs:
            source, target = tagged_by(pair.tags).encode(pair.source), tokenizers.target.encode(pair.target)
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
