"""Subtitles (SubRip, WebVTT): the text of each cue is a block; times, numbers, notes and styles stay.

A cue is translated as one text, its lines joined, and broken again into as many lines of about equal length.
"""

import re
from html import unescape

from latimer.documents.blocks import Block
from latimer.documents.html import write_html

_GROUP = re.compile(r"(?:[^\r\n]+(?:\r\n|\r|\n|\Z))+")
_TIMES = re.compile(r"^[^\r\n]*-->[^\r\n]*(?:\r\n|\r|\n|\Z)", re.MULTILINE)
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z]*)(?P<rest>[^<>\r\n]*)>|\{\\[^{}\r\n]*\}")
_SPEECH = re.compile(r"(?:\r\n|\r|\n)(?=\s*[-–—]\s?\S)")


def subtitle_blocks(text: str, *, vtt: bool) -> list[Block]:
    """The blocks of an .srt file, or of a .vtt one, whose text has entities."""
    blocks = []
    for group in _GROUP.finditer(text):
        times = _TIMES.search(group.group())
        if times is None:
            continue
        start = group.start() + times.end()
        for speech in [*_SPEECH.finditer(text, start, group.end()), None]:
            end = speech.start() if speech else group.start() + len(group.group().rstrip("\r\n"))
            if start < end:
                blocks.append(_cue(text, start, end, vtt=vtt))
            start = speech.end() if speech else end
    return blocks


def _cue(text: str, start: int, end: int, *, vtt: bool) -> Block:
    ends = re.findall(r"\r\n|\r|\n", text[start:end])

    def finish(written: str) -> str:
        return _wrapped(written, len(ends) + 1, ends[0] if ends else "")

    block = Block(start, end, write=write_html if vtt else str, finish=finish, flows=True)
    at = start
    for match in [*_TAG.finditer(text, start, end), None]:
        words = text[at : match.start() if match else end]
        block.add(unescape(words) if vtt else words)
        if match:
            kind = "alone" if not match["name"] else "close" if match["close"] else "open"
            block.tag(match.group(), kind, (match["name"] or "").lower())
            at = match.end()
    return block


def _wrapped(written: str, count: int, end: str) -> str:
    """The text in at most `count` lines of about equal length, broken between words and never in a tag."""
    words = re.findall(r"(?:<[^<>]*>|[^\s<]|<)+", written)
    whole = " ".join(words)
    lines, line = list[str](), ""
    for place, word in enumerate(words):
        seen = sum(map(len, lines)) + len(line)
        full = line and seen + len(word) / 2 >= len(whole) * (len(lines) + 1) / count
        if full and len(lines) < count - 1 and len(words) > place:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return end.join([*lines, line])
