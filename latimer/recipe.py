"""From sentence pairs to a model directory: prepare, train, write down.

Each stage leaves its result in the folder, so that the same command goes on where it was stopped.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from latimer import card, evaluate
from latimer.config import Config, TrainingConfig, differences, flatten
from latimer.data.batches import TokenBatches, in_order
from latimer.data.meaning import vectors_of
from latimer.data.splitting import Splitter
from latimer.data.store import TokenStore
from latimer.directions import directions, translate_each
from latimer.errors import Mistake
from latimer.files import sweep
from latimer.folder import ModelFolder, Tokenizers
from latimer.machine import Moment, peak_memory
from latimer.models.base import Seq2Seq
from latimer.preparation import held_out, held_tags, prepare
from latimer.presets import dropout_for, splitting_for
from latimer.report import Watcher
from latimer.runtime.eager import TorchEngine
from latimer.training.checkpoint import STATE, Progress
from latimer.training.distributed import Team, joined
from latimer.training.guidance import Guidance
from latimer.training.log import Reporter, Silent, Validation
from latimer.training.loss import validation_loss
from latimer.training.trainer import Trainer
from latimer.translator import Translator
from latimer.tuning import begin, prepare_from, what_changed

VALIDATED = 500  # pairs that a validation during training looks at
SHOWN = 2  # of them are shown


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
    from_model: Path | str | None = None,
    replay: str | Sequence[str] = (),
    guide: Path | str | None = None,
    reporter: Reporter | None = None,
) -> Trained:
    """Train a translator on one or several corpora and leave it in the folder `into`.

    With `from_model` it goes on from a trained one, whose vocabulary and architecture it keeps, and as many
    pairs of the corpora in `replay` as there are new ones are mixed in (see tuning.py). `guide` is a file of
    links, a line a pair of the one corpus, that one head of attention is to learn (see training/guidance.py).
    Without `validation` some pairs are held out of the corpus; without `reporter` a progress bar tells how it
    goes. A run that was stopped goes on; a finished one returns at once. Processes that torchrun started
    share the work. Raises Mistake for faults of the data, and where `into` holds a run with another
    configuration.
    """
    corpora = [corpus] if isinstance(corpus, str) else list(corpus)
    validations = [validation] if isinstance(validation, str) else list(validation)
    asked: dict[str, Any] = {**flatten(config), "corpus": corpora, "validation": validations}
    asked["from_model"] = None if from_model is None else str(from_model)
    asked["replay"] = [replay] if isinstance(replay, str) else list(replay)
    if asked["replay"] and from_model is None:
        raise Mistake("--replay goes with --from-model: it is what that model was trained on.")
    asked["guide"] = None if guide is None else str(guide)
    if guide is not None and not Path(guide).is_file():
        raise Mistake(f"{guide} is no file; --guide wants links, a line for each line of the corpus.")
    if guide is not None and len(corpora) > 1:
        raise Mistake(
            "--guide goes with one CORPUS, of which each line has a line of links; join them first."
        )
    if guide is not None and config.training.splitting > 0:
        raise Mistake("--guide links pieces as they stand; leave training.splitting away.")
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
    with joined() as team:
        if folder.holds_something:
            _same(folder, asked, languages)
        elif team.leads:
            given: Any = {
                "validation": asked["validation"],
                "languages": languages,
                "guide": asked["guide"],
                "reporter": reporter,
            }
            if asked["from_model"] is None:
                prepare(folder, config, asked["corpus"], **given)
            else:
                old = {"base": asked["from_model"], "replay": asked["replay"]}
                prepare_from(folder, config, asked["corpus"], **old, **given)
        team.total(0.0)  # wait for the first
        return run(folder, reporter=reporter if team.leads else Silent(), started=started, team=team)


def run(
    folder: ModelFolder, *, reporter: Reporter, started: Moment | None = None, team: Team | None = None
) -> Trained:
    """Train what is prepared in `folder`, from where it stands to its end; minutes count from `started`."""
    started, team = started or Moment.now(), team or Team()
    if team.leads:
        sweep(folder.path)
    trainer = _trainer(folder, reporter, started.wall, team)
    if trainer.progress.finished:
        reporter.note(f"{folder.path} is finished: {trainer.progress.update:,} updates. Nothing to do.")
    else:
        if trainer.progress.update:
            reporter.note(f"{folder.path} goes on after update {trainer.progress.update:,}.")
        else:
            reporter.note(_intention(folder, trainer))
        trainer.run()
    cpu = trainer.team.total(Moment.now().cpu - started.cpu)
    if trainer.team.leads:  # a kill may have come just before any of this was written
        if not folder.record.get("training", {}).get("finished"):
            _write_down(folder, trainer, started, cpu)
        if trainer.progress.finished and "from_model" in folder.record and "change" not in folder.record:
            folder.write_record({**folder.record, "change": what_changed(folder, reporter)})
    return Trained(folder, trainer.progress, Moment.now().wall - started.wall)


def _intention(folder: ModelFolder, trainer: Trainer) -> str:
    """What is about to be trained, in one sentence."""
    config, data = folder.config, folder.record["data"]
    millions = sum(parameter.numel() for parameter in trainer.model.parameters()) / 1e6
    vocabulary = " and ".join(f"{size:,}" for size in dict.fromkeys(data["vocabulary"]))
    where = "the GPU" if trainer.device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"
    return (
        f"Training {config.model.encoder}+{config.model.decoder}, {config.model.score} attention, size "
        f"{config.model.size}: {millions:.1f} million parameters, {vocabulary} pieces, "
        f"{data['pairs']:,} pairs, "
        f"{len(trainer.batches.epoch(0)):,} updates an epoch, on {where}."
    )


def _same(folder: ModelFolder, asked: dict[str, Any], languages: tuple[str | None, str | None]) -> None:
    """Raise Mistake where the folder's run was asked for in other words."""
    recorded = folder.record
    before = {**recorded.get("asked", {}), "corpus": recorded["corpus"], "validation": recorded["validation"]}
    before |= {"from_model": recorded.get("from_model"), "replay": recorded.get("replay", [])}
    before["guide"] = recorded.get("guide", {}).get("file")
    sides = ("source_language", "target_language")
    for name, language, known in zip(sides, languages, zip(*directions(recorded), strict=True), strict=True):
        before[name] = ",".join(sorted({str(one) for one in known})) if any(known) else None
        asked[name] = ",".join(sorted(language.split(","))) if language else before[name]
    if names := differences(before, asked):
        told = "; ".join(
            f"{name} is {before.get(name)!r} there and {asked.get(name)!r} here" for name in names
        )
        raise Mistake(
            f"{folder.path} holds a run with another configuration ({told}); choose another --into."
        )


