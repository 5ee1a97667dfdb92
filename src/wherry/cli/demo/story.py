"""The story: devices become inventory, guests get contracts, one of them moves, one does not."""

import uuid
from collections.abc import Sequence

import click

from wherry.agent.client import Client
from wherry.agent.daemon import Agent
from wherry.cli.output import print_table, say
from wherry.cli.reasons import reason_lines, row_lines
from wherry.cli.targets import print_targets
from wherry.model.checks import Policy
from wherry.model.errors import NoTarget, WherryError
from wherry.model.guests import Guest, GuestRequest, SlotRequest
from wherry.model.migrations import Migration
from wherry.model.targets import TargetsAnswer, TargetsRequest
from wherry.model.wire import (
    FinishRequest,
    HostList,
    MigrationRequest,
    OfferList,
    TokenRequest,
)

NAMES = uuid.UUID("6f0c1f0e-2a55-5a0b-9d0c-9a3c8e0e7d11")
"""Guests and migrations of the demonstration have the same uuids each time."""

ANYTHING_BUT_NO = Policy(accept=("ok", "warn", "unknown"))

TODAY = (
    "mtty 5eed0000-0000-4000-8000-000000000001: mtty_resume_write failed validation",
    "qemu-system-x86_64: error while loading state section id 37(0000:00:01.0/vfio)",
    "qemu-system-x86_64: load of migration failed: Bad address",
)
"""What a real kernel and QEMU 10.0.13 said of a stream 1.0 loaded into a driver of 1.1."""


def tell(client: Client, agents: Sequence[Agent]) -> None:
    """Tell all of it; the agents of the hosts must be at work from the second part on."""
    _inventory(client, agents)
    serial, graphics, network = _boot(client)
    _where(client, serial, graphics, network)
    _move(client, serial)
    _refuse(client, serial)


def name_of(what: str) -> str:
    """Give the uuid of a guest or migration of the story."""
    return str(uuid.uuid5(NAMES, what))


def _chapter(number: int, title: str) -> None:
    click.echo()
    say(f"{number}. {title}", bold=True)
    click.echo()


def _inventory(client: Client, agents: Sequence[Agent]) -> None:
    _chapter(1, "What hosts say of their devices becomes inventory")
    say(f"{agents[0].host.name} is this very host; the others are recordings of real kernels,")
    say("or put together from public facts where a driver is not to be had.")
    click.echo()
    offers = client.get("/wherry/offers", OfferList).offers
    kinds: dict[str, list[str]] = {}
    for row in offers:
        if row.fits is not None and row.offer.type is not None:
            kinds.setdefault(row.host, []).append(f"{row.fits} x {row.offer.type}")
    print_table(
        ("HOST", "PROVIDERS", "FREE NOW, EACH INSTEAD OF THE OTHERS"),
        (
            (host.name, host.providers, _few(kinds.get(host.name, [])))
            for host in client.get("/wherry/hosts", HostList).hosts
        ),
        empty="no hosts",
    )


def _few(kinds: Sequence[str], most: int = 3) -> str:
    shown = [kind for kind in kinds if not kind.startswith("0 ")] or list(kinds)
    more = len(shown) - most
    return ", ".join(shown[:most]) + (f", {more} more" if more > 0 else "") or "nothing offered"


def _boot(client: Client) -> tuple[Guest, Guest, Guest]:
    _chapter(2, "Three guests boot: what each was given is pinned as its contract")
    guests = (
        _put(client, "serial", "serial-1", "port", "mtty/mtty-1"),
        _put(client, "graphics", "gpu-1", "vgpu", "nvidia/RTXA6000-2Q"),
        _put(client, "network", "net-1", "nic", "pci/8086:10ca"),
    )
    print_table(
        ("GUEST", "HOST", "SLOT", "KIND", "TYPE", "MIGRATES"),
        (
            (guest.uuid, guest.host, name, slot.contract.kind, slot.type, _migrates(slot.contract))
            for guest in guests
            for name, slot in guest.slots.items()
        ),
        empty="no guests",
    )
    return guests


