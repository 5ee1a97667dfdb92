"""The command ``wherry``: names the commands and ends them; each is loaded when it is used.

Every error is one plain line on stderr; a command that needs words and got none shows its help.
"""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any, NoReturn

import click

from wherry.cli.exits import BAD_INPUT, INTERRUPTED, exit_of
from wherry.model.errors import WherryError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("wherry.cli.serve:serve", "Run the service."),
    "agent": ("wherry.cli.agent:agent", "Report this host and answer pre-flights."),
    "inspect": ("wherry.cli.inspect:inspect", "Show what this host says about its devices."),
    "import": ("wherry.cli.import_:import_", "Take in recorded hosts, or a whole Placement."),
    "export": ("wherry.cli.export:export", "Copy all into a Placement."),
    "hosts": ("wherry.cli.hosts:hosts", "List, show and set hosts."),
    "place": ("wherry.cli.place:place", "Find where a new guest could go, and take a place."),
    "device-requests": (
        "wherry.cli.device_requests:device_requests",
        "Keep what flavors call by a name.",
    ),
    "compositions": (
        "wherry.cli.compositions:compositions",
        "Compose devices of a parent, and dissolve them.",
    ),
    "guests": ("wherry.cli.guests:guests", "Record guests and their devices."),
    "groups": ("wherry.cli.guest_groups:guest_groups", "Keep guests together or apart."),
    "aggregates": ("wherry.cli.aggregates:aggregates", "Keep hosts for some tenants."),
    "targets": ("wherry.cli.targets:targets", "Find where a guest can go, and why not elsewhere."),
    "matrix": ("wherry.cli.matrix:matrix", "Hold the offers of a type against each other."),
    "query": ("wherry.cli.query:query", "Compile a guest to a question for Placement."),
    "migrate": (
        "wherry.cli.migrate:migrate",
        "Claim a target, confirm it, and see a move through.",
    ),
    "check": ("wherry.cli.check:check", "Check a contract against an offer."),
    "explain": ("wherry.cli.explain:explain", "Say why a migration failed, from a log."),
    "db": ("wherry.cli.db:db", "Look after the database."),
    "bench": ("wherry.cli.bench:bench", "Measure work on a made-up fleet."),
    "demo": ("wherry.cli.demo:demo", "Show the whole story on a recorded fleet."),
}
"""Name of each command to where it stands and what it does."""


class LazyGroup(click.Group):
    """A group that loads a command when it is used, so that ``--help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002, click's signature
        """Name the commands, in the order of a first use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


def _print_version(ctx: click.Context, _param: click.Parameter, asked: Any) -> None:
    if asked:
        click.echo(f"wherry {metadata.version('wherry')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and stop.",
)
def cli() -> None:
    """Where can this guest go, with the devices it holds, and why not elsewhere?

    Commands that ask the service find it by --url or WHERRY_URL, and say who they are by the
    token in WHERRY_TOKEN. They end with 0 for yes, 1 for no, 2 for bad usage or input, and 3
    for trouble with the service.
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process with its status."""
    try:
        status = cli.main(args, prog_name="wherry", standalone_mode=False)
        sys.stdout.flush()
    except WherryError as error:
        _say(str(error))
        sys.exit(exit_of(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(BAD_INPUT)
    except click.ClickException as error:
        _say(_usage(error))
        sys.exit(BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read has enough; Python must not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)


def _usage(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "wherry"
    return f"{message} (see `{command} --help`)"


def _say(message: str) -> None:
    line = " ".join(message.split())
    click.echo("wherry: " + "".join(c if c.isprintable() else "?" for c in line), err=True)
