"""Several directions and domains in one model, told apart by tags before the source.

A tag is one id of the source's vocabulary that no text can type. <to:fr> says into which language (Johnson et
al. 2017, "Google's multilingual neural machine translation system", section 3), <domain:law> what kind of
text it is (Kobus et al. 2017, "Domain control for neural machine translation"). A model with one target
language has no <to:...>, and one without domains no <domain:...>.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from latimer.data.corpus import Corpus, Pair, one_direction
from latimer.data.mixing import Weighted
from latimer.errors import Mistake

Direction = tuple[str | None, str | None]
PLAIN = 10  # every so many pairs of a domain go without its tag, so that it need not be known


class Chosen(NamedTuple):
    """A corpus in one direction; its domain, and how often its pairs are seen."""

    corpus: Corpus
    domain: str | None
    weight: float


def to_tag(language: str) -> str:
    """What stands before a source that is to be translated into that language."""
    return f"<to:{language}>"


def domain_tag(name: str) -> str:
    """What stands before a source of that domain."""
    return f"<domain:{name}>"


class Opened(NamedTuple):
    """The corpora to train on and those to validate with, and the directions that they hold."""

    training: list[Chosen]
    validation: list[Chosen]
    directions: list[Direction]

    def tags(self, chosen: Iterable[Chosen], known: Sequence[str] | None = None) -> list[tuple[str, ...]]:
        """The tags of each corpus. `known`: those of a model that is trained on.

        Raises Mistake for a language or a domain that such a model does not know.
        """
        several = len({target for _, target in self.directions}) > 1
        told_apart = several or any(tag.startswith("<to:") for tag in known or ())
        found = []
        for one in chosen:
            to, domain = one.corpus.target_language, one.domain
            if told_apart and to is None:
                raise Mistake(f"{one.corpus.name} doesn't tell its languages; give --from and --to.")
            tags = [to_tag(str(to))] if told_apart else []
            tags += [domain_tag(domain)] if domain else []
            if known is not None and (new := next((tag for tag in tags if tag not in known), None)):
                has = f"it knows {', '.join(known)}" if known else "it has none"
                raise Mistake(f"The model to go on from has no tag {new}: {has}.")
            found.append(tuple(tags))
        return found

    def told(self) -> dict[str, Any]:
        """What config.json says of languages and domains."""
        sides = [list(dict.fromkeys(one[place] for one in self.directions)) for place in (0, 1)]
        source, target = (side[0] if len(side) == 1 else None for side in sides)
        told: dict[str, Any] = {"source_language": source, "target_language": target}
        if len(self.directions) > 1:
            told["directions"] = self.directions
        if domains := sorted({one.domain for one in self.training if one.domain}):
            told["domains"] = domains
        return told


def open_corpora(
    training: Sequence[Weighted], validation: Sequence[Weighted], languages: Direction, *, keep_going: bool
) -> Opened:
    """The corpora in each direction that they hold, of those asked for: `languages` may be lists, "fr,de".

    Raises Mistake for a corpus that holds none of them, a language that no corpus holds, and, without such
    a list, for corpora of different directions.
    """
    sources, targets = (one.split(",") if one else [None] for one in languages)
    asked = [(one, other) for one in sources for other in targets if one != other or one is None]
    several = len(asked) > 1

    def each(wanted: Sequence[Weighted]) -> list[Chosen]:
        return [
            Chosen(corpus, one.domain, one.weight)
            for one in wanted
            for corpus in (
                _each(one.name, asked, keep_going)
                if several
                else [_open(one.name, languages[0], languages[1], keep_going)]
            )
        ]

    chosen = each(training), each(validation)
    held = {(one.corpus.source_language, one.corpus.target_language): one for one in chosen[0]}
    if not several:
        return Opened(*chosen, [one_direction(one.corpus for some in chosen for one in some)])
    for place, side in enumerate((sources, targets)):
        if missing := [one for one in side if one is not None and one not in {both[place] for both in held}]:
            raise Mistake(
                f"No corpus is {'to' if place else 'from'} {missing[0]}; leave it away, or add one."
            )
    return Opened(*chosen, list(held))


class TaggedPair(NamedTuple):
    """A `Pair` with what stands before its source."""

    source: str
    target: str
    line: int
    tags: tuple[str, ...]


def tagged(pairs: Iterable[Pair], tags: tuple[str, ...]) -> Iterator[TaggedPair]:
    """The pairs with their tags; one in PLAIN without its domain's."""
    without = tuple(tag for tag in tags if not tag.startswith("<domain:"))
    for place, pair in enumerate(pairs):
        yield TaggedPair(*pair, without if place % PLAIN == PLAIN - 1 else tags)


def _open(name: str, source: str | None, target: str | None, keep_going: bool) -> Corpus:
    return Corpus.open(name, source_language=source, target_language=target, keep_going=keep_going)


def _each(name: str, asked: Sequence[Direction], keep_going: bool) -> Iterator[Corpus]:
    """The corpus in each of the directions that it holds."""
    wrong: Mistake | None = None
    seen: set[Direction] = set()
    for source, target in asked:
        try:
            corpus = _open(name, source, target, keep_going)
        except Mistake as mistake:
            wrong = mistake
            continue
        if not corpus.tells_languages:
            raise Mistake(
                f"{name} doesn't tell its languages, and several are asked for; name it after them, "
                "as in corpus.en-fr.tsv or corpus.en,corpus.fr."
            )
        direction = corpus.source_language, corpus.target_language
        if direction not in seen:
            seen.add(direction)
            yield corpus
    if not seen and wrong is not None:
        raise wrong
