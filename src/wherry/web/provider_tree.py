"""A host's providers as a tree, each with what was read of its devices and what it gives."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from msgspec import UNSET

from wherry.model.facts import Device, Facts, Instance
from wherry.model.inventory import ProviderRecord
from wherry.model.wire import HostDetail, OfferRow
from wherry.web.facts import ROLES, Group, Row, count_unread, groups_of, rows_of_instance
from wherry.web.pools import Meter, meters_of

OWN = frozenset({"VF index", "IOMMU group", "firmware_node", "vfio-dev"})
"""Facts that tell devices apart which are alike otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Devices of which the same was read, and that."""

    names: tuple[str, ...]
    about: str
    groups: tuple[Group, ...]
    unread: int
    own: tuple[tuple[str, str], ...] = ()
    """Of several: name to what tells each from the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One provider.

    Attributes:
        title: its name without the host's.
        about: what it is, in words.
        instances: what is made on it as read: id, facts, and whether nobody allocated it.
    """

    uuid: str
    title: str
    about: str
    note: str
    owner: str
    traits: tuple[str, ...]
    pools: tuple[Meter, ...]
    offers: tuple[OfferRow, ...]
    devices: tuple[Alike, ...]
    instances: tuple[tuple[str, tuple[Row, ...], bool], ...]
    children: tuple["Node", ...]


def plant(detail: HostDetail, facts: Facts, offers: Iterable[OfferRow]) -> tuple[Node, ...]:
    """Make the tree of a host's providers: its roots, children below."""
    by_parent: dict[str | None, list[ProviderRecord]] = {}
    known = {each.plan.uuid for each in detail.providers}
    for each in detail.providers:
        parent = each.plan.parent
        by_parent.setdefault(parent if parent in known else None, []).append(each)
    offered: dict[str, list[OfferRow]] = {}
    for row in offers:
        offered.setdefault(row.provider, []).append(row)
    devices = {device.name: device for device in facts.devices}

    def node(provider: ProviderRecord) -> Node:
        plan = provider.plan
        own = _devices(provider, devices)
        strays = detail.strays.get(plan.uuid, ())
        return Node(
            uuid=plan.uuid,
            title=plan.name.removeprefix(f"{detail.host.name}_"),
            about=_about(provider, own, is_host=plan.name == detail.host.name),
            note="" if plan.note is UNSET else plan.note,
            owner=provider.owner,
            traits=plan.traits,
            pools=meters_of(provider, detail.holders.get(plan.uuid, ())),
            offers=tuple(offered.get(plan.uuid, ())),
            devices=alike(own),
            instances=_instances(own, facts.instances, strays),
            children=tuple(node(child) for child in by_parent.get(plan.uuid, ())),
        )

    return tuple(node(root) for root in by_parent.get(None, ()))


def beside(detail: HostDetail, facts: Facts) -> tuple[Alike, ...]:
    """Give the devices that were read and belong to no provider."""
    shown = {name for each in detail.providers for name in _names(each)}
    return alike([device for device in facts.devices if device.name not in shown])


def alike(devices: Iterable[Device]) -> tuple[Alike, ...]:
    """Put devices together of which the same was read, but for number and IOMMU group."""
    found: dict[tuple[Group, ...], list[Device]] = {}
    for device in devices:
        found.setdefault(tuple(map(_common, groups_of(device))), []).append(device)
    return tuple(_together(several) for several in found.values())


def _together(devices: list[Device]) -> Alike:
    groups = groups_of(devices[0])
    if len(devices) > 1:
        groups = tuple(map(_common, groups))
    driver = devices[0].driver
    bound = f"driver {driver}" if isinstance(driver, str) else "no driver"
    return Alike(
        names=tuple(device.name for device in devices),
        about=f"{ROLES[devices[0].role]}, {bound}",
        groups=groups,
        unread=count_unread(groups),
        own=tuple((device.name, _own(device)) for device in devices) if len(devices) > 1 else (),
    )


def _own(device: Device) -> str:
    rows = (row for group in groups_of(device) for row in group.rows if row.name in OWN)
    return ", ".join(f"{row.name} {row.text}" for row in rows)


def _common(group: Group) -> Group:
    return Group(group.title, tuple(row for row in group.rows if row.name not in OWN))


def _names(provider: ProviderRecord) -> tuple[str, ...]:
    plan = provider.plan
    first = () if plan.device is UNSET else (plan.device,)
    return tuple(dict.fromkeys((*first, *plan.slots, *plan.parents)))


def _devices(provider: ProviderRecord, known: Mapping[str, Device]) -> list[Device]:
    return [known[name] for name in _names(provider) if name in known]


def _about(provider: ProviderRecord, devices: list[Device], *, is_host: bool) -> str:
    if is_host:
        return "the host itself"
    if not devices:
        return "NUMA node" if provider.plan.device is UNSET else "device"
    driver = devices[0].driver
    bound = f"driver {driver}" if isinstance(driver, str) else "no driver bound"
    return f"{ROLES[devices[0].role]}, {bound}"


def _instances(
    devices: list[Device], instances: Iterable[Instance], strays: tuple[str, ...]
) -> tuple[tuple[str, tuple[Row, ...], bool], ...]:
    names = {device.name for device in devices}
    return tuple(
        (one.id, rows_of_instance(one), one.id in strays)
        for one in instances
        if one.parent in names or one.id in names
    )
