"""Values for tests: every builder has defaults, a test names only what matters to it.

The default device is a GPU of a made-up vendor: mdevs of type ``acme/gpu-a`` that take 4096
of the 16384 MB framebuffer of their parent.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.fleet import Fleet
from wherry.inventory.host_view import HostView
from wherry.model.changes import Change
from wherry.model.checks import HostFacts, Needs
from wherry.model.claims import Holding
from wherry.model.device import Contract, Offer
from wherry.model.guests import Guest, Slot
from wherry.model.inventory import (
    HostRecord,
    HostState,
    Inventory,
    PlannedProvider,
    ProviderRecord,
    Use,
)

FB = "CUSTOM_ACME_FB_MB"
RESOURCES = {"VCPU": 4, "MEMORY_MB": 8192}
ROOT_INVENTORIES = {
    "VCPU": Inventory(total=64),
    "MEMORY_MB": Inventory(total=262144),
    "DISK_GB": Inventory(total=1000),
}


def a_uuid(name: str) -> str:
    """The same uuid for the same name."""
    return str(uuid5(NAMESPACE_OID, name))


def a_contract(
    *, slot: str = "gpu0", consumer: str = "guest", version: str = "2.0.1", **fields: Any
) -> Contract:
    """A contract of the default device; fields as on the wire, ``UNSET`` leaves one out."""
    document = {
        "schema": "wherry.device/1",
        "record": "contract",
        "consumer": a_uuid(consumer),
        "slot": slot,
        "kind": "mdev",
        "device_api": "vfio-pci",
        "device_class": "display",
        "type": "acme/gpu-a",
        "interface": {"policy": "semver", "version": version},
        "units": {FB: 4096},
        "state": {"policy": "exact", "emits": "1"},
        "migration": {"support": "yes", "flags": ["stop_copy", "p2p", "pre_copy"]},
    }
    return msgspec.convert(_merge(document, fields), Contract)


def an_offer(*, provider: str = "gpu", supports: str = "2.1.1", **fields: Any) -> Offer:
    """An offer of the default device; fields as on the wire, ``UNSET`` leaves one out."""
    document = {
        "schema": "wherry.device/1",
        "record": "offer",
        "provider": a_uuid(provider),
        "generation": 0,
        "kind": "mdev",
        "device_api": "vfio-pci",
        "device_class": "display",
        "type": "acme/gpu-a",
        "interface": {"policy": "semver", "supports": supports},
        "units": {FB: 4096},
        "pools": {FB: {"total": 16384}},
        "state": {"policy": "exact", "accepts": "1", "emits": "1"},
        "migration": {"support": "yes", "flags": ["stop_copy", "p2p", "pre_copy"]},
    }
    return msgspec.convert(_merge(document, fields), Offer)


def a_provider(
    name: str,
    *,
    host: str,
    offers: Sequence[Offer] = (),
    use: Use = Use(),  # noqa: B008
    generation: int = 1,
    facts_generation: int = 1,
    **plan: Any,
) -> ProviderRecord:
    """A device provider of a host, with the pools of its offers as inventories."""
    uuid = a_uuid(name)
    here = tuple(replace(offer, provider=uuid) for offer in offers)
    inventories = {
        resource_class: Inventory(total=pool.total, reserved=pool.reserved)
        for offer in here
        for resource_class, pool in (offer.pools or {}).items()
        if pool.provider in {UNSET, uuid}
    }
    planned = PlannedProvider(
        uuid=uuid,
        name=name,
        parent=a_uuid(host),
        inventories=inventories,
        offers=here,
        **plan,
    )
    return ProviderRecord(
        plan=planned,
        host=host,
        root=a_uuid(host),
        owner="report",
        generation=generation,
        facts_generation=facts_generation,
        use=use,
    )


def a_root(
    host: str,
    *,
    inventories: Mapping[str, Inventory] = ROOT_INVENTORIES,
    used: Mapping[str, int] | None = None,
    generation: int = 1,
) -> ProviderRecord:
    """A host's own provider."""
    return ProviderRecord(
        plan=PlannedProvider(uuid=a_uuid(host), name=host, inventories=dict(inventories)),
        host=host,
        root=a_uuid(host),
        owner="report",
        generation=generation,
        facts_generation=1,
        use=Use(used=dict(used or {})),
    )


