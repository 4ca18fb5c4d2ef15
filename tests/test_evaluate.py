"""Scores against sums done by hand, a second BLEU written here with Counters, and sacreBLEU's own answers."""

import math
import random
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

from latimer.errors import Mistake
from latimer.evaluate import (
    TOKENIZERS,
    bleu,
    bleu_by_length,
    chrf,
    group_references,
    paired,
    tokenizer_for,
)

WORDS = ["the", "cat", "dog", "sat", "on", "a", "mat", "runs", "fast", "today"]


def grams(tokens: list[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1))


def bleu_by_hand(hypotheses: list[str], references: list[list[str]]) -> float:
    """Papineni et al. 2002, unsmoothed, for words that need no tokenizer: 0 where an order has no match."""
    length = closest = 0
    matched, offered = [0] * 4, [0] * 4
    for hypothesis, several in zip(hypotheses, references, strict=True):
        ours, theirs = hypothesis.split(), [each.split() for each in several]
        length += len(ours)
        closest += min((abs(len(each) - len(ours)), len(each)) for each in theirs)[1]
        for order in range(1, 5):
            counts = grams(ours, order)
            clip: Counter[tuple[str, ...]] = Counter()
            for each in theirs:
                clip |= grams(each, order)
            matched[order - 1] += sum((counts & clip).values())
            offered[order - 1] += sum(counts.values())
    if 0 in matched:
        return 0.0
    mean = sum(math.log(m / n) for m, n in zip(matched, offered, strict=True)) / 4
    return 100 * math.exp(mean + min(0.0, 1 - closest / length))


def system(seed: int, errors: float, sentences: int = 80) -> tuple[list[str], list[list[str]]]:
    """Random references, one to three a sentence, and hypotheses that are wrong in a share of the words."""
    chance = random.Random(seed)
    references = [
        [" ".join(chance.choices(WORDS, k=chance.randint(4, 12))) for _ in range(chance.randint(1, 3))]
        for _ in range(sentences)
    ]
    noise = random.Random(errors)
    hypotheses = [
        " ".join(noise.choice(WORDS) if noise.random() < errors else word for word in several[0].split())
        for several in references
    ]
    return hypotheses, references


def columns(references: list[list[str]]) -> list[list[str | None]]:
    most = max(map(len, references))
    return [[each[k] if k < len(each) else None for each in references] for k in range(most)]


def test_a_score_that_can_be_done_on_paper() -> None:
    # matches 5/6, 4/5, 3/4, 2/3: their product is 1/3, and the lengths are equal
    score = bleu(["the cat sat on the rug"], [["the cat sat on the mat"]])
    assert score.name == "BLEU"
    assert score.value == pytest.approx(100 * (1 / 3) ** 0.25)
    assert (score.low, score.high) == (None, None)


def test_the_brevity_penalty_takes_the_closest_of_several_references() -> None:
    # "the cat sat on the" matches wholly; references of 6 and 9 words: exp(1 - 6/5)
    score = bleu(["the cat sat on the"], [["a dog runs fast today on a mat on", "the cat sat on the mat"]])
    assert score.value == pytest.approx(100 * math.exp(-1 / 5))


@pytest.mark.parametrize("seed", range(5))
def test_a_varying_number_of_references_agrees_with_counters(seed: int) -> None:
    hypotheses, references = system(seed, 0.3)
    assert len({len(several) for several in references}) == 3
    value = bleu(hypotheses, references).value
    assert value == pytest.approx(bleu_by_hand(hypotheses, references))
    first_only = bleu_by_hand(hypotheses, [several[:1] for several in references])
    assert value > first_only + 0.01


def test_the_order_of_references_and_doubles_do_not_matter() -> None:
    hypotheses, references = system(1, 0.3)
    shuffled = [[*reversed(several), several[0]] for several in references]
    assert bleu(hypotheses, shuffled).value == pytest.approx(bleu(hypotheses, references).value)
    assert chrf(hypotheses, shuffled).value == pytest.approx(chrf(hypotheses, references).value)


def test_chrf_on_paper() -> None:
    # "ab" against "ac": characters 1/2 of order 1 and 0/1 of order 2; words 0/1 of order 1. The orders that
    # do not exist are left out: precision and recall are both (1/2 + 0 + 0) / 3, and F of equals is itself.
    score = chrf(["ab"], [["ac"]])
    assert score.name == "chrF2++"
    assert score.value == pytest.approx(100 / 6)
    # Recall counts twice: "ab" of "abab" has perfect precision in 1-grams, 2-grams; its recall is less.
    assert chrf(["a"], [["aa"]]).value < chrf(["aa"], [["a"]]).value


