"""The lesson on attention and explanation: what it measures is what it says."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bench import explanations
from bench.explanations import effects, even, only, saliency, shuffled, spread
from latimer.config import ModelConfig
from latimer.data.batches import in_order
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.nn.attention import intervene
from latimer.recipe import Trained
from latimer.runtime.eager import TorchEngine
from latimer.shapes import Tensor
from latimer.training.loss import validation_loss
from latimer.translator import Translator

PAIRS = [
    ("I see a dog.", "je vois un chien."),
    ("he", "il il"),
    ("you want my old boat.", "tu veux mon bateau."),
]
MASK = torch.tensor([[[True, True, True, False]], [[True, False, False, False]]])  # B 1 S
WEIGHTS = torch.tensor([[[0.7, 0.2, 0.1, 0.0]] * 5, [[1.0, 0.0, 0.0, 0.0]] * 5])  # B T S


@pytest.fixture
def translator(trained: Trained) -> Translator:
    return trained.translator


def test_even_weights_are_even_where_visible() -> None:
    assert even(WEIGHTS, MASK)[:, 0].tolist() == [pytest.approx([1 / 3] * 3 + [0]), [1, 0, 0, 0]]
    assert even(WEIGHTS, None)[0, 0].tolist() == [0.25] * 4


def test_shuffled_weights_are_the_same_at_other_visible_places() -> None:
    many = WEIGHTS.repeat(1, 40, 1)
    after = shuffled(many, MASK)
    torch.testing.assert_close(after.sort(-1).values, many.sort(-1).values)
    assert after[0, :, 3].count_nonzero() == 0
    assert torch.equal(after[1], many[1])
    assert {round(float(weight), 1) for weight in after[0, :, 0]} == {0.7, 0.2, 0.1}
    assert {round(float(weight), 1) for weight in shuffled(many, None)[0, :, 3]} == {0.7, 0.2, 0.1, 0.0}


def test_only_what_is_named_is_changed() -> None:
    weights = torch.rand(2, 3, 5, 4).softmax(-1)  # B H T S
    layer = "decoder.blocks.0.attention"
    assert only(layer, None, even)("decoder.blocks.1.attention", weights, None) is None
    assert only(None, None, even)("decoder.blocks.0.past.attention", weights, None) is None
    assert only(None, None, even)("encoder.blocks.0.reader.attention", weights, None) is None
    changed = only(layer, 1, even)(layer, weights, None)
    assert changed is not None
    assert torch.equal(changed[:, [0, 2]], weights[:, [0, 2]])
    assert torch.equal(changed[:, 1], torch.full((2, 5, 4), 0.25))
    assert torch.equal(only(None, None, even)(layer, weights, None), torch.full_like(weights, 0.25))  # type: ignore[arg-type]


def test_effects_are_differences_of_what_is_said(translator: Translator) -> None:
    found = effects(translator, PAIRS, {"none": lambda *_: None, "even": only(None, None, even)})
    assert found["none"][:2] == pytest.approx((0, 0), abs=1e-6)
    assert 0 <= found["even"].changed <= 1
    assert 0 < found["even"].variation < 1
    loss = validation_loss(translator.model, in_order(explanations._store(translator, PAIRS), 100))
    assert found["none"].loss == pytest.approx(loss, abs=1e-4)


def test_the_spread_of_weights_is_entropy_over_its_most(translator: Translator) -> None:
    [(place, share)] = spread(translator, PAIRS).items()
    assert place == ("decoder.attention", 0)
    assert 0 < share <= 1
    with intervene(translator.model, only(None, None, even)):
        assert spread(translator, PAIRS)[place] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("decoder", ["lstm", "conv", "transformer"])
def test_saliency_is_what_a_longer_vector_does(
    decoder: str, make_model: Callable[..., Seq2Seq], trained: Trained
) -> None:
    """Against differences of the log-probability, in float64."""
    tokenizers = trained.folder.load_tokenizers()
    config = ModelConfig(decoder, decoder, width=16, dropout=0.0)
    size = tokenizers.source.size
    model = build(config, source_vocabulary=size, target_vocabulary=size, joint=True).double().eval()
    translator, pair = Translator(TorchEngine(model), tokenizers), ("a dog", "un chien")
    sources, targets = tokenizers.source.encode(pair[0]), tokenizers.target.encode(pair[1])
    source, target = torch.tensor([[*sources, 2]]), torch.tensor([[1, *targets[:-1]]])
    words, said = tokenizers.source.word_of(sources), tokenizers.target.word_of(targets)

    def log_probability(piece: int, factor: float) -> list[float]:
        """Of each target word, where one source piece's vector is made longer."""
        calls: list[int] = []

        def longer(module: nn.Module, arguments: object, vectors: Tensor) -> Tensor | None:
            calls.append(1)
            if len(calls) > 1:
                return None
            vectors = vectors.clone()
            vectors[0, piece] *= factor
            return vectors

        handle = model.encoder.embedding.register_forward_hook(longer)
        with torch.no_grad():
            logits = model(source, torch.ones_like(source, dtype=torch.bool), target)[0].log_softmax(-1)
        handle.remove()
        each = logits[range(len(targets)), targets]
        return [float(each[said == word].sum()) for word in range(said[-1] + 1)]

    expected = np.zeros((said[-1] + 1, words[-1] + 1))
    for piece, word in enumerate(words):
        up, down = np.array(log_probability(piece, 1 + 1e-5)), np.array(log_probability(piece, 1 - 1e-5))
        expected[:, word] += np.abs(up - down) / 2e-5
    assert expected.max() > 1e-3
    np.testing.assert_allclose(saliency(translator, pair), expected, rtol=1e-4, atol=1e-8)


def test_the_lesson_runs_and_leaves_tables_and_pictures(
    trained: Trained,
    pairs_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial, gold = tmp_path / "trial.en-fr.tsv", tmp_path / "gold"
    trial.write_text("".join(f"{source}\t{target}\n" for source, target in PAIRS), encoding="utf-8")
    gold.write_text("0-0 1-1 2-2 3-3\n0-0\n0-0 1-1 2p2 4-3\n")
    words = ["--models", trained.folder.path, "--trial", trial, "--gold", gold, "--corpus", pairs_file]
    monkeypatch.setattr(
        sys, "argv", ["explanations", *map(str, words), "--pairs", "8", "--into", str(tmp_path / "out")]
    )
    explanations.main()
    told = json.loads((tmp_path / "out" / "explanations.json").read_text())["model"]
    assert told["bleu"].keys() == {"as it is", "all, even", "all, shuffled"}
    assert told["effects"].keys() == {"as it is", "all, even", "all, shuffled"}
    assert len(told["readings"]) == 2
    printed = capsys.readouterr().out
    assert f"{100 * told['saliency_error_rate']:.1f}" in printed
    pictures = {path.name for path in (tmp_path / "out").glob("*.svg")}
    assert pictures == {"readings.svg", "attention-model.svg", "saliency-model.svg"}
