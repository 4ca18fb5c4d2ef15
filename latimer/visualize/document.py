"""What every page is: one file that asks for no other, light and dark, readable by ear and on paper."""

from html import escape

from latimer.visualize.text import visible

_STYLE = """
:root{color-scheme:light dark;--paper:#fdfcf9;--text:#23262d;--quiet:#6c717c;--cell:#f3f1ea;\
--line:#e3e0d8;--ink:#0d4488;--on:#fff}
@media screen and (prefers-color-scheme:dark){:root{--paper:#15181d;--text:#e4e6ea;--quiet:#979da8;\
--cell:#1e222a;--line:#2d323b;--ink:#6fb4ff;--on:#0b1220}}
body{margin:0 auto;padding:2.5rem 1.5rem 4rem;max-width:72rem;background:var(--paper);color:var(--text);\
font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{font-size:1.6rem;font-weight:650;line-height:1.25;margin:0 0 .4rem}
section{margin:0 0 3.5rem}
@media print{:root{--paper:#fff}html{font-size:10px}body{padding:0;max-width:none;font-size:12px}\
section{break-inside:avoid}}
"""

# The browser itself sees to it that the page stays alone, whatever texts are in it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def document(body: str, *, title: str, style: str) -> str:
    """A whole page, to be written as UTF-8; `body` and `style` are HTML and CSS, `title` is plain text."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{safe(title)}</title>
<style>{_STYLE}{style.lstrip()}</style>
</head>
<body>
{body}
</body>
</html>
"""


def safe(text: str) -> str:
    """Any text, fit to stand in a page."""
    return escape(visible(text))
