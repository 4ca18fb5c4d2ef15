"""From sentence pairs to a model directory: prepare, train, write down.

Each stage leaves its result in the folder, so that the same command goes on where it was stopped.
"""

import platform
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch

from latimer import card, evaluate
from latimer.config import Config, ModelConfig, differences, flatten
from latimer.data.batches import TokenBatches, in_order
from latimer.data.corpus import TRAIN, VALIDATION, Corpus, Division, Pair, hold_out, one_direction
from latimer.data.meaning import vectors_of
from latimer.data.store import TokenStore
from latimer.data.text import Spacing
from latimer.data.tokenizer import SPECIALS, Tokenizer, vocabulary_size
from latimer.errors import Mistake
from latimer.files import replacing
from latimer.folder import ModelFolder, Tokenizers
from latimer.machine import Moment, peak_memory
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.presets import complete_config, size_for
from latimer.report import Watcher
from latimer.training.checkpoint import STATE, Progress
from latimer.training.log import Reporter, Validation
from latimer.training.trainer import Trainer, validation_loss
from latimer.translator import Translator

VALIDATED = 500  # pairs that a validation during training looks at


class Trained(NamedTuple):
    """A finished or stopped run."""

    folder: ModelFolder
    progress: Progress
    seconds: float  # of this run

    @property
    def translator(self) -> Translator:
        return Translator.load(self.folder.path)


def train(
    config: Config,
    corpus: str | Sequence[str],
    *,
    into: Path | str = "model",
    validation: str | Sequence[str] = (),
    source_language: str | None = None,
    target_language: str | None = None,
    reporter: Reporter | None = None,
) -> Trained:
    """Train a translator on one or several corpora and leave it in the folder `into`.

    Without `validation` some pairs are held out of the corpus; without `reporter` a progress bar tells
    how it goes. A run that was stopped goes on; a finished one returns at once. Raises Mistake for
    faults of the data, and where `into` holds a run with another configuration.
    """
    corpora = [corpus] if isinstance(corpus, str) else list(corpus)
    validations = [validation] if isinstance(validation, str) else list(validation)
    asked = {**flatten(config), "corpus": corpora, "validation": validations}
    languages = (source_language, target_language)
    if reporter is not None:
        return _train(ModelFolder(into), config, asked, languages, reporter)
    with Watcher() as watcher:
        return _train(ModelFolder(into), config, asked, languages, watcher)


def _train(
    folder: ModelFolder,
    config: Config,
    asked: dict[str, Any],
    languages: tuple[str | None, str | None],
    reporter: Reporter,
) -> Trained:
    started = Moment.now()
    if folder.holds_something:
        _same(folder, asked, languages)
    else:
        _prepare(folder, config, asked, languages, reporter)
    return run(folder, reporter=reporter, started=started)


def run(folder: ModelFolder, *, reporter: Reporter, started: Moment | None = None) -> Trained:
    """Train what is prepared in `folder`, from where it stands to its end; minutes count from `started`."""
    started = started or Moment.now()
    trainer = _trainer(folder, reporter, started.wall)
    if trainer.progress.finished:
        reporter.note(f"{folder.path} is finished: {trainer.progress.update:,} updates. Nothing to do.")
    else:
        if trainer.progress.update:
            reporter.note(f"{folder.path} goes on after update {trainer.progress.update:,}.")
        trainer.run()
    if not folder.record.get("training", {}).get("finished"):  # a kill may have come just before
        _write_down(folder, trainer, started)
    return Trained(folder, trainer.progress, Moment.now().wall - started.wall)


def must_exist(model: ModelConfig) -> None:
    """Raise Mistake for a model that can't be built, at no cost: before anything is read or trained."""
    with torch.device("meta"):
        build(model, source_vocabulary=SPECIALS, target_vocabulary=SPECIALS, joint=True)


def prepare(
    folder: ModelFolder,
    config: Config,
    corpus: str,
    *,
    validation: Sequence[str],
    languages: tuple[str | None, str | None],
    reporter: Reporter,
) -> None:
    """Do once what many runs can share: hold out, learn subwords, write token ids (see `fork`)."""
    asked = {**flatten(config), "corpus": [corpus], "validation": list(validation)}
    _prepare(folder, config, asked, languages, reporter)


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


def _same(folder: ModelFolder, asked: dict[str, Any], languages: tuple[str | None, str | None]) -> None:
    """Raise Mistake where the folder's run was asked for in other words."""
    recorded = folder.record
    before = {**recorded.get("asked", {}), "corpus": recorded["corpus"], "validation": recorded["validation"]}
    for name, language in zip(("source_language", "target_language"), languages, strict=True):
        before[name] = recorded[name]
        asked[name] = language or recorded[name]
    if names := differences(before, asked):
        told = "; ".join(
            f"{name} is {before.get(name)!r} there and {asked.get(name)!r} here" for name in names
        )
        raise Mistake(
            f"{folder.path} holds a run with another configuration ({told}); choose another --into."
        )


