"""What commands that ask the service share: how to find it, and who we are."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from wherry.agent.client import DEFAULT_URL, Client, read_token

F = TypeVar("F", bound=Callable[..., Any])


def asks_service(command: F) -> F:
    """Give a command the options to find the service, and a client as its first argument."""

    @click.option(
        "--url",
        envvar="WHERRY_URL",
        default=DEFAULT_URL,
        metavar="URL",
        show_default=True,
        help="Address of the service.",
    )
    @click.option(
        "--token-file",
        envvar="WHERRY_TOKEN_FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File that holds the token (default: the variable WHERRY_TOKEN).",
    )
    @wraps(command)
    def with_client(*args: Any, url: str, token_file: Path | None, **options: Any) -> Any:
        return command(Client(url, token=read_token(token_file)), *args, **options)

    return with_client  # type: ignore[return-value] # click's decorators keep the signature


def json_option(command: F) -> F:
    """Give a command ``--json``."""
    option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
    return option(command)
