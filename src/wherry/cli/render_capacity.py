"""What a device can give, for people: pools, SR-IOV, mdev types, vGPU types.

Counts of one parent's types are views of one pool, so they are said with *or* and never
added up; unknown is never 0.
"""

from collections.abc import Iterable, Iterator, Sequence

from wherry.cli.branches import Branch, leaf
from wherry.cli.pools import PoolLine
from wherry.introspect.words import one_line, why
from wherry.inventory.words import unit_of
from wherry.model.facts import Attribute, Device, Facts, MdevType, NvidiaVf, Sriov, Unread

_MANY = 8
_NO_LIST = "mdev_supported_types"  # the attribute that says why types cannot be listed


def capacity_branches(facts: Facts, device: Device, pools: Sequence[PoolLine]) -> Iterator[Branch]:
    """Say what a device can give: whether it holds still, its pools, and each way to use them."""
    yield from _unsettled(device)
    yield from _sriov(device)
    yield from (leaf(_pool(one)) for one in pools)
    yield from _types(facts, device, several=len(pools) > 1)
    yield from _vgpus(device)


def _unsettled(device: Device) -> list[Branch]:
    if device.settled:
        return []
    if isinstance(device.attributes.get(_NO_LIST), Unread):
        return [leaf("offers nothing: its types cannot be listed")]
    return [leaf("offers nothing until it holds still: it changed while it was read")]


def _sriov(device: Device) -> list[Branch]:
    sriov = device.sriov
    if not isinstance(sriov, Sriov):
        return []
    kind = f", each a device {sriov.vf_device}" if isinstance(sriov.vf_device, str) else ""
    total = sriov.total if isinstance(sriov.total, int) else f"unknown ({why(sriov.total)})"
    if sriov.total == 0:
        return [leaf("SR-IOV: its driver allows no VFs")]
    if sriov.enabled == 0:
        return [leaf(f"SR-IOV off: up to {total} VFs once they are enabled{kind}")]
    if isinstance(sriov.enabled, Unread):
        return [leaf(f"SR-IOV: VFs enabled unknown ({why(sriov.enabled)}), up to {total}{kind}")]
    return [leaf(f"SR-IOV on: {sriov.enabled} of {total} VFs{kind}")]


def _pool(pool: PoolLine) -> str:
    reserved = f", {pool.reserved} reserved" if pool.reserved else ""
    numbers = f"{pool.total} {unit_of(pool.name)}{reserved}, {pool.free} free"
    return f"pool {pool.name}: {numbers}{_whom(pool) if pool.free else ''}"


def _whom(pool: PoolLine) -> str:
    if pool.closed:
        return f" for {len(pool.types) - pool.closed} of {len(pool.types)} types"
    two = 2
    one = f" for {''.join(pool.types)}"
    return {0: "", 1: one, two: " for either type"}.get(len(pool.types), " for any type")


def _types(facts: Facts, device: Device, *, several: bool) -> list[Branch]:
    types = device.mdev_types
    if not isinstance(types, tuple) or (not types and _NO_LIST in device.attributes):
        return []
    if not types:
        return [leaf("mdev types: none listed")]
    used = any(one.parent == device.name for one in facts.instances) or bool(device.leaving)
    views = _views(types, pooled="the same pools" if several else "one pool", used=used)
    return [Branch(f"can make {views}", tuple(_rows(types)))]


def _rows(types: tuple[MdevType, ...]) -> Iterable[Branch]:
    """One line a type; of many types, those with none left share one."""
    none = [one.id for one in types if one.attributes.get("available_instances") == "0"]
    fold = len(types) > _MANY and len(none) > 1
    yield from (_type(one) for one in types if not fold or one.id not in none)
    if fold:
        yield leaf(f"{len(none)} types with none left: {', '.join(none)}")


def _views(types: tuple[MdevType, ...], *, pooled: str, used: bool) -> str:
    """Say what is left as alternatives that exclude each other."""
    counts = [(one.id, one.attributes.get("available_instances")) for one in types]
    left = [f"{count} of {name}" for name, count in counts if _is_some(count)]
    unknown = sum(not isinstance(count, str) or not count.isdecimal() for _, count in counts)
    rest = f"; {unknown} with unknown count" if unknown else ""
    if left:
        shared = f", from {pooled}" if len(types) > 1 else ""
        return f"{' or '.join(left)}{shared}{rest}"
    if unknown:
        return f"an unknown number{rest if unknown < len(types) else ''}"
    if not used:
        return "none now, though nothing is made: why is unknown (licence, ECC, a broken manager?)"
    return "none now"


def _is_some(count: Attribute | None) -> bool:
    return isinstance(count, str) and count.isdecimal() and int(count) > 0


def _type(one: MdevType) -> Branch:
    said = [_said(one, name) for name in ("name", "device_api", "description")]
    count = one.attributes.get("available_instances")
    left = count if isinstance(count, str) else f"unknown ({why(count)})"
    return leaf(", ".join([f"{one.id}  {left} left", *(w for w in said if w and w != one.id)]))


def _said(one: MdevType, name: str) -> str:
    value = one.attributes.get(name)
    if value is None or isinstance(value, str):
        return one_line(value)
    return f"{name} unknown ({why(value)})"


def _vgpus(device: Device) -> list[Branch]:
    if not isinstance(device.nvidia, NvidiaVf):
        return []
    types = device.nvidia.creatable_types
    if isinstance(types, Unread):
        return [leaf(f"vGPU types unknown ({why(types)})")]
    names = " or ".join(f"{one.name} ({one.number})" for one in types)
    return [leaf(f"can be {names}" if names else "no vGPU type can be set now")]
