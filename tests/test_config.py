"""Configuration: typed, checked, and clear about what is wrong."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from latimer.config import (
    SCORES,
    Config,
    configure,
    differences,
    explain,
    flatten,
    read_settings,
    read_toml,
)
from latimer.errors import Mistake


def test_settings_may_be_values_or_their_texts() -> None:
    config = configure(
        {
            "model.width": "128",
            "model.tied": "false",
            "model.dropout": 0,
            "training.rate": "1e-4",
            "training.steps": "700",
            "model.score": "general",
        }
    )
    assert config.model.width == 128
    assert config.model.tied is False
    assert config.model.dropout == 0.0
    assert isinstance(config.model.dropout, float)
    assert (config.training.rate, config.training.steps) == (1e-4, 700)
    assert config.model.score == "general"


def test_what_is_not_said_stays_as_it_was() -> None:
    base = configure({"model.width": 64, "training.seed": 9})
    config = configure({"training.seed": 3}, base)
    assert (config.model.width, config.training.seed) == (64, 3)
    assert base.training.seed == 9
    assert configure({}) == Config()


def test_flatten_and_configure_are_inverse() -> None:
    config = configure({"model.width": 64, "training.minutes": 2.5, "data.joint": False})
    assert configure(flatten(config)) == config
    assert flatten(config)["training.minutes"] == 2.5
    assert all(name.count(".") == 1 for name in flatten(config))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("model.widht", "model.width"),
        ("width", "model.width"),
        ("training.widht", "model.width"),
        ("training.learning_rate", "training.rate"),
        ("minutes", "training.minutes"),
        ("modle.score", "model.score"),
    ],
)
def test_an_unknown_setting_names_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(Mistake, match=f"^There is no setting '{name}'; did you mean '{nearest}'"):
        configure({name: 1})


def test_a_setting_like_no_other_gets_no_advice() -> None:
    with pytest.raises(Mistake, match=r"^There is no setting 'qqqq'\.$"):
        configure({"qqqq": 1})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("model.width", "wide", "model.width wants a whole number, not 'wide'"),
        ("model.width", 2.5, "model.width wants a whole number, not 2.5"),
        ("model.width", True, "model.width wants a whole number, not True"),
        ("model.width", [4], "model.width wants a whole number"),
        ("model.width", "none", "model.width wants a whole number"),
        ("model.tied", "maybe", "model.tied wants true or false, not 'maybe'"),
        ("training.rate", "fast", "training.rate wants a number, not 'fast'"),
        ("training.rate", False, "training.rate wants a number"),
        ("training.rate", {"x": 1}, "training.rate wants a number"),
        ("model.score", "adidtive", "model.score is one of auto, additive, dot, scaled-dot, general, none"),
        ("model.score", 7, "model.score is one of auto, additive"),
        ("model.size", "large", "model.size is one of auto, tiny, small, base, paper, not 'large'"),
    ],
)
def test_a_value_of_another_kind_is_refused(name: str, value: Any, wanted: str) -> None:
    with pytest.raises(Mistake, match=f"^{wanted}"):
        configure({name: value})


@pytest.mark.parametrize(
    "settings",
    [
        {"model.width": -2},
        {"model.encoder_layers": -1},
        {"model.decoder_heads": -1},
        {"model.kernel": 0},
        {"model.dropout": 1},
        {"model.dropout": -0.1},
        {"model.dropout": "nan"},
        {"training.rate": -0.1},
        {"training.rate": "inf"},
        {"training.rate": "nan"},
        {"training.steps": 0},
        {"training.minutes": -1},
        {"training.minutes": "inf"},
        {"training.epochs": "nan"},
        {"training.smoothing": 1},
        {"training.clip": 0},
        {"training.batch": -1},
        {"training.patience": 0},
        {"training.validations": 0},
        {"training.seed": -1},
        {"training.warmup": -2},
        {"training.decay": -0.1},
        {"training.decay": "nan"},
        {"data.longest": 0},
        {"data.seed": -1},
        {"training.tokens": 0},
    ],
)
def test_a_value_that_can_not_be_meant_is_refused(settings: dict[str, Any]) -> None:
    (name,) = settings
    with pytest.raises(Mistake, match=name) as raised:
        configure(settings)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_two_budgets_contradict_each_other() -> None:
    with pytest.raises(Mistake, match=r"training\.minutes and training\.steps can't both"):
        configure({"training.minutes": 5, "training.steps": 100})
    base = configure({"training.minutes": 5})
    assert configure({"training.minutes": None, "training.steps": 9}, base).training.minutes is None
    assert configure({"training.minutes": "none"}, base).training.minutes is None


def test_settings_from_texts() -> None:
    assert read_settings(("model.width=64", " training.rate = 0.1 ", "a=b=c")) == {
        "model.width": "64",
        "training.rate": "0.1",
        "a": "b=c",
    }
    with pytest.raises(Mistake, match=r"'model\.width 64' has no '='"):
        read_settings(("model.width 64",))


def test_toml_in_tables_or_in_full_names(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('"model.width" = 64\n[training]\nsteps = 5\nrate = 0.1\n[data]\njoint = false\n')
    settings = read_toml(path)
    assert settings == {"model.width": 64, "training.steps": 5, "training.rate": 0.1, "data.joint": False}
    assert configure(settings).training.steps == 5


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for content in (b"model = = 4", b"\xff\xfe", b"[model\n"):
        path.write_bytes(content)
        with pytest.raises(Mistake, match=r"a\.toml is not TOML"):
            read_toml(path)
    with pytest.raises(Mistake, match=r"none\.toml: No such file"):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(Mistake, match="directory"):
        read_toml(tmp_path)


def test_differences_are_names_in_order() -> None:
    assert differences({"b": 1, "a": 2, "c": 3}, {"b": 2, "a": 2, "d": 4}) == ["b", "c", "d"]
    assert differences(flatten(Config()), flatten(Config())) == []


def test_every_setting_has_help_a_default_and_a_test_of_its_type() -> None:
    told = list(explain())
    assert [name for name, _, _ in told] == list(flatten(Config()))
    assert all(len(help) > 5 and not help.endswith(".") for _, _, help in told)
    assert {name: default for name, default, _ in told} == flatten(Config())
    for _, default, _ in told:
        assert default is None or isinstance(default, (bool, int, float, str))
    assert set(SCORES) == {"additive", "dot", "scaled-dot", "general", "none"}


def test_a_configuration_can_not_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().model.width = 3  # type: ignore[misc]
