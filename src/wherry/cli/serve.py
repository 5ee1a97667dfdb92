"""``wherry serve``: run the service."""

from pathlib import Path
from typing import Any

import click

from wherry.app.settings import TABLE, load_settings
from wherry.cli.options import takes


@click.command(short_help="Run the service.")
@takes(TABLE)
def serve(*, config: Path | None, **options: Any) -> None:
    """Run the service until SIGTERM or Ctrl-C.

    Each option can also be given as a variable, such as WHERRY_PORT for --port, or as a line
    below [serve] of the file that --config names.
    """
    # Its imports take half a second, which --help shall not.
    from wherry.service import server  # noqa: PLC0415

    server.serve(load_settings(options, file=config), on_ready=_say_ready)


def _say_ready(address: str) -> None:
    click.echo(f"Wherry is ready at {address}/wherry/docs")
