"""``wherry compositions``: devices that are set aside together, as one of a type of their own."""

from uuid import uuid4

import click

from wherry.agent.client import Client, part
from wherry.cli.output import print_json, print_table, say
from wherry.cli.service import asks_service, json_option
from wherry.model.compositions import Composition, CompositionRequest, PartRequest
from wherry.model.wire import CompositionList


@click.group(short_help="Compose devices of a parent, and dissolve them.")
def compositions() -> None:
    """Compose devices of a parent, list what is composed, and dissolve it.

    PROVIDER is the uuid of the parent: `wherry hosts show` has it.
    """


@compositions.command("list")
@click.argument("provider")
@json_option
@asks_service
def list_compositions(client: Client, provider: str, *, as_json: bool) -> None:
    """List what is composed of PROVIDER."""
    found = client.get(_path(provider), CompositionList)
    if as_json:
        print_json(found)
        return
    print_table(
        ("UUID", "COUNT", "CLASS", "DESCRIPTION"),
        ((c.uuid, c.count, c.resource_class, c.description) for c in found.compositions),
        empty="nothing is composed of it",
    )


@compositions.command()
@click.argument("provider")
@click.argument("name")
@click.argument("parts", nargs=-1, required=True, metavar="TYPE[*COUNT]...")
@click.option("--count", default=1, show_default=True, help="Composed devices, all alike.")
@click.option(
    "--uuid", help="Of the composition (default: a new one); said again, it is done once."
)
@json_option
@asks_service
def create(
    client: Client,
    provider: str,
    name: str,
    parts: tuple[str, ...],
    *,
    count: int,
    uuid: str | None,
    as_json: bool,
) -> None:
    """Set types of PROVIDER aside as devices of the type composed/NAME.

    `wherry compositions create UUID pair mtty/mtty-2*2` makes one device of two mtty-2.
    """
    asked = CompositionRequest(
        uuid=uuid or str(uuid4()), name=name, count=count, parts=tuple(map(_part, parts))
    )
    made = client.send("POST", _path(provider), Composition, asked)
    if as_json:
        print_json(made)
        return
    say(made.description)
    say(f"{made.count} of {made.resource_class} on provider {made.uuid}")


@compositions.command()
@click.argument("provider")
@click.argument("uuid")
@asks_service
def dissolve(client: Client, provider: str, uuid: str) -> None:
    """Give the parts of the composition UUID back to PROVIDER; refused while one is held."""
    client.send("DELETE", f"{_path(provider)}/{part(uuid)}", bytes)
    say(f"composition {uuid} is dissolved")


def _path(provider: str) -> str:
    return f"/wherry/providers/{part(provider)}/compositions"


def _part(text: str) -> PartRequest:
    """Read ``TYPE`` or ``TYPE*COUNT``."""
    type_, star, count = text.rpartition("*")
    if not star:
        return PartRequest(type=text)
    if not type_ or not count.isascii() or not count.isdigit():
        message = f"a part is TYPE or TYPE*COUNT, not {text!r}"
        raise click.UsageError(message)
    return PartRequest(type=type_, count=int(count))
