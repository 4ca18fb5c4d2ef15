"""What a peer is to translate, and how its time is told. Standard library, torch and bench.task only.

    .envs/PEER/bin/python -m bench.searches.PEER LENGTHS.json

LENGTHS holds a pair of numbers a sentence: pieces of the source, and of the translation that ours wrote, the
ends counted. The model has the shape of our transformer of size tiny, and is made to write as many pieces:
what they are makes no difference to the time. Prints a row a batch and a beam, as bench.running has them.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from bench import task

VOCABULARY, WIDTH, HEADS, LAYERS = 7_832, 256, 4, 2
INNER = 504  # two products of this width weigh what our three of 336 do
FEW = 40  # sentences, one at a time, as in bench.running

# Ids of a source, B S, padded with 0; its lengths; pieces to write: of the longest, and on average; the beam.
Search = Callable[[torch.Tensor, torch.Tensor, tuple[int, int], int], object]


def pretend_corpus(folder: Path) -> None:
    """Files such as a peer reads its vocabulary from, and a sentence pair."""
    words = "".join(f"{number}\n" for number in range(task.SPECIALS, VOCABULARY))
    (folder / task.WORDS).write_text(words, encoding="utf-8")
    for name in (task.SOURCE_IDS, task.TARGET_IDS):
        (folder / name).write_text("4 5 6\n", encoding="utf-8")


@torch.inference_mode()
def run(make: Callable[[], Search]) -> None:
    """A script's main program."""
    lengths = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.manual_seed(1)
    torch.set_num_threads(1)
    search = make()
    rows = []
    for batch in (1, 64):
        for beam in (1, 5):
            some, times = lengths if batch > 1 else lengths[:FEW], []
            for start in range(0, len(some), batch):
                sizes = torch.tensor(some[start : start + batch])
                real = torch.arange(int(sizes[:, 0].max())) < sizes[:, :1]
                source = torch.randint(4, VOCABULARY, real.shape) * real
                written = int(sizes[:, 1].max()), round(float(sizes[:, 1].float().mean()))
                begun = time.process_time()
                search(source, sizes[:, 0], written, beam)
                times.append(time.process_time() - begun)
            tokens = sum(target for _, target in some)
            times.sort()
            middle, late = times[len(times) // 2], times[min(len(times) - 1, 99 * len(times) // 100)]
            spent = sum(times)
            rows.append((batch, beam, len(some) / spent, tokens / spent, 1000 * middle, 1000 * late))
    sys.stdout.write(json.dumps(rows) + "\n")
