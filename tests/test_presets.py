"""Names, sizes and rates that are chosen for people."""

import pytest
import torch

from latimer.config import Config, ModelConfig, TrainingConfig, configure
from latimer.errors import Mistake
from latimer.models.build import build
from latimer.presets import (
    AUTO,
    DEEP,
    MODELS,
    PRESETS,
    USUAL,
    complete,
    complete_config,
    dropout_for,
    model_settings,
    name_of,
    settle,
    size_for,
    splitting_for,
)


def parameters(name: str, size: str) -> float:
    """Millions of parameters without the embeddings, whose vocabulary is one token here."""
    config = configure({**model_settings(name), "model.size": size}).model
    with torch.device("meta"):
        model = build(config, source_vocabulary=1, target_vocabulary=1, joint=True)
    return sum(parameter.numel() for parameter in model.parameters()) / 1e6


def test_what_a_name_stands_for() -> None:
    assert configure(model_settings("lstm")).model.score == "additive"
    assert configure(model_settings("lstm-plain")).model.score == "none"
    assert model_settings("hybrid") == {
        "model.encoder": "transformer",
        "model.decoder": "lstm-parallel",
        "model.score": "scaled-dot",
    }
    assert model_settings("lstm:dot") == model_settings("lstm-dot")
    assert model_settings("conv+lstm:general") == {
        "model.encoder": "conv",
        "model.decoder": "lstm",
        "model.score": "general",
    }
    assert complete(configure(model_settings("conv+luong")).model).score == "general"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("lstm-plian", "no model 'lstm-plian'; did you mean 'lstm-plain'?"),
        ("lstm:addtive", "no score 'addtive'; did you mean 'additive'?"),
        ("", "no model ''"),
        ("lstm:", "no score ''"),
    ],
)
def test_a_name_that_is_none_is_told_the_nearest(name: str, told: str) -> None:
    with pytest.raises(Mistake) as raised:
        model_settings(name)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("convv+lstm", "no encoder 'convv'; did you mean 'conv'? Encoders: lstm, lstm-residual, conv, "),
        ("conv+lsmt", "no decoder 'lsmt'; did you mean 'lstm'? Decoders: lstm, luong, "),
        ("transformer:none", "transformer decoder can't go without attention"),
        ("conv:none", "conv decoder can't go without attention"),
    ],
)
def test_a_part_that_is_none_can_not_be_built(name: str, told: str) -> None:
    with pytest.raises(Mistake) as raised:
        build(configure(model_settings(name)).model, source_vocabulary=5, target_vocabulary=5, joint=True)
    assert told in str(raised.value)


@pytest.mark.parametrize("name", PRESETS)
def test_sizes_mean_the_same_in_every_family(name: str) -> None:
    assert 1.4 < parameters(name, "tiny") < 2.8
    assert 8.5 < parameters(name, "small") < 11
    assert 46 < parameters(name, "base") < 54


def test_the_papers_sizes() -> None:
    transformer = complete(configure({**model_settings("transformer"), "model.size": "paper"}).model)
    assert (transformer.width, transformer.feed_forward, transformer.encoder_layers) == (512, 2048, 6)
    assert transformer.activation == "relu"
    assert transformer.encoder_heads == transformer.decoder_heads == 8
    assert 43 < parameters("transformer", "paper") < 45  # the 65 million of table 3 have 21 of embeddings
    lstm = complete(configure({**model_settings("lstm"), "model.size": "paper"}).model)
    assert (lstm.embedding, lstm.width) == (620, 1000)
    plain, gated = (complete(ModelConfig(activation=name)) for name in ("relu", "auto"))
    assert (plain.feed_forward, gated.feed_forward) == (512, 336), "a third less, for it has a gate more"
    assert gated.activation == "swiglu"
    with pytest.raises(Mistake, match=r"conv\+lstm is in no paper; choose the size tiny"):
        complete(configure({**model_settings("conv+lstm"), "model.size": "paper"}).model)


def test_the_size_follows_the_corpus_unless_it_is_said() -> None:
    assert [size_for(pairs)[0] for pairs in (10, 999_999, 1_000_000, 10_000_000)] == [
        *("tiny", "tiny", "small", "base")
    ]
    assert complete(ModelConfig(), pairs=2_000_000).width == complete(ModelConfig(size="small")).width == 512
    assert complete(ModelConfig(size="base"), pairs=10).width == 768


def test_what_was_said_stays() -> None:
    said = ModelConfig(width=64, encoder_layers=3, decoder_heads=2, feed_forward=100, size="base")
    completed = complete(said)
    assert (completed.width, completed.embedding, completed.encoder_layers) == (64, 64, 3)
    assert (completed.decoder_heads, completed.feed_forward, completed.decoder_layers) == (2, 100, 5)
    assert complete(completed) == completed


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"width": 7}, "model.width must be even"),
        ({"encoder": "transformer", "width": 12, "encoder_heads": 4}, "model.width must be a multiple of 8"),
        (
            {"width": 10, "decoder_heads": 3},
            "model.decoder_heads is 3, so model.width must be a multiple of 3",
        ),
    ],
)
def test_widths_and_heads_must_fit(settings: dict[str, str | int], told: str) -> None:
    with pytest.raises(Mistake) as raised:
        complete(ModelConfig(**settings))  # type: ignore[arg-type]
    assert told in str(raised.value)


