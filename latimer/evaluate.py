"""Scores for translations: BLEU and chrF2++ as sacreBLEU computes them, with its signatures.

Strings in, numbers out: nothing here knows a model, so anyone's output can be scored. `references[i]` holds
every reference of sentence i, one or more, and the number may differ from sentence to sentence. Text is
scored as it is: plain, with its capitals and punctuation, never as subword pieces.

BLEU: Papineni et al. 2002. chrF2++: Popović 2017. Intervals: bootstrap, Koehn 2004. Paired test: approximate
randomisation, Riezler and Maxwell 2005.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latimer.errors import Mistake

MetricName = Literal["BLEU", "chrF2++"]
METRICS: tuple[MetricName, ...] = ("BLEU", "chrF2++")

SEED = 12345  # sacreBLEU's own default, so that its users see the same intervals
TOKENIZERS = ("13a", "intl", "zh", "char", "none")  # those that need no download and no dictionary

_CHINESE = frozenset(["zh", "zho", "chi", "cmn", "yue", "wuu", "lzh"])
_SPACELESS = frozenset(
    # Japanese, Thai, Khmer, Lao, Burmese, Tibetan, Dzongkha
    ["ja", "jpn", "th", "tha", "km", "khm", "lo", "lao", "my", "mya", "bur", "bo", "bod", "tib", "dz", "dzo"]
)


class Score(NamedTuple):
    """A corpus score from 0 to 100; `low` and `high` are its 95 % interval where one was asked for."""

    name: str
    value: float
    low: float | None
    high: float | None
    signature: str


class LengthBucket(NamedTuple):
    """The sentences whose source has from `low` to `high` words (None: no upper end).

    `words` is their mean source length, the right place for the point on a chart; `value` is their BLEU.
    """

    low: int
    high: int | None
    sentences: int
    words: float
    value: float


class Comparison(NamedTuple):
    """Two systems on the same sentences. `difference` is b - a, `low` and `high` its 95 % interval.

    `p_value`: how often chance alone brings a difference at least as large, in either direction.
    """

    a: Score
    b: Score
    difference: float
    low: float
    high: float
    p_value: float
    method: str


class Counted(NamedTuple):
    """What a metric counted, one row a sentence; any set of sentences is scored from the sum of its rows.

    `signature` takes the resamples (0: none) and their seed.
    """

    name: str
    rows: NDArray[np.float64]
    value: Callable[[NDArray[np.float64]], float]
    signature: Callable[[int, int], str]


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    resamples: int = 0,
    tokenize: str | None = None,
    seed: int = SEED,
) -> Score:
    """Corpus BLEU from 0 to 100. `resamples` > 0 adds a 95 % interval; see `tokenizer_for` for `tokenize`."""
    counted = count(hypotheses, references, metric="BLEU", tokenize=tokenize)
    return _score(counted, _bootstrap(counted, resamples, seed), seed)


def chrf(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], *, resamples: int = 0, seed: int = SEED
) -> Score:
    """Corpus chrF2++ from 0 to 100: character 6-grams and word 2-grams, recall weighted twice."""
    counted = count(hypotheses, references, metric="chrF2++")
    return _score(counted, _bootstrap(counted, resamples, seed), seed)


def tokenizer_for(language: str | None) -> str:
    """The tokenizer that BLEU needs for a target language: `fr`, `zh-CN`, `ja_JP`, `tha`, or None if unknown.

    Scripts without spaces between words are counted character by character, since a whole sentence would
    otherwise be one word. No dictionary is used and nothing is downloaded.
    """
    code = (language or "").replace("_", "-").split("-")[0].lower()
    if code in _CHINESE:
        return "zh"
    return "char" if code in _SPACELESS else "13a"


def bleu_by_length(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    edges: Sequence[int] = (5, 10, 15, 20, 25, 30, 40, 50),
    tokenize: str | None = None,
    source_language: str | None = None,
) -> list[LengthBucket]:
    """BLEU of each source length (Bahdanau et al. 2015, figure 2); lengths without a sentence are left out.

    `edges` are the last lengths of the buckets, and longer sentences make one more. Lengths are words
    between spaces, or characters where `source_language` is written without spaces. An empty source counts
    with the shortest.
    """
    if list(edges) != sorted(set(edges)) or (edges and edges[0] < 1):
        raise Mistake(f"The edges {list(edges)} of the length buckets must be positive and rising.")
    if len(sources) != len(hypotheses):
        raise Mistake(
            f"{len(sources)} sources but {len(hypotheses)} hypotheses: give one hypothesis for each source."
        )
    counted = count(hypotheses, references, metric="BLEU", tokenize=tokenize)
    spaced = tokenizer_for(source_language) == "13a"
    lengths = np.array([len(s.split()) if spaced else len("".join(s.split())) for s in sources])
    place = np.searchsorted(np.array(edges, dtype=np.int64), lengths)
    buckets = []
    for index in range(len(edges) + 1):
        chosen = place == index
        if chosen.any():
            low = edges[index - 1] + 1 if index else 1
            high = edges[index] if index < len(edges) else None
            value = counted.value(counted.rows[chosen].sum(axis=0))
            buckets.append(LengthBucket(low, high, int(chosen.sum()), float(lengths[chosen].mean()), value))
    return buckets


def paired(
    hypotheses_a: Sequence[str],
    hypotheses_b: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metric: MetricName = "BLEU",
    resamples: int = 1000,
    tokenize: str | None = None,
    seed: int = SEED,
) -> Comparison:
    """Is system b better or worse than system a? Approximate randomisation, as sacreBLEU does it.

    If the systems were equal, swapping their outputs of a sentence would change nothing. So each of
    `resamples` trials swaps the outputs of a random half of the sentences, and the p-value is the share of
    trials that part the systems at least as far as they really are. The intervals come from `resamples`
    bootstrap draws, the same for both systems. The same seed gives the same answer, to the last digit.
    """
    if resamples < 1:
        raise Mistake(f"A comparison needs at least 1 resample, and {resamples} were asked for.")
    a = count(hypotheses_a, references, metric=metric, tokenize=tokenize)
    b = count(hypotheses_b, references, metric=metric, tokenize=tokenize)
    values_a, values_b = _bootstrap(a, resamples, seed), _bootstrap(b, resamples, seed)
    score_a, score_b = _score(a, values_a, seed), _score(b, values_b, seed)
    difference = score_b.value - score_a.value
    low, high = interval([two - one for one, two in zip(values_a, values_b, strict=True)])
    signature = a.signature(resamples, seed)
    return Comparison(
        score_a,
        score_b,
        difference,
        low,
        high,
        p_value=_randomisation(a, b, resamples, seed),
        method=f"approximate randomisation|ar:{resamples}|{signature}",
    )


def count(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metric: MetricName,
    tokenize: str | None = None,
) -> Counted:
    """Count once what any number of resamples is then scored from (`tokenize` is for BLEU)."""
    _check(hypotheses, references, tokenize)
    scorer = _metric(metric, tokenize)
    most = max(len(each) for each in references)
    # sacreBLEU wants the first reference of every sentence, then the second; None says there is none.
    columns = [[each[k] if k < len(each) else None for each in references] for k in range(most)]
    rows = np.array(scorer._extract_corpus_statistics(hypotheses, columns), dtype=np.float64)

    def value(total: NDArray[np.float64]) -> float:
        return float(scorer._compute_score_from_stats(total).score)

    def signature(resamples: int, seed: int) -> str:
        scorer.n_bootstrap, scorer.seed = (resamples, str(seed)) if resamples else (None, None)
        return str(scorer.get_signature())

    return Counted(metric, rows, value, signature)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The middle 95 %: one value in forty is left out at either end."""
    ordered = sorted(values)
    outside = len(ordered) // 40
    return ordered[outside], ordered[-1 - outside]


