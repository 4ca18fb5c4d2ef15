"""The door: names the commands without importing them, and turns mistakes into one sentence."""

import os
import sys
from importlib import import_module

import click

from latimer.errors import Mistake
from latimer.machine import wait_briefly

# name: what `latimer --help` says of it. Each lives in latimer.cli.NAME as `command`.
COMMANDS = {
    "demo": "The whole story on the built-in phrasebook: train, translate, score, draw.",
    "train": "Train a translator on sentence pairs.",
    "corpus": "Fetch public corpora, with their licences.",
    "translate": "Translate text with a trained model.",
    "evaluate": "Score a model: BLEU and chrF2++ with signatures and intervals.",
    "compare": "Train several models on equal budgets and say which is better, and how sure that is.",
    "distil": "Translate a corpus with a teacher, for a student to learn from.",
    "backtranslate": "Make pairs of target text with a model of the other direction.",
    "serve": "Serve models to every client of LibreTranslate, and of DeepL.",
    "look": "Show what the model attends to while it translates.",
    "align": "Link the words of sentence pairs by what the model attends to.",
    "export": "Write what a model needs to be run without torch.",
    "check": "Say what is wrong with sentence pairs, and what to do about it.",
    "clean": "Mend sentence pairs, and leave out those that teach nothing good.",
    "split": "Part sentence pairs for training, validation and test, without leaks.",
    "info": "Say what is in a model directory and how it was made.",
}

# module: the extra that brings it
EXTRAS = {
    **dict.fromkeys(("torch", "sacrebleu", "onnx", "onnxscript"), "train"),
    **dict.fromkeys(("starlette", "uvicorn", "prometheus_client"), "serve"),
    "resvg_py": "pictures",
    "ctranslate2": "export",
    "ray": "ray",
}


class Lazy(click.Group):
    """Imports a command when it is needed, so that help and small mistakes answer at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"latimer.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="latimer")
def main() -> None:
    """Train, inspect and ship translators with attention.

    Begin with: latimer demo
    """


def run() -> None:
    """Exit with 0; 1 where the answer is no; 2 after a mistake in the call or the data; 130 on Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    wait_briefly()
    try:
        sys.exit(main(standalone_mode=False))
    except click.exceptions.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        click.echo("latimer: stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except Mistake as error:
        click.echo(f"latimer: {error}", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        click.echo(
            f"latimer: this needs {error.name}; run: pip install 'latimer[{EXTRAS[error.name]}]'", err=True
        )
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
