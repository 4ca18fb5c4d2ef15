"""The folder as a model hub takes it: what is needed to translate, and a card that the Hub can read.

Hugging Face's transformers can't run it: none of its encoders with decoders for text has norms with biases
before its layers and positions that turn queries and keys, as our Transformer has (Marian and BART add
positions, RoFormer has its norms behind, T5Gemma's have no biases). The weights
stay as they are, in safetensors, and the card says how to use them.
"""

from pathlib import Path, PurePath
from typing import Any

from latimer.card import model_card
from latimer.export.place import new_folder
from latimer.files import write_whole
from latimer.folder import ModelFolder

CAN_NOT = "transformers has no architecture for these weights: whoever downloads the folder needs latimer."


def write(folder: ModelFolder, into: Path) -> None:
    """Copy all but the training's own files, without the names of folders on this machine; sealed anew."""
    record = without_folders(folder.record)
    kinds = ("*.model", "*.safetensors", "runtime/*.onnx")
    paths = [path for kind in kinds for path in folder.path.glob(kind)]
    folder.verify(*paths)
    with new_folder(into) as place:
        for path in paths:
            write_whole(place / path.relative_to(folder.path), path.read_bytes())
        copy = ModelFolder(place)
        copy.write_record(record)
        copy.write_card(model_card(record))
        copy.seal()


def without_folders(value: Any) -> Any:
    """What config.json holds, of each path the last part only; "a/x.en,a/x.fr" is two of them."""
    if isinstance(value, dict):
        return {without_folders(name): without_folders(held) for name, held in value.items()}
    if isinstance(value, list):
        return [without_folders(held) for held in value]
    if isinstance(value, str) and ("/" in value or "\\" in value):
        return ",".join(PurePath(part.replace("\\", "/")).name for part in value.split(","))
    return value
