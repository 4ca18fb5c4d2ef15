"""Labels that are safe and measured: what a terminal or a page may show of a piece of text."""

import unicodedata
from collections.abc import Iterable

from rich.cells import cell_len

# Marks that turn the direction of everything after them: a label must not reach out of its cell.
_TURNS = frozenset(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
_CIRCLE = "◌"


def visible(text: str) -> str:
    """The text with control characters (escape sequences, line ends, tabs) shown as "�", never obeyed.

    A piece may begin with a mark that belongs above or below a letter: it gets a circle to stand on.
    """
    shown = "".join(
        "�" if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text if c not in _TURNS
    )
    return f"{_CIRCLE}{shown}" if shown and unicodedata.category(shown[0]) in ("Mn", "Me", "Mc") else shown


def measure(text: str) -> int:
    """How many terminal cells the text takes: 2 for 猫, 0 for a combining accent."""
    return cell_len(text)


def widest(texts: Iterable[str]) -> int:
    """The cells of the widest text, 0 for none."""
    return max((measure(text) for text in texts), default=0)


def shorten(text: str, cells: int) -> str:
    """The text, ended with "…" where it is wider than `cells`."""
    if measure(text) <= cells:
        return text
    kept = ""
    for character in text:
        if measure(kept + character) > cells - 1:
            break
        kept += character
    return kept + "…"


def wrap(text: str, cells: int) -> list[str]:
    """The text in lines of at most `cells`, cut at spaces where there are any."""
    lines = [""]
    for word in text.split(" "):
        if measure(f"{lines[-1]} {word}") <= cells and lines[-1]:
            lines[-1] += f" {word}"
            continue
        lines.append("")
        for character in word:
            if measure(lines[-1] + character) > cells:
                lines.append("")
            lines[-1] += character
    return [line for line in lines if line]


def right_to_left(text: str) -> bool:
    """Whether the text holds letters that run from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text)
