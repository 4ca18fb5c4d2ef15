"""Bytes of a file, unpacked on the way: .gz, .xz, .zst, .bz2, or one member of a zip. Nothing is written."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from typing import BinaryIO

from latimer.errors import Mistake

PACKED = (".gz", ".xz", ".zst", ".bz2")

BOMB_RATIO = 300
"""Text shrinks to a third or a twentieth; what grows by more, and beyond BOMB_SIZE, is made to harm."""

BOMB_SIZE = 1 << 28  # bytes

_WINDOW = 1 << 27  # bytes that a .zst may ask to have kept: 128 MB, what `zstd --long` asks for


def unpacked(raw: BinaryIO, suffix: str, member: str | None = None) -> io.BufferedIOBase:
    """What the file `raw` holds, by the end of its name; of a zip the `member`.

    Raises Mistake where a library is missing.
    """
    if member is not None:
        return zipfile.ZipFile(raw).open(member)  # type: ignore[return-value]
    if suffix == ".gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 16)
    if suffix == ".xz":
        return io.BufferedReader(lzma.LZMAFile(raw), 1 << 16)
    if suffix == ".bz2":
        return io.BufferedReader(bz2.BZ2File(raw), 1 << 16)
    if suffix == ".zst":
        return _zstandard(raw)
    return raw  # type: ignore[return-value]


def _zstandard(raw: BinaryIO) -> io.BufferedIOBase:
    try:
        import zstandard
    except ModuleNotFoundError:
        raise Mistake("A .zst file needs zstandard; run: pip install 'latimer[documents]'") from None
    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(raw, read_across_frames=True)
    return io.BufferedReader(reader, 1 << 16)


def fault(error: Exception) -> str | None:
    """What is wrong with a packed file, from what its library raised; None for an error of the disk."""
    kind = type(error)
    if kind is gzip.BadGzipFile:
        return "this is not gzip data; rename the file if it is plain text."
    if isinstance(error, EOFError | zlib.error | lzma.LZMAError | zipfile.BadZipFile) or (
        kind.__name__ == "ZstdError" or (kind is OSError and error.args == ("Invalid data stream",))
    ):
        return "the compressed file is cut short or damaged; fetch it again."
    if isinstance(error, RuntimeError | NotImplementedError):
        return f"the zip cannot be unpacked ({error})."
    return None
