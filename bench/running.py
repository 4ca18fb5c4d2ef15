"""Speed of a trained model by each engine: sentences and tokens a second, latency, cold start, memory.

    .venv/bin/python -m bench.running MODEL... --input FILE [--sentences 200] [--rounds 3] [--threads 1]

Each engine is a process of its own, and they take turns; of each figure the best round is told, since
whatever else the machine does only makes it worse. A Transformer is also handed over to CTranslate2, where
that is installed; and of the peers that have their environment (bench/environments.py) each lets its own
search write as much, by a Transformer of the shape of ours of size tiny (bench/searches/), by one thread.

One thread has one core, and seconds are CPU seconds; more threads have all cores, and seconds are those of
the clock. A cold start is `latimer translate` of one sentence, the whole process.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bench.environments import is_ready, python
from bench.peers.ctranslate2 import CTranslate2
from bench.process import run_alone, usual_core
from latimer.folder import ModelFolder
from latimer.translator import Translator

ENGINES = ("torch", "float32", "int8", "int8-all-words")
PEERS: dict[str, Literal["float32", "int8"]] = {"ctranslate2-float32": "float32", "ctranslate2-int8": "int8"}
SEARCHES = ("transformers", "opennmt", "joeynmt")
LENGTHS = "lengths.json"
BATCHES, BEAMS = (1, 64), (1, 5)
SENTENCE = "A man is riding a bike."
OWN = (sys.executable, "-m", "bench.running")
FEW = 40  # sentences, one at a time


class Speed(NamedTuple):
    """Of one engine, one size of batch and one beam; times of single sentences in milliseconds."""

    batch: int
    beam: int
    sentences_a_second: float
    tokens_a_second: float  # pieces of the target, ends counted
    median_ms: float
    p99_ms: float

    @classmethod
    def of(cls, translator: Translator | CTranslate2, lines: Sequence[str], batch: int, beam: int) -> "Speed":
        """Translate the lines, `batch` at a time in their order."""
        times, tokens = [], 0
        clock = time.process_time if os.environ.get("OMP_NUM_THREADS", "1") == "1" else time.perf_counter
        for start in range(0, len(lines), batch):
            some, begun = lines[start : start + batch], clock()
            texts = translator.translate(some, beam=beam)
            times.append(clock() - begun)
            tokens += sum(len(ids) + 1 for ids in translator.tokenizers.target.encode_many(texts))
        times.sort()
        middle, late = times[len(times) // 2], times[min(len(times) - 1, 99 * len(times) // 100)]
        return cls(batch, beam, len(lines) / sum(times), tokens / sum(times), 1000 * middle, 1000 * late)


def prepare(model: Path, into: Path) -> None:
    """Copies of a model's folder: one without graphs, one with each kind of them.

    Those in int8 are as `latimer export` makes them, with a list of words for each sentence where the pairs
    that the model learned from are there still, and without.
    """
    from latimer.data.tokenizer import BOS, EOS
    from latimer.runtime.recording import Weights, record
    from latimer.shipping import lexicon_for

    whole = ModelFolder(model)
    lexicon = lexicon_for(whole, whole.load_tokenizers())
    kinds: dict[str, Weights | None] = dict.fromkeys(ENGINES, "int8")
    kinds |= {"torch": None, "float32": "float32"}
    for name, weights in kinds.items():
        left_out = shutil.ignore_patterns("training", "runtime", "SHA256SUMS")
        folder = ModelFolder(shutil.copytree(model, into / name, ignore=left_out))
        if weights is not None:
            graphs = record(folder.load_model(), bos=BOS, weights=weights)
            if lexicon is not None and name == "int8":
                graphs.list_words(lexicon.likely, lexicon.always, eos=EOS)
            graphs.save(folder.runtime)
            folder.write_record(
                {**folder.record, "runtime": {"weights": weights}}
            )  # else nobody believes them
        folder.seal()
    config = ModelFolder(model).config.model
    if (config.encoder, config.decoder) == ("transformer", "transformer") and find_spec("ctranslate2"):
        from latimer.export.ctranslate2 import write

        for name, kind in PEERS.items():
            write(ModelFolder(model), into / name, weights=kind)


def worker(folder: Path, lines: Sequence[str]) -> list[Speed]:
    """Every batch and beam, after a few sentences to warm up."""
    translator = (
        CTranslate2(folder, folder.parent / "torch")
        if folder.name in PEERS
        else Translator.load(folder, engine=_engine(folder))
    )
    translator.translate(lines[:5], beam=5)
    return [
        Speed.of(translator, lines if batch > 1 else lines[:FEW], batch, beam)
        for batch in BATCHES
        for beam in BEAMS
    ]


def write_lengths(folder: Path, lines: Sequence[str], into: Path) -> None:
    """Of every line how many pieces are read, and how many the model in `folder` writes, the ends counted."""
    translator = Translator.load(folder)
    source, target = translator.tokenizers
    read = source.encode_many(lines)
    written = target.encode_many(translator.translate(lines, beam=1))
    sizes = [(len(ids) + 1, len(said) + 1) for ids, said in zip(read, written, strict=True)]
    into.write_text(json.dumps(sizes), encoding="utf-8")


def _engine(folder: Path) -> Literal["onnx", "torch"]:
    return "onnx" if ModelFolder(folder).has_graphs else "torch"


def _peer(name: str, folders: Path) -> list[str]:
    return [str(python(name)), "-W", "ignore", "-m", f"bench.searches.{name}", str(folders / LENGTHS)]


def measure(
    folders: Path, file: Path, *, sentences: int, rounds: int, threads: int
) -> dict[str, dict[str, Any]]:
    """The best of all rounds for each engine."""
    peers = [name for name in SEARCHES if is_ready(name)]
    given = ["--input", str(file), "--sentences", str(sentences)]
    names = [*ENGINES, *(name for name in PEERS if (folders / name).exists()), *peers]
    found: dict[str, dict[str, Any]] = {name: {"speeds": [], "starts": []} for name in names}
    core = usual_core() if threads == 1 else None
    for _ in range(rounds):
        for name in names:
            job = _peer(name, folders) if name in peers else [*OWN, "--worker", str(folders / name), *given]
            done = run_alone(name, job, core=core, threads=threads)
            found[name]["speeds"].append([Speed(*row) for row in json.loads(done.lines[-1])])
            if name in ENGINES:
                command = [sys.executable, "-m", "latimer", "translate", "--model", str(folders / name)]
                found[name]["starts"].append(
                    run_alone(name, [*command, SENTENCE], core=core, threads=threads)
                )
            found[name]["peak"] = min(found[name].get("peak", done.peak_rss_mb), done.peak_rss_mb)
    return found


def table(name: str, found: dict[str, dict[str, Any]], folders: Path) -> Iterable[str]:
    """Markdown: a row an engine, a batch and a beam."""
    for engine, told in found.items():
        start = min(told["starts"], key=lambda spent: spent.cpu_s, default=None)
        begins = "" if start is None else f"{start.cpu_s:.2f} s, {start.peak_rss_mb:.0f} MB"
        files = [*(folders / engine).glob("runtime/*.onnx")] or [*(folders / engine).glob("model.*")]
        size = sum(path.stat().st_size for path in files)
        memory = f"{begins} | {told['peak']:.0f} | {f'{size / 1e6:.1f}' if files else ''}"
        for place, (batch, beam) in enumerate((batch, beam) for batch in BATCHES for beam in BEAMS):
            best = max(
                (speeds[place] for speeds in told["speeds"]), key=lambda speed: speed.sentences_a_second
            )
            late = f"{best.median_ms:.1f} and {best.p99_ms:.1f} ms" if batch == 1 else ""
            yield (
                f"| {name} | {engine} | {batch} | {beam} | {best.sentences_a_second:.0f} | "
                f"{best.tokens_a_second:,.0f} | {late} | {memory if place == 0 else '| | '} |"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--input", type=Path, help="sentences, a line each")
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    lines = given.input.read_text(encoding="utf-8").splitlines()[: given.sentences]
    if given.into is not None:
        prepare(given.models[0], given.into)
        write_lengths(given.into / "int8", lines, given.into / LENGTHS)
        return
    if given.worker is not None:
        print(json.dumps(worker(given.worker, lines)))
        return
    columns = ["model", "engine", "batch", "beam", "sentences/s", "tokens/s", "one: p50 and p99"]
    columns += ["cold start", "peak, MB", "files, MB"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for model in given.models:
        with tempfile.TemporaryDirectory() as temporary:
            folders = Path(temporary)
            # In another process: the system counts what this one holds as the peak of its children.
            job = [*OWN, str(model), "--into", str(folders), "--input", str(given.input)]
            run_alone("recording", [*job, "--sentences", str(given.sentences)], core=usual_core())
            found = measure(
                folders,
                given.input,
                sentences=given.sentences,
                rounds=given.rounds,
                threads=given.threads,
            )
            for row in table(model.name, found, folders):
                print(row, flush=True)


if __name__ == "__main__":
    main()