def a_host_record(name: str, *, state: HostState = "enabled", **fields: Any) -> HostRecord:
    """A host as stored."""
    defaults = {
        "check": HostFacts(arch="x86_64"),
        "boot_id": "boot-1",
        "sequence": 1,
        "observed_at": "2026-01-01T00:00:00Z",
        "generation": 1,
    }
    return HostRecord(name=name, state=state, **{**defaults, **fields})


def a_host(
    name: str = "host1",
    *,
    devices: int = 1,
    offers: Sequence[Offer] | None = None,
    use: Use = Use(),  # noqa: B008
    used: Mapping[str, int] | None = None,
    state: HostState = "enabled",
    check: HostFacts = HostFacts(arch="x86_64"),  # noqa: B008
) -> tuple[Change, ...]:
    """A host with its root and equal devices, as the changes that make it known.

    Args:
        devices: how many equal device providers, each with all the offers.
        use: what claims hold on each device.
        used: what claims hold on the root, by class.
    """
    offered = (an_offer(),) if offers is None else offers
    gpus = [
        a_provider(f"{name}_gpu{number}", host=name, offers=offered, use=use)
        for number in range(devices)
    ]
    return (a_host_record(name, state=state, check=check), a_root(name, used=used), *gpus)


def a_fleet(*hosts: Iterable[Change]) -> Fleet:
    """A fleet of hosts as `a_host` makes them."""
    fleet = Fleet()
    fleet.apply(change for host in hosts for change in host)
    return fleet


def a_host_view(name: str = "host1", **fields: Any) -> HostView:
    """One host as the fleet shows it; arguments as for `a_host`."""
    view = a_fleet(a_host(name, **fields)).view.get(name)
    assert view is not None
    return view


def a_slot(
    contract: Contract | None = None, *, provider: str = "host1_gpu0", **fields: Any
) -> Slot:
    """A slot as stored."""
    pinned = a_contract() if contract is None else contract
    return Slot(provider=a_uuid(provider), type=pinned.type, contract=pinned, **fields)


def a_guest(
    *contracts: Contract,
    host: str = "host1",
    resources: Mapping[str, int] = RESOURCES,
    needs: Needs = Needs(),  # noqa: B008
    **fields: Any,
) -> Guest:
    """A guest on *host* with one slot for each contract, each on a device of its own.

    Without any contract it has the default device; ``slots={}`` makes it have none.
    """
    slots = {
        contract.slot: a_slot(contract, provider=f"{host}_gpu{number}")
        for number, contract in enumerate(contracts or (a_contract(),))
    }
    defaults: dict[str, Any] = {"uuid": a_uuid("guest"), "slots": slots}
    return Guest(host=host, resources=dict(resources), needs=needs, **{**defaults, **fields})


def a_holding(guest: Guest, **fields: Any) -> Holding:
    """What a guest holds: its slots' units and its resources on the root."""
    allocations: dict[str, dict[str, int]] = {}
    if guest.resources:
        allocations[a_uuid(guest.host)] = dict(guest.resources)
    for slot in guest.slots.values():
        units = allocations.setdefault(slot.provider, {})
        for resource_class, amount in (slot.contract.units or {}).items():
            units[resource_class] = units.get(resource_class, 0) + amount
    defaults: dict[str, Any] = {"consumer": guest.uuid, "allocations": allocations}
    return Holding(**{**defaults, **fields})


def _merge(document: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**document, **fields}
    return {name: value for name, value in merged.items() if value is not UNSET}
