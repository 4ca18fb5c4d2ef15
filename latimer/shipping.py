"""A trained folder that translates without torch: graphs for ONNX Runtime, in int8 where that costs nothing.

Both kinds of graphs are measured against torch on the validation pairs, greedily. Those in int8 are kept
where they lose at most LOSS of BLEU; else those in float32, which have to say what torch says. They get a
list of words for each sentence (`runtime/shortlist.py`), made of the training pairs, where that changes
hardly a piece. At last the pairs are translated once more, as people will do it, to learn what a score means
(`latimer.confidence`).
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from latimer import evaluate
from latimer.confidence import Calibration, fit
from latimer.data.lexicon import COMMON, Lexicon, lexicon_of
from latimer.data.store import TokenStore
from latimer.data.tokenizer import BOS, EOS, UNK
from latimer.directions import best_each, translate_each
from latimer.errors import Mistake
from latimer.folder import ModelFolder, Tokenizers
from latimer.machine import give_memory_back
from latimer.models.base import Seq2Seq
from latimer.preparation import held_out, held_tags
from latimer.runtime.agreement import Agreement
from latimer.runtime.eager import TorchEngine
from latimer.runtime.engine import Engine
from latimer.runtime.graphs import OnnxEngine
from latimer.runtime.recording import Graphs, Weights, record
from latimer.translator import Translator

LOSS = 0.3  # BLEU that int8 may lose, and a list of words with it
BEAM = 5  # as `latimer translate` and the service search
MEASURED = 500  # validation pairs
SAME = 0.99  # of them the share that float32 translates as torch does; what differs are ties
AGREEMENT = 0.99  # share of pieces that are the likeliest of a sentence's list, too
FEWEST = 4 * COMMON  # pieces of a target vocabulary of which a list is worth while


class Shipped(NamedTuple):
    """What was written, and what it scores; `torch_bleu` is the same model's, by torch."""

    weights: Weights
    bleu: float
    torch_bleu: float
    pairs: int
    agreement: float | None = None  # share of pieces that a list of words leaves as they are; None: no list

    def __str__(self) -> str:
        told = (
            f"Graphs for ONNX Runtime in {self.weights}: BLEU {self.bleu:.2f} on {self.pairs} validation "
            f"pairs, {self.torch_bleu:.2f} by torch."
        )
        if self.agreement is None:
            return told
        return f"{told} A list of words for each sentence leaves {self.agreement:.1%} of pieces as they were."


class Measured(NamedTuple):
    """Translations of the validation sources, and their BLEU."""

    texts: list[str]
    bleu: float


def ship(folder: ModelFolder, *, note: Callable[[str], None] = lambda text: None) -> Shipped | None:
    """Write the graphs of a finished run into its folder, and seal it; None, and a note why, if they fail.

    Raises Mistake where the folder holds no finished run, or no validation pairs any more.
    """
    if not folder.record.get("training", {}).get("finished"):
        raise Mistake(f"{folder.path} holds no finished run; run its latimer train command again first.")
    try:
        pairs, tags = held_out(folder)[:MEASURED], held_tags(folder)[:MEASURED]
    except FileNotFoundError:
        raise Mistake(
            f"{folder.training} holds no validation pairs to measure int8 with; bring validation.tsv back, "
            "or translate with --engine torch."
        ) from None
    model, tokenizers, spacing = folder.load_model(), folder.load_tokenizers(), folder.spacing
    sources, references = [source for source, _ in pairs], [[target] for _, target in pairs]
    tokenize = evaluate.tokenizer_for(folder.record["target_language"])
    lexicon = lexicon_for(folder, tokenizers)
    give_memory_back()

    def measure(engine: Engine) -> Measured:
        texts = translate_each(Translator(engine, tokenizers, spacing), sources, tags)
        return Measured(texts, round(evaluate.bleu(texts, references, tokenize=tokenize).value, 2))

    folder.unseal()
    record = {name: told for name, told in folder.record.items() if name != "runtime"}
    if "seen" not in record and (folder.training / "tokens").exists():
        record["seen"] = TokenStore.open(folder.training / "tokens").seen  # of an older Latimer
    folder.write_record(record)
    shipped: Shipped | None = None
    engine: Engine = TorchEngine(model)
    try:
        shipped = _best(model, folder.runtime, measure, note, lexicon)
        engine = OnnxEngine(folder.runtime)
        record["runtime"] = shipped._asdict()
        note(str(shipped))
    except (ModuleNotFoundError, torch.onnx.OnnxExporterError) as error:
        shutil.rmtree(folder.runtime, ignore_errors=True)
        why = str(error).strip().splitlines()[-1]
        note(f"No graphs for ONNX Runtime could be made, so torch will translate ({why}).")
    finally:
        folder.seal()
    calibration = _calibration(Translator(engine, tokenizers, spacing), pairs, tags)
    folder.write_record({**record, "confidence": calibration._asdict()})
    return shipped


