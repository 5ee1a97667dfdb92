"""The facts of a host as a tree for people: text only, made from values.

Counts of one parent's types are views of one pool, so they are said with *or* and never
added up.  What could not be read is shown as such, and unknown is never 0.
"""

from collections.abc import Callable, Iterable, Sequence

from wherry.cli.branches import Branch, leaf
from wherry.cli.pools import PoolLine
from wherry.cli.render_host import host_branches
from wherry.model.facts import (
    Attribute,
    Binary,
    Device,
    Difference,
    Facts,
    Instance,
    MdevType,
    NvidiaVf,
    Sriov,
    Unread,
)

_REMEDY = {
    "EACCES": "run as root, or it is write-only",
    "EPERM": "never read: it could wake a device or block",
    "ENOENT": "it has gone; look again",
    "ENODEV": "the device went away; look again",
    "EXDEV": "a link leads out of the root; it was not followed",
    "ELOOP": "a link where none belongs; it was not followed",
    "EFBIG": "larger than 64 KiB; not kept",
    "EBADMSG": "not the number or text its name promises",
}
_MANY = 8
_SHOWN_FIRMWARE = "devlink/versions/running/"


DescribePools = Callable[[Facts, Device], Sequence[PoolLine]]
"""Says what pools a device has; empty where no profile covers it."""


def render_facts(facts: Facts, *, source: str, describe_pools: DescribePools) -> Branch:
    """Make a tree of everything a person asks first about a host's devices.

    Args:
        facts: what was read.
        source: where from, for the first line.
        describe_pools: what driver profiles know of pools.
    """
    devices = [_device(facts, one, describe_pools) for one in _top(facts.devices)]
    none = leaf("none that a guest could get: no mdev parent, PF, VF, vDPA or VFIO-bound function")
    parts = [
        Branch("host", tuple(host_branches(facts.host))),
        Branch("devices", tuple(devices) or (none,)),
    ]
    if facts.differences:
        rows = tuple(leaf(_difference(one)) for one in facts.differences)
        parts.append(Branch("sources differ (sysfs is taken)", rows))
    return Branch(source, tuple(parts))


def _top(devices: Iterable[Device]) -> list[Device]:
    """Leave out VFs whose PF is shown: they stand below it."""
    listed = list(devices)
    names = {one.name for one in listed}
    return [one for one in listed if not (isinstance(one.physfn, str) and one.physfn in names)]


def _device(facts: Facts, device: Device, describe_pools: DescribePools) -> Branch:
    inside = [
        *_unsettled(device),
        *_sriov(device),
        *_types(facts, device, describe_pools),
        *_vgpus(device),
        *(leaf(f"{uuid} is being removed and still counted as used") for uuid in device.leaving),
        *(_instance(one) for one in facts.instances if _is_of(one, device)),
        *_details(device),
        *(
            _device(facts, one, describe_pools)
            for one in facts.devices
            if one.physfn == device.name and one.name != device.name
        ),
    ]
    return Branch(_headline(device), tuple(inside))


def _unsettled(device: Device) -> list[Branch]:
    if device.settled:
        return []
    if isinstance(device.attributes.get("mdev_supported_types"), Unread):
        return [leaf("offers nothing: its types cannot be listed")]
    return [leaf("offers nothing until it holds still: it changed while it was read")]


def _headline(device: Device) -> str:
    role = {"pf": "PF", "mdev_parent": "mdev parent", "vdpa": "vDPA", "function": "PCI function"}
    index = f"VF {device.vf_index}" if isinstance(device.vf_index, int) else "VF"
    parts = [
        f"{device.name}  {role.get(device.role, index)}",
        _ids(device),
        f"driver {device.driver}" if isinstance(device.driver, str) else "no driver",
        f"NUMA node {device.numa_node}" if isinstance(device.numa_node, int) else "",
        _group(device),
    ]
    return ", ".join(part for part in parts if part)


def _ids(device: Device) -> str:
    vendor, product = (device.attributes.get(name) for name in ("vendor", "device"))
    if not isinstance(vendor, str) or not isinstance(product, str):
        return ""
    named = device.attributes.get("libvirt/product_name")
    ids = f"{vendor.removeprefix('0x')}:{product.removeprefix('0x')}"
    return f"{ids} {named}" if isinstance(named, str) else ids


def _group(device: Device) -> str:
    if not isinstance(device.iommu_group, str):
        return ""
    others = ", ".join(device.shares_iommu_group)
    shared = f" shared with {others}" if others else ""
    return f"IOMMU group {device.iommu_group}{shared}"


def _sriov(device: Device) -> list[Branch]:
    sriov = device.sriov
    if not isinstance(sriov, Sriov):
        return []
    kind = f", each a device {sriov.vf_device}" if isinstance(sriov.vf_device, str) else ""
    total = sriov.total if isinstance(sriov.total, int) else f"unknown ({_why(sriov.total)})"
    if sriov.enabled == 0 and sriov.total != 0:
        return [leaf(f"SR-IOV off: up to {total} VFs once they are enabled{kind}")]
    if sriov.total == 0:
        return [leaf("SR-IOV: its driver allows no VFs")]
    if isinstance(sriov.enabled, Unread):
        return [leaf(f"SR-IOV: VFs enabled unknown ({_why(sriov.enabled)}), up to {total}{kind}")]
    return [leaf(f"SR-IOV on: {sriov.enabled} of {total} VFs{kind}")]


