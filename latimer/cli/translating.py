"""Lines to translate as a job in shards (see latimer/sharding.py)."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from latimer.cli.shards import finish
from latimer.cli.translate import CHUNK, rows_of, translated, whole
from latimer.data.lines import LineFile
from latimer.directions import load
from latimer.documents import kind_of
from latimer.errors import Mistake
from latimer.files import sha256, write_whole
from latimer.folder import ModelFolder
from latimer.search.settings import Wishes
from latimer.sharding import concatenate
from latimer.translator import EngineName, Translator

LINES = 4 * CHUNK  # of a shard to translate


@dataclass(frozen=True)
class Translating:
    """Lines to translate, `lines` to a shard; what is written is what `latimer translate` would write."""

    model: str
    source: Path | None
    into: Path | None
    beam: int
    n_best: int
    scored: bool
    as_json: bool
    wishes: Wishes | None
    engine: EngineName | Literal["ray"] | None = None
    to: str | None = None
    domain: str | None = None
    lines: int = LINES

    @property
    def ahead(self) -> int:
        """No shard needs another."""
        return 1

    def request(self) -> dict[str, Any]:
        """All that the outcome follows from; the model by its content, for each machine may have its own."""
        folder = ModelFolder(self.model)
        if self.source is None or self.into is None or not self.source.is_file():
            raise Mistake("--shards and --engine ray want --input and --output, two files of lines.")
        if kind_of(self.source.name) not in (None, ".txt"):
            raise Mistake(f"{self.source} is a document; in shards lines are translated.")
        asked = {
            name: value for name, value in asdict(self).items() if name not in ("model", "source", "into")
        }
        asked |= {"input": [str(self.source), LineFile(str(self.source)).stamp()], "output": str(self.into)}
        files = sorted([*folder.path.glob("*.model"), folder.path / "model.safetensors"])
        return {**asked, "model": [sha256(path) for path in files if path.exists()]}

    def cut(self, facts: dict[str, Any]) -> Iterator[bytes]:
        """So many lines a shard."""
        file = LineFile(str(self.source))
        lines = whole(file.lines(), file.name)
        while some := list(islice(lines, self.lines)):
            yield "".join(f"{line}\n" for line in some).encode()

    def work(self, stem: Path) -> None:
        """Translate the lines of one shard."""
        lines = stem.with_suffix(".shard").read_bytes().decode().split("\n")[:-1]
        before = int(stem.name) * self.lines
        found = translated(_loaded(self), lines, CHUNK, self.beam, self.wishes, None)
        text = "".join(
            row + "\n"
            for number, line, some in found
            for row in rows_of(before + number, line, some[: self.n_best], self.as_json, self.scored)
        )
        write_whole(stem.with_suffix(".text"), text.encode())

    def join(self, stems: Sequence[Path], facts: dict[str, Any]) -> dict[str, Any]:
        """All of it in its order."""
        assert self.into is not None  # see request
        concatenate([stem.with_suffix(".text") for stem in stems], self.into)
        return {"shards": len(stems)}


@lru_cache(maxsize=1)
def _loaded(job: Translating) -> Translator:
    engine = None if job.engine == "ray" else job.engine
    return load(job.model, to=job.to, domain=job.domain, engine=engine)


def in_shards(job: Translating, folder: Path | None, *, quiet: bool) -> None:
    """Translate with whoever else does."""
    finish(job, folder, "translating", engine=job.engine, quiet=quiet)
