"""Files are replaced whole or not at all."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from latimer.errors import Mistake


def sweep(folder: Path) -> None:
    """Remove what killed processes left half written; this process is the only one that writes there."""
    for left in folder.rglob(".*.part"):
        with suppress(OSError):
            left.unlink()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path to write to; flushed and renamed to `path` when the block ends well.

    A crash at any moment, or an exception in the block, leaves what was at `path`. Raises Mistake
    where the disk is full or the folder can't be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.part")  # no other machine's either
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        mode = temporary.stat().st_mode  # what the user's umask allows, whoever writes the file anew
        yield temporary
        temporary.chmod(mode)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise Mistake(
            f"{path} can't be written ({error.strerror or error}); what was there is whole. "
            "Make room or give the right to write, and run the same command again."
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that gets the name `path` only when everything is on the disk."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        yield file


def write_whole(path: Path, content: bytes) -> None:
    """Write all of `content`, or leave the old file as it was."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_tensors(path: Path, tensors: dict[str, Any], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file whole, or leave the old one as it was."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata=dict(metadata) if metadata else None)
        except SafetensorError as error:  # it hides the error of a full disk
            raise OSError(str(error)) from None


def sha256(path: Path) -> str:
    """Of the file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; systems that can't open a folder do so on their own."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
