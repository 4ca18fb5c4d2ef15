"""Bytes of a file, unpacked on the way: .gz, .xz, .zst, .bz2, or one member of a zip. Nothing is written."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from typing import Any, BinaryIO

from latimer.errors import Mistake

PACKED = (".gz", ".xz", ".zst", ".bz2")

BOMB_RATIO = 300
"""Text shrinks to a third or a twentieth; what grows by more, and beyond BOMB_SIZE, is made to harm."""

BOMB_SIZE = 1 << 28  # bytes

_WINDOW = 1 << 27  # bytes that a .zst may ask to have kept: 128 MB, what `zstd --long` asks for

_SIP = 1 << 10  # bytes of a .zst at a time: three of them can become 128 KB


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
        return io.BufferedReader(_Zstandard(raw), 1 << 16)
    return raw  # type: ignore[return-value]


class _Zstandard(io.RawIOBase):
    """The frames of a .zst, one after the other; EOFError where the last one is cut short."""

    def __init__(self, raw: BinaryIO) -> None:
        try:
            import zstandard
        except ModuleNotFoundError:
            raise Mistake("A .zst file needs zstandard; run: pip install 'latimer[documents]'") from None
        self._raw = raw
        self._library = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._frame: Any = None
        self._packed = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            self._packed = self._packed or self._raw.read(_SIP)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError
                return 0
            self._frame = self._frame or self._library.decompressobj()
            self._ready = self._frame.decompress(self._packed)
            self._packed = b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


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
