"""Bytes to lines: plain or packed files, standard input; every fault named with its file and line."""

import io
import shutil
import stat
import sys
import tempfile
import weakref
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from latimer.data import streams
from latimer.errors import Mistake

LINE_LIMIT = 1 << 20
"""Bytes of a line that are kept in memory; a longer line is read past, and counted as too long."""

STANDARD_INPUT = "standard input"


class LineFile:
    """One text file, read a line at a time, as often as wanted.

    After a full pass, `count` is the number of lines and `digest` the SHA-256 of the bytes (of a packed file:
    of what it holds, so that packing a corpus does not change it). `unusable` says why the last line that
    was given as None cannot be used.
    """

    def __init__(
        self, name: str, *, once: bool = False, member: str | None = None, keep_going: bool = False
    ) -> None:
        """`once` reads standard input as it comes, for a single pass; else it is kept for further ones.

        `member` is read where the file is a zip. With `keep_going` a line that is not UTF-8 is unusable.
        """
        self.name = STANDARD_INPUT if name == "-" else f"{name}/{member}" if member else name
        self.once = once
        self.keep_going = keep_going
        self.count = 0
        self.digest: str | None = None
        self.unusable = ""
        self.encoding = "UTF-8"  # another where the file says so
        self._member = member
        self.path = None if name == "-" else Path(name)
        self._spooled: io.BufferedRandom | None = None
        self._raw: io.BufferedReader | None = None  # what is being read, as it lies on the disk
        self._unpacked = 0

    @property
    def share_read(self) -> float:
        """How much of its bytes the pass under way has read, from 0 to 1; 0 where that can't be known."""
        if self.path is None or self._raw is None or self._raw.closed:
            return 0.0
        return self._raw.tell() / max(1, self.path.stat().st_size)

    def stamp(self) -> tuple[int, int] | None:
        """Size and time of the file; None for standard input."""
        if self.path is None:
            return None
        found = self.path.stat()
        return found.st_size, found.st_mtime_ns

    def lines(self) -> Iterator[str | None]:
        """Every line without its end; None for an unusable one. Only a line feed ends a line."""
        for raw in self.raw_lines():
            try:
                yield None if raw is None else self._decode(raw)
            except Mistake:
                if not self.keep_going:
                    raise
                self.unusable = "a line that is not UTF-8"
                yield None

    def raw_lines(self) -> Iterator[bytes | None]:
        """The same before it is decoded, each with its end; None for one over LINE_LIMIT."""
        self.count, self.digest, hashed = 0, None, sha256()
        stream = self._open()
        try:
            while raw := self._read(stream):
                self.count += 1
                hashed.update(raw)
                whole = raw.endswith(b"\n") or len(raw) < LINE_LIMIT
                while not whole:
                    raw = self._read(stream)
                    hashed.update(raw)
                    whole = raw.endswith(b"\n") or not raw
                    if whole:
                        self.unusable = "a line too long"
                        yield None
                        break
                else:
                    yield raw
        finally:
            self._close(stream)
        self.digest = hashed.hexdigest()

    def blocks(self) -> Iterator[bytes]:
        """All its bytes, in blocks of no particular size."""
        self.count, self.digest, hashed = 0, None, sha256()
        stream = self._open()
        try:
            while block := self._read(stream, block=True):
                hashed.update(block)
                yield block
        finally:
            self._close(stream)
        self.digest = hashed.hexdigest()

    def _close(self, stream: io.BufferedIOBase) -> None:
        if self.path is not None:
            stream.close()
            if self._raw is not None:
                self._raw.close()

    def _open(self) -> io.BufferedIOBase:
        if self.path is None and self.once:
            return sys.stdin.buffer  # type: ignore[return-value]
        if self.path is None:
            if self._spooled is None:
                self._spooled = _spool()
                weakref.finalize(self, self._spooled.close)
            self._spooled.seek(0)
            return self._spooled
        try:
            if stat.S_ISDIR(self.path.stat().st_mode):
                raise Mistake(f"{self.name} is a folder; name the file, or the two files, in it.")
            self._raw = self.path.open("rb")
            self._unpacked = 0
            return streams.unpacked(self._raw, self.path.suffix, self._member)
        except FileNotFoundError:
            raise Mistake(f"{self.name} does not exist; check the name of the corpus.") from None
        except Mistake:
            raise
        except Exception as error:
            if self._raw is not None:
                self._raw.close()
            if told := streams.fault(error):
                raise Mistake(f"{self.name}: {told}") from None
            if not isinstance(error, OSError | ValueError | KeyError):
                raise
            raise Mistake(f"{self.name} cannot be opened ({error}).") from None

    def _read(self, stream: io.BufferedIOBase, *, block: bool = False) -> bytes:
        where = f"{self.name}, after line {self.count}"
        try:
            raw = stream.read(1 << 16) if block else stream.readline(LINE_LIMIT)
        except Exception as error:
            if told := streams.fault(error):
                raise Mistake(f"{where}: {told}") from None
            if not isinstance(error, OSError):
                raise
            raise Mistake(f"{where}: the file cannot be read ({error}).") from None
        if self._raw is not None and self._raw is not stream:
            self._unpacked += len(raw)
            if self._unpacked > max(streams.BOMB_SIZE, streams.BOMB_RATIO * self._raw.tell()):
                raise Mistake(
                    f"{where}: it unpacks to more than {streams.BOMB_RATIO} times its size, as no text does; "
                    "unpack it yourself if you trust it."
                )
        return raw

    def _decode(self, raw: bytes) -> str:
        try:
            # A byte order mark, wherever it stands, goes when the text is normalised.
            return raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise Mistake(
                f"{self.name}:{self.count}: byte {error.start + 1} of this line (0x{raw[error.start]:02X}) "
                f"is not UTF-8; {_remedy(raw, error.start, self.name)}"
            ) from None


def _spool() -> io.BufferedRandom:
    """Standard input in a temporary file: it can be read only once, and training reads its corpus twice."""
    if sys.stdin is None or sys.stdin.isatty():
        raise Mistake("standard input is a terminal; pipe a TSV file into the command, or name one.")
    spooled = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as its LineFile
    try:
        shutil.copyfileobj(sys.stdin.buffer, spooled, 1 << 20)
    except OSError as error:
        spooled.close()
        raise Mistake(f"standard input could not be kept in a temporary file ({error}).") from None
    return spooled


def _remedy(raw: bytes, at: int, name: str) -> str:
    """What to do about the byte at `at`, from what the line looks like."""
    if raw.startswith(b"\x1f\x8b"):
        return "it looks compressed: give the file a name that ends in .gz."
    encoding = ""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "UTF-16"
    elif sum(byte > 0x7F for byte in raw[max(at - 1, 0) : at + 2]) == 1:
        # A single byte between ASCII ones is an accented letter or a quotation mark of a Western encoding.
        encoding = "WINDOWS-1252"
    if encoding:
        return f"it looks like {encoding}: convert it with `iconv -f {encoding} -t UTF-8 {name}`."
    return (
        f"find out its encoding (`file -i {name}`) and convert it with `iconv -t UTF-8 -f ENCODING {name}`."
    )
