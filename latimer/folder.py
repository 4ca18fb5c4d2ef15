"""The model directory: the one place that knows its layout.

config.json            how the model was made, and what it scored
model.safetensors      parameters
shared.model           the subword model; source.model and target.model where each side has its own
README.md              a model card
linker.safetensors     a layer that links words, where the model was given one
runtime/               encoder.onnx and step.onnx: the model again, to be run without torch
SHA256SUMS             of all of these but the card, once a run is finished
training/              state for continuing, metrics.jsonl, token ids; may be deleted

What SHA256SUMS names is checked before it is read; what it does not name is refused. A folder without it (a
run that is not finished, or of an older Latimer) is believed, and `latimer export --model DIR` seals it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from latimer.config import Config, configure
from latimer.data.text import Spacing
from latimer.data.tokenizer import Tokenizer
from latimer.errors import Mistake
from latimer.files import replacing, sha256, write_tensors, write_whole

if TYPE_CHECKING:
    from torch import Tensor, nn

    from latimer.models.base import Seq2Seq

Made = TypeVar("Made")
FORMAT = 1
LINKER = "linker.safetensors"


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
    def held_file(self) -> Path:
        """The pairs that training validates on, each with its tags, as TSV."""
        return self.training / "validation.tsv"

    def held_lines(self) -> list[list[str]]:
        """Source, target and tags of each of them. Raises FileNotFoundError once training/ was deleted."""
        text = self.held_file.read_text(encoding="utf-8")
        return [line.split("\t") for line in text.split("\n") if line]

    @property
    def runtime(self) -> Path:
        return self.path / "runtime"

    @property
    def has_graphs(self) -> bool:
        """Whether the model can be run without torch: by measured graphs, not those of a stopped export."""
        whole = all((self.runtime / name).exists() for name in ("encoder.onnx", "step.onnx"))
        return whole and "runtime" in self.record

    @property
    def holds_something(self) -> bool:
        return (self.path / "config.json").exists()

    @cached_property
    def record(self) -> dict[str, Any]:
        """What config.json says. Raises Mistake where there is none, or it is damaged."""
        path = self.path / "config.json"
        try:
            if path.exists():
                self.verify(path)
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
        path = self.path / "config.json"
        with self._changing(path), replacing(path) as temporary:
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
        self.unseal()
        for name in ("shared.model", "source.model", "target.model"):
            (self.path / name).unlink(missing_ok=True)
        if tokenizers.joint:
            tokenizers.source.save(self.path / "shared.model")
        else:
            tokenizers.source.save(self.path / "source.model")
            tokenizers.target.save(self.path / "target.model")

    def load_tokenizers(self) -> Tokenizers:
        """Raises Mistake where one is missing, or is not what was written."""
        names = (
            ("shared.model",) if (self.path / "shared.model").exists() else ("source.model", "target.model")
        )
        paths = [self.path / name for name in names]
        self.verify(*paths)
        loaded = [Tokenizer.load(path) for path in paths]
        return Tokenizers(loaded[0], loaded[-1])

    def copy_tokenizers(self, into: Path) -> None:
        """The subword models under the names that they have here, verified."""
        self.load_tokenizers()
        for path in self.path.glob("*.model"):
            write_whole(into / path.name, path.read_bytes())

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
        """Write the parameters, each once, atomically. What was learned beside older ones goes."""
        self.unseal()
        (self.path / LINKER).unlink(missing_ok=True)
        self._save(model, self.path / "model.safetensors")

    def load_model(self) -> "Seq2Seq":
        """The trained model, ready to translate. Raises Mistake where the files do not fit."""
        model = self.build()
        self.verify(self.path / "model.safetensors")
        self.load_parameters(model, self.path / "model.safetensors")
        return model.eval()

    def content(self) -> list[str]:
        """What tells the trained model from others, wherever it lies. Raises Mistake where there is none."""
        parameters = self.path / "model.safetensors"
        if not parameters.exists():
            raise Mistake(f"{self.path} holds no trained model; make one: latimer train CORPUS --into DIR.")
        return [sha256(path) for path in sorted([*self.path.glob("*.model"), parameters])]

    def save_beside(self, name: str, tensors: dict[str, "Tensor"]) -> None:
        """Write the state of something that goes with the finished model."""
        with self._changing(self.path / name):
            write_tensors(self.path / name, {key: tensor.cpu() for key, tensor in tensors.items()})

    def load_beside(self, name: str, make: Callable[[dict[str, "Tensor"]], Made]) -> Made:
        """What `make` makes of what `save_beside` wrote.

        Raises Mistake where it does not fit: `make` raises KeyError then.
        """
        self.verify(self.path / name)
        return self._load(self.path / name, make)

    def _save(self, module: "nn.Module", path: Path) -> None:
        tensors = {name: parameter.detach().cpu() for name, parameter in module.named_parameters()}
        write_tensors(path, tensors)

    def load_parameters(self, model: "nn.Module", path: Path) -> None:
        """Put the parameters in a file into the model. Raises Mistake where they do not fit."""
        import torch

        def fill(tensors: dict[str, torch.Tensor]) -> None:
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    if parameter.shape != tensors[name].shape:
                        raise KeyError(name)
                    parameter.copy_(tensors[name])

        self._load(path, fill)

    def _load(self, path: Path, make: Callable[[dict[str, "Tensor"]], Made]) -> Made:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return make(load_file(path))
        except FileNotFoundError:
            raise Mistake(
                f"{self.path} holds no trained model yet; run its latimer train command again to go on."
            ) from None
        except (SafetensorError, KeyError):
            raise Mistake(f"{path} is damaged or not of this model; take it from a copy.") from None

    @property
    def sums(self) -> Path:
        return self.path / "SHA256SUMS"

    def seal(self) -> None:
        """Write down the SHA-256 of each file that is parsed, as `sha256sum --check` wants it."""
        kinds = ("*.json", "*.model", "*.safetensors", "runtime/*.onnx")
        paths = [path for kind in kinds for path in self.path.glob(kind)]
        self._write_sums({path.relative_to(self.path).as_posix(): sha256(path) for path in paths})

    def unseal(self) -> None:
        """Before one of them changes: whoever is stopped meanwhile leaves a folder that can still be used."""
        self.sums.unlink(missing_ok=True)

    @contextmanager
    def _changing(self, path: Path) -> Iterator[None]:
        """Around writing one file: it is sealed if the folder was, and the others stay as they were told."""
        sealed = self._sealed()
        self.unseal()
        yield
        if sealed is not None:
            self._write_sums({**sealed, path.name: sha256(path)})

    def verify(self, *paths: Path) -> None:
        """Raise Mistake where one of the files is not what was sealed. Without a seal all are believed."""
        told = self._sealed()
        if told is None:
            return
        for path in paths:
            if path.exists() and told.get(path.relative_to(self.path).as_posix()) != sha256(path):
                raise Mistake(f"{path} is not what {self.sums} says that was written; take it from a copy.")

    def _sealed(self) -> dict[str, str] | None:
        """From names to digests, as they were written down; None without a seal."""
        if not self.sums.exists():
            return None
        lines = self.sums.read_text(encoding="utf-8", errors="replace").splitlines()
        return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}

    def _write_sums(self, sums: Mapping[str, str]) -> None:
        lines = [f"{digest}  {name}\n" for name, digest in sorted(sums.items())]
        write_whole(self.sums, "".join(lines).encode())

    def write_card(self, text: str) -> None:
        with replacing(self.path / "README.md") as temporary:
            temporary.write_text(text, encoding="utf-8")
