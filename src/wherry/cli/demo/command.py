"""The command: a service, the fleet, the story, and then whatever one wants to look at."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from wherry.agent.client import Client
from wherry.cli.demo import story
from wherry.cli.demo.fleet import make_agents, recorded_hosts, this_host, working
from wherry.cli.demo.service import own_service
from wherry.cli.output import progress, say

PORT = 8778


@click.command(short_help="Show the whole story on a recorded fleet.")
@click.option("--once", is_flag=True, help="Stop after the story.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port of the service (default: {PORT}; with --once, any that is free).",
)
def demo(*, once: bool, port: int | None) -> None:
    """Show the whole story: devices, contracts, targets, a migration, and one refused early.

    Starts a service of its own on loopback, with an embedded database that is thrown away
    afterwards. Reads this host's devices, and changes nothing on it. Stays until Ctrl-C, so
    that one can look around, unless --once is given.
    """
    wanted = port if port is not None else 0 if once else PORT
    with _folder() as folder, own_service(folder / "state", port=wanted) as url:
        agents = make_agents([this_host(), *recorded_hosts(folder)], url)
        with progress(len(agents), "hosts report") as step:
            for agent in agents:
                agent.report()
                step()
        with working(agents):
            story.tell(Client(url), agents)
            _say_where_to_look(url)
            if not once:
                _stay()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wherry-demo-") as name:
        yield Path(name)


def _say_where_to_look(url: str) -> None:
    click.echo()
    say(f"Look at {url}/ui/ in a browser ({url}/wherry/docs lists the calls), or ask:")
    for words in ("hosts", "hosts show serial-2", f"targets {story.name_of('graphics')} --explain"):
        say(f"  .venv/bin/wherry {words} --url {url}")


def _stay() -> None:
    say("Ctrl-C ends the service and throws its state away.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        click.echo()
