"""An attention map as a table of HTML, without script."""

from collections.abc import Sequence

from latimer.visualize.document import safe
from latimer.visualize.maps import AttentionMap
from latimer.visualize.text import visible, widest

MAP_STYLE = """
.map{overflow-x:auto}
.map table{border-collapse:separate;border-spacing:var(--gap);font-size:calc(var(--side)*.46);line-height:1}
.map th{font-weight:400;font-size:var(--label)}
.map thead td,.map thead th{height:var(--head);padding:0;border:0;background:none}
.map thead th{position:relative;min-width:var(--side)}
.map thead th span{position:absolute;bottom:.35em;left:55%;transform-origin:0 100%;transform:rotate(-50deg);\
white-space:nowrap;line-height:1}
.map tbody th{text-align:end;white-space:nowrap;padding:0 .6em 0 0}
.map tbody td{position:relative;width:var(--side);min-width:var(--side);height:var(--side);padding:0;\
text-align:center;color:var(--quiet);background:var(--cell);border-radius:3px;overflow:hidden}
.map tbody td::before{content:"";position:absolute;inset:0;background:var(--ink);opacity:var(--w,0)}
.map tbody td b{position:relative;font-weight:400;font-variant-numeric:tabular-nums}
.map tbody td.m b{color:var(--text)}
.map tbody td.s b{color:var(--on)}
.map table.many b{color:transparent!important}
.map tbody tr:hover th{color:var(--ink)}
.map tbody td:hover{outline:2px solid var(--text);outline-offset:-1px}
@media print{.map{overflow:visible}\
.map tbody td,.map tbody td::before{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


def map_table(attention: AttentionMap, *, side: float) -> str:
    """The map as a table; `side` is that of a cell in rem, and a small one shows no number."""
    longest = widest(visible(label) for label in attention.source)
    size = max(0.68, 0.5 * side)
    # Labels lean at 50 degrees (sine 0.77, cosine 0.64); a letter is about 0.55 of its size wide.
    head, overhang = (size * (0.55 * longest * share + 1) for share in (0.77, 0.64))
    many = side < 1.5
    kind = ' class="many"' if many else ""
    style = (
        f"--side:{side:g}rem;--label:{size:g}rem;--gap:{1 if many else 2}px;--head:{head:.1f}rem;"
        f"padding-inline-end:{overhang:.1f}rem"
    )
    heads = "".join(
        f'<th scope="col"><span dir="auto">{safe(label)}</span></th>' for label in attention.source
    )
    rows = "\n".join(
        f'<tr><th scope="row" dir="auto">{safe(label)}</th>{_cells(label, attention.source, row)}</tr>'
        for label, row in zip(attention.target, attention.rows, strict=True)
    )
    return f"""<div class="map" tabindex="0" role="group" aria-label="Attention map">
<table{kind} style="{style}">
<thead><tr><td></td>{heads}</tr></thead>
<tbody>
{rows}
</tbody></table>
</div>"""


def _cells(target: str, source: Sequence[str], row: Sequence[float]) -> str:
    cells = []
    for label, weight in zip(source, row, strict=True):
        kind = " class=s" if weight > 0.6 else " class=m" if weight > 0.2 else ""
        shade = f' style="--w:{min(1.0, weight):.2f}"' if weight >= 0.005 else ""
        number = f"<b>{100 * weight:.0f}</b>" if weight >= 0.005 else ""
        hint = f"{safe(target)} ← {safe(label)}: {weight:.3f}"
        cells.append(f'<td{kind}{shade} title="{hint}">{number}</td>')
    return "".join(cells)
