"""Text to sentences and back: spans of a text that are translated one by one; what lies between them stays.

A sentence ends where its mark does and something follows that can begin another; in scripts that put no space
between sentences (Chinese, Japanese) the mark is enough. Lines are never joined. No span is longer than the
limit: a long sentence is cut between clauses, else between words, else between characters.
"""

import re
import unicodedata

LIMIT = 300
"""Characters of a segment, where nobody says otherwise: about what models are trained on."""

_CLOSERS = "\"'”’»)\\]}」』）】》〉›*_"
# Possessive, and what must follow is looked at afterwards: a million dots take no longer than letters.
_END = re.compile(
    rf"(?P<wide>[。！？｡]++[{_CLOSERS}]*+)|[.!?…؟۔।॥։።]++[{_CLOSERS}]*+|(?P<line>[\n\r\v\f\x85\u2028\u2029])"
)
_OPENERS = "\"'“‘«„‚([{¿¡-–—*_「『 \u00a0"
_LAST_WORD = re.compile(r"[^\W_][\w.’']*$")
_NUMBERED = re.compile(r"\s*(?:\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5}))(?:\.\d+)*[.)]?$")
_CLAUSE = re.compile(r"[,;:—–،؛]+(?=\s)|[、，；：]+")
_SPACE = re.compile(r"\s+")
# Words that a full stop shortens although a name, a number or a capital follows.
_SHORT = frozenset(
    """
    mr mrs ms dr prof st sr jr rev hon gen col maj capt lt sgt messrs mme mlle mm m vs etc eg ie cf al no nos
    vol pp fig figs eq ed eds approx dept est inc ltd co corp jan feb mar apr jun jul aug sep sept oct nov dec
    av bd chap art bzw ca evtl ggf hr fr nr str tel usw vgl abb bsp sog z.b d.h u.a e.g i.e u.s a.m p.m
    sra srta ud uds dra ing lic pág núm dott sig avv тыс млн руб ул им гл рис стр
    """.split()  # noqa: SIM905 - a list of strings would take a page
)
# Abbreviations that often end a sentence as well: a capital after them is believed.
_OFTEN_LAST = frozenset(("etc", "usw", "inc", "ltd", "co", "corp", "a.m", "p.m", "u.s", "al", "jr", "sr"))


def sentences(text: str, limit: int = LIMIT) -> list[tuple[int, int]]:
    """The spans (start, end) of the sentences, in order, without the space around them; none over `limit`."""
    if limit < 1:
        raise ValueError(f"a limit of {limit} characters leaves no text")
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if match["line"] is not None or _ends(text, start, match):
            spans += _within(text, start, match.end(), limit)
            start = match.end()
    return spans + _within(text, start, len(text), limit)


def wide(character: str) -> bool:
    """Whether this character belongs to a script that puts no space between words or sentences."""
    return unicodedata.east_asian_width(character) in "WF" and not "\uac00" <= character <= "\ud7af"


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the space at both its ends."""
    inside = text[start:end]
    return start + len(inside) - len(inside.lstrip()), max(start, end - len(inside) + len(inside.rstrip()))


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether a sentence that began at `start` ends with this mark."""
    if match["wide"] is not None:
        closed = match["wide"][-1] not in "。！？｡"
        return not (closed and text[match.end() : match.end() + 1] in ("と", "っ"))
    at = match.end()
    if not text[at : at + 1].isspace():
        return False
    window = text[at : at + 40].lstrip().lstrip(_OPENERS)
    if window and window[0].islower():
        return False
    if text[match.start()] != "." or match.group().startswith(".."):
        return True
    before = text[max(start, match.start() - 40) : match.start()]
    if start >= match.start() - 40 and _NUMBERED.match(before):
        return False  # the number of a list's item
    last = _LAST_WORD.search(before)
    if last is None:
        return True
    word = last.group().lower()
    if len(word) == 1 and last.group().isupper():
        return False  # an initial
    if word in ("no", "nos", "nr", "fig", "art", "vol", "eq") and not window[:1].isdigit():
        return True
    return word not in _SHORT or (word in _OFTEN_LAST and window[:1].isupper())


def _within(text: str, start: int, end: int, limit: int) -> list[tuple[int, int]]:
    start, end = trimmed(text, start, end)
    spans = []
    while end - start > limit:
        cut = _cut(text, start, start + limit)
        spans.append(trimmed(text, start, cut))
        start, _ = trimmed(text, cut, end)
    return [*spans, (start, end)] if start < end else spans


def _cut(text: str, start: int, most: int) -> int:
    """Where a sentence that is too long is cut: the last good place up to `most`."""
    for bound in (_CLAUSE, _SPACE):
        found = [m.end() if bound is _CLAUSE else m.start() for m in bound.finditer(text, start, most + 1)]
        fitting = [at for at in found if start + (most - start) // 3 < at <= most]
        if fitting:
            return fitting[-1]
    cut = most
    while cut > start + 1 and _joined(text, cut):
        cut -= 1
    return cut if cut > start + 1 else most


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides are one for the reader (an accent, an emoji of several parts)."""
    return (
        unicodedata.category(text[at]).startswith("M")
        or "\u200d" in text[at - 1 : at + 1]
        or text[at] == "\ufe0f"
    )
