"""``wherry export``: all that the service holds is copied into a Placement."""

import click

from wherry.agent.client import Client
from wherry.cli.copying import Copying, copies_placement
from wherry.cli.service import asks_service, json_option


@click.command(short_help="Copy all into a Placement.")
@click.option(
    "--to-placement",
    "placement_url",
    required=True,
    metavar="URL",
    help="Address of the Placement.",
)
@copies_placement
@json_option
@asks_service
def export(client: Client, *, placement_url: str, copying: Copying, as_json: bool) -> int:
    """Make a Placement hold what the service holds.

    It reads both, writes what differs, and reads both again; run it again where it
    was cut off. Ends with 1 where anything was refused or is not the same.
    """
    source = copying.service(client, "source")
    target = copying.placement(placement_url, "target")
    return copying.run(source, target, as_json=as_json)
