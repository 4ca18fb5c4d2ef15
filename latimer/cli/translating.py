"""Lines to translate as a job in shards (see latimer/sharding.py)."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from latimer.choosing import AnyTranslator, Voice
from latimer.cli.shards import finish
from latimer.cli.translate import CHUNK, rows_of, translated, whole
from latimer.data.lines import LineFile
from latimer.documents import kind_of
from latimer.errors import Mistake
from latimer.files import write_whole
from latimer.folder import ModelFolder
from latimer.search.settings import Wishes
from latimer.sharding import concatenate

LINES = 4 * CHUNK  # of a shard to translate


@dataclass(frozen=True)
class Translating:
    """Lines to translate, `lines` to a shard; what is written is what `latimer translate` would write."""

    voice: Voice
    source: Path | None
    into: Path | None
    beam: int
    n_best: int
    scored: bool
    as_json: bool
    wishes: Wishes | None
    lines: int = LINES

    @property
    def ahead(self) -> int:
        """No shard needs another."""
        return 1

    def request(self) -> dict[str, Any]:
        """All that the outcome follows from; models by their content, for each machine may have its own."""
        if self.source is None or self.into is None or not self.source.is_file():
            raise Mistake("--shards and --engine ray want --input and --output, two files of lines.")
        if kind_of(self.source.name) not in (None, ".txt"):
            raise Mistake(f"{self.source} is a document; in shards lines are translated.")
        asked = {name: value for name, value in asdict(self).items() if name not in ("source", "into")}
        asked["voice"]["folders"] = [ModelFolder(name).content() for name in self.voice.folders]
        asked["voice"]["reverse"] = self.voice.reverse and ModelFolder(self.voice.reverse).content()
        return {
            **asked,
            "input": [str(self.source), LineFile(str(self.source)).stamp()],
            "output": str(self.into),
        }

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
        found = translated(_opened(self.voice), lines, CHUNK, self.beam, self.wishes, None)
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
def _opened(voice: Voice) -> AnyTranslator:
    return voice.open()


def in_shards(job: Translating, folder: Path | None, *, engine: str | None, quiet: bool) -> None:
    """Translate with whoever else does."""
    finish(job, folder, "translating", engine=engine, quiet=quiet)