def _trainer(folder: ModelFolder, reporter: Reporter, started: float, team: Team) -> Trainer:
    config = folder.config
    tokenizers = folder.load_tokenizers()
    torch.manual_seed(config.training.seed)
    model = folder.build().to(team.device)
    store = TokenStore.open(folder.training / "tokens")
    fresh = not (folder.training / STATE).exists()
    if fresh and not begin(folder, model) and config.training.embeddings == "corpus":
        _begin_embeddings(model, store, config)
    pairs, tags = held_out(folder), held_tags(folder)
    step = max(1, len(pairs) // VALIDATED)
    pairs, tags = pairs[::step][:VALIDATED], tags[::step][:VALIDATED]
    sources, references = [source for source, _ in pairs], [[target] for _, target in pairs]
    held = TokenStore.of(
        (tokenizers.source.tagged(own).encode(source), tokenizers.target.encode(target))
        for (source, target), own in zip(pairs, tags, strict=True)
    )
    # For a look: of middle length, and the same at every validation.
    by_length = sorted(range(len(sources)), key=lambda place: len(sources[place]))
    shown = by_length[len(by_length) // 2 :][:SHOWN]
    translator = Translator(TorchEngine(model), tokenizers)
    tokenize = evaluate.tokenizer_for(folder.record["target_language"])

    def validate() -> Validation:
        begun = time.monotonic()
        loss = validation_loss(model, in_order(held, config.training.batch))
        translations = translate_each(translator, sources, tags)
        bleu = evaluate.bleu(translations, references, tokenize=tokenize)
        samples = [(sources[place], translations[place]) for place in shown]
        return Validation(loss, bleu.value, time.monotonic() - begun, samples)

    guidance = _guidance(folder)
    return Trainer(
        model,
        _batches(config.training, store, None if guidance else tokenizers),
        config.training,
        folder.training,
        validate=validate,
        keep=lambda: folder.save_model(model),
        reporter=reporter,
        started=started,
        dropout=dropout_for if folder.record["asked"]["model.dropout"] == -1 else None,
        splitting=splitting_for if config.training.splitting == -1 and guidance is None else None,
        team=team,
        guidance=guidance,
    )


def _batches(config: TrainingConfig, store: TokenStore, tokenizers: Tokenizers | None) -> TokenBatches:
    """With tokenizers pieces can be split; links of guided runs are between the pieces as they stand."""
    splitters = None if tokenizers is None else (Splitter(tokenizers.source), Splitter(tokenizers.target))
    batches = TokenBatches(store, config.batch, seed=config.seed, splitters=splitters)
    batches.splitting = max(0.0, config.splitting)
    return batches


def _guidance(folder: ModelFolder) -> Guidance | None:
    if "guide" not in folder.record:
        return None
    return Guidance(TokenStore.open(folder.training / "guides"), folder.config.training.guidance)


@torch.no_grad()
def _begin_embeddings(model: Seq2Seq, store: TokenStore, config: Config) -> None:
    """Set the embeddings to what the corpus says of the pieces (see data/meaning.py)."""
    source, target = model.encoder.embedding.weight, model.decoder.embedding.weight
    sizes, joint = (len(source), len(target)), config.data.joint
    vectors = vectors_of(store, sizes, source.shape[1], joint=joint, seed=config.training.seed)
    source.copy_(vectors.source)
    target.copy_(vectors.target)


def _write_down(folder: ModelFolder, trainer: Trainer, started: Moment, cpu_seconds: float) -> None:
    """The outcome in config.json, and the model card; `cpu_seconds` are those of all processes."""
    progress = trainer.progress
    record = dict(folder.record)
    before, now = record.get("training", {}), Moment.now()
    decided = {"model.dropout": progress.dropout, "training.splitting": progress.splitting}
    told = {name: value for name, value in decided.items() if value is not None}
    record["config"] = {**record["config"], **told}
    record["training"] = {
        "finished": progress.finished,
        "updates": progress.update,
        "best_update": progress.best_update,
        "validation_bleu": round(progress.best_bleu, 2),
        "validation_loss": round(progress.best_loss, 4),
        "skipped_updates": progress.skipped,
        "seconds": round(before.get("seconds", 0.0) + now.wall - started.wall, 1),
        "cpu_seconds": round(before.get("cpu_seconds", 0.0) + cpu_seconds, 1),
        "peak_memory_mb": max(before.get("peak_memory_mb", 0), peak_memory()),
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "processes": trainer.team.size,
        "threads": torch.get_num_threads(),
        "device": str(trainer.device),
    }
    folder.write_card(card.model_card(record))
    folder.write_record(record)  # it says that the run is finished
    if progress.finished:
        folder.seal()  # from now on nothing changes
