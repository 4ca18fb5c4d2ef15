"""What latimer distil and latimer backtranslate have in common."""

from collections.abc import Callable, Iterable
from pathlib import Path

from latimer.cli.show import progress_bar
from latimer.errors import Mistake


def write(
    kind: str,
    text: str,
    lines: Iterable[str],
    total: int,
    *,
    folder: str,
    to: str | None,
    into: Path,
    beam: int,
    pair: Callable[[str, str], tuple[str, str]],
    quiet: bool,
) -> int:
    """Translate the lines of `text` and write the pairs to `into`; returns how many there are."""
    from latimer.directions import load
    from latimer.synthesis import job_of, write_pairs

    if into.exists():
        raise Mistake(f"{into} is there already; delete it, or choose another --into.")
    job = job_of(kind, Path(folder), text) | ({"to": to} if to else {})
    translator = load(folder, to=to)
    with progress_bar(total, "translating", quiet=quiet) as advance:
        return write_pairs(translator, lines, into, pair=pair, job=job, beam=beam, progress=advance)
