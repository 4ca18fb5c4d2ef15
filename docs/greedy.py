"""Translate with an exported model by greedy search: needs numpy, onnxruntime and sentencepiece, no more.

latimer export --model model --to onnx --into there
python docs/greedy.py there < sentences.txt
"""

import os
import sys
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # or it tells its makers of its use
import numpy as np
import onnxruntime
from sentencepiece import SentencePieceProcessor

PAD, BOS, EOS = 0, 1, 2


class Greedy:
    """A folder that `latimer export --to onnx` has written."""

    def __init__(self, folder: Path) -> None:
        names = ["shared"] * 2 if (folder / "shared.model").exists() else ["source", "target"]
        self.source, self.target = (
            SentencePieceProcessor(model_file=str(folder / f"{name}.model")) for name in names
        )
        self.encoder, self.step = (
            onnxruntime.InferenceSession(folder / f"{name}.onnx", providers=["CPUExecutionProvider"])
            for name in ("encoder", "step")
        )
        inputs = [value.name for value in self.step.get_inputs()]
        self.memory = [name for name in inputs if name.startswith("memory_")]
        self.state = [name for name in inputs if name.startswith("state_")]

    def translate(self, texts: list[str]) -> list[str]:
        """One batch: the likeliest piece at each step, until every sentence has ended."""
        rows = [[*self.source.encode(" ".join(text.split())), EOS] for text in texts]
        size = max(map(len, rows))
        source = np.array([[*row, *[PAD] * (size - len(row))] for row in rows])
        mask = np.arange(size) < np.array([[len(row)] for row in rows])
        wanted = [*self.memory, "logits", *self.state]  # the first step is taken along
        found = dict(zip(wanted, self.encoder.run(wanted, {"source": source, "mask": mask}), strict=True))
        memory = {name: found[name] for name in self.memory}
        logits, state = found["logits"], {name: found[name] for name in self.state}
        tokens = []
        for _ in range(2 * size + 20):
            tokens.append(logits[:, -1].argmax(-1))
            if all((np.array(tokens) == EOS).any(0)):
                break
            given = {"tokens": tokens[-1][:, None], **memory, **state}
            logits, *after = self.step.run(["logits", *(f"next_{name}" for name in self.state)], given)
            state = dict(zip(self.state, after, strict=True))
        written = np.array(tokens).T.tolist()
        return [self.target.decode(row[: row.index(EOS)] if EOS in row else row) for row in written]


if __name__ == "__main__":
    translator = Greedy(Path(sys.argv[1]))
    for line in sys.stdin:
        print(*translator.translate([line.strip()]))
