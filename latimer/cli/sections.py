"""Help of a command with many options: what belongs together under a heading of its own."""

from typing import ClassVar

import click


class Sections(click.Command):
    """A command that tells its common options first, then those that `sections` gathers under headings."""

    sections: ClassVar[dict[str, tuple[str, ...]]] = {}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        told = {option.name: option.get_help_record(ctx) for option in options}
        gathered = {name for names in self.sections.values() for name in names}
        common = tuple(name for name in told if name not in gathered)
        for heading, names in {"Options": common, **self.sections}.items():
            with formatter.section(heading):
                formatter.write_dl([row for name in names if (row := told[name])])