def _migrates(contract: object) -> str:
    migration = getattr(contract, "migration", None)
    return getattr(migration, "support", None) or "unknown"


def _put(client: Client, what: str, host: str, slot: str, type_name: str) -> Guest:
    rows = client.get("/wherry/offers", OfferList, host=host, type=type_name).offers
    asked = GuestRequest(
        host=host,
        tenant="demo",
        slots={slot: SlotRequest(provider=rows[0].provider, type=type_name)},
    )
    return client.send("PUT", f"/wherry/guests/{name_of(what)}", Guest, asked)


def _where(client: Client, serial: Guest, graphics: Guest, network: Guest) -> None:
    _chapter(3, "Where each can go, and why not elsewhere")
    print_targets(_targets(client, serial))
    for title, guest, policy in (
        ("the guest with a vGPU, live", graphics, Policy()),
        ("the same, where what nobody published is accepted", graphics, ANYTHING_BUT_NO),
        ("the guest with a VF on vfio-pci, live", network, Policy()),
        ("the same, shut down and booted there", network, Policy(mode="cold")),
    ):
        click.echo()
        say(f"-- {title}")
        print_targets(_targets(client, guest, policy))


def _targets(client: Client, guest: Guest, policy: Policy | None = None) -> TargetsAnswer:
    asked = TargetsRequest(policy=policy or Policy(), limit=5)
    return client.send("POST", f"/wherry/guests/{guest.uuid}/targets", TargetsAnswer, asked)


def _move(client: Client, guest: Guest) -> None:
    _chapter(4, "One moves: claimed, confirmed by both hosts, started, finished")
    path = f"/wherry/migrations/{name_of('move')}"
    claimed = client.send("PUT", path, Migration, MigrationRequest(guest=guest.uuid))
    say(f"claimed   {claimed.target} holds a place, {claimed.source} keeps the guest's")
    token = TokenRequest(token=claimed.token)
    confirmed = client.send("POST", f"{path}/preflight", Migration, token, wait_s=60)
    if confirmed.state != "confirmed":
        for verdict, line in reason_lines(confirmed.history[-1].reasons):
            say(line, verdict=verdict)
        message = f"the migration is {confirmed.state}, and should be confirmed"
        raise NoTarget(message)
    say(f"confirmed by {' and '.join(f'the {side}' for side in confirmed.confirmed)}")
    started = client.send("POST", f"{path}/start", Migration, token)
    say(f"started   {started.source} -> {started.target}; from here on no lease releases anything")
    done = client.send("POST", f"{path}/finish", Migration, FinishRequest(token=started.token))
    say(f"finished  the guest is on {done.target}, its contract went along", verdict="ok")


def _refuse(client: Client, guest: Guest) -> None:
    _chapter(5, "One is refused before anything starts; today it fails in mid-stream")
    asked = MigrationRequest(guest=guest.uuid, target="serial-4")
    try:
        client.send("PUT", f"/wherry/migrations/{name_of('refused')}", Migration, asked)
    except NoTarget as refused:
        say(str(refused), verdict="no")
    else:
        raise WherryError("serial-4 took the guest, and should not have")
    asked_why = TargetsRequest(hosts=("serial-4",), explain=True)
    path = f"/wherry/guests/{guest.uuid}/targets"
    why = client.send("POST", path, TargetsAnswer, asked_why)
    for refusal in why.refused.hosts or ():
        for verdict, line in (*reason_lines(refusal.reasons), *row_lines(refusal.mapping)):
            say(line, verdict=verdict)
    click.echo()
    say("Without this, a real kernel 6.12 and QEMU 10.0.13 found out while the guest was paused:")
    for line in TODAY:
        say(f"  {line}")
