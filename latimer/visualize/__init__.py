"""Pictures of attention and of scores, from strings and arrays: terminal, HTML page, SVG, PNG.

from latimer.visualize import AttentionMap, terminal, words
print(terminal(words(AttentionMap(source_pieces, target_pieces, weights)), colour=True))
"""

from latimer.visualize.console import terminal
from latimer.visualize.looks import Candidate, Look
from latimer.visualize.maps import AttentionMap, words
from latimer.visualize.page import html_page
from latimer.visualize.svg import png, svg_chart, svg_intervals, svg_map, svg_runs

__all__ = [
    "AttentionMap",
    "Candidate",
    "Look",
    "html_page",
    "png",
    "svg_chart",
    "svg_intervals",
    "svg_map",
    "svg_runs",
    "terminal",
    "words",
]