def _calibration(
    translator: Translator, pairs: Sequence[tuple[str, str]], tags: Sequence[tuple[str, ...]]
) -> Calibration:
    """What the scores of the model tell of chrF2++, with the usual beam."""
    found = best_each(translator, [source for source, _ in pairs], tags, beam=BEAM)
    counted = evaluate.count([one.text for one in found], [[target] for _, target in pairs], metric="chrF2++")
    return fit([one.score for one in found], [counted.value(row) / 100 for row in counted.rows])


def lexicon_for(folder: ModelFolder, tokenizers: Tokenizers) -> Lexicon | None:
    """What may follow from which piece; None where few could, or no training pairs are there any more."""
    pieces = tokenizers.source.all_pieces(), tokenizers.target.all_pieces()
    if len(pieces[1]) < FEWEST or not (folder.training / "tokens").exists():
        return None
    return lexicon_of(TokenStore.open(folder.training / "tokens"), pieces, eos=EOS, unknown=UNK)


def _best(
    model: Seq2Seq,
    into: Path,
    measure: Callable[[Engine], Measured],
    note: Callable[[str], None],
    lexicon: Lexicon | None,
) -> Shipped:
    """Write the graphs in int8, or in float32 where those lose too much; and a list of words if it serves."""
    expected = measure(TorchEngine(model))
    pairs, worst = len(expected.texts), expected.bleu - LOSS

    def recorded(weights: Weights) -> tuple[Graphs, Shipped, list[str]]:
        graphs = record(model, bos=BOS, weights=weights)
        graphs.save(into)
        found = measure(OnnxEngine(into))
        return graphs, Shipped(weights, found.bleu, expected.bleu, pairs), found.texts

    graphs, shipped, _ = recorded("int8")
    if shipped.bleu < worst:
        note(f"In int8 the model would lose {expected.bleu - shipped.bleu:.2f} BLEU, so it stays in float32.")
        graphs, shipped, texts = recorded("float32")
        different = sum(one != other for one, other in zip(texts, expected.texts, strict=True))
        if different > (1 - SAME) * pairs:
            raise torch.onnx.OnnxExporterError(f"{different} of {pairs} translations would be others")
    if lexicon is None or not graphs.can_list:
        return shipped
    graphs.list_words(lexicon.likely, lexicon.always, eos=EOS)
    with TemporaryDirectory() as place:
        graphs.save(Path(place))
        agreement = Agreement(OnnxEngine(Path(place)))
        measure(agreement)
        bleu = measure(OnnxEngine(Path(place))).bleu
    if agreement.share < AGREEMENT or bleu < worst:
        note(
            f"A list of words for each sentence would change {1 - agreement.share:.1%} of pieces (BLEU "
            f"{bleu:.2f}), so all words are compared."
        )
        return shipped
    graphs.save(into)
    return shipped._replace(bleu=bleu, agreement=round(agreement.share, 4))
