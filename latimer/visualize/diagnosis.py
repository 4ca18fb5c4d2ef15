"""What the data doctor found, as one HTML page, drawn from what `latimer check --json` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from latimer.visualize.document import document, safe

_DRIFTS = 30  # terms that are shown
_STYLE = """
body{max-width:62rem}
header{margin:0 0 1.8rem}
header p{color:var(--quiet);margin:0 0 .5rem}
h2{font-size:1.15rem;font-weight:600;margin:0 0 .6rem}
li{margin:0 0 .4rem;max-width:46rem}
.facts{display:grid;grid-template-columns:fit-content(40%) 1fr;gap:.2rem 1.4rem;\
font-variant-numeric:tabular-nums}
.facts dt{color:var(--quiet)}
.facts dd{margin:0}
details{border-top:1px solid var(--line)}
summary{cursor:pointer;padding:.55rem 0;display:grid;grid-template-columns:1fr 5rem 4.5rem 5rem;\
gap:.2rem 1rem;align-items:baseline}
summary b{font-weight:600}
summary small{display:block;color:var(--quiet);font-size:.85rem}
summary span{text-align:end;font-variant-numeric:tabular-nums}
.bar{grid-column:1/-1;height:3px;background:var(--cell)}
.bar i{display:block;height:100%;background:var(--ink)}
.scroll{overflow-x:auto;padding:0 0 1rem}
table{border-collapse:collapse;font-size:.9rem;width:100%}
th,td{text-align:start;vertical-align:top;padding:.3rem 1rem .3rem 0;border-bottom:1px solid var(--cell);\
font-weight:400;overflow-wrap:anywhere}
td{width:45%}
.terms td{width:auto}
.terms .number{text-align:end;font-variant-numeric:tabular-nums}
th{color:var(--quiet);font-variant-numeric:tabular-nums;white-space:nowrap}
:focus-visible{outline:2px solid var(--ink);outline-offset:2px}
@media (max-width:40rem){summary{grid-template-columns:1fr 4rem 4rem}summary .does{display:none}}
"""


def diagnosis_page(found: Mapping[str, Any]) -> str:
    """A whole page, to be written as UTF-8: what to do first, then the facts, then every finding."""
    advice = "".join(f"<li>{safe(sentence)}</li>" for sentence in found["advice"])
    findings = "\n".join(_finding(one, found["pairs"]) for one in found["findings"])
    return document(
        f"<header><p>{safe(found['corpus'])}</p>\n<h1>{_title(found)}</h1></header>\n"
        f"<section><h2>What to do</h2><ol>{advice}</ol></section>\n"
        f"<section><h2>What is in it</h2>{_facts(found)}</section>\n"
        f"<section><h2>What was found</h2>{findings or '<p>Nothing.</p>'}</section>\n"
        + _drifts(found["drifts"]),
        title="Sentence pairs examined",
        style=_STYLE,
    )


def _title(found: Mapping[str, Any]) -> str:
    kinds = len(found["findings"])
    return f"{found['pairs']:,} pairs, {kinds} kind{'' if kinds == 1 else 's'} of finding"


def _facts(found: Mapping[str, Any]) -> str:
    low, middle, high = found["length_ratio"]
    told = {
        "Words": " and ".join(f"{count:,}" for count in found["words"]),
        "Letters": " and ".join(f"{count:,}" for count in found["letters"]),
        "Target to source, in letters": f"{middle:g} (nine pairs of ten: {low:g} to {high:g})",
        "Distinct sentences": " and ".join(f"{count:,}" for count in found["distinct"]),
        "Sources with several targets": f"{found['several_targets']:,}",
        **{f"Not usable: {reason}": f"{count:,}" for reason, count in found["skipped"].items()},
    }
    entries = "".join(f"<dt>{safe(name)}</dt><dd>{safe(text)}</dd>" for name, text in told.items())
    return f'<dl class="facts">{entries}</dl>'


def _finding(one: Mapping[str, Any], pairs: int) -> str:
    share = 100 * one["total"] / pairs
    rows = "".join(
        f'<tr><th scope="row">{number:,}</th><td dir="auto">{safe(source)}</td>'
        f'<td dir="auto">{safe(target)}</td></tr>'
        for number, source, target in one["examples"]
    )
    return (
        f"<details><summary><div><b>{safe(one['name'])}</b><small>{safe(one['told'])}</small></div>"
        f"<span>{one['total']:,}</span><span>{share:.2f} %</span>"
        f'<span class="does">{safe(one["action"])}</span>'
        f'<div class="bar"><i style="width:{min(share, 100):.2f}%"></i></div></summary>'
        f'<div class="scroll"><table><tbody>{rows}</tbody></table></div></details>'
    )


def _drifts(drifts: Sequence[Mapping[str, Any]]) -> str:
    """The terms that are said in another way here and there, where there are any."""
    if not drifts:
        return ""
    rows = "".join(
        f'<tr><td dir="auto">{safe(one["term"])}</td><td dir="auto">{safe(one["usual"])}</td>'
        f'<td class="number">{one["pairs"]:,}</td><td dir="auto">{safe(one["other"])}</td>'
        f'<td class="number">{len(one["lines"]):,}</td><td class="number">{one["lines"][0]:,}</td></tr>'
        for one in drifts[:_DRIFTS]
    )
    heads = [("term", ""), ("usual", ""), ("pairs", "number"), ("elsewhere", "")]
    heads += [("pairs", "number"), ("first in pair", "number")]
    head = "".join(f'<th scope="col" class="{kind}">{name}</th>' for name, kind in heads)
    more = f"<p>And {len(drifts) - _DRIFTS:,} more.</p>" if len(drifts) > _DRIFTS else ""
    return (
        "<section><h2>Terms said in several ways</h2>"
        f'<div class="scroll"><table class="terms"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{more}</section>"
    )
