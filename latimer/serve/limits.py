"""What a client may ask for, and how it is refused."""

import time
from collections import OrderedDict
from typing import NamedTuple


class Limits(NamedTuple):
    """On by default; whoever knows the clients may widen them."""

    body: int = 1_000_000  # bytes
    file: int = 10_000_000  # bytes of a body that brings a document
    texts: int = 128
    characters: int = 5_000  # of each text
    alternatives: int = 10
    terms: int = 100  # of a glossary, each of at most 100 characters, in at most 5 forms
    seconds: float = 30.0  # until an answer
    silence: float = 4.0  # seconds between two pieces of a body
    queue: int = 2_000_000  # characters of all requests at once, but that one may always come alone
    batch: int = 4_000  # characters translated together
    wait: float = 0.003  # seconds that the first of a batch waits for others
    open: int = 1_000  # requests at once
    requests_per_minute: int = 0  # of each client; 0 is any number
    characters_per_minute: int = 0


class Refusal(Exception):  # noqa: N818 - the server is well
    """An answer other than the wanted one: its HTTP status, and a sentence for the client."""

    def __init__(self, status: int, text: str, *, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.status, self.text, self.retry_after = status, text, retry_after


class Rate:
    """How much each client has used of what it has a minute: a bucket that fills up evenly.

    Only the clients seen last are remembered, `most` of them.
    """

    def __init__(self, per_minute: int, *, most: int = 10_000) -> None:
        self.per_minute, self.most = per_minute, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how much, and when

    def spend(self, client: str, amount: int = 1, *, now: float | None = None) -> None:
        """Raises Refusal (429) where that is more than is left; then nothing is spent.

        Whoever has a full bucket may spend more than it holds, and waits the longer for the next.
        """
        if not self.per_minute:
            return
        now = time.monotonic() if now is None else now
        left, since = self._left.get(client, (float(self.per_minute), now))
        left = min(self.per_minute, left + (now - since) * self.per_minute / 60)
        if left < min(amount, self.per_minute):
            seconds = (min(amount, self.per_minute) - left) * 60 / self.per_minute
            raise Refusal(429, "Slowdown: too many requests or characters", retry_after=int(seconds) + 1)
        self._left[client] = (left - amount, now)
        self._left.move_to_end(client)
        if len(self._left) > self.most:
            self._left.popitem(last=False)
