"""Several sources about one host made into one: sysfs wins, and differences are listed.

Another source never adds a device or an instance that sysfs does not show: what it says of
such a one is a difference, not capacity.  Host facts that sysfs has no word for (machine
types, CPU models, versions) are taken from it.

Source: docs/reference/introspection.md, "Programs beside sysfs".
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import UNSET, structs

from wherry.model.facts import Device, Difference, Facts, Host, Instance, Sriov

_COMPARED = ("vendor", "device", "class")
_HOST = "host"


def merge_facts(facts: Facts, other: Facts, *, source: str) -> Facts:
    """Complete *facts* (of sysfs) by what another source says, and list where they differ.

    Args:
        facts: what sysfs says.
        other: what the other source says; its own differences are kept.
        source: its name, such as ``libvirt``.
    """
    rows = [
        *_compare_devices(facts.devices, other.devices, source),
        *_compare_instances(facts.instances, other.instances, source),
        *_compare_host(facts.host, other.host, source),
    ]
    names = {one.name: one for one in other.devices}
    return structs.replace(
        facts,
        host=_complete_host(facts.host, other.host),
        devices=tuple(_complete_device(one, names.get(one.name), source) for one in facts.devices),
        differences=(*facts.differences, *other.differences, *rows),
    )


def _complete_device(device: Device, other: Device | None, source: str) -> Device:
    """Take over the attributes that carry the other source's name: sysfs cannot have them."""
    if other is None:
        return device
    own = {k: v for k, v in other.attributes.items() if k.startswith(f"{source}/")}
    return structs.replace(device, attributes={**device.attributes, **own}) if own else device


def _complete_host(host: Host, other: Host) -> Host:
    fields = (
        "arch",
        "kernel",
        "cpu",
        "memory_mb",
        "disk_gb",
        "numa",
        "machine_types",
        "cpu_models",
        "iommu",
    )
    lacking = {name: getattr(other, name) for name in fields if getattr(host, name) is UNSET}
    features = {*(host.cpu_features or ()), *(other.cpu_features or ())}
    return structs.replace(
        host,
        **lacking,
        cpu_features=tuple(sorted(features)) if features else host.cpu_features,
        versions={**other.versions, **host.versions},
    )


def _compare_devices(
    ours: Iterable[Device], theirs: Iterable[Device], source: str
) -> Iterator[Difference]:
    known = {one.name: one for one in ours}
    for other in theirs:
        mine = known.get(other.name)
        if mine is None:
            yield _only_there(other.name, source)
        else:
            yield from _compare(other.name, _said_of(mine), _said_of(other), source)


def _compare_instances(
    ours: Iterable[Instance], theirs: Iterable[Instance], source: str
) -> Iterator[Difference]:
    known = {one.id: one for one in ours}
    for other in theirs:
        mine = known.get(other.id)
        if mine is None:
            yield _only_there(other.id, source)
        else:
            yield from _compare(other.id, _said_of_instance(mine), _said_of_instance(other), source)


def _compare_host(host: Host, other: Host, source: str) -> Iterator[Difference]:
    yield from _compare(_HOST, _said_of_host(host), _said_of_host(other), source)


def _compare(
    name: str, mine: Mapping[str, str], theirs: Mapping[str, str], source: str
) -> Iterator[Difference]:
    """Compare only what both say: silence is no word."""
    for key, other in theirs.items():
        if key in mine and mine[key] != other:
            yield Difference(
                device=name, attribute=key, taken=mine[key], other=other, source=source
            )


def _only_there(name: str, source: str) -> Difference:
    return Difference(device=name, attribute="present", taken="no", other="yes", source=source)


def _said_of(device: Device) -> dict[str, str]:
    said: dict[str, object] = {
        "driver": device.driver,
        "physfn": device.physfn,
        "numa_node": device.numa_node,
        "iommu_group": device.iommu_group,
        **{name: device.attributes.get(name) for name in _COMPARED},
    }
    if isinstance(device.sriov, Sriov):
        said |= {"sriov.total": device.sriov.total, "sriov.enabled": device.sriov.enabled}
        said |= {"sriov.vfs": " ".join(device.sriov.vfs) or None}
    for one in device.mdev_types or ():
        for name in ("available_instances", "device_api", "name", "description"):
            said[f"{one.id}.{name}"] = _one_line(one.attributes.get(name))
    if device.role == "mdev_parent" and device.bus != "pci":
        del said["driver"]  # sysfs has none either: ours is read off the types
    return _words(said)


def _said_of_instance(instance: Instance) -> dict[str, str]:
    return _words(
        {
            "parent": instance.parent or None,
            "type": instance.type,
            "driver": instance.driver,
            "iommu_group": instance.iommu_group,
        }
    )


def _said_of_host(host: Host) -> dict[str, str]:
    said: dict[str, object] = {"arch": host.arch}
    if isinstance(host.iommu, bool):
        said["iommu"] = "on" if host.iommu else "off"
    for node in host.numa or ():
        said[f"numa{node.id}.cpus"] = " ".join(map(str, node.cpus or ())) or None
        said[f"numa{node.id}.memory_mb"] = node.memory_mb
    return _words(said)


def _one_line(value: object) -> object:
    """Join lines by a comma, as mdevctl does with a description's: that is no difference."""
    return ", ".join(value.split("\n")) if isinstance(value, str) else value


def _words(said: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in said.items() if isinstance(value, (str, int))}
