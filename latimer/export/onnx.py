"""Any model as two graphs for ONNX Runtime, or whatever else reads that format, and the subword models.

The graphs are those of runtime/recording.py; docs/greedy.py is a search around them that knows neither torch
nor Latimer.
"""

from pathlib import Path

from latimer.data.tokenizer import BOS
from latimer.export.place import new_folder
from latimer.folder import ModelFolder
from latimer.runtime.recording import Weights, record


def write(folder: ModelFolder, into: Path, *, weights: Weights = "float32") -> None:
    """Write encoder.onnx, step.onnx and the subword models into a new folder."""
    model = folder.load_model()
    with new_folder(into) as place:
        record(model, bos=BOS, weights=weights).save(place)
        folder.copy_tokenizers(place)
