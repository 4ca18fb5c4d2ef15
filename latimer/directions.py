"""Which of its directions a model translates in, and text of which domain (see data/directions.py).

A model that has several is the same model in each: only what stands before the source differs.
"""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from latimer.data.corpus import Corpus
from latimer.data.directions import domain_tag, to_tag
from latimer.data.text import Spacing
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.search.settings import Wishes
from latimer.translator import PLAIN, EngineName, Translation, Translator


def directions(record: Mapping[str, Any]) -> list[tuple[str | None, str | None]]:
    """Source and target language of each, from what config.json holds."""
    own = [[record.get("source_language"), record.get("target_language")]]
    return [(source, target) for source, target in record.get("directions", own)]


def tags(folder: ModelFolder) -> list[str]:
    """What can stand before a source, where the model has several target languages or domains."""
    if not {"directions", "domains"} & folder.record.keys():
        return []
    return folder.load_tokenizers().source.tags


def load(
    folder: Path | str, *, to: str | None = None, domain: str | None = None, engine: EngineName | None = None
) -> Translator:
    """The model in a folder, set to a target language and a domain. Raises Mistake as `choose` does."""
    return choose(Translator.load(folder, engine=engine), ModelFolder(folder).record, to=to, domain=domain)


def choose(
    translator: Translator, record: Mapping[str, Any], *, to: str | None = None, domain: str | None = None
) -> Translator:
    """The same model, set to one of its target languages, and to one of its domains or to none.

    Raises Mistake for what it has not, and where it has several target languages and none is chosen.
    """
    target = target_of(record, to)
    known_tags = translator.tokenizers.source.tags
    wanted = [to_tag(target)] if target and to_tag(target) in known_tags else []
    if domain is not None:
        known = record.get("domains", [])
        if domain not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise Mistake(f"This model knows no domain {domain}; {has}.")
        wanted.append(domain_tag(domain))
    spacing = record.get("spacings", {}).get(target)
    return _marked(translator, wanted, Spacing.from_json(spacing) if spacing else translator.spacing)


def target_of(record: Mapping[str, Any], to: str | None) -> str | None:
    """The target language, chosen where there are several. Raises Mistake as `choose` does."""
    targets = [target for target in dict.fromkeys(target for _, target in directions(record)) if target]
    if to is None and len(targets) > 1:
        raise Mistake(f"This model translates into {', '.join(targets)}; say into which with --to.")
    if to is not None and targets and to not in targets:
        raise Mistake(f"This model translates into {', '.join(targets)}, not into {to}.")
    return to or (targets[0] if targets else None)


def corpus_for(record: Mapping[str, Any], name: str, *, source: str | None, to: str | None) -> Corpus:
    """CORPUS in a direction of the model: the one asked for, its only one, or that of the corpus's own name.

    Raises Mistake where that is none of the model's.
    """
    known = directions(record)
    if len(known) == 1 and known[0][0]:
        source = source or known[0][0]
    if to is None and len({target for _, target in known}) > 1:
        to = Corpus.open(name, source_language=source).target_language
    to = target_of(record, to)
    corpus = Corpus.open(name, source_language=source, target_language=to)
    if corpus.source_language and "directions" in record and (corpus.source_language, to) not in known:
        raise Mistake(f"This model doesn't translate {corpus.source_language} to {to}; see latimer info.")
    return corpus


def translate_each(
    translator: Translator,
    sources: Sequence[str],
    tags: Sequence[tuple[str, ...]],
    *,
    beam: int = 1,
    wishes: Wishes | None = PLAIN,
) -> list[str]:
    """What a model says, each source with its own tags before it; greedily and as it comes, if not asked."""
    return [one.text for one in best_each(translator, sources, tags, beam=beam, wishes=wishes)]


def best_each(
    translator: Translator,
    sources: Sequence[str],
    tags: Sequence[tuple[str, ...]],
    *,
    beam: int = 1,
    wishes: Wishes | None = PLAIN,
) -> list[Translation]:
    """The same, with scores."""
    found = [Translation("", 0.0, 0.0)] * len(sources)
    for some in dict.fromkeys(tags):
        places = [place for place, own in enumerate(tags) if own == some]
        marked = _marked(translator, some, translator.spacing)
        ways = marked.hypotheses([sources[place] for place in places], beam=beam, wishes=wishes)
        for place, best in zip(places, ways, strict=True):
            found[place] = best[0] if best else found[place]
    return found


def _marked(translator: Translator, tags: Sequence[str], spacing: Spacing | None) -> Translator:
    if not tags and spacing is translator.spacing:
        return translator
    marked = copy.copy(translator)
    source = translator.tokenizers.source.tagged(tags)
    marked.tokenizers = translator.tokenizers._replace(source=source)
    marked.spacing = spacing
    return marked