def test_the_rate_suits_the_slower_part_and_the_width() -> None:
    def rate(name: str, **settings: str | float) -> float:
        asked = {f"model.{key}": value for key, value in settings.items()}
        return complete_config(configure({**model_settings(name), **asked}), pairs=100).training.rate

    assert 0 < rate("transformer") < rate("lstm")
    assert rate("transformer+lstm") == rate("transformer")
    assert rate("lstm", size="small") == pytest.approx(rate("lstm") / 2)
    assert rate("lstm", width=64) == rate("lstm")
    given = configure({"training.rate": 0.01})
    expected = TrainingConfig(rate=0.01, batch=1024, warmup=200)
    assert complete_config(given, pairs=100).training == expected


def test_pieces_are_split_where_pairs_are_seen_often() -> None:
    assert [splitting_for(epochs) for epochs in (0.1, 12.0, 19.9, 20.0, 300.0)] == [0.0, 0.0, 0.0, 0.1, 0.1]


def test_the_oftener_a_pair_is_seen_the_more_is_dropped() -> None:
    assert [dropout_for(epochs) for epochs in (0.1, 6.0, 12.0, 24.0)] == [0.1, 0.1, 0.1, 0.2]
    chosen = [dropout_for(float(epochs)) for epochs in range(1, 1000)]
    assert chosen == sorted(chosen)
    assert max(chosen) == 0.3


def test_dropout_is_chosen_only_where_none_is_asked_for() -> None:
    assert complete(ModelConfig()).dropout == 0.1
    for asked in (0.0, 0.3):
        assert complete(ModelConfig(dropout=asked)).dropout == asked


def named(name: str) -> ModelConfig:
    return configure(model_settings(name)).model


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_its_name_whatever_else_is_set(name: str) -> None:
    config = configure({**model_settings(name), "model.dropout": 0.3, "training.epochs": 5})
    assert name_of(config) == name
    assert name_of(complete_config(config, pairs=1000)) == name


def test_a_model_of_other_parts_has_no_name() -> None:
    assert name_of(configure(model_settings("conv+lstm"))) is None
    deep = configure({**model_settings(DEEP), "model.width": 64})
    assert name_of(deep) == "transformer"


def open_model(**settings: str | float) -> Config:
    asked = {key.replace("__", "."): value for key, value in settings.items()}
    return configure({**model_settings(AUTO), **asked})


@pytest.mark.parametrize(
    ("settings", "pairs", "threads", "chosen"),
    [
        ({"training__epochs": 39}, 29_000, 2, USUAL),
        ({"training__epochs": 40}, 29_000, 2, DEEP),
        ({"training__epochs": 400}, 19_999, 2, USUAL),
        ({"training__epochs": 40}, 0, 2, USUAL),  # nothing is known of the corpus yet
        ({"training__minutes": 60}, 29_000, 2, DEEP),
        ({"training__minutes": 60}, 29_000, 1, USUAL),
        ({"training__minutes": 60}, 160_000, 2, USUAL),
        ({"training__minutes": 5}, 29_000, 2, USUAL),
        ({"training__steps": 10**6}, 29_000, 2, USUAL),
        ({}, 29_000, 2, USUAL),
    ],
)
def test_a_model_that_nobody_named_follows_from_how_often_it_will_see_a_pair(
    settings: dict[str, float], pairs: int, threads: int, chosen: str
) -> None:
    settled = settle(open_model(**settings), pairs=pairs, threads=threads)
    assert settled.model == named(chosen)
    assert settle(settled, pairs=pairs, threads=threads) == settled


def test_what_was_set_beside_an_open_model_stays() -> None:
    settled = settle(open_model(training__epochs=99, training__rate=0.001, model__width=96), pairs=29_000)
    assert (settled.training.rate, settled.training.batch, settled.model.width) == (0.001, 4096, 96)
    usual = open_model(training__epochs=99, training__batch=1024, training__warmup=200)
    settled = complete_config(settle(usual, pairs=29_000), pairs=29_000)
    assert (settled.training.batch, settled.training.warmup, settled.model.width) == (1024, 200, 128)
    assert complete_config(configure({"training.warmup": 0}), pairs=9).training.warmup == 0
    assert settle(open_model(training__epochs=99, model__size="small"), pairs=29_000).model.width == 0
    usual = configure({**model_settings("conv"), "training.epochs": 99})
    assert settle(usual, pairs=29_000) == usual


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"model__encoder": "conv"}, ("conv", "lstm-parallel")),
        ({"model__encoder": "lstm"}, ("lstm", "lstm-parallel")),  # what stands in a configuration by default
        ({"model__decoder": "transformer"}, ("lstm-residual", "transformer")),
        ({"model__encoder": "conv", "model__decoder": "lstm"}, ("conv", "lstm")),
    ],
)
def test_a_part_that_was_chosen_stays_and_the_usual_one_joins_it(
    settings: dict[str, str | float], parts: tuple[str, str]
) -> None:
    settled = settle(open_model(training__epochs=99, **settings), pairs=29_000)
    assert (settled.model.encoder, settled.model.decoder) == parts
    assert (settled.training.batch, settled.model.width) == (0, 0)


def test_the_deep_transformer_is_as_its_paper_says() -> None:
    config = complete_config(configure(model_settings(DEEP)), pairs=29_000)
    model = config.model
    assert (model.width, model.feed_forward, model.encoder_layers, model.decoder_layers) == (128, 256, 4, 4)
    assert (model.encoder_heads, model.decoder_heads, model.activation) == (4, 4, "relu")
    assert (config.training.rate, config.training.batch) == (0.005, 4096)
    with pytest.raises(Mistake, match="did you mean 'transformer-deep'"):
        model_settings("transformer-dep")
