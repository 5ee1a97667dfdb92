"""The facts of a host as a tree for people: text only, made from values.

What could not be read is shown as such, and nothing that was read is left out silently.
"""

from collections.abc import Iterable, Iterator

from wherry.cli.branches import Branch, leaf
from wherry.cli.pools import Derived
from wherry.cli.render_capacity import capacity_branches
from wherry.cli.render_host import host_branches
from wherry.introspect.words import one_line, probe_said, ranges, why
from wherry.model.facts import Device, Difference, Facts, Instance, Unread

_MANY_VFS = 16
_TOLD = (
    ("firmware", "devlink/versions/running/"),
    ("switch", "devlink/eswitch/"),
    ("port", "devlink/port/"),
    ("vdpa", "vdpa/"),
    ("nvidia-smi", "nvidia-smi/"),
)
_MANAGER = "vdpa/mgmtdev/"  # of the device that makes vDPA devices: in the facts only
_ROLES = {"pf": "PF", "mdev_parent": "mdev parent", "vdpa": "vDPA", "function": "PCI function"}
# The facts themselves say these.
_SAID = frozenset({"UNSETTLED", "LEAVING", "SOURCES_DIFFER"})


def render_facts(facts: Facts, *, source: str, derived: Derived) -> Branch:
    """Make a tree of everything a person asks first about a host's devices.

    Args:
        facts: what was read.
        source: where from, for the first line.
        derived: what driver profiles make of it.
    """
    devices = [_device(facts, one, derived) for one in _top(facts.devices)]
    none = leaf("none that a guest could get: no mdev parent, PF, VF, vDPA or VFIO-bound function")
    parts = [
        Branch("host", tuple(host_branches(facts.host))),
        Branch("devices", tuple(devices) or (none,)),
    ]
    if strays := tuple(_strays(facts)):
        parts.append(Branch("made of no device that is listed", strays))
    if facts.differences:
        rows = tuple(leaf(_difference(one)) for one in facts.differences)
        parts.append(Branch("sources differ (sysfs is taken)", rows))
    if derived.refused:
        parts.append(leaf(f"no inventory can be made of this: {derived.refused}"))
    return Branch(source, tuple(parts))


def _top(devices: Iterable[Device]) -> list[Device]:
    """Leave out VFs whose PF is shown: they stand below it."""
    listed = list(devices)
    names = {one.name for one in listed}
    return [
        one
        for one in listed
        if not (isinstance(one.physfn, str) and one.physfn in names - {one.name})
    ]


def _device(facts: Facts, device: Device, derived: Derived) -> Branch:
    return Branch(
        f"{_title(device)}, {_about(facts, device)}{_group(device)}",
        (*_inside(facts, device, derived), *_vfs(facts, device, derived)),
    )


def _inside(facts: Facts, device: Device, derived: Derived) -> tuple[Branch, ...]:
    said = probe_said(device.probe)
    return (
        *capacity_branches(facts, device, derived.pools.get(device.name, ())),
        *(leaf(f"{uuid} is being removed and still counted as used") for uuid in device.leaving),
        *(_instance(facts, one) for one in facts.instances if _is_of(one, device)),
        *([leaf(said)] if said else []),
        *_details(device),
        *(
            leaf(f"{one.code}: {one.message}")
            for one in derived.findings.get(device.name, ())
            if one.code not in _SAID
        ),
    )


def _title(device: Device) -> str:
    index = f"VF {device.vf_index}" if isinstance(device.vf_index, int) else "VF"
    return f"{device.name}  {_ROLES.get(device.role, index)}"


def _about(facts: Facts, device: Device) -> str:
    """Say what a device is and where, without what differs between equal ones."""
    if not isinstance(device.path, str):
        return "listed without a folder"
    driver = f"driver {device.driver}" if isinstance(device.driver, str) else "no driver"
    return ", ".join(part for part in (_ids(device), driver, _node(facts, device)) if part)


