"""What a report adds to the providers that a client of Placement has made for a device.

The client counts, in a class of its own, and the report adds no inventory: its offers are
rewritten to that class, one unit for an instance, and of both capacities the smaller holds.
Where several providers count one device (VFs that are parents of vGPUs), they share what the
report knows: what is in use stays, the rest goes to them in the order of their names.

Source: design, section 6 ("Every provider has one owner").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.counted import (
    NOTHING,
    Apart,
    ClientProvider,
    Gone,
    Told,
    class_of,
    count,
    gone_of,
    most_of,
    types_of,
)
from wherry.inventory.findings import finding
from wherry.inventory.nova import device_names
from wherry.model.device import Offer, Pool
from wherry.model.inventory import Attachment, Finding, PlannedProvider, SeenInstance


@dataclass(frozen=True, slots=True)
class Device:
    """A device that a client counts.

    Attributes:
        parts: its providers as the report has them, the device's own first.
        clients: those that count it, by name; never empty.
        apart: uuid of a part to what is held on it.
    """

    host: str
    parts: Sequence[PlannedProvider]
    clients: Sequence[ClientProvider]
    apart: Mapping[str, Apart]

    @property
    def name(self) -> str:
        """Name of the device in the facts."""
        own = self.parts[0]
        return own.name if own.device is UNSET else own.device


def attach(device: Device) -> tuple[list[Attachment], list[Finding]]:
    """Say what goes to each of the clients' providers, and how counts differ."""
    classes = {one.uuid: class_of(one, device.parts) for one in device.clients}
    is_offered = any(part.offers for part in device.parts)
    told = _told(device, classes) if is_offered else {}
    types = frozenset[str]().union(*(each.types for each in told.values()))
    gone = gone_of(types, device.parts, device.apart)
    limits = _share(device, classes, most_of(types, device.parts, gone)) if told else {}
    attached = [_bare(device, one) for one in device.clients]
    for place, one in enumerate(device.clients):
        name = classes[one.uuid]
        if name in told and one.uuid in limits:
            more = _offered(device, one, name, told[name], limits[one.uuid], gone)
            attached[place] = replace(attached[place], **more)
    return attached, list(_findings(device, classes, told))


def _told(device: Device, classes: Mapping[str, str | None]) -> dict[str, Told]:
    """Give each class that clients count with, and what it may count."""
    totals: dict[str, int] = {}
    for one in device.clients:
        name = classes[one.uuid]
        if name is not None:
            totals[name] = totals.get(name, 0) + one.inventories[name].total
    return {name: types_of(name, total, device.parts) for name, total in totals.items()}


def _share(device: Device, classes: Mapping[str, str | None], most: int) -> dict[str, int]:
    """Share out the instances that there can be: provider to its limit."""
    counting = {one.uuid: one for one in device.clients if classes[one.uuid] is not None}
    if len(counting) == 1:
        return dict.fromkeys(counting, most)
    sizes = {uuid: one.inventories[classes[uuid] or ""].capacity for uuid, one in counting.items()}
    used = {
        uuid: min(one.used.get(classes[uuid] or "", 0), sizes[uuid])
        for uuid, one in counting.items()
    }
    left = max(0, most - sum(used.values()))
    limits: dict[str, int] = {}
    for uuid, size in sizes.items():
        more = min(left, size - used[uuid])
        limits[uuid] = used[uuid] + more
        left -= more
    return limits


def _bare(device: Device, client: ClientProvider) -> Attachment:
    """Give what a client's provider gets whatever is counted: facts, traits, instances."""
    own = device.parts[0]
    is_alone = len(device.clients) == 1
    slots = [name for part in device.parts for name in (*part.slots, *part.parents)]
    mine = [name for name in slots if client.name in device_names(device.host, name)]
    named = {name for part in device.parts for name in part.slots}
    return Attachment(
        provider=client.uuid,
        device=device.name if is_alone or not mine else mine[0],
        traits=own.traits,
        instances=tuple(_instances(device, client, mine)),
        slots=tuple(name for name in (slots if is_alone else mine) if name in named),
        note=own.note,
    )


def _instances(device: Device, client: ClientProvider, mine: Sequence[str]) -> list[SeenInstance]:
    """Give the instances of a provider, which take nothing: the client counts them already."""
    every = [replace(each, units={}) for part in device.parts for each in part.instances]
    if len(device.clients) == 1:
        return every
    others = {
        each.id
        for each in every
        for one in device.clients
        if one.name in device_names(device.host, each.id)
    }
    is_first = client == device.clients[0]
    return [each for each in every if each.id in mine or (is_first and each.id not in others)]


def _offered(
    device: Device, client: ClientProvider, name: str, told: Told, limit: int, gone: Gone
) -> dict[str, object]:
    capacity = max(0, client.inventories[name].limited(limit).capacity)
    offers: dict[tuple[str, str | None], Offer] = {}
    for part in device.parts:
        for offer in part.offers:
            if offer.type in told.types:
                here = min(capacity, count(part, offer, gone))
                pool = Pool(total=capacity, reserved=capacity - here)
                offers.setdefault(
                    (offer.kind, offer.type),
                    replace(
                        offer,
                        provider=client.uuid,
                        units={name: 1},
                        composition=UNSET,
                        positions=UNSET,
                        pools={name: pool},
                    ),
                )
    counts = dict.fromkeys([name], next(iter(told.types))) if told.is_sure else {}
    return {"offers": tuple(offers.values()), "limits": {name: limit}, "counts": counts}


def _findings(
    device: Device, classes: Mapping[str, str | None], told: Mapping[str, Told]
) -> list[Finding]:
    found = [
        finding("CLASS_UNTOLD", device.name, f"{one.name} has {', '.join(sorted(one.inventories))}")
        for one in device.clients
        if one.inventories and classes[one.uuid] is None
    ]
    for name, each in sorted(told.items()):
        if len(each.types) > 1:
            names = ", ".join(sorted(each.types))
            found.append(finding("TYPE_UNTOLD", device.name, f"{name} counts one of {names}"))
        counted = sum(
            one.inventories[name].capacity for one in device.clients if classes[one.uuid] == name
        )
        most = most_of(each.types, device.parts, NOTHING)
        if counted != most:
            text = f"{counted} of {name} are counted, {most} reported"
            found.append(finding("COUNTS_DIFFER", device.name, text))
    for part in device.parts:
        held = {k: n for k, n in device.apart.get(part.uuid, Apart()).units.items() if n}
        if held:
            text = ", ".join(f"{units} {name}" for name, units in sorted(held.items()))
            found.append(finding("HELD_APART", device.name, f"{part.name} has {text}"))
    return found
