"""What was read of a host and its devices, as rows: a value, absent, or unreadable, told apart.

Pure: facts in, rows out.  Nothing that was read is left out, and unknown is never 0.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec import UnsetType

from wherry.introspect.words import ranges, why
from wherry.model.facts import (
    Attribute,
    Binary,
    Device,
    Host,
    Instance,
    MdevType,
    MigrationProbe,
    NvidiaVf,
    Unread,
)

Read = Literal["value", "absent", "unreadable", "binary"]
OF_A_TYPE = ("name", "device_api", "available_instances", "description")
"""Attributes that every mdev type should have: one that is missing is shown as absent."""
OF_A_FUNCTION = ("vendor", "device", "class", "revision")
ROLES: Mapping[str, str] = {
    "pf": "physical function with SR-IOV",
    "vf": "virtual function",
    "mdev_parent": "parent of mdevs",
    "vdpa": "vDPA device",
    "function": "PCI function",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One fact: its name, how reading it went, and what it is or why it is not known."""

    name: str
    read: Read
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Facts that belong together."""

    title: str
    rows: tuple[Row, ...]


def row_of(name: str, value: object, absent: str = "absent") -> Row:
    """Tell a fact: text, a number, or why there is none.

    Args:
        name: as it is read, such as ``sriov_numvfs``.
        value: of `Attribute`, `Number` or text; left out is absent.
        absent: what it means here that it is absent.
    """
    match value:
        case UnsetType() | None:
            return Row(name, "absent", absent)
        case Unread():
            return Row(name, "unreadable", why(value))
        case Binary():
            return Row(name, "binary", f"{len(value.hex) // 2} bytes that are no text: {value.hex}")
        case bool():
            return Row(name, "value", "yes" if value else "no")
        case tuple() | list():
            return Row(name, "value", ", ".join(map(str, value)) or "none")
        case _:
            return Row(name, "value", str(value))


def groups_of(device: Device) -> tuple[Group, ...]:
    """Tell all that was read of one device, the most telling first."""
    found = [
        Group("Device", tuple(_device(device))),
        Group("Attributes", tuple(_attributes(device))),
        Group("SR-IOV", tuple(_sriov(device))),
        *(_type(one) for one in device.mdev_types or ()),
        Group("vGPU of the VF", tuple(_vgpu(device))),
        Group("Asked of VFIO", tuple(_probe(device.probe))),
    ]
    return tuple(group for group in found if group.rows)


def groups_of_host(host: Host) -> tuple[Group, ...]:
    """Tell what a host says of itself."""
    versions = (row_of(name, text) for name, text in sorted(host.versions.items()))
    config = (row_of(name, text) for name, text in sorted(host.kernel_config.items()))
    dmi = (row_of(name, text) for name, text in sorted(host.dmi.items()))
    found = [
        Group("Host", tuple(_host(host))),
        Group("Versions", tuple(versions)),
        Group("Modules", tuple(_modules(host))),
        Group("Kernel configuration", tuple(config)),
        Group("Firmware tables", tuple(dmi)),
    ]
    return tuple(group for group in found if group.rows)


def rows_of_instance(one: Instance) -> tuple[Row, ...]:
    """Tell what was read of one instance."""
    return (
        row_of("type", one.type),
        row_of("driver", one.driver, "no driver is bound"),
        row_of("IOMMU group", one.iommu_group),
        *(row_of(name, value) for name, value in sorted(one.attributes.items())),
        *_probe(one.probe),
    )


def count_unread(groups: Iterable[Group]) -> int:
    """Count what could not be read."""
    return sum(row.read == "unreadable" for group in groups for row in group.rows)


def _device(device: Device) -> Iterator[Row]:
    yield Row("role", "value", ROLES[device.role])
    yield row_of("driver", device.driver, "no driver is bound")
    if isinstance(device.physfn, str):
        yield Row("physical function", "value", device.physfn)
    if device.role == "vf":
        yield row_of("VF index", device.vf_index)
    yield row_of("NUMA node", device.numa_node, "nobody states one")
    yield row_of("IOMMU group", device.iommu_group, "in no IOMMU group")
    if device.shares_iommu_group:
        yield row_of("shares its IOMMU group with", device.shares_iommu_group)
    if not device.settled:
        yield Row("settled", "value", "no: it kept changing while it was read, and offers nothing")
    if device.leaving:
        yield row_of("being removed, and still counted", device.leaving)


def _attributes(device: Device) -> Iterator[Row]:
    known = device.attributes
    if device.bus == "pci":
        yield from (row_of(name, None) for name in OF_A_FUNCTION if name not in known)
    yield from (row_of(name, value) for name, value in sorted(known.items()))


def _sriov(device: Device) -> Iterator[Row]:
    if isinstance(device.sriov, UnsetType):
        return
    yield row_of("VFs that can be", device.sriov.total)
    yield row_of("VFs enabled", device.sriov.enabled)
    yield row_of("device id of VFs", device.sriov.vf_device)


def _type(one: MdevType) -> Group:
    known: dict[str, Attribute] = one.attributes
    names = [*OF_A_TYPE, *sorted(known.keys() - set(OF_A_TYPE))]
    return Group(f"mdev type {one.id}", tuple(row_of(name, known.get(name)) for name in names))


def _vgpu(device: Device) -> Iterator[Row]:
    if not isinstance(device.nvidia, NvidiaVf):
        return
    types = device.nvidia.creatable_types
    names = tuple(f"{one.name} ({one.number})" for one in types) if isinstance(types, tuple) else ()
    yield row_of("creatable types", types if isinstance(types, Unread) else names)
    yield row_of("current type", device.nvidia.current_type)


def _probe(probe: MigrationProbe | UnsetType) -> Iterator[Row]:
    if isinstance(probe, MigrationProbe):
        yield row_of("migration flags", probe.flags)
        yield row_of("state while stopped, bytes", probe.stop_copy_bytes)


def _host(host: Host) -> Iterator[Row]:
    yield row_of("kernel", host.kernel)
    yield row_of("architecture", host.arch)
    if not isinstance(host.cpu, UnsetType):
        yield row_of("CPU", host.cpu.model_name)
        yield row_of("CPUs online", host.cpu.count)
    yield row_of("memory, MB", host.memory_mb)
    yield row_of("IOMMU on", host.iommu, "nobody could tell")
    for node in host.numa or ():
        cpus = ranges(node.cpus) if isinstance(node.cpus, tuple) else node.cpus
        yield row_of(f"CPUs of NUMA node {node.id}", cpus)
    yield row_of("machine types", host.machine_types, "no source told them")
    yield row_of("CPU models", host.cpu_models, "no source told them")


def _modules(host: Host) -> Iterator[Row]:
    for name, module in sorted(host.modules.items()):
        yield row_of(f"{name} version", module.version)
        yield row_of(f"{name} srcversion", module.srcversion)
        for parameter, value in sorted(module.parameters.items()):
            yield row_of(f"{name} {parameter}", value)
