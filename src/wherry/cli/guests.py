"""``wherry guests``: guests and their devices."""

from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import UNSET, structs

from wherry.agent.client import Client, part
from wherry.cli.files import JSON_FILE, read_record
from wherry.cli.groups import GroupWithDefault
from wherry.cli.output import print_json, print_table, say
from wherry.cli.reasons import reason_lines
from wherry.cli.service import asks_service, json_option
from wherry.model.guests import Guest, GuestRequest
from wherry.model.wire import (
    GuestList,
    PlugRequest,
    RebootAnswer,
    RebootRequest,
    UnplugRequest,
)


@click.group(cls=GroupWithDefault, default="list", short_help="Record guests and their devices.")
def guests() -> None:
    """Record guests and their devices; without a command, list them."""


@guests.command("list")
@click.option("--host", help="Only those on this host.")
@click.option("--tenant", help="Only those of this project.")
@json_option
@asks_service
def list_guests(client: Client, *, host: str | None, tenant: str | None, as_json: bool) -> None:
    """List guests."""
    found = client.get("/wherry/guests", GuestList, host=host, tenant=tenant)
    if as_json:
        print_json(found)
        return
    print_table(
        ("GUEST", "HOST", "TENANT", "SLOTS", "MIGRATION"),
        (
            (g.uuid, g.host, g.tenant or "-", " ".join(sorted(g.slots)) or "-", g.migration or "-")
            for g in found.guests
        ),
        empty="no guest is on record",
    )


@guests.command()
@click.argument("guest")
@json_option
@asks_service
def show(client: Client, guest: str, *, as_json: bool) -> None:
    """Show GUEST (a uuid) with the contract of each slot."""
    _show(client.get(_path(guest), Guest), as_json=as_json)


@guests.command()
@click.argument("guest")
@click.option(
    "--file", "file", type=JSON_FILE, required=True, help="JSON of the guest; - is stdin."
)
@json_option
@asks_service
def put(client: Client, guest: str, *, file: Path, as_json: bool) -> None:
    """Record GUEST (a uuid): allocate what its slots need, and pin a contract for each."""
    asked = read_record(file, GuestRequest)
    _show(client.send("PUT", _path(guest), Guest, asked), as_json=as_json)


@guests.command()
@click.argument("guest")
@asks_service
def delete(client: Client, guest: str) -> None:
    """Forget GUEST (a uuid), and free all it held."""
    client.send("DELETE", _path(guest), bytes)
    say(f"guest {guest} is forgotten, and all it held is free")


@guests.command()
@click.argument("guest")
@click.option(
    "--kind",
    type=click.Choice(["warm", "new_process"]),
    default="new_process",
    show_default=True,
    help="Whether the QEMU process stayed; if nobody knows, new_process.",
)
@click.option("--file", "file", type=JSON_FILE, help="JSON of the whole request instead.")
@click.option("--preview", is_flag=True, help="Say what a reboot would do, and do nothing.")
@json_option
@asks_service
def reboot(
    client: Client, guest: str, *, kind: str, file: Path | None, preview: bool, as_json: bool
) -> None:
    """Tell that GUEST (a uuid) has rebooted: its contracts are pinned anew."""
    asked = read_record(file, RebootRequest) if file else RebootRequest(kind=kind)  # type: ignore[arg-type] # click holds it to the choices
    asked = structs.replace(asked, preview=preview or asked.preview)
    done = client.send("POST", f"{_path(guest)}/reboot", RebootAnswer, asked)
    if as_json:
        print_json(done)
        return
    _show(done.guest, as_json=False)
    say(f"{'would be ' if done.preview else ''}pinned anew: {', '.join(done.pinned) or '-'}")
    for slot, reasons in done.reasons.items():
        say(f"{slot}:")
        for verdict, line in reason_lines(reasons):
            say(line, verdict=verdict)
    for slot in done.not_offered:
        say(f"{slot}: its provider offers this no more; the contract stays", verdict="warn")
    if done.opened:
        say(f"new targets: {', '.join(done.opened)}", verdict="ok")
    if done.closed:
        say(f"no targets any more: {', '.join(done.closed)}", verdict="warn")


@guests.command()
@click.argument("guest")
@click.option("--file", "file", type=JSON_FILE, required=True, help="JSON of slot and device.")
@json_option
@asks_service
def plug(client: Client, guest: str, *, file: Path, as_json: bool) -> None:
    """Plug a device into the running GUEST (a uuid)."""
    asked = read_record(file, PlugRequest)
    _show(client.send("POST", f"{_path(guest)}/plug", Guest, asked), as_json=as_json)


@guests.command()
@click.argument("guest")
@click.argument("slot")
@json_option
@asks_service
def unplug(client: Client, guest: str, slot: str, *, as_json: bool) -> None:
    """Unplug SLOT from the running GUEST (a uuid)."""
    asked = UnplugRequest(slot=slot)
    _show(client.send("POST", f"{_path(guest)}/unplug", Guest, asked), as_json=as_json)


def _path(guest: str) -> str:
    return f"/wherry/guests/{part(guest)}"


def _show(guest: Guest, *, as_json: bool) -> None:
    if as_json:
        print_json(guest)
        return
    tenant = f", tenant {guest.tenant}" if guest.tenant else ""
    say(f"guest {guest.uuid} on {guest.host}{tenant}")
    if guest.migration is not UNSET:
        say(f"held by migration {guest.migration}")
    click.echo()
    print_table(
        ("SLOT", "KIND", "TYPE", "VERSION", "FEATURES", "DEVICE", "PROVIDER"),
        _rows(guest),
        empty="no devices",
    )


def _rows(guest: Guest) -> Iterator[tuple[object, ...]]:
    for name, slot in sorted(guest.slots.items()):
        contract = slot.contract
        interface = contract.interface
        version = UNSET if interface is UNSET else interface.version
        features = " ".join(contract.features or ()) or "-"
        device = "-" if slot.device is UNSET else slot.device
        shown = "-" if version is UNSET else version
        yield name, contract.kind, contract.type, shown, features, device, slot.provider
