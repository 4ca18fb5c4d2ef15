"""Alignments read from attention: the right layer, head and step, whatever stands beside a pair."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models.grid import FAMILIES

from latimer.aligner import (
    Aligner,
    align_corpus,
    attention_maps,
    compare_readings,
    keep_reading,
    stored_reading,
    usual_reading,
    with_gold,
)
from latimer.alignment import Gold, Reading, reverse, score_links, symmetrise, write_links
from latimer.config import ModelConfig
from latimer.data.corpus import Corpus
from latimer.data.store import TokenStore
from latimer.data.tokenizer import BOS, EOS
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.models.base import Seq2Seq, source_attentions
from latimer.models.build import build
from latimer.nn.attention import capture, intervene
from latimer.recipe import Trained
from latimer.runtime.eager import TorchEngine
from latimer.shapes import Tensor
from latimer.translator import Translator
from latimer.visualize import AttentionMap, words
from latimer.wordmaps import linked, word_weights

every_family = pytest.mark.parametrize(("encoder", "decoder"), FAMILIES, ids=[two for _, two in FAMILIES])
MakeModel = Callable[..., Seq2Seq]
PAIRS = [
    ("I see a dog.", "je vois un chien."),
    ("you want my old boat.", "tu veux mon bateau."),
    ("he", "il il il"),
    ("she hears the dog.", "elle entends le chien."),
]


# --- maps


@every_family
def test_maps_are_those_of_the_whole_model_whatever_stands_beside_a_pair(
    make_model: MakeModel, encoder: str, decoder: str
) -> None:
    model = make_model(encoder, decoder, layers=2)
    rows = [([4, 5, 6, 7], [5, 6]), ([8], [4, 5, 6, 7, 8]), ([4, 4], [5])]
    layers = list(source_attentions(model))
    assert layers
    found = dict(attention_maps(model, TokenStore.of(rows), layers))
    assert found.keys() == {0, 1, 2}
    for row, (source, target) in enumerate(rows):
        inputs = torch.tensor([[*source, EOS]])
        with torch.inference_mode(), capture(model) as maps:
            model(inputs, torch.ones_like(inputs, dtype=torch.bool), torch.tensor([[BOS, *target]]))
        for layer in layers:
            alone = maps[layer][0].reshape(-1, len(target) + 1, len(source) + 1)
            np.testing.assert_allclose(found[row][layer], alone, atol=1e-5)


def test_the_attentions_over_the_source_are_found_lowest_first(make_model: MakeModel) -> None:
    model = make_model("transformer", "transformer", layers=2)
    assert list(source_attentions(model)) == ["decoder.blocks.0.attention", "decoder.blocks.1.attention"]
    assert list(source_attentions(make_model("lstm", "lstm"))) == ["decoder.attention"]
    assert not source_attentions(make_model("lstm", "lstm", score="none"))


def test_pieces_become_words_as_in_the_pictures(trained: Trained) -> None:
    tokenizers = trained.folder.load_tokenizers()
    for source, target in [("she wants 73 boats", "elle veut quatre-vingts bateaux €"), ("x", "y")]:
        ids = tokenizers.source.encode(source), tokenizers.target.encode(target)
        assert max(map(len, ids)) > len(source.split())
        words_of = tokenizers.source.word_of(ids[0]), tokenizers.target.word_of(ids[1])
        weights = np.random.default_rng(3).dirichlet(np.ones(len(ids[0]) + 1), (2, len(ids[1]) + 1))
        for shifted, rows in ((False, weights[:, :-1]), (True, weights[:, 1:])):
            ours = word_weights(weights, *words_of, shifted=shifted)
            for head in (0, 1):
                pieces = tokenizers.source.pieces(ids[0]), tokenizers.target.pieces(ids[1])
                theirs = words(AttentionMap(*pieces, rows[head, :, :-1]))
                assert [theirs.source, theirs.target] == [source.split(), target.split()]
                np.testing.assert_allclose(ours[head], theirs.rows)


def test_words_are_linked_with_what_they_look_at_most_and_what_looks_at_them_most() -> None:
    weights = np.array([[0.1, 0.6, 0.2, 0.1], [0.5, 0.4, 0.1, 0.0], [0.0, 0.9, 0.0, 0.0]])  # T S
    looking = {(1, 0), (0, 1), (1, 2)}
    looked_at = {(0, 1), (1, 2), (2, 0), (3, 0)}
    assert linked(weights, "union") == looking | looked_at
    assert linked(weights, "intersection") == looking & looked_at
    assert linked(weights) == symmetrise(frozenset(looking), frozenset(looked_at))


# --- readings: planted in a model whose attention is what the test says


@pytest.fixture
def translator(make_model: MakeModel, trained: Trained) -> Translator:
    """An untrained Transformer with the vocabulary of a trained model."""
    tokenizers = trained.folder.load_tokenizers()
    config = ModelConfig("transformer", "transformer", width=16, decoder_layers=2, decoder_heads=2)
    size = tokenizers.source.size
    model = build(config, source_vocabulary=size, target_vocabulary=size, joint=True)
    return Translator(TorchEngine(model), tokenizers)


def planted(reading: Reading) -> Any:
    """For `intervene`: there, and only there, step t looks at source position t, or at t - 1 if shifted."""

    def look(name: str, weights: Tensor, mask: Tensor | None) -> Tensor | None:
        if name != reading.layer:
            return None
        steps = torch.arange(weights.shape[-2])
        at = (steps - int(reading.shifted)).clamp(0, weights.shape[-1] - 1)
        straight = torch.zeros_like(weights)
        straight[:, reading.head, steps, at] = 1
        straight[:, 1 - (reading.head or 0), :, -1] = 1  # the other head looks at the end alone
        return straight

    return look


@pytest.mark.parametrize("layer", ["decoder.blocks.0.attention", "decoder.blocks.1.attention"])
@pytest.mark.parametrize("head", [0, 1])
@pytest.mark.parametrize("shifted", [False, True])
def test_the_planted_reading_is_found_and_read(
    translator: Translator, layer: str, head: int, shifted: bool
) -> None:
    pairs = [("a b c", "a b c"), ("b a", "b a")]  # every word is one piece
    gold = [Gold(links, links) for links in (frozenset((i, i) for i in range(size)) for size in (3, 2))]
    reading = Reading(layer, head, shifted)
    with intervene(translator.model, planted(reading)):
        found = compare_readings(translator, pairs, gold)
        links = Aligner(translator, reading).align(pairs)
    assert found[0].score.error_rate == 0
    assert found[0].reading in (reading, Reading(layer, None, shifted))
    assert dict(found)[reading] == found[0].score
    assert links == [one.sure for one in gold]
    assert len(found) == 2 * 3 * 2  # layers, heads and their mean, steps
    assert [one.score.error_rate for one in found] == sorted(one.score.error_rate for one in found)


def test_every_reading_is_scored_as_it_aligns(translator: Translator) -> None:
    chance = np.random.default_rng(5)
    gold = []
    for source, target in PAIRS:
        sizes = (len(source.split()), len(target.split()))
        links = frozenset((int(chance.integers(sizes[0])), word) for word in range(sizes[1]))
        gold.append(Gold(links, links))
    for reading, score in compare_readings(translator, PAIRS, gold):
        assert score == score_links(Aligner(translator, reading).align(PAIRS), gold)


def test_a_kept_reading_is_used_from_then_on_and_changes_nothing_else(
    trained: Trained, tmp_path: Path
) -> None:
    folder = ModelFolder(shutil.copytree(trained.folder.path, tmp_path / "model"))
    before = dict(folder.record)
    assert stored_reading(folder) is None
    assert Aligner.load(folder.path).reading == usual_reading(folder.load_model())
    best = compare_readings(Translator.load(folder.path), PAIRS[:2], [Gold(frozenset(), frozenset())] * 2)[-1]
    assert best.reading != usual_reading(folder.load_model())
    keep_reading(folder, best, "hand.txt")
    assert Aligner.load(folder.path).reading == best.reading == stored_reading(ModelFolder(folder.path))
    after = dict(ModelFolder(folder.path).record)
    assert after.pop("reading")["gold"] == "hand.txt"
    assert after == before


def test_a_model_without_attention_is_refused(make_model: MakeModel) -> None:
    with pytest.raises(Mistake, match="no attention"):
        usual_reading(make_model("lstm", "lstm", score="none"))


# --- corpora


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    lines = [f"{source}\t{target}\n" for source, target in PAIRS]
    path = tmp_path / "some.en-fr.tsv"
    path.write_text("".join([*lines[:2], "\t\n", *lines[2:], "he\t\n"]), encoding="utf-8")
    return Corpus.open(str(path))


def test_pairs_in_chunks_or_alone_or_turned_have_the_same_links(
    trained: Trained, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    aligner = Aligner.load(trained.folder.path)
    found = list(align_corpus(aligner, corpus))
    assert [pair.line for pair, _ in found] == [1, 2, 4, 5]
    assert [links for _, links in found] == aligner.align(PAIRS)
    for (source, target), (_, links) in zip(PAIRS, found, strict=True):
        assert [links] == aligner.align([(source, target)])
        assert {word for _, word in links} <= set(range(len(target.split())))
        assert {word for word, _ in links} <= set(range(len(source.split())))
    many = [links for _, links in align_corpus(aligner, corpus, "union")]
    assert many == aligner.align(PAIRS, "union") != aligner.align(PAIRS, "intersection")
    monkeypatch.setattr("latimer.aligner.CHUNK", 3)
    assert list(align_corpus(aligner, corpus)) == found
    # Read the other way round, the corpus has its sources on the second side: so have the links.
    turned = list(align_corpus(aligner, corpus.reversed()))
    back = aligner.align([pair[::-1] for pair in PAIRS])
    assert [links for _, links in turned] == [reverse(links) for links in back]


def test_two_directions_say_what_both_say(trained: Trained) -> None:
    """With the same model twice, as if its languages were one."""
    aligner = Aligner.load(trained.folder.path)
    both = Aligner.load(trained.folder.path, trained.folder.path)
    there, back = aligner.weights(PAIRS), aligner.weights([pair[::-1] for pair in PAIRS])
    for one, other, ours in zip(there, back, both.weights(PAIRS), strict=True):
        np.testing.assert_allclose(ours, np.minimum(one, other.T), atol=1e-6)
    assert both.align(PAIRS, "union") == [linked(weights, "union") for weights in both.weights(PAIRS)]
    assert both.align(PAIRS) != aligner.align(PAIRS)


def test_gold_links_go_with_their_lines(corpus: Corpus, tmp_path: Path) -> None:
    gold = tmp_path / "gold"
    gold.write_text("0-0 1p1\n1-1\n\n0-2\n3-3\n\n")
    pairs, links = with_gold(corpus, str(gold))
    assert pairs == PAIRS
    assert [write_links(one.possible) for one in links] == ["0-0 1-1", "1-1", "0-2", "3-3"]
    assert links[0].sure == {(0, 0)}
    _, turned = with_gold(corpus.reversed(), str(gold))
    assert turned == [one.reversed() for one in links]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("\n\n\n\n\n", "has 5 lines and the corpus 6;"),
        ("\n" * 7, "has 7 lines and the corpus 6;"),
        ("\n\n", "has 2 lines and the corpus at least 4;"),
        ("\n5-0\n\n\n\n\n", "gold:2: the link 5-0 leads out of a pair of 5 and 4 words"),
        ("\n0-4\n\n\n\n\n", "gold:2: the link 0-4 leads out of a pair of 5 and 4 words"),
        ("\n\n\n0-0 x\n\n\n", "gold:4: 'x' is no link"),
    ],
)
def test_a_gold_file_that_does_not_fit_is_named(
    corpus: Corpus, tmp_path: Path, text: str, wrong: str
) -> None:
    gold = tmp_path / "gold"
    gold.write_text(text)
    with pytest.raises(Mistake, match=wrong):
        with_gold(corpus, str(gold))
