"""latimer compare"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latimer.config import SIZES, read_settings
from latimer.errors import Mistake

if TYPE_CHECKING:
    from latimer.compare.plan import Plan


@click.command()
@click.argument("corpus", required=False)
@click.option("--models", metavar="A,B,C", help="Models, each as --model of latimer train knows it.")
@click.option("--minutes", type=float, help="Train each so long.")
@click.option("--updates", type=int, help="Train each for so many updates.")
@click.option("--tokens", type=int, help="Train each on so many target tokens.")
@click.option("--seeds", type=int, help="Train each so many times.  [default: 2]")
@click.option("--into", default="comparison", show_default=True, help="The folder for everything.")
@click.option("--test", metavar="CORPUS", help="Score on this; held out of CORPUS if not given.")
@click.option("--validation", metavar="CORPUS", help="Validate on this; held out if not given.")
@click.option("--size", type=click.Choice(SIZES), help="How large; by the size of the corpus if not given.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One setting, for all models.")
@click.option("--sentence", "sentences", multiple=True, metavar="TEXT", help="Show the attention of this.")
@click.option("--beam", type=int, help="Hypotheses kept in search; 1 is greedy.  [default: 5]")
@click.option("--from", "source_language", help="Language of the source, where CORPUS does not tell.")
@click.option("--to", "target_language", help="Language of the target.")
@click.option(
    "--again", "manifest", type=click.Path(path_type=Path), help="Do what this manifest.json says once more."
)
@click.option("--json", "as_json", is_flag=True, help="Print what report.json holds.")
@click.option("--quiet", is_flag=True, help="Print nothing on the way.")
def command(
    corpus: str | None,
    models: str | None,
    minutes: float | None,
    updates: int | None,
    tokens: int | None,
    seeds: int | None,
    into: str,
    test: str | None,
    validation: str | None,
    size: str | None,
    settings: tuple[str, ...],
    sentences: tuple[str, ...],
    beam: int | None,
    source_language: str | None,
    target_language: str | None,
    manifest: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train several models on CORPUS with equal budgets, score them on the same sentences, and write
    one page that says which is better, by how much, and how sure that is.

    The same command again goes on where it was stopped; more models or seeds may be added.
    """
    budget = {"training.minutes": minutes, "training.steps": updates, "training.tokens": tokens}
    shared: dict[str, Any] = {key: value for key, value in budget.items() if value is not None}
    if size is not None:
        shared["model.size"] = size
    asked = {
        "test": test,
        "validation": validation,
        "source_language": source_language,
        "target_language": target_language,
        "sentences": sentences,
        "seeds": seeds,
        "beam": beam,
    }
    given = {name: value for name, value in asked.items() if value not in (None, ())}
    plan, sha256 = _plan(corpus, models, given, settings=settings, shared=shared, manifest=manifest)

    from latimer.cli.show import say
    from latimer.compare.runs import compare
    from latimer.training.log import Silent

    report = compare(plan, into=into, reporter=Silent() if quiet else None, sha256=sha256)
    if as_json:
        say(json.dumps(report, ensure_ascii=False))
    else:
        _show(report, Path(into))


def _plan(
    corpus: str | None,
    models: str | None,
    given: dict[str, Any],
    *,
    settings: tuple[str, ...],
    shared: dict[str, Any],
    manifest: Path | None,
) -> "tuple[Plan, dict[str, str] | None]":
    """What is asked for, and what the corpora must be where that is known."""
    from latimer.compare.plan import Plan, again, models_of, read_manifest

    if manifest is not None:
        if corpus or models or given or settings or shared:
            raise Mistake("--again takes everything but --into from the manifest; leave the rest away.")
        recorded = read_manifest(manifest)
        return again(recorded), recorded["data"]["sha256"]
    if corpus is None or models is None:
        raise Mistake("Say what to compare: latimer compare CORPUS --models lstm,conv --minutes 10.")
    set_here = read_settings(settings)
    if twice := shared.keys() & set_here.keys():
        raise Mistake(f"{sorted(twice)[0]} is given by --set and by an option of its own; give it once.")
    return Plan(corpus, models_of(models, {**set_here, **shared}), **given), None


def _show(report: dict[str, Any], folder: Path) -> None:
    """The answer, the table, and where the page is."""
    from latimer.cli.show import say, table

    say(report["result"] + "\n")
    rows = []
    for model in report["models"]:
        bleu, chrf = model["BLEU"], model["chrF2++"]
        interval = f"{bleu['low']:.1f} - {bleu['high']:.1f}"
        speed = f"{model['training_tokens_per_second']:,.0f}"
        rows.append([model["name"], f"{bleu['value']:.1f}", interval, f"{chrf['value']:.1f}", speed])
    table("", ["model", "BLEU", "95 % interval", "chrF2++", "training tokens/s"], rows)
    say(
        f"\n{folder / 'report.html'} shows it all in a browser; "
        "report.md, report.json and pictures/ beside it are for what you write."
    )
