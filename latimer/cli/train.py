"""latimer train"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latimer.config import SIZES, configure, read_settings, read_toml
from latimer.errors import Mistake
from latimer.presets import AUTO, DEEP, MODELS, USUAL, model_settings

if TYPE_CHECKING:
    from latimer.recipe import Trained
    from latimer.report import Watcher


@click.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option("--into", "into", default="model", show_default=True, help="The folder for the model.")
@click.option("--validation", multiple=True, help="A corpus to validate on; held out of CORPUS if not given.")
@click.option(
    "--model",
    "name",
    help=f"One of {', '.join(MODELS)}; or ENCODER+DECODER[:SCORE], such as conv+lstm:additive.  "
    f"[default: {USUAL}, or {DEEP} for some forty epochs of 20,000 pairs or more]",
)
@click.option("--size", type=click.Choice(SIZES), help="How large; by the size of the corpus if not given.")
@click.option("--minutes", type=float, help="Train so long.")
@click.option("--epochs", type=float, help="Train for so many passes over the corpus.")
@click.option("--steps", type=int, help="Train for so many updates.")
@click.option("--config", "file", type=click.Path(path_type=Path), help="A TOML file with settings.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One setting; see --settings.")
@click.option("--from-model", metavar="DIR", help="Go on from a trained model: for a domain, or corrections.")
@click.option("--replay", multiple=True, metavar="CORPUS", help="With --from-model: old pairs to mix in.")
@click.option("--guide", metavar="FILE", help="Word links that attention is to learn, a line a pair.")
@click.option("--keep-going", is_flag=True, help="Skip and count what is broken in CORPUS, and go on.")
@click.option("--seed", type=int, help="Seed of everything random.")
@click.option("--from", "source_language", help="Language of the source, where CORPUS does not tell.")
@click.option("--to", "target_language", help="Language of the target; several with commas: fr,de.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing on the way.")
@click.option(
    "--settings",
    "wanted",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda *given: _explain(*given),
    help="List every setting, and stop.",
)
def command(
    corpus: tuple[str, ...],
    into: str,
    validation: tuple[str, ...],
    name: str | None,
    size: str | None,
    minutes: float | None,
    epochs: float | None,
    steps: int | None,
    file: Path | None,
    settings: tuple[str, ...],
    from_model: str | None,
    replay: tuple[str, ...],
    guide: str | None,
    keep_going: bool,
    seed: int | None,
    source_language: str | None,
    target_language: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a translator on CORPUS: TSV, TMX, XLIFF, PO, CSV, JSON lines, a Moses zip, a.en,a.fr (two files),
    a folder of them (also .gz, .xz, .zst), builtin:phrasebook, or - (stdin); law=a.tmx:3: domain, weight.

    The same command again goes on where a run was stopped.
    """
    budget = {"training.minutes": minutes, "training.epochs": epochs, "training.steps": steps}
    wanted = {**budget, "training.seed": seed, "model.size": size, "data.keep_going": keep_going or None}
    given: dict[str, Any] = {key: value for key, value in wanted.items() if value is not None}
    from_file, set_here = read_toml(file) if file else {}, read_settings(settings)
    if given.keys() & budget.keys():  # what the command line says of the length replaces what the file says
        budgets = {*budget, "training.tokens"}
        from_file = {key: value for key, value in from_file.items() if key not in budgets}
    if twice := given.keys() & set_here.keys():
        raise Mistake(f"{sorted(twice)[0]} is given by --set and by an option of its own; give it once.")
    if from_model is not None and (own := _of_the_model(name, {**from_file, **set_here, **given})):
        raise Mistake(f"With --from-model the model is what it is; leave {own} away.")
    config = configure({**model_settings(name or AUTO), **from_file, **set_here, **given})
    from latimer.cli.show import say
    from latimer.recipe import train
    from latimer.report import Watcher
    from latimer.training.distributed import is_first

    with Watcher(quiet=quiet or not is_first()) as watcher:
        trained = train(
            config,
            corpus,
            into=into,
            validation=validation,
            source_language=source_language,
            target_language=target_language,
            from_model=from_model,
            replay=replay,
            guide=guide,
            reporter=watcher,
        )
        _ship(trained, watcher)
    if as_json and is_first():
        say(json.dumps({"folder": str(trained.folder.path), **trained.folder.record.get("training", {})}))
    _say_what_next(trained, watcher)


def _of_the_model(name: str | None, settings: dict[str, Any]) -> str | None:
    """What of all that was asked for would change a model's architecture or vocabulary."""
    if name is not None:
        return "--model"
    fixed = ("model.", "data.vocabulary", "data.joint")
    return next((key for key in settings if key.startswith(fixed) and key != "model.dropout"), None)


def _ship(trained: "Trained", watcher: "Watcher") -> None:
    """Make the finished model ready to run without torch, once."""
    from latimer.training.distributed import is_first

    if trained.progress.finished and is_first() and not trained.folder.has_graphs:
        from latimer.shipping import ship

        ship(trained.folder, note=watcher.note)


def _say_what_next(trained: "Trained", watcher: "Watcher") -> None:
    progress, folder = trained.progress, trained.folder
    if not progress.finished:
        watcher.note(f"Stopped after update {progress.update:,}. The same command goes on from there.")
        raise KeyboardInterrupt
    targets = list(dict.fromkeys(target for _, target in folder.record.get("directions", ())))
    to = f" --to {targets[0]}" if len(targets) > 1 else ""
    model = f"--model {folder.path}{to}"
    watcher.note(
        f"{folder.path}: best BLEU on validation {progress.best_bleu:.1f}, "
        f"at update {progress.best_update:,}.\nNext:\n  latimer translate {model} 'A sentence.'"
        f"\n  latimer evaluate TEST --model {folder.path}"
        f"\n  latimer look {model} 'A sentence.'"
    )


def _explain(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from latimer.config import explain

        for name, default, text in explain():
            click.echo(f"{name:28} {default!s:>10}  {text}")
        context.exit()
