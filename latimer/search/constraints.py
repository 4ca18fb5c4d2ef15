"""What a hypothesis may not say next: each is a function (log_probs N V, tokens N T) -> log_probs N V.

It sets to -inf what is forbidden and leaves the rest, so that a hypothesis keeps the score that the model
gives it. `pieces` is how each id is spelled, a space before a word as U+2581, and a text is its pieces
joined: words are found however they are cut.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
Constraint = Callable[[Numbers, Numbers], Numbers]


def at_least(count: int, *, eos: int) -> Constraint:
    """No end before `count` tokens."""

    def constrain(log_probs: Numbers, tokens: Numbers) -> Numbers:
        if tokens.shape[1] > count:  # BOS is one of them
            return log_probs
        return np.where(np.arange(log_probs.shape[1]) == eos, -np.inf, log_probs)

    return constrain


def no_repeat(size: int, *, eos: int) -> Constraint:
    """No `size` tokens in a row that stood in the hypothesis before."""

    def constrain(log_probs: Numbers, tokens: Numbers) -> Numbers:
        if tokens.shape[1] <= size:
            return log_probs
        windows = np.lib.stride_tricks.sliding_window_view(tokens[:, 1:], size, axis=1)
        last = tokens[:, tokens.shape[1] - size + 1 :]
        rows, places = np.nonzero((windows[..., :-1] == last[:, None]).all(-1))
        again = windows[rows, places, -1]
        log_probs = log_probs.copy()
        log_probs[rows[again != eos], again[again != eos]] = -np.inf
        return log_probs

    return constrain


def ban(phrases: Sequence[str], pieces: Sequence[str], *, bos: int, eos: int) -> Constraint:
    """None of the phrases, from one word bound to another, in small letters or capitals.

    A phrase is whole only with the bound after it: what is forbidden is to end a word that is banned, and
    "cats" may be said where "cat" may not.
    """
    spelled = [piece.lower() for piece in pieces]
    bounds = word_bounds(pieces, bos=bos, eos=eos)
    ends = [re.compile(rf"(?<!\w){re.escape(phrase.lower())}\Z") for phrase in phrases]
    inner = [list(_endings(phrase.lower(), spelled)) for phrase in phrases]

    def constrain(log_probs: Numbers, tokens: Numbers) -> Numbers:
        log_probs = log_probs.copy()
        for row, ids in _going(tokens, eos):
            text = "".join([spelled[token] for token in ids[1:]])
            for end, heads in zip(ends, inner, strict=True):
                if end.search(text):
                    log_probs[row, bounds] = -np.inf
                for token, head in heads:
                    if end.search(text + head):
                        log_probs[row, token] = -np.inf
        return log_probs

    return constrain


def word_bounds(pieces: Sequence[str], *, bos: int, eos: int) -> NDArray[np.bool_]:
    """Which pieces may follow a whole word: those that begin with no letter and no digit, and the end.

    A byte (<0x2E>) may where it is a character by itself; of one that is a part nobody knows of what.
    """
    spelled = [
        chr(int(byte[1], 16)) if (byte := re.fullmatch(r"<0x([0-7].)>", piece)) else piece for piece in pieces
    ]
    bounds = np.array([not re.match(r"\w|<0x[89A-F].>", piece) for piece in spelled])
    bounds[[bos, eos]] = True
    return bounds


def _endings(phrase: str, pieces: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Pieces in which the phrase can end before a bound that they hold, and what of them stands before it."""
    for token, piece in enumerate(pieces):
        for at in range(1, len(piece)):
            head = piece[:at]
            if not re.match(r"\w", piece[at]) and (head.endswith(phrase) or phrase.endswith(head)):
                yield token, head


def begin(whole: Sequence[int], rest: str, pieces: Sequence[str], *, eos: int) -> Constraint:
    """First these tokens, then pieces that agree with the characters of `rest`, a word half typed."""
    heads = [rest[:size] for size in range(len(rest))]
    agreeing = {
        said: np.array(
            [
                bool(piece)
                and token != eos
                and (rest[len(said) :].startswith(piece) or piece.startswith(rest[len(said) :]))
                for token, piece in enumerate(pieces)
            ]
        )
        for said in heads
    }

    def constrain(log_probs: Numbers, tokens: Numbers) -> Numbers:
        at = tokens.shape[1] - 1
        if at < len(whole):
            return np.where(np.arange(log_probs.shape[1]) == whole[at], log_probs, -np.inf)
        log_probs = log_probs.copy()
        for row, ids in _going(tokens, eos):
            said = "".join([pieces[token] for token in ids[1 + len(whole) :]][: len(rest)])
            if said in agreeing:
                log_probs[row, ~agreeing[said]] = -np.inf
        return log_probs

    return constrain


def _going(tokens: Numbers, eos: int) -> Iterator[tuple[int, list[int]]]:
    """The hypotheses that are not finished, and their places."""
    for row, ids in enumerate(tokens.tolist()):
        if ids[-1] != eos:
            yield row, ids
