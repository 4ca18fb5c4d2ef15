"""Pictures of attention and of scores, from strings and arrays: terminal, HTML page, SVG.

from latimer.visualize import AttentionMap, terminal, words
print(terminal(words(AttentionMap(source_pieces, target_pieces, weights)), colour=True))
"""

from latimer.visualize.console import terminal
from latimer.visualize.maps import AttentionMap, words
from latimer.visualize.page import html_page
from latimer.visualize.svg import svg_chart, svg_intervals, svg_map, svg_runs

__all__ = [
    "AttentionMap",
    "html_page",
    "svg_chart",
    "svg_intervals",
    "svg_map",
    "svg_runs",
    "terminal",
    "words",
]