def _types(facts: Facts, device: Device, describe_pools: DescribePools) -> list[Branch]:
    types = device.mdev_types
    if not isinstance(types, tuple):
        return []
    pools = [leaf(_pool(one)) for one in describe_pools(facts, device)]
    if not types and "mdev_supported_types" in device.attributes:
        return pools
    if not types:
        return pools or [leaf("mdev types: none listed")]
    rows = tuple(_rows(types))
    used = any(one.parent == device.name for one in facts.instances) or bool(device.leaving)
    return [*pools, Branch(f"can make {_views(types, used=used)}", rows)]


def _rows(types: tuple[MdevType, ...]) -> Iterable[Branch]:
    """One line a type; of many types, those with none left share one."""
    none = [one.id for one in types if one.attributes.get("available_instances") == "0"]
    fold = len(types) > _MANY and len(none) > 1
    yield from (_type(one) for one in types if not fold or one.id not in none)
    if fold:
        yield leaf(f"{len(none)} types with none left: {', '.join(none)}")


def _pool(pool: PoolLine) -> str:
    total = "unknown" if pool.total is None else str(pool.total)
    free = "unknown" if pool.free is None else str(pool.free)
    two = 2
    whom = {0: "", 1: f" for {''.join(pool.types)}", two: " for either type"}
    return f"{total} {pool.unit}, {free} free{whom.get(len(pool.types), ' for any type')}"


def _views(types: tuple[MdevType, ...], *, used: bool) -> str:
    """Say what is left as alternatives from one pool."""
    counts = [(one.id, one.attributes.get("available_instances")) for one in types]
    left = [f"{count} of {name}" for name, count in counts if _is_some(count)]
    unknown = sum(not isinstance(count, str) or not count.isdecimal() for _, count in counts)
    rest = f"; {unknown} with unknown count" if unknown else ""
    if not left and not unknown and not used:
        return "none now, though nothing is made: why is unknown (licence, ECC, a broken manager?)"
    if not left:
        return f"{'unknown' if unknown == len(types) else 'none now'}{rest if left else ''}"
    pooled = ", from one pool" if len(types) > 1 else ""
    return f"{' or '.join(left)}{pooled}{rest}"


def _is_some(count: Attribute | None) -> bool:
    return isinstance(count, str) and count.isdecimal() and int(count) > 0


def _type(one: MdevType) -> Branch:
    said = {name: _text(one.attributes.get(name)) for name in ("name", "device_api", "description")}
    count = one.attributes.get("available_instances")
    left = count if isinstance(count, str) else f"unknown ({_why(count)})"
    parts = [f"{one.id}  {left} left", *(said[name] for name in said if said[name] != one.id)]
    return leaf(", ".join(part for part in parts if part))


def _vgpus(device: Device) -> list[Branch]:
    if not isinstance(device.nvidia, NvidiaVf):
        return []
    types = device.nvidia.creatable_types
    if isinstance(types, Unread):
        return [leaf(f"vGPU types unknown ({_why(types)})")]
    names = " or ".join(f"{one.name} ({one.number})" for one in types)
    return [leaf(f"can be {names}" if names else "no vGPU type can be set now")]


def _is_of(one: Instance, device: Device) -> bool:
    """Tell whether an mdev is the device's, or the device is itself what was made of a type."""
    return one.id == device.name or (one.parent == device.name and ":" not in one.id)


def _instance(one: Instance) -> Branch:
    if ":" in one.id:
        return leaf(f"is a vGPU of type {one.type}")
    driver = f", driver {one.driver}" if isinstance(one.driver, str) else ""
    return leaf(f"{one.id}  is a {one.type}{driver}")


def _details(device: Device) -> Iterable[Branch]:
    firmware = {
        name.removeprefix(_SHOWN_FIRMWARE): value
        for name, value in device.attributes.items()
        if name.startswith(_SHOWN_FIRMWARE)
    }
    if firmware:
        yield leaf("firmware " + ", ".join(f"{k} {_text(v)}" for k, v in sorted(firmware.items())))
    if device.bus == "pci" and "reset_method" not in device.attributes:
        yield leaf("no reset: cannot be handed from tenant to tenant")
    for name, value in sorted(device.attributes.items()):
        if isinstance(value, Unread):
            yield leaf(f"{name} could not be read ({_why(value)})")


def _difference(one: Difference) -> str:
    return f"{one.device} {one.attribute}: {one.taken}, and {one.source} says {one.other}"


def _why(value: object) -> str:
    if not isinstance(value, Unread):
        return "binary" if isinstance(value, Binary) else "absent"
    remedy = _REMEDY.get(value.errno)
    return f"{value.errno}: {remedy}" if remedy else value.errno


def _text(value: Attribute | None) -> str:
    return value.replace("\n", ", ").strip(", ") if isinstance(value, str) else ""
