"""One file from the web to the disk: resumed where it broke off, whole or not there.

What has come so far is FILE.part; FILE.part.json says which version of which address it is, so that the rest
is asked for with If-Range and never joined to another file.
"""

import http.client
import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from typing import Any

from latimer.errors import Mistake
from latimer.files import write_whole

TRIES = 4  # in a row without a new byte
PAUSE = 1.0  # seconds before another try
SECONDS = 30  # of silence before a connection counts as lost
BLOCK = 1 << 16
RESERVE = 1 << 28  # bytes that stay free on the disk
NO_NETWORK = (
    "Nothing can be fetched from {host} ({why}); without a network there is the corpus that comes with "
    "Latimer: latimer train builtin:phrasebook"
)

_LOST = (OSError, http.client.HTTPException)


def opened(url: str, headers: dict[str, str] | None = None) -> Any:
    """The answer to a request by http or https. Raises OSError, and Mistake for any other address."""
    if not url.startswith(("http://", "https://")):
        raise Mistake(f"{url} is no address on the web; only http and https are fetched.")
    request = urllib.request.Request(url, headers={"User-Agent": "latimer", **(headers or {})})
    return urllib.request.urlopen(request, timeout=SECONDS)


def download(url: str, path: Path, progress: Callable[[int, int | None], None]) -> str:
    """Bring `url` into the file `path`; returns the SHA-256 of it. `progress`: bytes so far, and of how many.

    A lost connection is taken up again; when it stays lost what has come is kept for the next call. Raises
    Mistake for what cannot be had, and where the disk is too small.
    """
    part, tries = path.with_name(f"{path.name}.part"), 0
    most = _size(part)
    while True:
        try:
            if _go_on(url, part, progress):
                break
            why = "the connection was lost"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # what is there is no beginning of what is offered
                part.unlink(missing_ok=True)
            elif error.code < 500:
                raise Mistake(f"{url} cannot be had (HTTP {error.code}); check the name.") from None
            why = f"HTTP {error.code}"
        except _LOST as error:
            why = str(getattr(error, "reason", error)) or type(error).__name__
        tries = 0 if _size(part) > most else tries + 1
        most = max(most, _size(part))
        if tries >= TRIES:
            if not _size(part):
                raise Mistake(NO_NETWORK.format(host=url.split("/")[2], why=why))
            raise Mistake(f"{url}: {why}, again and again; the same command goes on from where it is now.")
        time.sleep(PAUSE)
    with part.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    part.replace(path)
    _told(part).unlink(missing_ok=True)
    return digest


def _go_on(url: str, part: Path, progress: Callable[[int, int | None], None]) -> bool:
    """Ask for what is missing and write it; whether the file is whole now."""
    version, size = _version(part, url), _size(part)
    headers = {"Range": f"bytes={size}-", "If-Range": version} if version and size else {}
    with opened(url, {**headers, "Accept-Encoding": "identity"}) as answer:
        resumed = answer.status == 206 and _begins_at(answer.headers.get("Content-Range", ""), size)
        if answer.status == 206 and not resumed:
            part.unlink(missing_ok=True)
            return False
        done = size if resumed else 0
        told = answer.headers.get("Content-Length", "")
        total = done + int(told) if told.isdigit() else None
        if (total or 0) - done > shutil.disk_usage(part.parent).free - RESERVE:
            raise Mistake(f"{url} has {total:,} bytes, more than the disk has room for.")
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        # A weak tag says that two files mean the same, not that their bytes are the same.
        version = "" if version.startswith("W/") else version
        write_whole(_told(part), json.dumps({"url": url, "version": version}).encode())
        with part.open("ab" if resumed else "wb") as file:
            while block := answer.read(BLOCK):
                file.write(block)
                done += len(block)
                progress(done, total)
                if (
                    total is None
                    and done % (1 << 24) < BLOCK
                    and shutil.disk_usage(part.parent).free < RESERVE
                ):
                    raise Mistake(f"{url} fills the disk; it was stopped after {done:,} bytes.")
    return total is None or done == total


def _begins_at(told: str, size: int) -> bool:
    return told.startswith(f"bytes {size}-")


def _version(part: Path, url: str) -> str:
    """Which version of the address the beginning is of; empty where that is not known."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(_told(part).read_text(encoding="utf-8"))
        return str(told["version"]) if told["url"] == url else ""
    return ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _told(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")
