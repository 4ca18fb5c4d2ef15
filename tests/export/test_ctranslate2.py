"""CTranslate2 says what torch says, alone: with nothing but the folder and sentencepiece."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from latimer.cli.export import command
from latimer.config import ModelConfig
from latimer.data.tokenizer import BOS, EOS, Tokenizer
from latimer.errors import Mistake
from latimer.export.ctranslate2 import save, write
from latimer.folder import ModelFolder, Tokenizers
from latimer.models.base import Seq2Seq
from latimer.models.build import build
from latimer.recipe import Trained
from latimer.translator import PLAIN, Translator

ct2 = pytest.importorskip("ctranslate2", reason="the extra `export` is missing")


def alone(folder: Path, texts: list[str], beam: int = 1) -> list[str]:
    """What a user of CTranslate2 writes."""
    from sentencepiece import SentencePieceProcessor

    names = ["shared", "shared"] if (folder / "shared.model").exists() else ["source", "target"]
    source, target = (SentencePieceProcessor(model_file=str(folder / f"{name}.model")) for name in names)
    pieces = [source.encode(text, out_type=str) for text in texts]
    runner = ct2.Translator(str(folder), intra_threads=1)
    found = runner.translate_batch(pieces, beam_size=beam, max_batch_size=64)
    return [target.decode(each.hypotheses[0]) for each in found]


def same(ones: list[str], others: list[str]) -> int:
    return sum(one == other for one, other in zip(ones, others, strict=True))


def test_500_sentences_come_out_as_in_torch(
    transformer: ModelFolder, sources: list[str], tmp_path: Path
) -> None:
    write(transformer, tmp_path / "there")
    expected = Translator.load(transformer.path, engine="torch").translate(sources, beam=1, wishes=PLAIN)
    assert len(set(expected)) > 20
    assert same(alone(tmp_path / "there", sources), expected) >= 499


def test_in_int8_it_is_a_third_as_large_and_says_nearly_the_same(
    transformer: ModelFolder, sources: list[str], tmp_path: Path
) -> None:
    for weights in ("float32", "int8"):
        write(transformer, tmp_path / weights, weights=weights)
    sizes = [(tmp_path / weights / "model.bin").stat().st_size for weights in ("float32", "int8")]
    assert sizes[1] < 0.45 * sizes[0]
    ones, others = (alone(tmp_path / weights, sources) for weights in ("float32", "int8"))
    assert same(ones, others) > 400


LEARNED = ["ab abc", "cab bac", "aabb ccb"], ["xyz zyx", "zzy xx"]


def made(**settings: Any) -> tuple[Seq2Seq, Tokenizers]:
    """An untrained model with a subword model a side, or one for both, and large parameters."""
    joint = settings.pop("joint", False)
    ones = Tokenizer.learn(LEARNED[0], 300)
    tokenizers = Tokenizers(ones, ones if joint else Tokenizer.learn(LEARNED[1], 300))
    config = ModelConfig(encoder="transformer", decoder="transformer", score="scaled-dot", **settings)
    model = build(
        config,
        source_vocabulary=tokenizers.source.size,
        target_vocabulary=tokenizers.target.size,
        joint=joint,
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.3).add_(torch.randn_like(parameter), alpha=0.1)
    return model.eval(), tokenizers


@pytest.mark.parametrize(
    "settings",
    [
        {"encoder_layers": 2, "decoder_layers": 1, "encoder_heads": 4, "decoder_heads": 2},
        {"activation": "relu", "joint": True},
        {"activation": "relu", "feed_forward": 24, "tied": False},
        {"embedding": 8, "joint": True},
        {"embedding": 24, "tied": False},
    ],
)
def test_every_shape_gives_every_target_its_probability(settings: dict[str, Any], tmp_path: Path) -> None:
    model, tokenizers = made(**{"width": 16, "embedding": 16, **settings})
    save(model, tokenizers, tmp_path, weights="float32")
    chance = np.random.default_rng(0)
    rows = [chance.integers(4, 40, size=chance.integers(1, 9)).tolist() for _ in range(40)]
    others = [chance.integers(4, 40, size=chance.integers(1, 9)).tolist() for _ in rows]
    sources, targets = tokenizers.source.all_pieces(), tokenizers.target.all_pieces()
    scored = ct2.Translator(str(tmp_path), intra_threads=1).score_batch(
        [[sources[number] for number in row] for row in rows],
        [[targets[number] for number in row] for row in others],
    )
    for row, other, found in zip(rows, others, scored, strict=True):
        source = torch.tensor([[*row, EOS]])
        with torch.no_grad():
            logits = model(source, torch.ones_like(source, dtype=torch.bool), torch.tensor([[BOS, *other]]))
        wanted = logits[0].log_softmax(-1).gather(1, torch.tensor([*other, EOS])[:, None])[:, 0]
        assert found.log_probs == pytest.approx(wanted.tolist(), abs=2e-4)


def test_a_shared_matrix_is_written_once(tmp_path: Path) -> None:
    model, tokenizers = made(width=64, embedding=64, joint=True, feed_forward=16)
    save(model, tokenizers, tmp_path, weights="float32")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert (tmp_path / "model.bin").stat().st_size < 4 * parameters + 10_000
    assert {path.name for path in tmp_path.iterdir()} == {
        "model.bin",
        "config.json",
        "shared_vocabulary.json",
    }


def test_the_parameters_are_left_as_they_were(tmp_path: Path) -> None:
    model, tokenizers = made(width=16, embedding=16)
    before = [parameter.clone() for parameter in model.parameters()]
    save(model, tokenizers, tmp_path, weights="int8")
    assert all(map(torch.equal, before, model.parameters()))


def test_what_is_no_transformer_is_one_sentence(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"runs Transformers only, and .* has a lstm encoder"):
        write(trained.folder, tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (
            ("transformer", "lstm-parallel", "scaled-dot"),
            "runs Transformers only, .* a lstm-parallel decoder",
        ),
        (
            ("lstm-residual", "transformer", "scaled-dot"),
            "runs Transformers only, .* a lstm-residual encoder",
        ),
        (("transformer", "transformer", "dot"), "scaled-dot attention only, and .* has dot"),
        (("transformer", "transformer", "general"), "scaled-dot attention only, and .* has general"),
    ],
)
def test_what_is_nearly_one_is_refused_too(
    transformer: ModelFolder, shape: tuple[str, str, str], sentence: str, tmp_path: Path
) -> None:
    folder = ModelFolder(shutil.copytree(transformer.path, tmp_path / "model"))
    settings = dict(zip(("model.encoder", "model.decoder", "model.score"), shape, strict=True))
    folder.write_record({**folder.record, "config": {**folder.record["config"], **settings}})
    folder.save_model(folder.build())
    with pytest.raises(Mistake, match=sentence):
        write(folder, tmp_path / "there")


def test_the_command_writes_a_new_folder_or_none(transformer: ModelFolder, tmp_path: Path) -> None:
    def call(*arguments: str) -> Any:
        return CliRunner().invoke(command, ["--model", str(transformer.path), *arguments])

    into = tmp_path / "deep" / "there"
    done = call("--to", "ctranslate2", "--into", str(into), "--json")
    assert done.exit_code == 0, done.output
    assert '"format": "ctranslate2"' in done.output
    assert {path.name for path in into.iterdir()} >= {"model.bin", "shared.model"}
    assert [path.name for path in into.parent.iterdir()] == ["there"]
    for arguments, expected in (
        (("--to", "ctranslate2", "--into", str(into)), "is there already"),
        (("--to", "ctranslate2"), "--into DIR"),
        (("--into", str(into)), "want --to"),
        (("--weights", "int8"), "want --to"),
    ):
        wrong = call(*arguments)
        assert isinstance(wrong.exception, Mistake)
        assert expected in str(wrong.exception)


@pytest.mark.full
def test_a_real_model_says_the_same(tmp_path: Path) -> None:
    model, data = os.environ.get("LATIMER_TRANSFORMER"), os.environ.get("LATIMER_DATA")
    if not model or not data:
        pytest.skip("LATIMER_TRANSFORMER names no trained en-fr Transformer, or LATIMER_DATA no data")
    file = Path(data) / "multi30k" / "test_2016_flickr.en"
    texts = file.read_text(encoding="utf-8").splitlines()[:500]
    write(ModelFolder(model), tmp_path / "there")
    expected = Translator(Translator.load(model, engine="torch").engine, ModelFolder(model).load_tokenizers())
    assert same(alone(tmp_path / "there", texts), expected.translate(texts, beam=1)) >= 499
