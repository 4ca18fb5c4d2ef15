"""What many tests share: one thread, a fixed seed, models of every kind, and a tiny trained folder."""

import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import torch

from latimer.config import ModelConfig, configure
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.shapes import Bool, Int, Tensor

if TYPE_CHECKING:
    from latimer.recipe import Trained

torch.set_num_threads(1)  # the tests run side by side, and the same bytes want the same number


class Sentences(NamedTuple):
    """A padded batch of sentences, first the longest."""

    source: Int[Tensor, "B S"]
    mask: Bool[Tensor, "B S"]
    target: Int[Tensor, "B T"]


@pytest.fixture(autouse=True)
def _same_seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def make_model() -> Callable[..., Seq2Seq]:
    """A small model in float64 whose parameters are so large that nothing it does is lost."""

    def make(
        encoder: str = "lstm",
        decoder: str = "lstm",
        *,
        score: str = "auto",
        layers: int = 1,
        heads: int = 0,
        embedding: int = 8,
        activation: str = "auto",
        tied: bool = True,
        joint: bool = False,
    ) -> Seq2Seq:
        torch.manual_seed(1)
        config = ModelConfig(
            encoder=encoder,
            decoder=decoder,
            score=score,
            embedding=embedding,
            activation=activation,
            width=8,
            encoder_layers=layers,
            decoder_layers=layers,
            encoder_heads=heads or 2,
            decoder_heads=heads or (2 if decoder in ("lstm-parallel", "transformer") else 1),
            tied=tied,
        )
        model = build(config, source_vocabulary=11, target_vocabulary=11 if joint else 9, joint=joint)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.5).add_(torch.randn_like(parameter), alpha=0.2)
        return model.double().eval()

    return make


@pytest.fixture
def sentences() -> Sentences:
    """Three sentences of 5, 3 and 1 positions; padding is a token like any other, so that it would show."""
    lengths = torch.tensor([5, 3, 1])
    return Sentences(
        torch.randint(0, 9, (3, 5)), torch.arange(5) < lengths[:, None], torch.randint(0, 9, (3, 6))
    )


@pytest.fixture(scope="session")
def pairs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of 240 pairs in a language of five places."""
    words = {
        "who": {"I": "je", "you": "tu", "she": "elle", "he": "il"},
        "does": {"see": "vois", "want": "veux", "hear": "entends"},
        "which": {"a": "un", "the": "le", "this": "ce", "my": "mon", "your": "ton"},
        "what": {"dog": "chien", "boat": "bateau", "book": "livre", "friend": "ami"},
    }
    lines = []
    for choice in product(*(table.items() for table in words.values())):
        source, target = zip(*choice, strict=True)
        lines.append(f"{' '.join(source)}.\t{' '.join(target)}.\n")
    path = tmp_path_factory.mktemp("corpus") / "small.en-fr.tsv"
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small_settings() -> dict[str, Any]:
    """Settings of a run that takes a second."""
    return {
        "model.embedding": 16,
        "model.width": 16,
        "data.vocabulary": 310,
        "training.steps": 24,
        "training.batch": 300,
        "training.validations": 3,
        "training.rate": 0.01,
        "training.precision": "float32",
    }


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, pairs_file: Path, small_settings: dict[str, Any]
) -> "Trained":
    """A finished run in a folder of its own; read only, please."""
    from latimer.recipe import train  # only the tests that need it pay for it

    return train(configure(small_settings), str(pairs_file), into=tmp_path_factory.mktemp("runs") / "model")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium, where there is one; not for the session: its driver keeps an event loop."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium to open the page in")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()
