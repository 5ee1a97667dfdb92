"""Groups of commands that do something without one: list, or the one thing in their name."""

from typing import Any

import click


class GroupWithDefault(click.Group):
    """A group that runs its default command where the first word names none of its commands.

    So ``wherry hosts --json`` lists, with every option and variable of the list.

    Args:
        default: name of the command.
        alone: whether it runs without any word, too; else the help is shown.
    """

    def __init__(self, *args: Any, default: str, alone: bool = True, **options: Any) -> None:
        super().__init__(*args, **options)
        self.default = default
        self.no_args_is_help = not alone

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default before words that are its own."""
        helps = set(self.get_help_option_names(ctx))
        if (args or not self.no_args_is_help) and not set(args[:1]) & {*self.commands, *helps}:
            args = [self.default, *args]
        return super().parse_args(ctx, args)
