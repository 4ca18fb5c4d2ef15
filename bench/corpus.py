"""multi30k en-fr as ids of one joint subword model, written once for all tools."""

from pathlib import Path

import sentencepiece

from bench import task
from latimer.errors import Mistake


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
    prefix = into / "joint"
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
    pieces = sentencepiece.SentencePieceProcessor(model_file=f"{prefix}.model")
    for text, ids in ((source, task.SOURCE_IDS), (target, task.TARGET_IDS)):
        sentences = pieces.encode(text.read_text(encoding="utf-8").splitlines())
        lines = (" ".join(map(str, sentence)) for sentence in sentences)
        (into / ids).write_text("\n".join(lines) + "\n", encoding="ascii")
    # Last, since its presence says that the rest is whole.
    words = range(task.SPECIALS, task.VOCABULARY)
    done.write_text("\n".join(map(str, words)) + "\n", encoding="ascii")
    return into