def _ids(device: Device) -> str:
    vendor, product = (device.attributes.get(name) for name in ("vendor", "device"))
    if not isinstance(vendor, str) or not isinstance(product, str):
        return ""
    named = device.attributes.get("libvirt/product_name")
    ids = f"{vendor.removeprefix('0x')}:{product.removeprefix('0x')}"
    return f"{ids} {named}" if isinstance(named, str) else ids


def _node(facts: Facts, device: Device) -> str:
    """Name the node; unknown is said, but where the host has only one to be on."""
    if isinstance(device.numa_node, int):
        return f"NUMA node {device.numa_node}"
    alone = isinstance(facts.host.numa, tuple) and len(facts.host.numa) == 1
    return "NUMA node unknown" if device.bus == "pci" and not alone else ""


def _group(device: Device) -> str:
    if not isinstance(device.iommu_group, str):
        return ", no IOMMU group" if device.bus == "pci" and device.path else ""
    others = ", ".join(device.shares_iommu_group)
    shared = f" shared with {others}" if others else ""
    return f", IOMMU group {device.iommu_group}{shared}"


def _vfs(facts: Facts, pf: Device, derived: Derived) -> Iterator[Branch]:
    """One branch a VF; of many, those that only differ by their number share one."""
    vfs = [one for one in facts.devices if one.physfn == pf.name and one.name != pf.name]
    if len(vfs) <= _MANY_VFS:
        yield from (_device(facts, one, derived) for one in vfs)
        return
    equal: dict[tuple[str, str, tuple[Branch, ...]], list[Device]] = {}
    for one in vfs:
        key = _about(facts, one), _group_like(one), _inside(facts, one, derived)
        equal.setdefault(key, []).append(one)
    for (about, group, inside), several in equal.items():
        numbers = [one.vf_index for one in several if isinstance(one.vf_index, int)]
        if len(several) == 1 or len(numbers) < len(several):
            yield from (_device(facts, one, derived) for one in several)
        else:
            title = f"{several[0].name} ...  VFs {ranges(sorted(numbers))}, {len(several)} alike"
            yield Branch(f"{title}, {about}, {group}", inside)


def _group_like(device: Device) -> str:
    if not isinstance(device.iommu_group, str):
        return "no IOMMU group"
    if device.shares_iommu_group:
        return f"IOMMU group {device.iommu_group}, which they share"
    return "each in its own IOMMU group"


def _strays(facts: Facts) -> Iterator[Branch]:
    names = {one.name for one in facts.devices}
    for one in facts.instances:
        if one.parent not in names and one.id not in names:
            yield leaf(f"{one.id}  is a {one.type} of {one.parent}, which is not listed")


def _is_of(one: Instance, device: Device) -> bool:
    """Tell whether an mdev is the device's, or the device is itself what was made of a type."""
    return one.id == device.name or (one.parent == device.name and ":" not in one.id)


def _instance(facts: Facts, one: Instance) -> Branch:
    if ":" in one.id:
        name = _vgpu_names(facts).get(one.type)
        return leaf(f"is a vGPU of type {one.type}{f', {name}' if name else ''}")
    driver = f"driver {one.driver}" if isinstance(one.driver, str) else ""
    parts = [f"{one.id}  is a {one.type}", driver, probe_said(one.probe)]
    return leaf(", ".join(part for part in parts if part))


def _vgpu_names(facts: Facts) -> dict[str, str]:
    """Name the vGPU types by number, where some VF of the host still lists them."""
    lists = [one.nvidia.creatable_types for one in facts.devices if one.nvidia]
    return {
        str(one.number): one.name for types in lists if isinstance(types, tuple) for one in types
    }


def _details(device: Device) -> Iterator[Branch]:
    for title, prefix in _TOLD:
        told = [
            f"{name.removeprefix(prefix)} {one_line(value)}"
            for name, value in sorted(device.attributes.items())
            if name.startswith(prefix) and not name.startswith(_MANAGER)
        ]
        if told:
            yield leaf(f"{title}: {', '.join(told)}")
    for name, value in sorted(device.attributes.items()):
        if isinstance(value, Unread):
            yield leaf(f"{name} could not be read ({why(value)})")


def _difference(one: Difference) -> str:
    return f"{one.device} {one.attribute}: {one.taken}, and {one.source} says {one.other}"