def test_signatures_are_sacrebleus_own() -> None:
    hypotheses, references = system(2, 0.2)
    for ours, theirs in ((bleu, BLEU()), (chrf, CHRF(word_order=2))):
        score = ours(hypotheses, references)
        theirs.corpus_score(hypotheses, columns(references))
        assert score.signature == str(theirs.get_signature())
        assert "nrefs:var" in score.signature
    one = [several[:1] for several in references]
    assert bleu(hypotheses, one).signature.startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert "nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no" in chrf(hypotheses, one).signature
    assert "|tok:zh|" in bleu(["你好吗我很好"], [["你好吗我很好"]], tokenize="zh").signature


def test_intervals_and_their_signature_are_sacrebleus_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "12345")
    hypotheses, references = system(3, 0.25)
    for ours, theirs in ((bleu, BLEU()), (chrf, CHRF(word_order=2))):
        score = ours(hypotheses, references, resamples=200)
        golden = theirs.corpus_score(hypotheses, columns(references), n_bootstrap=200)
        assert score.low is not None
        assert score.high is not None
        assert score.value == pytest.approx(golden.score)
        assert (score.high - score.low) / 2 == pytest.approx(golden._ci, rel=1e-4)
        assert score.low < score.value < score.high
        assert score.signature == str(theirs.get_signature())
        assert "|bs:200|seed:12345|" in score.signature
    assert bleu(hypotheses, references, resamples=50, seed=7) == bleu(
        hypotheses, references, resamples=50, seed=7
    )
    assert bleu(hypotheses, references, resamples=50, seed=7).low != score.low


def test_an_interval_around_certainty_is_a_point() -> None:
    text = ["the cat sat on the mat"] * 5
    score = bleu(text, [[each] for each in text], resamples=20)
    assert (score.low, score.value, score.high) == pytest.approx((100, 100, 100))


def test_paired_agrees_with_sacrebleu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "12345")
    first, references = system(4, 0.30)
    second, _ = system(4, 0.24)
    for name, metric in (("BLEU", BLEU()), ("chrF2++", CHRF(word_order=2))):
        ours = paired(first, second, references, metric=name, resamples=300)
        _, golden = PairedTest(
            [("a", first), ("b", second)], {name: metric}, columns(references), test_type="ar", n_samples=300
        )()
        _, results = list(golden.items())[1]
        assert ours.a.value == pytest.approx(results[0].score)
        assert ours.b.value == pytest.approx(results[1].score)
        assert ours.p_value == pytest.approx(results[1].p_value)
        assert 0.01 < ours.p_value < 0.99, "a golden at the edge would prove little"
        assert ours.difference == pytest.approx(ours.b.value - ours.a.value)
        assert ours.low < ours.difference < ours.high
        assert ours.method == f"approximate randomisation|ar:300|{ours.a.signature}"
        assert "|bs:300|seed:12345|" in ours.method


def test_paired_knows_the_same_from_the_worse() -> None:
    good, references = system(5, 0.05)
    bad, _ = system(5, 0.6)
    same = paired(good, list(good), references, resamples=100)
    assert (same.difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    worse = paired(good, bad, references, resamples=100)
    assert worse.difference < -10
    assert worse.high < 0
    assert worse.p_value == pytest.approx(1 / 101)
    back = paired(bad, good, references, resamples=100)
    assert (back.difference, back.p_value) == (-worse.difference, worse.p_value)


def test_bleu_by_length_puts_each_sentence_in_its_bucket() -> None:
    sources = ["", "one", "one two", "one two three", "1 2 3 4 5", "1 2 3 4 5 6"]
    right = "the cat sat on the mat"
    hypotheses = [right, right, right, "a dog", right, "a dog"]
    buckets = bleu_by_length(sources, hypotheses, [[right]] * 6, edges=(2, 4, 5))
    assert [(b.low, b.high, b.sentences) for b in buckets] == [(1, 2, 3), (3, 4, 1), (5, 5, 1), (6, None, 1)]
    assert [b.words for b in buckets] == [1, 3, 5, 6]
    assert [b.value for b in buckets] == pytest.approx([100, 0, 100, 0])


def test_bleu_by_length_agrees_with_scoring_each_part() -> None:
    hypotheses, references = system(6, 0.2)
    sources = [several[-1] for several in references]
    buckets = bleu_by_length(sources, hypotheses, references, edges=(6, 9))
    assert sum(b.sentences for b in buckets) == len(sources)
    for bucket in buckets:
        inside = [bucket.low <= len(s.split()) <= (bucket.high or 99) for s in sources]
        part = [h for h, here in zip(hypotheses, inside, strict=True) if here]
        several = [r for r, here in zip(references, inside, strict=True) if here]
        assert bucket.value == pytest.approx(bleu_by_hand(part, several))


def test_lengths_are_characters_where_there_are_no_spaces() -> None:
    sources, right = ["我喜欢 猫", "我"], "the cat sat on the mat"
    characters = bleu_by_length(sources, [right] * 2, [[right]] * 2, edges=(1, 3), source_language="zh")
    assert [(b.low, b.words) for b in characters] == [(1, 1), (4, 4)]
    spaced = bleu_by_length(sources, [right] * 2, [[right]] * 2, edges=(1, 3))
    assert [(b.low, b.words) for b in spaced] == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("language", "tokenizer"),
    [
        (None, "13a"),
        ("", "13a"),
        ("fr", "13a"),
        ("ko", "13a"),
        ("zh", "zh"),
        ("zh_CN", "zh"),
        ("ZH-Hant-TW", "zh"),
        ("ja", "char"),
        ("ja-JP", "char"),
        ("th", "char"),
        ("km", "char"),
        ("lo", "char"),
        ("my", "char"),
    ],
)
def test_tokenizer_for(language: str | None, tokenizer: str) -> None:
    assert tokenizer_for(language) == tokenizer


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_every_tokenizer_works_here_without_a_download(tokenizer: str) -> None:
    score = bleu(["我喜欢猫 and dogs , too"], [["我喜欢猫 and dogs , too"]], tokenize=tokenizer)
    assert score.value == pytest.approx(100)
    assert f"|tok:{tokenizer}|" in score.signature


