"""Where an export goes: a new folder, there whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latimer.errors import Mistake


@contextmanager
def new_folder(into: Path) -> Iterator[Path]:
    """A temporary folder to fill, named `into` when the block ends well, and gone when it does not.

    Raises Mistake where `into` is there and not empty, or can't be written.
    """
    into = into.absolute()
    if into.exists() and not (into.is_dir() and not any(into.iterdir())):
        raise Mistake(f"{into} is there already; name a new folder.")
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{into.name}.", suffix=".part", dir=into.parent))
        try:
            filled = temporary / "filled"  # of the rights that the user's umask gives
            filled.mkdir()
            yield filled
            filled.replace(into)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise Mistake(
            f"{into} can't be written ({error.strerror or error}); make room or name another."
        ) from None
