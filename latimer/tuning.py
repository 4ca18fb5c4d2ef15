"""Going on from a trained model: with pairs of another domain, or corrections, and without forgetting.

The new model keeps the vocabulary and the architecture of the old one and begins with its parameters. Some of
the old pairs may be mixed in ("replay"), as many as there are new ones; validation then looks at both. At the
end the old and the new model translate the same held-out sentences of either kind.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from latimer import evaluate
from latimer.config import Config, flatten
from latimer.data.directions import TaggedPair
from latimer.directions import directions, translate_each
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.models.base import Seq2Seq
from latimer.preparation import Material, gather, held_out, held_tags, keep_guides, seal
from latimer.presets import complete_config
from latimer.training.guidance import guided_head
from latimer.training.log import Reporter
from latimer.translator import Translator

CALM = 0.3  # of the usual learning rate: the parameters are good already
START = "start.safetensors"  # in the folder of the training: the old model's parameters
COMPARED = 500  # sentences of either kind that both models translate at the end


def prepare_from(
    folder: ModelFolder,
    config: Config,
    corpus: Sequence[str],
    *,
    base: str,
    replay: Sequence[str],
    validation: Sequence[str],
    languages: tuple[str | None, str | None],
    guide: str | None = None,
    reporter: Reporter,
) -> None:
    """Make the folder ready to train on from the model in `base`; config.json comes last and seals it.

    Raises Mistake for faults of the data, for another direction, and where `base` holds no trained model.
    """
    old = ModelFolder(base)
    model = old.load_model()  # before anything is read
    head = guided_head(model) if guide else None
    known = directions(old.record)
    listed = "," in f"{languages[0]}{languages[1]}"
    if all(languages) and all(known[0]) and not listed and languages not in known:
        told = " and ".join(f"{one} to {other}" for one, other in known)
        raise Mistake(f"{base} translates {told}, not {languages[0]} to {languages[1]}.")
    recorded = (old.record["source_language"], old.record["target_language"])
    given: Any = {
        "languages": languages if all(languages) else recorded,
        "data": config.data,
        "reporter": reporter,
        "known_tags": old.load_tokenizers().source.tags,
    }
    new = gather(corpus, validation, spool=folder.training / "pairs", **given)
    old_pairs = gather(replay, (), spool=folder.training / "replayed", **given) if replay else None
    held = [new.held, old_pairs.held[: len(new.held)] if old_pairs else []]
    completed = _completed(config, old.config, pairs=new.total)
    record = {
        **_told(new, old.record),
        "corpus": list(corpus),
        "validation": list(validation),
        "from_model": base,
        "replay": list(replay),
        "held": [len(pairs) for pairs in held],
        "seen": old.record.get("seen", 0),
        "asked": flatten(config),
        "config": flatten(completed),
    }
    folder.training.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(old.path / "model.safetensors", folder.training / START)
    folder.save_tokenizers(old.load_tokenizers())
    if guide and head:
        record |= keep_guides(folder, guide, head, new, longest=config.data.longest)
    materials = [new, old_pairs] if old_pairs else [new]
    pairs = chain(new.pairs(), _some(old_pairs, new.total) if old_pairs else ())
    seal(folder, record, materials, pairs, [*held[0], *held[1]], reporter)


def _completed(config: Config, old: Config, *, pairs: int) -> Config:
    """The old model and vocabulary, trained as is asked now; dropout belongs to the training."""
    model = replace(old.model, dropout=config.model.dropout)
    data = replace(config.data, joint=old.data.joint, vocabulary=old.data.vocabulary)
    completed = complete_config(replace(config, model=model, data=data), pairs=pairs)
    if config.training.rate:
        return completed
    return replace(completed, training=replace(completed.training, rate=CALM * completed.training.rate))


def _told(new: Material, old: Mapping[str, Any]) -> dict[str, Any]:
    """Languages and domains: those of the old model, which it has not unlearned, and what is told of new."""
    told = new.opened.told()
    if "directions" in old:
        names = ("source_language", "target_language", "directions", "spacings")
        told |= {name: old[name] for name in names if name in old}
    if "domains" in old:
        told["domains"] = old["domains"]
    return told


def _some(known: Material, wanted: int) -> Iterator[TaggedPair]:
    """`wanted` pairs, or all where there are fewer, evenly spread over the corpora."""
    step = max(1, known.total // wanted)
    return islice(known.pairs(), 0, step * wanted, step)


def begin(folder: ModelFolder, model: Seq2Seq) -> bool:
    """Put the old model's parameters into `model`; False where there was none."""
    path = folder.training / START
    if not path.exists():
        return False
    folder.load_parameters(model, path)
    return True


def what_changed(folder: ModelFolder, reporter: Reporter) -> dict[str, Any]:
    """Scores of the old and the new model on held-out pairs of either kind, told and returned."""
    pairs, tags = held_out(folder), held_tags(folder)
    new, old = Translator.load(folder.path), Translator.load(folder.path)
    folder.load_parameters(old.model, folder.training / START)
    tokenize = evaluate.tokenizer_for(folder.record["target_language"])
    first, told = 0, {}
    for kind, size in zip(("new pairs", "old pairs"), folder.record["held"], strict=True):
        some = pairs[first : first + size][:COMPARED]
        first += size
        if not some:
            continue
        references = [[target] for _, target in some]
        sources, own = [source for source, _ in some], tags[first - size : first][:COMPARED]
        before, after = (translate_each(each, sources, own, beam=5, wishes=None) for each in (old, new))
        for metric in evaluate.METRICS:
            how = tokenize if metric == "BLEU" else None
            found = evaluate.paired(before, after, references, metric=metric, tokenize=how)
            told[f"{metric} on {kind}"] = {
                "sentences": len(some),
                "before": round(found.a.value, 2),
                "after": round(found.b.value, 2),
                "p_value": found.p_value,
                "signature": found.a.signature,
            }
            reporter.note(
                f"{metric} on {len(some):,} held-out {kind}: {found.a.value:.1f} before, "
                f"{found.b.value:.1f} after (p = {found.p_value:.2g})."
            )
    return told
