"""Makes options of a command from a table of settings, so that both say the same."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from wherry.app.options import Option

F = TypeVar("F", bound=Callable[..., Any])


def takes(table: Sequence[Option]) -> Callable[[F], F]:
    """Give a command every option of a table, and ``--config``; values come as they were typed."""

    def decorate(command: F) -> F:
        for option in reversed(table):
            command = _click(option)(command)
        return click.option(
            "--config",
            envvar="WHERRY_CONFIG",
            type=click.Path(path_type=Path, dir_okay=False),
            help="TOML file of options; command line and variables go before it.",
        )(command)

    return decorate


def _click(option: Option) -> Callable[[F], F]:
    shown = "" if option.default in (None, "", ()) else f" [default: {option.default}]"
    return click.option(
        option.flag,
        option.name,
        metavar=option.metavar,
        multiple=option.many,
        help=f"{option.help}{shown}",
    )
