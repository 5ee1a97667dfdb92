"""``wherry device-requests``: what flavors call by a name, as Nova's aliases do."""

from pathlib import Path

import click
from msgspec import UNSET
from msgspec.structs import asdict

from wherry.agent.client import Client, part
from wherry.cli.files import JSON_FILE, read_bytes, read_record
from wherry.cli.groups import GroupWithDefault
from wherry.cli.output import count, print_json, print_table, say
from wherry.cli.service import asks_service, json_option
from wherry.model.device_requests import (
    Alternative,
    DeviceRequest,
    DeviceRequestList,
    StoredDeviceRequest,
)
from wherry.model.errors import InvalidFile
from wherry.schedule.first.nova_conf import parse_nova_conf


@click.group(cls=GroupWithDefault, default="list", short_help="Keep what flavors call by a name.")
def device_requests() -> None:
    """Keep device requests, which Nova calls aliases; without a command, list them."""


@device_requests.command("list")
@json_option
@asks_service
def list_device_requests(client: Client, *, as_json: bool) -> None:
    """List device requests."""
    found = client.get("/wherry/device-requests", DeviceRequestList)
    if as_json:
        print_json(found)
        return
    print_table(
        ("NAME", "NUMA POLICY", "ALTERNATIVES"),
        (
            (one.name, one.numa_policy, " or ".join(map(_spell, one.alternatives)))
            for one in found.device_requests
        ),
        empty="no device request is stored",
    )


@device_requests.command()
@click.argument("name")
@json_option
@asks_service
def show(client: Client, name: str, *, as_json: bool) -> None:
    """Show the device request NAME with its alternatives."""
    _show(client.get(_path(name), StoredDeviceRequest), as_json=as_json)


@device_requests.command()
@click.argument("name")
@click.option(
    "--file", "file", type=JSON_FILE, required=True, help="JSON of the request; - is stdin."
)
@json_option
@asks_service
def put(client: Client, name: str, *, file: Path, as_json: bool) -> None:
    """Store the device request NAME, in the place of what had the name before."""
    asked = read_record(file, DeviceRequest)
    _show(client.send("PUT", _path(name), StoredDeviceRequest, asked), as_json=as_json)


@device_requests.command()
@click.argument("name")
@asks_service
def remove(client: Client, name: str) -> None:
    """Forget the device request NAME; what was placed by it stays."""
    client.send("DELETE", _path(name), bytes)
    say(f"device request {name} is forgotten")


@device_requests.command("import")
@click.argument("file", type=JSON_FILE)
@click.option("--dry-run", is_flag=True, help="Say what would be stored, and store nothing.")
@json_option
@asks_service
def import_(client: Client, file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Store every `[pci] alias` of a nova.conf FILE (- is stdin); a name again is replaced.

    A file that is not as Nova takes it is refused as a whole, and nothing is stored.
    """
    try:
        text = read_bytes(file).decode("utf-8")
    except UnicodeDecodeError:
        message = "it is no text in UTF-8"
        raise InvalidFile(message, file=str(file)) from None
    found = parse_nova_conf(text, file=str(file))
    if not dry_run:
        for one in found.requests:
            asked = DeviceRequest(alternatives=one.alternatives, numa_policy=one.numa_policy)
            client.send("PUT", _path(one.name), StoredDeviceRequest, asked)
    if as_json:
        print_json(DeviceRequestList(device_requests=found.requests))
        return
    done = "would be stored" if dry_run else "stored"
    say(f"{count(len(found.requests), 'device request')} {done}")
    for one in found.requests:
        say(f"  {one.name}: {' or '.join(map(_spell, one.alternatives))}")
    for note in found.notes:
        say(f"note: {note}")


def _path(name: str) -> str:
    return f"/wherry/device-requests/{part(name)}"


def _show(one: StoredDeviceRequest, *, as_json: bool) -> None:
    if as_json:
        print_json(one)
        return
    say(f"device request {one.name}, NUMA policy {one.numa_policy}")
    for number, each in enumerate(one.alternatives, 1):
        say(f"  {number}: {_spell(each)}")


def _spell(one: Alternative) -> str:
    """Write an alternative on one line."""
    said = {name: value for name, value in asdict(one).items() if value not in {UNSET, ()}}
    words = [f"{said.pop('vendor_id')}:{said.pop('product_id')}"] if "vendor_id" in said else []
    words += [str(said.pop(name)) for name in ("resource_class", "device_type") if name in said]
    words += [f"with {trait}" for trait in said.pop("traits", ())]
    if (movable := said.pop("live_migratable", None)) is not None:
        words.append("movable" if movable else "not movable")
    return " ".join(words)
