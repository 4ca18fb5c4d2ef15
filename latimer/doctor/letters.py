"""What a quick look at the letters of many texts says, so that few of them need a slow one.

All code points of a block of texts are looked up in a table at once, which costs nanoseconds a letter. A sign
that a text lacks proves something of it; one that it has only says: look closer.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from latimer.data.split import bare

ODD = 1  # normalising may change it: controls, special spaces, accents of their own, rare letters
SPACED = 2  # spaces in a row or at an end
AMPERSAND, BACKSLASH = 4, 8
LEAD = 16  # a letter that mojibake begins with, or a replacement character
DIGIT = 32
MARK = 64  # that placeholders and tags begin with
BRACKET = 128
ALIKE = 256  # Greek or Cyrillic
LETTER = 512
ASKING = 1024  # a question mark, exclamation mark or colon

_SIGNS = {
    AMPERSAND: "&",
    BACKSLASH: "\\",
    LEAD: "\u00c2\u00c3\u00c4\u00c5\u00ce\u00cf\u00d0\u00d1\u00d8\u00d9\u00e2\ufffd",
    DIGIT: "123456789",
    MARK: "<{%$",
    BRACKET: "([",
    ALIKE: "".join(map(chr, (*range(0x370, 0x400), *range(0x400, 0x500)))),
    ASKING: "?!:\uff1f\uff01\u061f",
}
# Where nothing but whole letters and plain punctuation stands, of what corpora are full of.
_PLAIN = (
    *(range(0x21, 0x7F), range(0xA1, 0x300), range(0x384, 0x483), range(0x48A, 0x530), range(0x5D0, 0x5EB)),
    *(range(0x621, 0x63B), range(0x641, 0x64B), range(0x2010, 0x2028), range(0x20A0, 0x20C0)),
    *(range(0x3041, 0x3097), range(0x30A1, 0x30FB), range(0x4E00, 0xA000), range(0xAC00, 0xD7A4)),
)
_TABLE = 0x10000  # one more entry stands for all code points beyond
_BLOCK = 1024  # texts, so that their letters stay in a processor's cache
_SEVERAL = 0x110000  # no code point: a letter whose small form is several, or one beyond the table


def signs(texts: Sequence[str]) -> NDArray[np.uint16]:
    """Which of the signs each text holds, added up."""
    found = [np.zeros(0, dtype=np.uint16)]
    for codes, starts, _ in _blocks(texts):
        kinds = _kinds()[np.minimum(codes, _TABLE)]
        space = codes == ord(" ")
        edge = space | (codes == 0)
        kinds[1:-1][space[1:-1] & (edge[2:] | edge[:-2])] |= SPACED
        found.append(np.bitwise_or.reduceat(kinds, starts))
    return np.concatenate(found)


def bares(texts: Sequence[str]) -> list[str]:
    """`bare` of each text."""
    found: list[str] = []
    for codes, starts, block in _blocks(texts):
        small = _small()[np.minimum(codes, _TABLE)]
        several = np.maximum.reduceat(small, starts) == _SEVERAL
        stays = (small != 0) & (small != _SEVERAL)
        ends = np.cumsum(np.add.reduceat(stays, starts, dtype=np.int64)).tolist()
        whole = small[stays].tobytes().decode("utf-32-le", "surrogatepass")
        for text, first, end, slow in zip(block, [0, *ends], ends, several.tolist(), strict=False):
            found.append(bare(text) if slow or first == end or "\0" in text else whole[first:end])
    return found


def _blocks(texts: Sequence[str]) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.int64], Sequence[str]]]:
    """The code points of a block of texts, with a zero before and behind each; where each text begins."""
    for first in range(0, len(texts), _BLOCK):
        block = texts[first : first + _BLOCK]
        coded = "\0".join(["", *block, ""]).encode("utf-32-le", "surrogatepass")
        sizes = np.fromiter(map(len, block), dtype=np.int64, count=len(block)) + 1
        yield np.frombuffer(coded, dtype=np.uint32), np.cumsum(sizes) - sizes + 1, block


@cache
def _kinds() -> NDArray[np.uint16]:
    table = np.full(_TABLE + 1, ODD, dtype=np.uint16)
    for code in (code for codes in _PLAIN for code in codes):
        letter = chr(code)
        if letter.isprintable() and not unicodedata.combining(letter):
            table[code] = 0 if unicodedata.normalize("NFC", letter) == letter else ODD
            table[code] |= LETTER if letter.isalpha() else 0
    table[[0, ord(" ")]] = 0  # normalising leaves zeros as they are
    for sign, letters in _SIGNS.items():
        table[[ord(letter) for letter in letters]] |= sign
    return table


@cache
def _small() -> NDArray[np.uint32]:
    """The small form of each code point; 0 for spaces, punctuation and symbols."""
    table = np.full(_TABLE + 1, _SEVERAL, dtype=np.uint32)
    for code in range(_TABLE):
        small = chr(code).casefold()
        if len(small) == 1:
            table[code] = 0 if unicodedata.category(small)[0] in "ZPS" else ord(small)
    table[0] = 0  # between texts
    return table
