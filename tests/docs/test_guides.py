"""The guides call commands that exist, with options that they have, and link to what is there."""

import re
import shlex
from pathlib import Path

import click
import pytest

from latimer.cli.main import main

GUIDES = sorted((Path(__file__).resolve().parents[2] / "docs" / "guides").glob("*.md"))
guides = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)


@guides
def test_every_call_is_understood(guide: Path) -> None:
    lines = re.findall(r"^    latimer (.*)$", guide.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert lines
    for line in lines:
        name, *arguments = shlex.split(line, comments=True)
        command = main.get_command(click.Context(main), name)
        assert command is not None, line
        command.make_context(name, [each for each in arguments if each != "&"])


@guides
def test_links_lead_somewhere(guide: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", guide.read_text(encoding="utf-8")):
        assert link.startswith("https:") or (guide.parent / link).exists(), link
