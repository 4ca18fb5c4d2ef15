"""Translated documents until they are fetched: in memory, the newest few, for an hour."""

import re
import secrets
import time
from collections import OrderedDict
from typing import NamedTuple

HOUR = 3600.0


class _Kept(NamedTuple):
    content: bytes
    until: float


class Downloads:
    """Files by a name that nobody guesses. No name of a client is ever a path."""

    def __init__(self, most: int = 64_000_000) -> None:
        self.most = most
        self._files: OrderedDict[str, _Kept] = OrderedDict()

    def keep(self, content: bytes, suffix: str) -> str:
        """The name under which it can be fetched."""
        safe = suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""
        name = secrets.token_urlsafe(24) + safe
        self._files[name] = _Kept(content, time.monotonic() + HOUR)
        while len(self._files) > 1 and sum(len(one.content) for one in self._files.values()) > self.most:
            self._files.popitem(last=False)
        return name

    def get(self, name: str) -> bytes | None:
        """None where there is none, or none any more."""
        for old in [one for one, kept in self._files.items() if kept.until < time.monotonic()]:
            del self._files[old]
        kept = self._files.get(name)
        return kept.content if kept else None
