"""Pictures for documents: an attention map, and a line chart, as SVG that follows light and dark.

Each is one element with its own style, to be saved as a file or put into a page. Lengths are pixels.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape

from latimer.visualize.maps import AttentionMap
from latimer.visualize.text import measure, visible, widest

Number = int | float  # a chart of counts is drawn as readily as one of scores
Point = tuple[Number, Number]
Interval = tuple[Number, Number, Number, Sequence[Number]]  # value, low, high, every single run

_FONT = "system-ui,-apple-system,'Segoe UI','Noto Sans',sans-serif"
# Four hues that are told apart without red and green as well; the marks differ in shape too.
_LIGHT = ("#14559e", "#c2570c", "#0b7a63", "#8a3fa0")
_DARK = ("#6fb4ff", "#ff9f5a", "#4fd0b0", "#d493e8")
_STYLE = """text{{font:13px {font};fill:#23262d}}.quiet{{fill:#6c717c}}.title{{font-size:15px;\
font-weight:600}}.paper{{fill:#fdfcf9}}.empty{{fill:#f3f1ea}}.ink{{fill:#0d4488}}.run{{fill:#23262d;opacity:.55}}.grid{{stroke:#e3e0d8}}.axis{{stroke:#6c717c}}\
{light}.line{{fill:none;stroke-width:2.25}}.thin{{stroke-width:1.4}}\
@media screen and (prefers-color-scheme:dark){{text{{fill:#e4e6ea}}.quiet{{fill:#979da8}}\
.paper{{fill:#15181d}}.empty{{fill:#1e222a}}.ink{{fill:#6fb4ff}}.run{{fill:#e4e6ea}}.grid{{stroke:#2d323b}}.axis{{stroke:#979da8}}{dark}}}"""

_SIDE = 24  # of a cell of the map
_LETTER = 7.4  # width of a letter, on the generous side: no font is measured here
_LEFT, _TOP, _PLOT_WIDTH, _PLOT_HEIGHT = 62, 74, 540, 270
_LEGEND = 22  # height of a line of names
_ROW, _BARS = 38, 440  # height and width of a row of intervals


def svg_map(attention: AttentionMap, *, titled: bool = True) -> str:
    """The map as a picture: source across with leaning labels, target down, a shaded square a pair.

    A picture that is not `titled` is for a paper; it is still called by its title when it is read aloud.
    """
    source = [visible(label) for label in attention.source]
    target = [visible(label) for label in attention.target]
    name = visible(attention.title)
    left = 16 + _LETTER * widest(target) + 8
    heading = name if titled else ""
    top = 16 + (28 if heading else 0) + _LETTER * widest(source) * 0.77 + 12
    # The last labels lean out over the right edge of the squares.
    reach = max(
        (_SIDE * (position + 0.6) + _LETTER * measure(label) * 0.65 for position, label in enumerate(source)),
        default=0.0,
    )
    across = left + max(reach, _SIDE * len(source), _LETTER * 1.2 * measure(heading) - left) + 16
    down = top + _SIDE * len(target) + 16
    parts = [_words(16, 32, heading, kind="title", anchor="start")] if heading else []
    for position, label in enumerate(source):
        x, y = left + _SIDE * (position + 0.6), top - 8
        parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" transform="rotate(-50 {x:.1f} {y:.1f})">{escape(label)}</text>'
        )
    for number, (label, row) in enumerate(zip(target, attention.rows, strict=True)):
        y = top + _SIDE * number
        parts.append(_words(left - 8, y + _SIDE / 2 + 4.5, label, anchor="end"))
        for position, weight in enumerate(row):
            place = (
                f'x="{left + _SIDE * position + 1:.1f}" y="{y + 1:.1f}" width="{_SIDE - 2}" '
                f'height="{_SIDE - 2}" rx="3"'
            )
            hint = f"<title>{escape(label)} ← {escape(source[position])}: {weight:.3f}</title>"
            parts.append(f'<rect class="empty" {place}/>')
            parts.append(
                f'<rect class="ink" {place} opacity="{min(1.0, max(0.0, weight)):.3g}">{hint}</rect>'
            )
    said = name or f"Attention from {' '.join(target)} to {' '.join(source)}"
    return _picture(across, down, said, parts)


def png(picture: str) -> bytes:
    """An SVG of ours as PNG, in its light colours, at three times its size (288 dots an inch).

    resvg draws it: a small wheel that shapes Arabic, finds a font for each script, and needs no browser.
    ImportError where it is not installed.
    """
    from resvg_py import svg_to_bytes

    # Few fonts have the mark of sentencepiece, and a word with it would be set in another face.
    return bytes(svg_to_bytes(svg_string=picture.replace("▁", "_"), zoom=3))


def svg_chart(series: Mapping[str, Sequence[Point]], *, title: str, x: str, y: str) -> str:
    """A line chart: `series` are names and their (x, y) points, `x` and `y` the names of the axes.

    The points are joined in the order given. Points that are not finite are left out.
    """
    lines = {name: [points] for name, points in series.items()}
    return _chart(lines, title, x, y, marked=slice(None), kind="line")


def svg_runs(series: Mapping[str, Sequence[Sequence[Point]]], *, title: str, x: str, y: str) -> str:
    """A line chart with several thin lines a name, alike but for their course, each marked at its end."""
    return _chart(series, title, x, y, marked=slice(-1, None), kind="line thin")


def svg_intervals(rows: Mapping[str, Interval], *, title: str, x: str) -> str:
    """A row a name: a bar from low to high, the mark at the value, and a small dot for each single run."""
    names = [visible(name) for name in rows]
    left = 32 + _LETTER * widest(names)
    ticks = _ticks(
        [number for value, low, high, runs in rows.values() for number in (value, low, high, *runs)]
    )
    bottom = 56 + _ROW * len(rows)
    scale = _BARS / (ticks[-1] - ticks[0])
    parts = [_words(16, 30, visible(title), kind="title", anchor="start")]
    for tick in ticks:
        across = left + scale * (tick - ticks[0])
        parts.append(f'<line class="grid" x1="{across:.1f}" y1="50" x2="{across:.1f}" y2="{bottom}"/>')
        parts.append(_words(across, bottom + 18, f"{tick:g}", kind="quiet"))
    for number, (name, (value, low, high, runs)) in enumerate(rows.items()):
        y = 56 + _ROW * (number + 0.5)
        at, start, end, *dots = (left + scale * (place - ticks[0]) for place in (value, low, high, *runs))
        hue = _hue_of(number)
        hint = f"<title>{escape(visible(name))}: {value:.1f}, from {low:.1f} to {high:.1f}</title>"
        parts.append(_words(left - 14, y + 4.5, visible(name), anchor="end"))
        parts.append(
            f'<polyline class="line {hue}" points="{start:.1f},{y:.1f} {end:.1f},{y:.1f}">{hint}</polyline>'
        )
        parts.append(_mark(at, y, number, hint))
        parts += [f'<circle class="run" cx="{dot:.1f}" cy="{y + 10:.1f}" r="2.5"/>' for dot in dots]
        parts.append(_words(left + _BARS + 14, y + 4.5, f"{value:.1f}", anchor="start"))
    parts.append(_words(left + _BARS / 2, bottom + 40, visible(x)))
    said = ", ".join(
        f"{visible(name)} {row[0]:.1f} ({row[1]:.1f} to {row[2]:.1f})" for name, row in rows.items()
    )
    return _picture(left + _BARS + 70, bottom + 56, f"{visible(title)}. {visible(x)}: {said}", parts)


def _chart(
    series: Mapping[str, Sequence[Sequence[Point]]], title: str, x: str, y: str, *, marked: slice, kind: str
) -> str:
    """A chart whose names have lines of points each; `marked` are the points that get a mark."""
    lines = {
        visible(name): [
            [(a, b) for a, b in line if math.isfinite(a) and math.isfinite(b)] for line in several
        ]
        for name, several in series.items()
    }
    points = [point for several in lines.values() for line in several for point in line]
    ticks_x, ticks_y = _ticks([a for a, _ in points]), _ticks([b for _, b in points])
    parts = [_words(16, 30, visible(title), kind="title", anchor="start")]
    legend, rows = _legend(list(lines))
    lower = _LEGEND * (rows - 1)
    parts += [*legend, f'<g transform="translate(0 {lower})">']
    parts += _axes(ticks_x, ticks_y, visible(x), visible(y))
    for number, (name, several) in enumerate(lines.items()):
        for line in several:
            at = [(_across(a, ticks_x), _down(b, ticks_y)) for a, b in line]
            path = " ".join(f"{across:.1f},{down:.1f}" for across, down in at)
            parts.append(f'<polyline class="{kind} {_hue_of(number)}" points="{path}"{_dash(number)}/>')
            for (across, down), (a, b) in zip(at[marked], line[marked], strict=True):
                parts.append(_mark(across, down, number, f"<title>{escape(name)}: {a:g}, {b:g}</title>"))
    said = f"{visible(title)}. Line chart of {visible(y)} by {visible(x)}: {', '.join(lines)}"
    return _picture(_LEFT + _PLOT_WIDTH + 24, _TOP + _PLOT_HEIGHT + 60 + lower, said, [*parts, "</g>"])


def _picture(across: Number, down: Number, said: str, parts: Sequence[str]) -> str:
    light = "".join(_hue(number, colour) for number, colour in enumerate(_LIGHT))
    dark = "".join(_hue(number, colour) for number, colour in enumerate(_DARK))
    style = _STYLE.format(font=_FONT, light=light, dark=dark)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across:.0f}" height="{down:.0f}" '
        f'viewBox="0 0 {across:.0f} {down:.0f}" role="img" aria-label="{escape(said)}">\n'
        f'<style>{style}</style>\n<rect class="paper" width="100%" height="100%" rx="6"/>\n{body}\n</svg>\n'
    )


def _hue_of(number: int) -> str:
    return f"hue{number % len(_LIGHT)}"


def _hue(number: int, colour: str) -> str:
    return f".line.hue{number}{{stroke:{colour}}}.mark.hue{number}{{fill:{colour}}}"


def _words(x: Number, y: Number, text: str, *, kind: str = "", anchor: str = "middle") -> str:
    styled = f' class="{kind}"' if kind else ""
    # A right-to-left text would turn start into end: the anchor is meant for the picture, not the text.
    return (
        f'<text{styled} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" direction="ltr">{escape(text)}</text>'
    )


def _axes(ticks_x: Sequence[float], ticks_y: Sequence[float], x: str, y: str) -> list[str]:
    bottom, right = _TOP + _PLOT_HEIGHT, _LEFT + _PLOT_WIDTH
    parts = []
    for tick in ticks_y:
        down = _down(tick, ticks_y)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{down:.1f}" x2="{right}" y2="{down:.1f}"/>')
        parts.append(_words(_LEFT - 10, down + 4.5, f"{tick:g}", kind="quiet", anchor="end"))
    for tick in ticks_x:
        across = _across(tick, ticks_x)
        parts.append(
            f'<line class="axis" x1="{across:.1f}" y1="{bottom}" x2="{across:.1f}" y2="{bottom + 5}"/>'
        )
        parts.append(_words(across, bottom + 21, f"{tick:g}", kind="quiet"))
    parts.append(f'<line class="axis" x1="{_LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>')
    parts.append(_words(_LEFT + _PLOT_WIDTH / 2, bottom + 44, x))
    middle = _TOP + _PLOT_HEIGHT / 2
    parts.append(
        f'<text x="18" y="{middle:g}" text-anchor="middle" transform="rotate(-90 18 {middle:g})">'
        f"{escape(y)}</text>"
    )
    return parts


def _legend(names: Sequence[str]) -> tuple[list[str], int]:
    """The names with their lines and marks, and how many rows they take."""
    parts = []
    across, row = float(_LEFT), 0
    for number, name in enumerate(names):
        reach = 34 + _LETTER * measure(name)
        if across > _LEFT and across + reach > _LEFT + _PLOT_WIDTH:
            across, row = float(_LEFT), row + 1
        down = 54 + _LEGEND * row
        hue = _hue_of(number)
        parts.append(
            f'<polyline class="line {hue}" points="{across:.1f},{down} {across + 26:.1f},{down}"'
            f"{_dash(number)}/>"
        )
        parts.append(_mark(across + 13, down, number, ""))
        parts.append(_words(across + 34, down + 4.5, name, anchor="start"))
        across += reach + 22
    return parts, row + 1


def _mark(x: Number, y: Number, number: int, hint: str) -> str:
    """A dot, a square, a diamond or a triangle."""
    start = f'class="mark {_hue_of(number)}"'
    match number % 4:
        case 0:
            return f'<circle {start} cx="{x:.1f}" cy="{y:.1f}" r="4.5">{hint}</circle>'
        case 1:
            return f'<rect {start} x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8">{hint}</rect>'
        case 2:
            corners = [(0.0, -5.5), (5.5, 0.0), (0.0, 5.5), (-5.5, 0.0)]
        case _:
            corners = [(0.0, -5.5), (5.2, 4.0), (-5.2, 4.0)]
    path = " ".join(f"{x + right:.1f},{y + below:.1f}" for right, below in corners)
    return f'<polygon {start} points="{path}">{hint}</polygon>'


def _dash(number: int) -> str:
    """More lines than hues: the second round is dashed."""
    return ' stroke-dasharray="6 4"' if number >= len(_LIGHT) else ""


def _ticks(values: Sequence[Number]) -> list[float]:
    """Up to nine round numbers, 1, 2 or 5 times a power of ten apart, that span the values (and a near 0)."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if 0 < low <= 0.5 * high:
        low = 0.0
    size = max(abs(low), abs(high), 1e-100)
    if high - low <= 1e-9 * size:  # one value, or as good as one
        high = low + (size if size > 1e-100 else 1.0)
    power = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(power * by for by in (1, 2, 5, 10) if (high - low) / (power * by) <= 7)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{step * count:.12g}") for count in range(first, last + 1)]


def _across(value: Number, ticks: Sequence[float]) -> float:
    return _LEFT + _PLOT_WIDTH * (value - ticks[0]) / (ticks[-1] - ticks[0])


def _down(value: Number, ticks: Sequence[float]) -> float:
    return _TOP + _PLOT_HEIGHT * (1 - (value - ticks[0]) / (ticks[-1] - ticks[0]))
