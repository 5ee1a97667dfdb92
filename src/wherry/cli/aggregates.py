"""``wherry aggregates``: hosts that are for some tenants alone."""

import click

from wherry.agent.client import Client, part
from wherry.cli.groups import GroupWithDefault
from wherry.cli.output import count, print_json, print_table, say
from wherry.cli.service import asks_service, json_option
from wherry.model.tenancy import Aggregate, AggregateList, AggregateRequest


@click.group(cls=GroupWithDefault, default="list", short_help="Keep hosts for some tenants.")
def aggregates() -> None:
    """Keep hosts for some tenants; without a command, list the aggregates that are."""


@aggregates.command("list")
@json_option
@asks_service
def list_aggregates(client: Client, *, as_json: bool) -> None:
    """List aggregates that are for some tenants alone."""
    found = client.get("/wherry/aggregates", AggregateList)
    if as_json:
        print_json(found)
        return
    print_table(
        ("AGGREGATE", "TENANTS", "HOSTS"),
        ((each.uuid, ", ".join(each.tenants), len(each.hosts)) for each in found.aggregates),
        empty="every aggregate is for everybody",
    )


@aggregates.command()
@click.argument("uuid")
@json_option
@asks_service
def show(client: Client, uuid: str, *, as_json: bool) -> None:
    """Show whom the aggregate UUID is for, and its hosts."""
    _show(client.get(_path(uuid), Aggregate), as_json=as_json)


@aggregates.command()
@click.argument("uuid")
@click.argument("tenants", nargs=-1, required=True)
@json_option
@asks_service
def put(client: Client, uuid: str, tenants: tuple[str, ...], *, as_json: bool) -> None:
    """Keep the hosts of the aggregate UUID for TENANTS alone, whomever it was for before."""
    try:
        asked = AggregateRequest(tenants=tenants)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _show(client.send("PUT", _path(uuid), Aggregate, asked), as_json=as_json)


@aggregates.command()
@click.argument("uuid")
@asks_service
def remove(client: Client, uuid: str) -> None:
    """Let all tenants into the aggregate UUID; its hosts stay in it."""
    client.send("DELETE", _path(uuid), bytes)
    say(f"aggregate {uuid} is for everybody")


def _path(uuid: str) -> str:
    return f"/wherry/aggregates/{part(uuid)}"


def _show(aggregate: Aggregate, *, as_json: bool) -> None:
    if as_json:
        print_json(aggregate)
        return
    names = ", ".join(aggregate.tenants)
    say(f"aggregate {aggregate.uuid}: for {names}, {count(len(aggregate.hosts), 'host')}")
    for host in aggregate.hosts:
        say(host)
