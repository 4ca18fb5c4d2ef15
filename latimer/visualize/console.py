"""An attention map for the terminal: source across, target down, one shaded cell a pair.

Each source word is written out above its column, on a line of its own, with a stem down to the column. That
is taller than a row of upright letters, but it reads in every script: Arabic stays joined and 猫 whole.
"""

import shutil
from collections.abc import Sequence

from latimer.visualize.maps import AttentionMap
from latimer.visualize.text import measure, right_to_left, shorten, visible, widest, wrap

_SHADES = " ░▒▓█"
# From the 256 colours that every terminal has, each lighter than the one before. The darkest is painted too,
# so that the picture is the same on a light and on a dark terminal.
_COLOURS = (234, 237, 23, 30, 36, 78, 149, 191, 228)
_CELL = 2  # columns of the terminal: two make a cell about square
_LONGEST = 24  # cells of a label; a longer one is cut
_LEFT_TO_RIGHT = "\u200e"  # invisible; keeps an Arabic label from pulling the cells to its side


def terminal(attention: AttentionMap, *, width: int | None = None, colour: bool) -> str:
    """The map as lines of text, no wider than `width` cells (default: the terminal's).

    A source that does not fit is drawn in several blocks, each with those target words that look into it.
    With `colour` the cells are ANSI backgrounds, otherwise the characters " ░▒▓█".
    """
    columns = width or shutil.get_terminal_size().columns
    longest = max(4, min(_LONGEST, columns // 3))
    source = [shorten(visible(label), longest) for label in attention.source]
    target = [shorten(visible(label), longest) for label in attention.target]
    margin = widest(target) + 1
    lines = [*wrap(visible(attention.title), columns), ""] if attention.title else []
    for start, stop in _blocks(source, columns - margin):
        lines += _head(source[start:stop], margin, colour)
        for label, row in zip(target, attention.rows, strict=True):
            if not _looks(row, start, stop):
                continue
            lines.append(f"{_right(label, margin - 1)} {_cells(row[start:stop], colour)}".rstrip(" "))
        lines.append("")
    lines.append(_legend(min(margin, columns - _CELL * len(_COLOURS) - 4), colour))
    return "\n".join(lines)


def _blocks(labels: Sequence[str], columns: int) -> list[tuple[int, int]]:
    """Where to cut the source so that every label of a block ends before the edge: (start, stop) pairs."""
    blocks = []
    start = 0
    for position, label in enumerate(labels):
        if position > start and _CELL * (position - start) + max(_CELL, measure(label)) > columns:
            blocks.append((start, position))
            start = position
    return [*blocks, (start, len(labels))]


def _looks(row: Sequence[float], start: int, stop: int) -> bool:
    """Whether this row has something to show from `start` to `stop`: a shade, or its highest weight."""
    within = max(row[start:stop], default=0.0)
    return _level(within, len(_SHADES)) > 0 or within == max(row, default=0.0)


def _head(labels: Sequence[str], margin: int, colour: bool) -> list[str]:
    """One line a label; beside it the stems of all the labels before."""
    stem = "│" + " " * (_CELL - 1)
    faint, plain = ("\x1b[2m", "\x1b[0m") if colour else ("", "")
    return [
        f"{' ' * margin}{faint}{stem * position}{plain}{_straight(label)}"
        for position, label in enumerate(labels)
    ]


def _right(label: str, columns: int) -> str:
    return " " * (columns - measure(label)) + _straight(label)


def _straight(label: str) -> str:
    return f"{_LEFT_TO_RIGHT}{label}{_LEFT_TO_RIGHT}" if right_to_left(label) else label


def _cells(weights: Sequence[float], colour: bool) -> str:
    if not colour:
        return "".join(_SHADES[_level(weight, len(_SHADES))] * _CELL for weight in weights)
    cells = "".join(_paint(_level(weight, len(_COLOURS))) for weight in weights)
    return f"{cells}\x1b[0m" if cells else ""


def _paint(level: int) -> str:
    return f"\x1b[48;5;{_COLOURS[level]}m{' ' * _CELL}"


def _level(weight: float, levels: int) -> int:
    """The shade of a weight: 0 and 1 are the first and the last, rounded to the nearest between."""
    return min(levels - 1, max(0, int(weight * (levels - 1) + 0.5)))


def _legend(margin: int, colour: bool) -> str:
    """The shades from 0 to 1, so that the picture says what it means."""
    if colour:
        scale = "".join(_paint(level) for level in range(len(_COLOURS))) + "\x1b[0m"
    else:
        scale = "".join(shade * _CELL for shade in _SHADES)
    return f"{' ' * margin}0 {scale} 1"