def _prepare(
    folder: ModelFolder,
    config: Config,
    asked: dict[str, Any],
    languages: tuple[str | None, str | None],
    reporter: Reporter,
) -> None:
    """Read, hold out, learn subwords, write token ids; config.json comes last and seals it."""
    must_exist(config.model)
    corpora = _open(asked["corpus"], languages)
    languages = one_direction([*corpora, *_open(asked["validation"], languages)])
    reporter.note(f"Reading {', '.join(corpus.name for corpus in corpora)}.")
    if asked["validation"]:
        total = sum(1 for _ in _pairs(corpora))
        division = None
        held = list(_pairs(_open(asked["validation"], languages)))
    else:
        division = hold_out(_pairs(corpora), seed=config.data.seed)
        total = division.count(TRAIN)
        held = list(division.choose(_pairs(corpora), VALIDATION))
        if not held:
            raise Mistake(f"{total} pairs are too few to hold any out; name others with --validation.")
    for corpus in corpora:
        for sentence in corpus.skipped.report():
            reporter.note(sentence)
    skipped = {corpus.name: dict(corpus.skipped.counts) for corpus in corpora}
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
            "corpus": asked["corpus"],
            "validation": asked["validation"],
            "asked": flatten(config),
            "config": flatten(completed),
            "data": {
                "pairs": total - too_long,
                "validation_pairs": len(held),
                "too_long": too_long,
                "skipped": skipped,
                "sha256": {corpus.name: corpus.sha256() for corpus in corpora},
                "vocabulary": [tokenizers.source.size, tokenizers.target.size],
            },
            "spacing": Spacing.from_counts(sum((one.spacing_counts for one in corpora), Counter())).to_json(),
            "versions": _versions(),
        }
    )


def _open(names: Sequence[str], languages: tuple[str | None, str | None]) -> list[Corpus]:
    return [Corpus.open(name, source_language=languages[0], target_language=languages[1]) for name in names]


def _pairs(corpora: Sequence[Corpus]) -> Iterator[Pair]:
    return chain.from_iterable(corpus.pairs() for corpus in corpora)


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


def _trainer(folder: ModelFolder, reporter: Reporter, started: float) -> Trainer:
    config = folder.config
    tokenizers = folder.load_tokenizers()
    torch.manual_seed(config.training.seed)
    model = folder.build().to("cuda" if torch.cuda.is_available() else "cpu")
    store = TokenStore.open(folder.training / "tokens")
    if config.training.embeddings == "corpus" and not (folder.training / STATE).exists():
        _begin_embeddings(model, store, config)
    text = (folder.training / "validation.tsv").read_text(encoding="utf-8")
    pairs = [line.split("\t") for line in text.split("\n") if line]
    pairs = pairs[:: max(1, len(pairs) // VALIDATED)][:VALIDATED]
    sources, references = [source for source, _ in pairs], [[target] for _, target in pairs]
    held = TokenStore.of(
        (tokenizers.source.encode(source), tokenizers.target.encode(target)) for source, target in pairs
    )
    translator = Translator(model, tokenizers)
    tokenize = evaluate.tokenizer_for(folder.record["target_language"])

    def validate() -> Validation:
        begun = time.monotonic()
        loss = validation_loss(model, in_order(held, config.training.batch))
        bleu = evaluate.bleu(translator.translate(sources, beam=1), references, tokenize=tokenize)
        return Validation(loss, bleu.value, time.monotonic() - begun)

    return Trainer(
        model,
        TokenBatches(store, config.training.batch, seed=config.training.seed),
        config.training,
        folder.training,
        validate=validate,
        keep=lambda: folder.save_model(model),
        reporter=reporter,
        started=started,
    )


@torch.no_grad()
def _begin_embeddings(model: Seq2Seq, store: TokenStore, config: Config) -> None:
    """Set the embeddings to what the corpus says of the pieces (see data/meaning.py)."""
    source, target = model.encoder.embedding.weight, model.decoder.embedding.weight
    sizes, joint = (len(source), len(target)), config.data.joint
    vectors = vectors_of(store, sizes, source.shape[1], joint=joint, seed=config.training.seed)
    source.copy_(vectors.source)
    target.copy_(vectors.target)


def _write_down(folder: ModelFolder, trainer: Trainer, started: Moment) -> None:
    """The outcome in config.json, and the model card."""
    progress = trainer.progress
    record = dict(folder.record)
    before, now = record.get("training", {}), Moment.now()
    record["training"] = {
        "finished": progress.finished,
        "updates": progress.update,
        "best_update": progress.best_update,
        "validation_bleu": round(progress.best_bleu, 2),
        "validation_loss": round(progress.best_loss, 4),
        "skipped_updates": progress.skipped,
        "seconds": round(before.get("seconds", 0.0) + now.wall - started.wall, 1),
        "cpu_seconds": round(before.get("cpu_seconds", 0.0) + now.cpu - started.cpu, 1),
        "peak_memory_mb": max(before.get("peak_memory_mb", 0), peak_memory()),
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "threads": torch.get_num_threads(),
        "device": str(trainer.device),
    }
    folder.write_card(card.model_card(record))
    folder.write_record(record)  # last: it says that the run is finished


def _versions() -> dict[str, str]:
    packages = ("latimer", "torch", "sentencepiece", "sacrebleu", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
