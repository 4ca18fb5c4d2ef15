"""The report of a comparison as one HTML page, drawn from what report.json holds and nothing else."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from latimer.visualize import charts, explanations
from latimer.visualize.document import document, safe
from latimer.visualize.maps import AttentionMap
from latimer.visualize.table import MAP_STYLE, map_table

Report = Mapping[str, Any]

_SIDE = 1.3  # of a cell of an attention map, in rem: small, so that several stand side by side
_STYLE = """
body{max-width:62rem}
header{margin:0 0 2.5rem}
header p{color:var(--quiet);margin:0 0 .5rem}
h1{max-width:54rem}
h2{font-size:1.15rem;font-weight:600;margin:0 0 .3rem}
h3{font-size:.95rem;font-weight:600;margin:1.4rem 0 .4rem}
p,dl{max-width:46rem;margin:0 0 1rem}
p.how{color:var(--quiet)}
dt{font-weight:600;margin-top:.7rem}
dd{margin:0}
.scroll{overflow-x:auto;margin:0 0 1rem}
table.data{border-collapse:collapse;font-variant-numeric:tabular-nums}
.data th,.data td{padding:.35rem .9rem .35rem 0;text-align:end;white-space:nowrap;\\
border-bottom:1px solid var(--cell);vertical-align:baseline}
.data thead th{color:var(--quiet);font-weight:400;font-size:.85rem;vertical-align:bottom}
.data th:first-child{text-align:start}
.data tbody th{font-weight:600}
.data small{display:block;color:var(--quiet);font-size:.8rem}
.pairs td{padding:.35rem .7rem;text-align:center;border:2px solid var(--paper);background:var(--cell)}
.pairs td.yes{box-shadow:inset 3px 0 0 var(--ink)}
.pairs td.self{background:none}
.pairs thead th{text-align:center;padding:.35rem .7rem}
figure{margin:0 0 1rem;overflow-x:auto}
figure svg{max-width:100%;height:auto}
.side{display:flex;flex-wrap:wrap;gap:1.4rem 2.2rem}
.side>div{max-width:100%}
.side p{margin:0 0 .3rem;font-weight:600;font-size:.9rem}
.said{display:grid;grid-template-columns:fit-content(40%) 1fr;gap:.15rem 1rem;overflow-wrap:anywhere}
.said dt{font-weight:400;color:var(--quiet);margin:0}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,monospace;background:var(--cell);padding:.1em .35em;\\
border-radius:3px;overflow-wrap:anywhere}
@media print{figure,.side>div,tr{break-inside:avoid}section{break-inside:auto}h2,h3{break-after:avoid}}
"""


def comparison_page(report: Report) -> str:
    """A whole page, to be written as UTF-8: the answer first, then what it rests on, then what it means."""
    sections = [
        _scores(report),
        _pairs(report),
        _lengths(report),
        _curves(report),
        _costs(report),
        _sentences(report),
        _meaning(report),
        _making(report),
    ]
    header = f"<header><p>{safe(_what(report))}</p>\n<h1>{safe(report['result'])}</h1></header>"
    return document("\n".join([header, *sections]), title="Translators compared", style=_STYLE + MAP_STYLE)


def _what(report: Report) -> str:
    data = report["manifest"]["data"]
    direction = " to ".join(language or "?" for language in data["languages"])
    return (
        f"{direction}, {data['training_pairs']:,} training pairs: {len(report['models'])} models, "
        f"{_count(report['seeds'], 'seed')} each, scored on the same {data['test_sentences']:,} sentences"
    )


def _scores(report: Report) -> str:
    def cells(model: Mapping[str, Any]) -> list[str]:
        seeds = ", ".join(f"{score:.1f}" for score in model["BLEU"]["runs"])
        return [*_scored(model["BLEU"]), *_scored(model["chrF2++"]), seeds]

    header = ["BLEU", "95 % interval", "chrF2++", "95 % interval", "BLEU of each seed"]
    kinds = "".join(
        f"<dt>{safe(model['name'])}</dt><dd>{safe(model['description'])}</dd>" for model in report["models"]
    )
    return _section(
        "How well do they translate?",
        explanations.SCORES,
        _models(report, header, cells),
        _figure(charts.scores(report)),
        '<p class="how">Bar: the 95 % interval. Mark: the mean. Small dots: one seed each.</p>',
        f'<dl class="said">{kinds}</dl>',
    )


def _pairs(report: Report) -> str:
    def matrix(metric: str) -> str:
        names = [model["name"] for model in report["models"]]
        known = {(one["a"], one["b"]): one for one in report["differences"][metric]}
        heads = "".join(f'<th scope="col">{safe(name)}</th>' for name in names)
        body = []
        for a in names:
            cells = "".join(_pair(known, a, b) for b in names)
            body.append(f'<tr><th scope="row">{safe(a)}</th>{cells}</tr>')
        return (
            f'<div class="scroll"><table class="data pairs"><thead><tr><th scope="col">{metric}</th>{heads}'
            f"</tr></thead><tbody>\n{chr(10).join(body)}\n</tbody></table></div>"
        )

    return _section(
        "Is one better, or is it chance?",
        explanations.PAIRS,
        matrix("BLEU"),
        f"<details><summary>The same in chrF2++</summary>{matrix('chrF2++')}</details>",
    )


def _pair(known: Mapping[tuple[str, str], Mapping[str, Any]], a: str, b: str) -> str:
    if a == b:
        return '<td class="self"></td>'
    turned = (a, b) not in known
    one = known[(b, a) if turned else (a, b)]
    value, low, high = one["value"], one["low"], one["high"]
    if turned:
        value, low, high = -value, -high, -low
    kind, shown = "", f"{value:+z.1f}"
    if one["significant"]:
        kind, shown = ' class="yes"', f"<strong>{shown}</strong>"
    return (
        f"<td{kind}>{shown}<small>{low:+z.1f} to {high:+z.1f}</small>"
        f"<small>p = {one['holm']:.3f}</small></td>"
    )


def _lengths(report: Report) -> str:
    buckets = report["models"][0]["by_length"]
    header = [_bucket(bucket) for bucket in buckets]
    drawn = sum(one["sentences"] >= charts.FEW for one in buckets)
    values = _models(report, header, lambda model: [f"{one['value']:.1f}" for one in model["by_length"]])
    counts = ", ".join(f"{_bucket(one)}: {one['sentences']:,}" for one in buckets)
    return _section(
        "Do they keep up with long sentences?",
        explanations.LENGTHS,
        _figure(charts.lengths(report)) if drawn > 1 else "",
        f'<details><summary>The numbers</summary>{values}<p class="how">Sentences of each length: {counts}. '
        f"Lengths of fewer than {charts.FEW} are not drawn.</p></details>",
    )


def _curves(report: Report) -> str:
    return _section("How fast do they learn?", explanations.CURVES, _figure(charts.curves(report)))


def _costs(report: Report) -> str:
    def cells(model: Mapping[str, Any]) -> list[str]:
        memory = model["peak_memory_mb"]
        return [
            f"{model['parameters']:,}<small>{model['parameters_without_embeddings']:,}</small>",
            f"{model['updates']:,.0f}<small>{model['minutes']:.1f} minutes</small>",
            _speed(model, "training_tokens_per_{}"),
            _speed(model, "sentences_per_{}_batch_1"),
            _speed(model, "sentences_per_{}_batch_64"),
            f"{memory:,} MB" if memory else "unknown",
        ]

    second = "<small>per CPU second</small>"
    header = [
        "parameters<small>without embeddings</small>",
        "updates<small>in training</small>",
        f"training tokens/s{second}",
        f"sentences/s, one by one{second}",
        f"sentences/s, 64 at once{second}",
        "memory<small>in training</small>",
    ]
    return _section("What do they cost?", explanations.COSTS, _models(report, header, cells))


def _sentences(report: Report) -> str:
    names = [model["name"] for model in report["models"]]
    chosen = "" if report["manifest"]["plan"]["sentences"] else f" {explanations.CHOSEN}"
    return _section(
        "What do they look at?",
        f"{explanations.ATTENTION}{chosen}",
        *(_sentence(sentence, names) for sentence in report["sentences"]),
    )


def _sentence(sentence: Mapping[str, Any], names: Sequence[str]) -> str:
    said = [("reference", reference) for reference in sentence["references"]]
    said += [(name, sentence["models"][name]["translation"]) for name in names]
    told = "".join(
        f'<dt>{safe(who)}</dt><dd dir="auto">{safe(text) or "(nothing)"}</dd>' for who, text in said
    )
    maps = []
    for name in names:
        attention = sentence["models"][name]["attention"]
        shown = "no attention"
        if attention is not None:
            shown = map_table(
                AttentionMap(attention["source"], attention["target"], attention["weights"]), side=_SIDE
            )
        maps.append(f"<div><p>{safe(name)}</p>{shown}</div>")
    return (
        f'<h3 dir="auto">{safe(sentence["source"])}</h3>\n<dl class="said">{told}</dl>\n'
        f'<div class="side">{"".join(maps)}</div>'
    )


def _meaning(report: Report) -> str:
    told = explanations.meaning(
        seeds=report["seeds"], resamples=report["resamples"], signatures=report["signatures"]
    )
    entries = "".join(f"<dt>{safe(word)}</dt><dd>{safe(text)}</dd>" for word, text in told.items())
    return _section("What do the words mean?", "", f"<dl>{entries}</dl>")


def _making(report: Report) -> str:
    manifest = report["manifest"]
    plan, data, machine = manifest["plan"], manifest["data"], manifest["machine"]
    held = "held out of it: no sentence of theirs was trained on"
    cores = f"{_count(machine['threads'], 'thread')} on {_count(machine['cores'], 'core')}"
    memory = f", {machine['memory_mb'] / 1024:.0f} GB" if machine["memory_mb"] else ""
    settings = ", ".join(f"{name} = {value}" for name, value in report["settings"].items())
    told = {
        "Corpus": f"{plan['corpus']}, {data['training_pairs']:,} pairs for training and validation",
        "Test": f"{data['test_sentences']:,} sentences, {plan['test'] or held}; beam {plan['beam']}",
        "Validation": plan["validation"] or "held out of the training pairs",
        "Vocabulary": " and ".join(f"{size:,}" for size in dict.fromkeys(manifest["vocabulary"])) + " pieces",
        "Settings": settings or "the defaults",
        "Machine": f"{machine['graphics'] or machine['processor']}, {cores}{memory}, {machine['system']}",
        "Versions": ", ".join(f"{name} {number}" for name, number in manifest["versions"].items()),
        "Made": f"{manifest['started']} to {manifest['finished']}",
        **{f"SHA-256 of {name}": digest for name, digest in data["sha256"].items()},
    }
    entries = "".join(f"<dt>{safe(word)}</dt><dd>{safe(text)}</dd>" for word, text in told.items())
    return _section(
        "How was it made, and how is it made again?",
        "",
        f'<dl class="said">{entries}</dl>',
        "<p>With the same corpora at hand: <code>latimer compare --again manifest.json --into again</code>. "
        "The manifest lies beside this page and holds every setting. A budget in updates or tokens gives "
        "the same scores on the same machine; minutes give about the same.</p>",
    )


def _models(
    report: Report, header: Sequence[str], cells: Callable[[Mapping[str, Any]], Iterable[str]]
) -> str:
    """A table with a row a model; what `header` and `cells` say is HTML."""
    heads = "".join(f'<th scope="col">{name}</th>' for name in ["model", *header])
    rows = []
    for model in report["models"]:
        values = "".join(f"<td>{text}</td>" for text in cells(model))
        rows.append(f'<tr><th scope="row">{safe(model["name"])}</th>{values}</tr>')
    body = "\n".join(rows)
    return (
        f'<div class="scroll"><table class="data"><thead><tr>{heads}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _section(question: str, explanation: str, *parts: str) -> str:
    how = f'<p class="how">{safe(explanation)}</p>\n' if explanation else ""
    body = "\n".join(part for part in parts if part)
    return f"<section>\n<h2>{question}</h2>\n{how}{body}\n</section>"


def _figure(picture: str) -> str:
    """A picture inside a page needs no name space."""
    bare = picture.replace(' xmlns="http://www.w3.org/2000/svg"', "")
    return f"<figure>{bare}</figure>"


def _scored(estimate: Mapping[str, Any]) -> list[str]:
    return [f"{estimate['value']:.1f}", f"{estimate['low']:.1f} to {estimate['high']:.1f}"]


def _speed(model: Mapping[str, Any], name: str) -> str:
    """By the wall clock and by CPU seconds, with few digits: more would be noise."""
    wall, processor = (model[name.format(clock)] for clock in ("second", "cpu_second"))
    return f"{float(f'{wall:.3g}'):,g}<small>{float(f'{processor:.3g}'):,g}</small>"


def _bucket(bucket: Mapping[str, Any]) -> str:
    return f"{bucket['low']} to {bucket['high']}" if bucket["high"] else f"{bucket['low']} and more"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
