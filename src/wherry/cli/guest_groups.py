"""``wherry groups``: guests that keep together or apart."""

from typing import get_args

import click

from wherry.agent.client import Client, part
from wherry.cli.groups import GroupWithDefault
from wherry.cli.output import count, print_json, print_table, say
from wherry.cli.service import asks_service, json_option
from wherry.model.groups import Group, GroupList, GroupPolicy, GroupRequest


@click.group(cls=GroupWithDefault, default="list", short_help="Keep guests together or apart.")
def guest_groups() -> None:
    """Keep guests together or apart; without a command, list the groups."""


@guest_groups.command("list")
@json_option
@asks_service
def list_groups(client: Client, *, as_json: bool) -> None:
    """List groups of guests."""
    found = client.get("/wherry/groups", GroupList)
    if as_json:
        print_json(found)
        return
    print_table(
        ("GROUP", "POLICY", "MOST ON A HOST", "GUESTS"),
        ((g.id, g.policy, _most(g), len(g.guests)) for g in found.groups),
        empty="no group is stored",
    )


@guest_groups.command()
@click.argument("name")
@json_option
@asks_service
def show(client: Client, name: str, *, as_json: bool) -> None:
    """Show the group NAME with its guests."""
    _show(client.get(_path(name), Group), as_json=as_json)


@guest_groups.command()
@click.argument("name")
@click.argument("guests", nargs=-1)
@click.option(
    "--policy",
    type=click.Choice(get_args(GroupPolicy)),
    required=True,
    help="On one host, or on different ones; the soft ones only rank.",
)
@click.option(
    "--most",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Of anti-affinity: how many one host may have.",
)
@json_option
@asks_service
def put(
    client: Client,
    name: str,
    guests: tuple[str, ...],
    *,
    policy: GroupPolicy,
    most: int,
    as_json: bool,
) -> None:
    """Store the group NAME of GUESTS (uuids), in the place of what had the name before."""
    try:
        asked = GroupRequest(policy=policy, most=most, guests=guests)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _show(client.send("PUT", _path(name), Group, asked), as_json=as_json)


@guest_groups.command()
@click.argument("name")
@asks_service
def remove(client: Client, name: str) -> None:
    """Forget the group NAME; its guests stay where they are."""
    client.send("DELETE", _path(name), bytes)
    say(f"group {name} is forgotten")


def _path(name: str) -> str:
    return f"/wherry/groups/{part(name)}"


def _most(group: Group) -> int | None:
    return group.most if group.policy == "anti-affinity" else None


def _show(group: Group, *, as_json: bool) -> None:
    if as_json:
        print_json(group)
        return
    most = f", at most {group.most} on a host" if group.policy == "anti-affinity" else ""
    say(f"group {group.id}: {group.policy}{most}, {count(len(group.guests), 'guest')}")
    for uuid in group.guests:
        say(uuid)