def group_references(pairs: Iterable[tuple[str, str]]) -> tuple[list[str], list[list[str]]]:
    """One row for each distinct source, in the order first seen, with all its distinct targets."""
    grouped: dict[str, dict[str, None]] = {}
    for source, target in pairs:
        grouped.setdefault(source, {})[target] = None
    return list(grouped), [list(targets) for targets in grouped.values()]


def _score(counted: Counted, values: Sequence[float], seed: int) -> Score:
    """The score of all sentences; `values` are the scores of their resamples, none for no interval."""
    value = counted.value(counted.rows.sum(axis=0))
    low, high = interval(values) if values else (None, None)
    return Score(counted.name, value, low, high, counted.signature(len(values), seed))


def _bootstrap(counted: Counted, resamples: int, seed: int) -> list[float]:
    """The scores of `resamples` draws of the sentences, with replacement.

    The random numbers are sacreBLEU's. But it holds every draw in memory at once, a gigabyte for ten
    thousand sentences of chrF2++, and one at a time needs a few kilobytes.
    """
    if resamples < 0:
        raise Mistake(f"The number of resamples can't be negative, and it is {resamples}.")
    random = np.random.default_rng(seed)
    sentences = len(counted.rows)
    values = []
    for _ in range(resamples):
        drawn = random.choice(sentences, size=sentences, replace=True)
        often = np.bincount(drawn, minlength=sentences).astype(np.float64)
        values.append(counted.value(often @ counted.rows))
    return values


def _randomisation(a: Counted, b: Counted, trials: int, seed: int) -> float:
    total = a.rows.sum(axis=0) + b.rows.sum(axis=0)
    measured = abs(a.value(a.rows.sum(axis=0)) - b.value(b.rows.sum(axis=0)))
    stays = np.random.default_rng(seed).integers(2, size=(trials, len(a.rows)), dtype=bool)
    extreme = 0
    for kept in stays:
        one = np.where(kept[:, None], a.rows, b.rows).sum(axis=0)
        # ">=" and not sacreBLEU's ">": two systems with the same output must not differ significantly
        extreme += abs(a.value(one) - b.value(total - one)) >= measured
    return (extreme + 1) / (trials + 1)


def _metric(name: MetricName, tokenize: str | None) -> Any:
    """sacreBLEU's metric. Its counts by sentence have no public name, therefore Any: the tests hold them."""
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        raise Mistake(
            "Scoring needs sacrebleu, which is not installed: pip install 'latimer[train]'."
        ) from None
    if name == "BLEU":
        # force: a corpus that is tokenized on purpose should not fill the log with a warning each time
        return BLEU(tokenize=tokenize, force=True)
    return CHRF(word_order=2)


def _check(hypotheses: Sequence[str], references: Sequence[Sequence[str]], tokenize: str | None) -> None:
    if tokenize is not None and tokenize not in TOKENIZERS:
        raise Mistake(f"There is no tokenizer {tokenize!r} for BLEU: choose one of {', '.join(TOKENIZERS)}.")
    if len(hypotheses) != len(references):
        raise Mistake(
            f"{len(hypotheses)} hypotheses but references for {len(references)} sentences: "
            "give one hypothesis for each sentence."
        )
    if not hypotheses:
        raise Mistake("There is nothing to score: give at least one sentence.")
    for number, each in enumerate(references, start=1):
        if isinstance(each, str):
            raise Mistake(f"The references of sentence {number} are one string: give a list of strings.")
        if not each:
            raise Mistake(f"Sentence {number} has no reference: give it one, or leave the sentence out.")
