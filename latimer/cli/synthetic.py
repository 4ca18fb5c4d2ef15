"""What latimer distil and latimer backtranslate have in common."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latimer.cli.show import progress_bar
from latimer.data.languages import agree, languages_of
from latimer.data.readers.formats import READERS
from latimer.data.streams import PACKED
from latimer.errors import Mistake
from latimer.report import console

if TYPE_CHECKING:
    from latimer.data.directions import Direction
    from latimer.synthesis import Part


def must_be_new(into: Path) -> None:
    """Raise Mistake where `into` can't become a TSV."""
    if into.exists():
        raise Mistake(f"{into} is there already; delete it, or choose another --into.")
    if into.suffix.lower() in (*READERS, *PACKED, ".zip", ".srt"):
        raise Mistake(f"{into} will be a TSV; give it a name that ends in .tsv.")


def must_fit(into: Path, direction: "Direction") -> None:
    """Raise Mistake where `into` says another direction by its name: it would be read so."""
    told = languages_of(into.name, direction)
    if not all(map(agree, told, direction)):
        raise Mistake(
            f"{into} says {told[0]} to {told[1]} by its name, and its pairs will be {direction[0]} to "
            f"{direction[1]}; choose another --into."
        )


def write(parts: "Sequence[Part]", total: int, into: Path, *, job: dict[str, Any], quiet: bool) -> None:
    """Write the pairs of the parts, which are made of `total` items."""
    from latimer.synthesis import write_pairs

    with progress_bar(total, "translating", quiet=quiet) as advance:
        pairs = write_pairs(parts, into, job=job, progress=advance)
    if not quiet:
        none = f" ({total - pairs:,} would have an empty side)" if pairs < total else ""
        console.print(f"{pairs:,} pairs in {into}{none}. Next:", markup=False)


def train(*corpora: Path | str, direction: "Direction", more: Sequence[str]) -> str:
    """The command that trains on them, as a shell takes it."""
    languages = zip(("--from", "--to"), direction, strict=True)
    told = [word for option, language in languages if language for word in (option, language)]
    return shlex.join(["latimer", "train", *map(str, corpora), *told, *more])
