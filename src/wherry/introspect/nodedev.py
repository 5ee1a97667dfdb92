"""libvirt's node devices as the same facts that sysfs gives.

One source among others: libvirt leaves out parents its udev code does not know, types'
descriptions, subsystem ids, and most of SR-IOV.

Source: libvirt, nodedev.rng; docs/reference/introspection.md, "Programs beside sysfs".
"""

import re
from typing import NamedTuple
from xml.etree.ElementTree import Element

from msgspec import UNSET, UnsetType

from wherry.introspect.address import format_address, parse_address
from wherry.introspect.mdev import is_uuid
from wherry.introspect.tree import parse_number
from wherry.introspect.xml import attribute_of, capabilities_of, text_of
from wherry.model.facts import Attribute, Device, Instance, MdevType, Number, Sriov, Unread

_TEXTS = {"name": "name", "deviceAPI": "device_api", "availableInstances": "available_instances"}
_PCI_NAME = re.compile(r"pci_([0-9a-f]+)_([0-9a-f]+)_([0-9a-f]+)_([0-9a-f]+)", re.ASCII)
_CSS_NAME = re.compile(r"css_([0-9a-f]+)_([0-9a-f]+)_([0-9a-f]+)", re.ASCII)
_MDEV_NAME = re.compile(
    r"mdev_([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?:_.*)?", re.ASCII
)
_NO_PARENT = "computer"  # where libvirt hangs what it knows no parent of


class NodeDevice(NamedTuple):
    """What one XML document tells: a device that is inventory, an instance, or neither."""

    device: Device | None = None
    instance: Instance | None = None


def nodedev_of(root: Element) -> NodeDevice:
    """Read the ``<device>`` element of one node device."""
    kinds = {kind: found for kind, found in capabilities_of(root) if kind}
    if "mdev" in kinds:
        return NodeDevice(instance=_instance(root, kinds["mdev"]))
    types = _types(root) if "mdev_types" in kinds else UNSET
    if "pci" in kinds:
        return NodeDevice(device=_function(root, kinds, types))
    return NodeDevice() if types is UNSET else NodeDevice(device=_parent(root, kinds, types))


def _function(
    root: Element, kinds: dict[str, Element], types: tuple[MdevType, ...] | UnsetType
) -> Device | None:
    pci, driver = kinds["pci"], text_of(root, "driver/name")
    parts = [parse_number(text_of(pci, p)) for p in ("domain", "bus", "slot", "function")]
    numbers = [n for n in parts if isinstance(n, int)]
    sriov = _sriov(kinds["virt_functions"]) if "virt_functions" in kinds else UNSET
    physfn = _address(kinds["phys_function"].find("address")) if "phys_function" in kinds else None
    inventory = sriov is not UNSET or physfn or types is not UNSET or "vfio" in driver
    if len(numbers) < len(parts) or not inventory:
        return None
    group, node = attribute_of(pci, "iommuGroup", "number"), attribute_of(pci, "numa", "node")
    return Device(
        name=format_address(*numbers),
        bus="pci",
        path=text_of(root, "path") or UNSET,
        role="vf" if physfn else "function" if sriov is UNSET else "pf",
        driver=driver or UNSET,
        physfn=physfn or UNSET,
        numa_node=_node(node),
        iommu_group=group or UNSET,
        attributes=_ids(pci),
        sriov=sriov,
        mdev_types=types,
    )


def _ids(pci: Element) -> dict[str, Attribute]:
    found = {
        "class": text_of(pci, "class"),
        "vendor": attribute_of(pci, "vendor", "id"),
        "device": attribute_of(pci, "product", "id"),
        "libvirt/vendor_name": text_of(pci, "vendor"),
        "libvirt/product_name": text_of(pci, "product"),
    }
    return {name: value for name, value in found.items() if value}


def _sriov(capability: Element) -> Sriov:
    """``maxCount`` is missing in old versions; VFs are addresses in the order of their index."""
    most: Number = parse_number(capability.get("maxCount", ""))
    addresses = [_address(one) for one in capability.findall("address")]
    vfs = tuple(one for one in addresses if one)
    total = most if isinstance(most, int) else Unread(errno="ENODATA")
    return Sriov(total=total, enabled=len(vfs), vfs=vfs)


def _address(element: Element | None) -> str | None:
    if element is None:
        return None
    words = [element.get(p, "").removeprefix("0x") for p in ("domain", "bus", "slot", "function")]
    return parse_address(f"{words[0]}:{words[1]}:{words[2]}.{words[3]}")


def _types(root: Element) -> tuple[MdevType, ...]:
    found = {one.get("id", ""): _type(one) for one in root.iter("type") if one.get("id")}
    return tuple(found[name] for name in sorted(found))


def _type(element: Element) -> MdevType:
    texts = {name: text_of(element, tag) for tag, name in _TEXTS.items()}
    return MdevType(id=element.get("id", ""), attributes={k: v for k, v in texts.items() if v})


def _parent(
    root: Element, kinds: dict[str, Element], types: tuple[MdevType, ...] | UnsetType
) -> Device:
    path = text_of(root, "path")
    name = path.rpartition("/")[2] or text_of(root, "name")
    return Device(
        name=name,
        bus="css" if "css" in kinds else "ap" if "ap_matrix" in kinds else "virtual",
        path=path or UNSET,
        role="mdev_parent",
        driver=text_of(root, "driver/name") or UNSET,
        mdev_types=types,
    )


def _instance(root: Element, mdev: Element) -> Instance | None:
    uuid, type_id = _uuid(root, mdev), attribute_of(mdev, "type", "id")
    if uuid is None or not type_id:
        return None
    attributes: dict[str, Attribute] = {
        f"libvirt/attr/{one.get('name')}": one.get("value", "")
        for one in mdev.findall("attr")
        if one.get("name")
    }
    return Instance(
        id=uuid,
        parent=_parent_name(root, mdev),
        type=type_id,
        driver=text_of(root, "driver/name") or UNSET,
        iommu_group=attribute_of(mdev, "iommuGroup", "number") or UNSET,
        attributes=attributes,
    )


def _uuid(root: Element, mdev: Element) -> str | None:
    """Old versions have no ``<uuid>``: then the path's end, and last the name, hold it."""
    named = _MDEV_NAME.fullmatch(text_of(root, "name"))
    places = (
        text_of(mdev, "uuid"),
        text_of(root, "path").rpartition("/")[2],
        named[1].replace("_", "-") if named else "",
    )
    return next((one.lower() for one in places if is_uuid(one)), None)


def _parent_name(root: Element, mdev: Element) -> str:
    """Name the parent as sysfs does; empty where libvirt does not know it."""
    named = text_of(mdev, "parent_addr")
    if not named:
        named = text_of(root, "path").rpartition("/")[0].rpartition("/")[2]
    if not named:
        named = _sysfs_name(text_of(root, "parent"))
    return "" if named == _NO_PARENT else parse_address(named) or named


def _sysfs_name(name: str) -> str:
    """Turn ``pci_0000_3b_00_0`` and ``css_0_0_0052`` back; any other name stays as it is."""
    found = _PCI_NAME.fullmatch(name)
    if found:
        return parse_address("{}:{}:{}.{}".format(*found.groups())) or name
    found = _CSS_NAME.fullmatch(name)
    return ".".join(found.groups()) if found else name


def _node(text: str) -> int | UnsetType:
    node = parse_number(text)
    return node if isinstance(node, int) and node >= 0 else UNSET
