"""The model directory: the one place that knows its layout.

config.json            how the model was made, and what it scored
model.safetensors      parameters
shared.model           the subword model; source.model and target.model where each side has its own
README.md              a model card
training/              state for continuing, metrics.jsonl, token ids; may be deleted
"""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from latimer.config import Config, configure
from latimer.data.text import Spacing
from latimer.data.tokenizer import Tokenizer
from latimer.errors import Mistake
from latimer.files import replacing, write_tensors

if TYPE_CHECKING:
    from latimer.models.base import Seq2Seq

FORMAT = 1


class Tokenizers(NamedTuple):
    """A subword model a side; the same one twice where they share it."""

    source: Tokenizer
    target: Tokenizer

    @property
    def joint(self) -> bool:
        return self.source is self.target


class ModelFolder:
    """A folder that holds a model, or is to hold one."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @property
    def training(self) -> Path:
        return self.path / "training"

    @property
    def holds_something(self) -> bool:
        return (self.path / "config.json").exists()

    @cached_property
    def record(self) -> dict[str, Any]:
        """What config.json says. Raises Mistake where there is none, or it is damaged."""
        path = self.path / "config.json"
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if record["format"] > FORMAT:
                raise Mistake(f"{path} is of a newer Latimer (format {record['format']}); update this one.")
            return record
        except FileNotFoundError:
            raise Mistake(f"{self.path} holds no model; make one: latimer train CORPUS --into DIR.") from None
        except OSError as error:
            raise Mistake(f"{path} can't be read: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError):
            raise Mistake(f"{path} is damaged; take the folder from a copy, or train again.") from None

    def write_record(self, record: Mapping[str, Any]) -> None:
        with replacing(self.path / "config.json") as temporary:
            text = json.dumps({"format": FORMAT, **record}, indent=2, ensure_ascii=False)
            temporary.write_text(text + "\n", encoding="utf-8")
        self.__dict__.pop("record", None)

    @property
    def config(self) -> Config:
        return configure(self.record["config"])

    @property
    def spacing(self) -> Spacing:
        return Spacing.from_json(self.record["spacing"])

    @property
    def has_tokenizers(self) -> bool:
        return any((self.path / name).exists() for name in ("shared.model", "target.model"))

    def save_tokenizers(self, tokenizers: Tokenizers) -> None:
        """Write them in place of what a stopped run may have left."""
        for name in ("shared.model", "source.model", "target.model"):
            (self.path / name).unlink(missing_ok=True)
        if tokenizers.joint:
            tokenizers.source.save(self.path / "shared.model")
        else:
            tokenizers.source.save(self.path / "source.model")
            tokenizers.target.save(self.path / "target.model")

    def load_tokenizers(self) -> Tokenizers:
        if (self.path / "shared.model").exists():
            shared = Tokenizer.load(self.path / "shared.model")
            return Tokenizers(shared, shared)
        return Tokenizers(
            Tokenizer.load(self.path / "source.model"), Tokenizer.load(self.path / "target.model")
        )

    def build(self) -> "Seq2Seq":
        """The model that config.json describes, with fresh parameters."""
        from latimer.models.build import build

        config = self.config.model
        tokenizers = self.load_tokenizers()
        return build(
            config,
            source_vocabulary=tokenizers.source.size,
            target_vocabulary=tokenizers.target.size,
            joint=tokenizers.joint,
        )

    def save_model(self, model: "Seq2Seq") -> None:
        """Write the parameters, each once, atomically."""
        tensors = {name: parameter.detach().cpu() for name, parameter in model.named_parameters()}
        write_tensors(self.path / "model.safetensors", tensors)

    def load_model(self) -> "Seq2Seq":
        """The trained model, ready to translate. Raises Mistake where the files do not fit."""
        model = self.build()
        self.load_parameters(model, self.path / "model.safetensors")
        return model.eval()

    def load_parameters(self, model: "Seq2Seq", path: Path) -> None:
        """Put the parameters in a file into the model. Raises Mistake where they do not fit."""
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            tensors = load_file(path)
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    if parameter.shape != tensors[name].shape:
                        raise KeyError(name)
                    parameter.copy_(tensors[name])
        except FileNotFoundError:
            raise Mistake(
                f"{self.path} holds no trained model yet; run its latimer train command again to go on."
            ) from None
        except (SafetensorError, KeyError):
            raise Mistake(f"{path} is damaged or not of this model; take it from a copy.") from None

    def write_card(self, text: str) -> None:
        with replacing(self.path / "README.md") as temporary:
            temporary.write_text(text, encoding="utf-8")
