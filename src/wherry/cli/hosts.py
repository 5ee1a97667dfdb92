"""``wherry hosts``: what the service knows of hosts, and their state."""

from collections.abc import Iterator

import click
from msgspec import UNSET

from wherry.agent.client import Client, part
from wherry.cli.exits import NO, YES
from wherry.cli.groups import GroupWithDefault
from wherry.cli.output import print_json, print_table, say
from wherry.cli.service import asks_service, json_option
from wherry.compat.sentences import explain
from wherry.inventory.views import pool_free
from wherry.model.inventory import ProviderRecord
from wherry.model.wire import HostDetail, HostList, HostPatch, OfferList, TypeLintList


@click.group(cls=GroupWithDefault, default="list", short_help="List, show and set hosts.")
def hosts() -> None:
    """List, show and set hosts; without a command, list them."""


@hosts.command("list")
@json_option
@asks_service
def list_hosts(client: Client, *, as_json: bool) -> None:
    """List all hosts."""
    found = client.get("/wherry/hosts", HostList)
    if as_json:
        print_json(found)
        return
    print_table(
        ("HOST", "STATE", "PROVIDERS", "GUESTS", "FINDINGS", "LAST SEEN", "LABELS"),
        (
            (h.name, h.state, h.providers, h.guests, h.findings, h.last_seen, _labels(h.labels))
            for h in found.hosts
        ),
        empty="no host has reported yet: run `wherry agent`, or `wherry import` a recording",
    )


@hosts.command()
@click.argument("name")
@json_option
@asks_service
def show(client: Client, name: str, *, as_json: bool) -> None:
    """Show the host NAME: its providers with capacity and use, guests, and findings."""
    _show(client.get(f"/wherry/hosts/{part(name)}", HostDetail), as_json=as_json)


@hosts.command("set")
@click.argument("name")
@click.option(
    "--state",
    type=click.Choice(["enabled", "disabled", "maintenance"]),
    help="Only an enabled host is a target.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a label, or with an empty value take it away; may be repeated.",
)
@json_option
@asks_service
def set_host(
    client: Client, name: str, *, state: str | None, labels: tuple[str, ...], as_json: bool
) -> None:
    """Set the state or labels of the host NAME."""
    if state is None and not labels:
        raise click.UsageError("give --state or --label")
    patch = HostPatch(state=state or UNSET, labels=dict(map(_label, labels)))  # type: ignore[arg-type] # click holds the state to the choices
    _show(client.send("PATCH", f"/wherry/hosts/{part(name)}", HostDetail, patch), as_json=as_json)


@hosts.command()
@click.option("--host", help="Only this host's.")
@click.option("--type", "type_", help="Only offers of this type.")
@json_option
@asks_service
def offers(client: Client, *, host: str | None, type_: str | None, as_json: bool) -> None:
    """List what hosts offer, with how many more fit now."""
    found = client.get("/wherry/offers", OfferList, host=host, type=type_)
    if as_json:
        print_json(found)
        return
    print_table(
        ("HOST", "PROVIDER", "KIND", "TYPE", "FITS"),
        ((o.host, o.provider_name, o.offer.kind, o.offer.type, o.fits) for o in found.offers),
        empty="nothing is offered",
    )


@hosts.command()
@json_option
@asks_service
def lints(client: Client, *, as_json: bool) -> int:
    """List types that hosts offer differently, with what differs.

    Ends with 1 if there is any.
    """
    found = client.get("/wherry/lints", TypeLintList)
    if as_json:
        print_json(found)
    else:
        print_table(
            ("TYPE", "FIRST ON", "DIFFERS ON", "WHAT DIFFERS"),
            ((x.type, x.first, x.other, explain(r)) for x in found.lints for r in x.reasons),
            empty="each type means one thing",
        )
    return NO if found.lints else YES


def _label(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        message = f"label {text!r} is not NAME=VALUE"
        raise click.UsageError(message)
    return name, value or None


def _labels(labels: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(labels.items())) or "-"


def _show(detail: HostDetail, *, as_json: bool) -> None:
    if as_json:
        print_json(detail)
        return
    host = detail.host
    say(
        f"host {host.name}: {host.state}, observed {host.observed_at}, last seen {detail.last_seen}"
    )
    say(f"labels: {_labels(host.labels)}")
    say(f"guests: {', '.join(detail.guests) or '-'}")
    click.echo()
    print_table(
        ("PROVIDER", "CLASS", "TOTAL", "RESERVED", "USED", "FREE", "UUID"),
        (row for provider in detail.providers for row in _rows(provider)),
        empty="no providers",
    )
    for finding in host.findings:
        say(f"{finding.code}: {finding.message}")


def _rows(provider: ProviderRecord) -> Iterator[tuple[object, ...]]:
    plan, use = provider.plan, provider.use
    if not plan.inventories:
        yield plan.name, "-", "-", "-", "-", "-", plan.uuid
    for name, inventory in sorted(plan.inventories.items()):
        stray = use.stray.get(name, 0)
        # What instances take that nobody allocated is not to be had, as if it were reserved.
        reserved, allocated = inventory.reserved + stray, use.held(name) - stray
        free = pool_free(plan, use, name)
        yield plan.name, name, inventory.total, reserved, allocated, free, plan.uuid
