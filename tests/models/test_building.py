"""From a configuration to a model."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from grid import PAIRS, Kind
from torch import nn

from latimer.config import ModelConfig
from latimer.errors import Mistake
from latimer.models.base import Seq2Seq, mean
from latimer.models.build import build
from latimer.nn.attention import Attention, MultiHead

every_pair = pytest.mark.parametrize("kind", PAIRS, ids=str)


@every_pair
def test_a_tied_output_is_the_embedding_and_a_joint_embedding_is_one(kind: Kind) -> None:
    for tied, joint in product((True, False), (True, False)):
        config = ModelConfig(encoder=kind.encoder, decoder=kind.decoder, embedding=4, width=6, tied=tied)
        model: Any = build(config, source_vocabulary=7, target_vocabulary=7, joint=joint)
        assert (model.decoder.output.weight is model.decoder.embedding.weight) is tied
        assert (model.encoder.embedding.weight is model.decoder.embedding.weight) is joint


@every_pair
def test_vocabularies_layers_heads_and_widths_are_as_asked(kind: Kind) -> None:
    config = ModelConfig(
        encoder=kind.encoder,
        decoder=kind.decoder,
        embedding=4,
        width=12,
        encoder_layers=3,
        decoder_layers=2,
        encoder_heads=3,
        decoder_heads=2,
        feed_forward=10,
        kernel=4,
        dropout=0.25,
    )
    model: Any = build(config, source_vocabulary=7, target_vocabulary=9, joint=False)
    assert model.encoder.embedding.weight.shape == (7, 4)
    assert model.decoder.output.weight.shape == (9, 4)
    assert model.encoder.width == 12
    encoder, decoder = (
        {name: module for name, module in part.named_modules() if name}
        for part in (model.encoder, model.decoder)
    )
    match kind.encoder:
        case "lstm":
            assert encoder["lstm.lstm"].num_layers == 3
        case "conv":
            assert [layer.kernel for layer in encoder["layers"]] == [4] * 3
        case _:
            assert len(encoder["blocks"]) == 3
            assert encoder["blocks.0.feed_forward.2"].in_features == 10
    if kind.encoder == "transformer":
        assert encoder["blocks.2.reader.attention"].heads == 3
    match kind.decoder:
        case "lstm" | "luong-feeding":
            assert len(decoder["lstm.recurrent"]) == 2
        case "luong":
            assert decoder["lstm.lstm"].num_layers == 2
        case "conv":
            assert [layer.kernel for layer in decoder["layers"]] == [4] * 2
        case _:
            assert len(decoder["blocks"]) == 2
            assert decoder["blocks.1.feed_forward.2"].in_features == 10
    for name in kind.over_the_source:
        assert decoder[name.removeprefix("decoder.")].heads == 2


@every_pair
def test_dropout_is_as_asked_and_never_on_attention_weights(kind: Kind) -> None:
    config = ModelConfig(encoder=kind.encoder, decoder=kind.decoder, width=8, dropout=0.25, decoder_heads=2)
    model = build(config, source_vocabulary=7, target_vocabulary=9, joint=False)
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                assert child.p == (0 if isinstance(module, Attention) else 0.25), name
    for module in model.modules():
        if isinstance(module, nn.LSTM):
            assert module.dropout == (0.25 if module.num_layers > 1 else 0)


def test_one_head_is_the_papers_plain_attention_except_in_blocks(make_model: Callable[..., Seq2Seq]) -> None:
    for decoder in ("lstm", "luong", "luong-feeding", "conv", "lstm-parallel", "transformer"):
        for heads in (1, 2):
            model = make_model("lstm", decoder, heads=heads)
            over_the_source = [
                module
                for name, module in model.decoder.named_modules()
                if isinstance(module, Attention) and "past" not in name
            ]
            expected = heads == 2 or decoder in ("lstm-parallel", "transformer")
            assert [isinstance(module, MultiHead) for module in over_the_source] == [expected]


def test_the_mean_is_that_of_the_real_positions() -> None:
    states = torch.tensor([[[1.0], [3.0], [5.0]], [[2.0], [7.0], [7.0]], [[7.0], [7.0], [7.0]]])
    mask = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])
    assert mean(states, mask).tolist() == [[3.0], [2.0], [0.0]]


def test_names_that_do_not_exist_are_refused() -> None:
    for field in ("encoder", "decoder"):
        with pytest.raises(Mistake, match="abacus"):
            build(ModelConfig(**{field: "abacus"}), source_vocabulary=7, target_vocabulary=9, joint=False)
    with pytest.raises(ValueError, match="abacus"):  # that no configuration can hold
        build(ModelConfig(score="abacus"), source_vocabulary=7, target_vocabulary=9, joint=False)


@pytest.mark.parametrize("layers", [1, 8])
@every_pair
def test_a_fresh_model_is_calm_however_deep(kind: Kind, layers: int) -> None:
    """What goes in has variance 1, and no token is likely before anything is learned.

    A deep convolutional decoder multiplies what it finds by the root of the source's length in each layer:
    over its own quiet encoder it stays calm, over one whose states have variance 1 it may be louder.
    """
    config = ModelConfig(
        encoder=kind.encoder, decoder=kind.decoder, width=64, encoder_layers=layers, decoder_layers=layers
    )
    model: Any = build(config, source_vocabulary=200, target_vocabulary=200, joint=True).eval()
    tokens = torch.arange(200)[None]
    with torch.no_grad():
        assert float(model.encoder.embedding(tokens).std()) == pytest.approx(1, abs=0.05)
        logits = model(tokens[:, :20], torch.ones(1, 20, dtype=torch.bool), tokens[:, :10])
    assert float(logits.std()) < (4 if kind.decoder == "conv" != kind.encoder else 1.2)


@pytest.mark.parametrize("encoder", ["lstm-residual", "transformer"])
@pytest.mark.parametrize("decoder", ["lstm-parallel", "conv", "transformer"])
def test_an_untrained_model_says_the_one_word_that_it_sees(encoder: str, decoder: str) -> None:
    """In the embedding that both sides share: where a word lies beside its translation, it says that too."""
    torch.manual_seed(0)
    config = ModelConfig(encoder=encoder, decoder=decoder, width=128, encoder_layers=1, decoder_layers=1)
    model = build(config, source_vocabulary=100, target_vocabulary=100, joint=True).eval()
    source = torch.arange(100)[:, None]
    with torch.no_grad():
        logits = model(source, torch.ones(100, 1, dtype=torch.bool), torch.full((100, 1), 2))
    said = logits[:, 0].argmax(-1)
    assert (said == source[:, 0]).float().mean() > 0.9
