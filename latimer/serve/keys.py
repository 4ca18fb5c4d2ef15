"""API keys: a file of lines `NAME<tab>SHA-256 of the key`; the keys themselves are nowhere.

A key is 256 random bits, so that a plain hash of it tells as little as a slow one would.
"""

import hashlib
import hmac
import re
import secrets
from pathlib import Path

from latimer.errors import Mistake
from latimer.files import write_whole


class Keys:
    """Whose keys are good."""

    def __init__(self, hashes: dict[str, str]) -> None:
        self.hashes = hashes

    @classmethod
    def load(cls, path: Path) -> "Keys":
        """Raises Mistake where the file can't be read, or a line of it is none of ours."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            raise Mistake(
                f"{path} can't be read; make a key: latimer serve --keys {path} --make-key NAME"
            ) from None
        hashes = {}
        for number, line in enumerate(lines, 1):
            name, _, digest = line.partition("\t")
            if not name or not re.fullmatch("[0-9a-f]{64}", digest):
                raise Mistake(
                    f"{path}:{number}: a line is a name, a tab and a SHA-256; make it by --make-key."
                )
            hashes[name] = digest
        return cls(hashes)

    def owner(self, key: str) -> str | None:
        """The name of whose key it is; the time this takes tells nothing about the keys."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        found = None
        for name, its in self.hashes.items():
            if hmac.compare_digest(digest, its):
                found = name
        return found


def make_key(path: Path, name: str) -> str:
    """A new key, whose hash is added to the file under that name, in place of one before."""
    if not name.isprintable() or not name.strip():
        raise Mistake("The name of a key is a word that can be printed.")
    hashes = Keys.load(path).hashes if path.exists() else {}
    key = secrets.token_urlsafe(32)
    hashes[name] = hashlib.sha256(key.encode()).hexdigest()
    write_whole(path, "".join(f"{name}\t{digest}\n" for name, digest in hashes.items()).encode())
    return key