def test_characters_give_partial_credit_that_words_do_not() -> None:
    hypotheses, references = ["私は猫が好きです"], [["私は犬が好きです"]]
    assert bleu(hypotheses, references).value == 0
    # of 8 characters the third is wrong: 7/8, 5/7, 3/6, 2/5 of the n-grams match, and their product is 1/8
    by_hand = 100 * (1 / 8) ** 0.25
    assert bleu(hypotheses, references, tokenize="char").value == pytest.approx(by_hand)


def test_empty_hypotheses_score_nothing_and_break_nothing() -> None:
    references = [["the cat"], ["the dog"]]
    assert bleu(["", ""], references, resamples=10)[:4] == ("BLEU", 0, 0, 0)
    assert chrf(["", ""], references, resamples=10)[:4] == ("chrF2++", 0, 0, 0)
    assert paired(["", ""], ["the cat", ""], references, metric="chrF2++", resamples=10).difference > 0


def test_tokenized_text_is_scored_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    bleu(["the end ."] * 200, [["the end ."]] * 200)
    assert caplog.text == ""


def test_mistakes_say_what_to_do() -> None:
    with pytest.raises(Mistake, match="nothing to score"):
        bleu([], [])
    with pytest.raises(Mistake, match="2 hypotheses but references for 1"):
        chrf(["a", "b"], [["a"]])
    with pytest.raises(Mistake, match="Sentence 2 has no reference"):
        bleu(["a", "b"], [["a"], []])
    with pytest.raises(Mistake, match="references of sentence 1 are one string"):
        bleu(["a"], ["abc"])
    with pytest.raises(Mistake, match="no tokenizer 'ja-mecab'"):
        bleu(["a"], [["a"]], tokenize="ja-mecab")
    with pytest.raises(Mistake, match="at least 1 resample"):
        paired(["a"], ["a"], [["a"]], resamples=0)
    with pytest.raises(Mistake, match="negative"):
        bleu(["a"], [["a"]], resamples=-1)
    with pytest.raises(Mistake, match="positive and rising"):
        bleu_by_length(["a"], ["a"], [["a"]], edges=(5, 3))
    with pytest.raises(Mistake, match="2 sources but 1 hypotheses"):
        bleu_by_length(["a", "b"], ["a"], [["a"]])


def test_without_sacrebleu_the_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    with pytest.raises(Mistake, match=r"pip install 'latimer\[train\]'"):
        bleu(["a"], [["a"]])


def test_importing_brings_neither_torch_nor_sacrebleu() -> None:
    code = "import sys, latimer.evaluate; print(sorted({'torch', 'sacrebleu'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=20))
def test_group_references_keeps_every_pair_once_in_order(pairs: list[tuple[str, str]]) -> None:
    sources, references = group_references(iter(pairs))
    again = [
        (source, target) for source, targets in zip(sources, references, strict=True) for target in targets
    ]
    assert sorted(again) == sorted(set(pairs))
    assert sources == sorted(set(sources), key=[source for source, _ in pairs].index)
    for source, targets in zip(sources, references, strict=True):
        assert targets == sorted(set(targets), key=[t for s, t in pairs if s == source].index)
