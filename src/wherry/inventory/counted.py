"""What a class counts that a client of Placement gives a device, and how many the report knows.

Nova counts instances of one type in one class (``VGPU: 1``, ``CUSTOM_PCI_10DE_20B0: 1``) and
does not say of which.  A class that a profile publishes for a type says it; of the types that
are left it is the one that has as many instances as are counted, then one that has room for
so many, then the one of which instances are seen.

Source: design, sections 5 and 6; Nova, "Virtual GPU" of its administrator's guide.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.views import is_closed, seen_use
from wherry.model.device import Offer
from wherry.model.inventory import Inventory, PlannedProvider

VGPU = "VGPU"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientProvider:
    """A provider that a client has made, with its inventories as the client wrote them."""

    uuid: str
    name: str
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """What is held of a device on the report's own provider."""

    units: Mapping[str, int] = field(default_factory=dict)
    devices: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a class may count.

    Attributes:
        is_sure: whether it is one type and no other, whatever runs on the host.
    """

    types: frozenset[str]
    is_sure: bool


def class_of(client: ClientProvider, devices: Sequence[PlannedProvider]) -> str | None:
    """Name the class in which a client counts devices; None where it has none, or several."""
    views = {name for device in devices for name in device.views} & client.inventories.keys()
    for names in (views, client.inventories.keys() & {VGPU}, client.inventories.keys()):
        if names:
            return next(iter(names)) if len(names) == 1 else None
    return None


def types_of(name: str, total: int, devices: Sequence[PlannedProvider]) -> Told:
    """Tell which types a class may count.

    Args:
        total: units of it that the client counts in all.
        devices: the providers of the device, as the report has them.
    """
    viewed = {device.views[name].type for device in devices if name in device.views}
    if viewed:
        return Told(types=frozenset(viewed), is_sure=len(viewed) == 1)
    every = {offer.type for device in devices for offer in device.offers if offer.type}
    counts = {one: most_of({one}, devices, NOTHING) for one in every}
    equal = {one for one, number in counts.items() if number == total}
    roomy = {one for one, number in counts.items() if number >= total}
    found = equal or roomy or every
    seen = {each.type for device in devices for each in device.instances} & found
    if len(found) > 1 and len(seen) == 1:
        found = seen
    return Told(types=frozenset(found), is_sure=len(every) == 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """What of devices is not to be had.

    Attributes:
        units: provider to class to units.
        closed: providers with the types of which what runs there lets nothing be made.
    """

    units: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    closed: frozenset[tuple[str, str]] = frozenset()


NOTHING: Final = Gone()


def gone_of(
    types: Collection[str], devices: Sequence[PlannedProvider], apart: Mapping[str, Apart]
) -> Gone:
    """Sum up what of devices is not to be had in instances of these types.

    That is what is held on the report's own providers, and instances of other types.  Instances
    of these types are the client's to use again, and it counts them.
    """
    gone: dict[str, dict[str, int]] = {}
    closed: set[tuple[str, str]] = set()
    for device in devices:
        held = apart.get(device.uuid, Apart())
        sums = gone[device.uuid] = dict(held.units)
        others = tuple(each for each in device.instances if each.type not in types)
        for each in others:
            if each.id not in held.devices:
                for name, units in each.units.items():
                    sums[name] = sums.get(name, 0) + units
        use = seen_use(replace(device, instances=others))
        closed |= {(device.uuid, one) for one in types if is_closed(device, use, one)}
    return Gone(units=gone, closed=frozenset(closed))


def most_of(types: Collection[str], devices: Sequence[PlannedProvider], gone: Gone) -> int:
    """Count the instances that there can be, whichever of these types they are of."""
    return sum(
        min((count(device, o, gone) for o in device.offers if o.type in types), default=0)
        for device in devices
    )


def count(device: PlannedProvider, offer: Offer, gone: Gone) -> int:
    """Count the instances of an offer that there can be on its provider, by its pools."""
    if (device.uuid, offer.type) in gone.closed:
        return 0
    if offer.units is UNSET or not offer.units:
        return 1
    taken = gone.units.get(device.uuid, {})
    return min(
        max(0, _capacity(device, name) - taken.get(name, 0)) // units
        for name, units in offer.units.items()
        if units
    )


def _capacity(device: PlannedProvider, name: str) -> int:
    return device.inventories[name].capacity if name in device.inventories else 0
