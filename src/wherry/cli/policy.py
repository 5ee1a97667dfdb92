"""The policy of a question, from a file and from options that go before it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import structs

from wherry.cli.files import JSON_FILE, read_record
from wherry.model.checks import Policy

F = TypeVar("F", bound=Callable[..., Any])

MODES = click.Choice(["live", "suspend", "cold"])
ACCEPTED = click.Choice(["ok", "warn", "unknown"])


def takes_policy(command: F) -> F:
    """Give a command ``--policy``, ``--mode`` and ``--accept``."""
    for option in (
        click.option(
            "--accept",
            multiple=True,
            type=ACCEPTED,
            help="Verdict that is taken, besides ok; may be repeated (default: warn).",
        ),
        click.option("--mode", type=MODES, help="How the guest moves (default: live)."),
        click.option("--policy", type=JSON_FILE, help="JSON file of a policy."),
    ):
        command = option(command)
    return command


def make_policy(file: Path | None, mode: str | None, accept: tuple[str, ...]) -> Policy:
    """Put a policy together; options go before what the file says.

    Raises:
        InvalidFile: the file holds no policy.
    """
    policy = read_record(file, Policy) if file else Policy()
    said: dict[str, Any] = {"mode": mode} if mode else {}
    if accept:
        said["accept"] = tuple(dict.fromkeys(accept))
    return structs.replace(policy, **said)
