"""docs/adding-a-model.md is true: examples run, quotations stand in the files, the recipe is complete."""

import re
from pathlib import Path
from typing import Any

import pytest
from test_tour import Block, blocks, stands_in
from torch import nn

from examples.toy_decoder import TraceDecoder
from latimer.config import ModelConfig, configure
from latimer.models import build
from latimer.models.base import Decoder
from latimer.presets import PRESETS, model_settings
from latimer.recipe import train
from latimer.translator import Translator

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-a-model.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = blocks(re.sub(r"^ {3}```", "```", TEXT, flags=re.MULTILINE))  # a block in a list is indented


def test_the_examples_run_in_order() -> None:
    namespace: dict[str, Any] = {}
    examples = [block for block in BLOCKS if not block.quoted]
    assert len(examples) == 4
    for block in examples:
        exec(compile("\n" * (block.line - 1) + block.code, str(PAGE), "exec"), namespace)
    assert namespace["right"] >= 60


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.quoted], ids=lambda block: f"line {block.line}"
)
def test_quotations_stand_in_the_code(block: Block) -> None:
    code = (ROOT / block.quoted).read_text(encoding="utf-8")
    assert stands_in(block.code, code), f"{PAGE.name}:{block.line} is not in {block.quoted} any more"


def test_the_equations_are_those_of_the_example() -> None:
    [equations] = re.findall(r"(?:^    \w+_t +=.*\n)+", TEXT, flags=re.MULTILINE)
    assert equations in (ROOT / "examples" / "toy_decoder.py").read_text(encoding="utf-8")


def test_one_case_in_build_is_all(
    monkeypatch: pytest.MonkeyPatch, pairs_file: Path, small_settings: dict[str, Any], tmp_path: Path
) -> None:
    """With the page's own line in `build`, and nothing else, the toy trains, is saved, and translates."""
    [line] = re.findall(r'case "trace": return (TraceDecoder\(.*\))`', TEXT)

    def with_one_more_case(config: ModelConfig, embedding: nn.Embedding) -> Decoder:
        if config.decoder != "trace":
            raise AssertionError(f"asked for {config.decoder}")
        known = {
            "TraceDecoder": TraceDecoder,
            "embedding": embedding,
            "width": config.width,
            "attentions": [build._attention(config)],
            "dropout": config.dropout,
        }
        return eval(line, known)

    monkeypatch.setattr(build, "_decoder", with_one_more_case)
    settings = {**small_settings, **model_settings("lstm+trace")}
    train(configure(settings), str(pairs_file), into=tmp_path / "model")
    translator = Translator.load(tmp_path / "model")
    assert isinstance(translator.model.decoder, TraceDecoder)
    assert len(translator.translate(["I see a dog.", "you want my boat."])) == 2


@pytest.mark.parametrize("name", sorted({part for preset in PRESETS.values() for part in preset[:2]}))
def test_no_other_file_names_a_model(name: str) -> None:
    """But those of the recipe, and those with the default."""
    package = ROOT / "latimer"
    named = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if f'"{name}"' in path.read_text(encoding="utf-8")
    }
    assert named - {"cli/train.py", "config.py"} == {"presets.py", "models/build.py"}


def test_the_decoder_is_as_short_as_the_page_says() -> None:
    lines = (ROOT / "examples" / "toy_decoder.py").read_text(encoding="utf-8").splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("class TraceDecoder"))
    assert f"the {len(lines) - begin} lines of" in TEXT.replace("\n", " ")


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert len(links) > 5
    assert not [link for link in links if not (PAGE.parent / link).exists()]
