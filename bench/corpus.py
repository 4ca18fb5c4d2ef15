"""multi30k en-fr as ids of one joint subword model, written once for all tools."""

from collections.abc import Sequence
from pathlib import Path

import sentencepiece

from bench import task
from latimer.errors import Mistake

JOINT = "joint"  # the subword model's name


def texts(data: Path, part: str) -> tuple[Path, Path]:
    """The English and the French file of a part of multi30k; raises Mistake where one is missing."""
    source, target = (data / "multi30k" / f"{part}.{language}" for language in ("en", "fr"))
    for path in (source, target):
        if not path.is_file():
            raise Mistake(f"{path} is missing; name a folder that holds multi30k/{part}.en and {part}.fr")
    return source, target


def prepare_corpus(data: Path, into: Path) -> Path:
    """Encodes `data`/multi30k/train.{en,fr} into the folder `into`, unless it is done already.

    Returns `into`. Raises Mistake where the corpus is missing.
    """
    source, target = (data / "multi30k" / f"train.{language}" for language in ("en", "fr"))
    for path in (source, target):
        if not path.is_file():
            raise Mistake(f"{path} is missing; name a folder that holds multi30k/train.en and train.fr")
    done = into / task.WORDS
    if done.is_file():
        return into
    into.mkdir(parents=True, exist_ok=True)
    prefix = into / JOINT
    sentencepiece.SentencePieceTrainer.train(
        input=[str(source), str(target)],
        model_prefix=str(prefix),
        model_type="bpe",
        vocab_size=task.VOCABULARY,
        character_coverage=1.0,
        normalization_rule_name="identity",
        pad_id=task.PADDING,
        unk_id=task.UNKNOWN,
        bos_id=task.BEGINNING,
        eos_id=task.END,
        num_threads=1,
        minloglevel=2,
    )
    _encode(into, source, task.SOURCE_IDS)
    _encode(into, target, task.TARGET_IDS)
    # Last, since its presence says that the rest is whole.
    words = range(task.SPECIALS, task.VOCABULARY)
    done.write_text("\n".join(map(str, words)) + "\n", encoding="ascii")
    return into


def encode_validation(data: Path, corpus: Path) -> None:
    """Encodes `data`/multi30k/val.{en,fr} into `corpus`, which `prepare_corpus` wrote."""
    source, target = texts(data, "val")
    _encode(corpus, source, task.VALIDATION_SOURCE_IDS)
    _encode(corpus, target, task.VALIDATION_TARGET_IDS)


def decode(corpus: Path, lines: Sequence[str]) -> list[str]:
    """Plain text of lines of ids; words that are no ids (a tool's sign for the unknown) are left out."""
    sentences = [[int(word) for word in line.split() if word.isdecimal()] for line in lines]
    decoded: list[str] = _pieces(corpus).decode(sentences)
    return decoded


def _pieces(corpus: Path) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_file=str(corpus / f"{JOINT}.model"))


def _encode(corpus: Path, text: Path, ids: str) -> None:
    sentences = _pieces(corpus).encode(text.read_text(encoding="utf-8").splitlines())
    lines = (" ".join(map(str, sentence)) for sentence in sentences)
    (corpus / ids).write_text("\n".join(lines) + "\n", encoding="ascii")
