"""PCI functions that are inventory: PFs, VFs, mdev parents, and what is bound to VFIO.

Any other function is not: a disk controller on its own driver is the host's own.  A
function is never identified by its ``config`` (a VF's reads ffff there), and nothing is read
that wakes it.

Source: Linux ABI sysfs-bus-pci; docs/reference/introspection.md, "PCI functions".
"""

import re
from typing import Final

from msgspec import UNSET, UnsetType

from wherry.introspect.address import parse_address
from wherry.introspect.driver import read_override
from wherry.introspect.iommu import Groups
from wherry.introspect.mdev import TYPES
from wherry.introspect.numa import node_of_device
from wherry.introspect.opaque import read_extra
from wherry.introspect.sriov import PF_ATTRIBUTES, Pf
from wherry.introspect.tree import (
    ABSENT,
    Tree,
    link_text,
    list_names,
    read_attribute,
    read_attributes,
    resolve,
)
from wherry.introspect.vfio import read_vfio
from wherry.model.facts import Attribute, Device

FUNCTIONS: Final = "/sys/bus/pci/devices"
ATTRIBUTES: Final = (
    "vendor",
    "device",
    "subsystem_vendor",
    "subsystem_device",
    "class",
    "revision",
    "modalias",
    "numa_node",
    "local_cpulist",
    "reset_method",
    "label",
    "acpi_index",
    "migration_version",
)
"""Attributes of every function, kept as read."""

LINK_ATTRIBUTES: Final = ("max_link_speed", "max_link_width")
"""Read only where the function never suspends: newer kernels wake it for these."""

NVME_FIRMWARE: Final = "firmware_rev"

_BAR = re.compile(r"0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16}) 0x[0-9a-f]{1,16}", re.ASCII)
_VFIO_DRIVER = re.compile(r"(^|[-_])vfio([-_]|$)", re.ASCII)


def find_functions(tree: Tree) -> dict[str, str]:
    """Give the real path of each PCI function that is inventory, by normal address.

    One that vanished since it was listed is left out: it has gone.
    """
    names = list_names(tree, FUNCTIONS)
    found: dict[str, str] = {}
    for name in names if isinstance(names, tuple) else ():
        address, folder = parse_address(name), resolve(tree, f"{FUNCTIONS}/{name}")
        if address and isinstance(folder, str) and is_inventory(tree, folder):
            found[address] = folder
    return dict(sorted(found.items(), key=lambda item: _order(item[0])))


def is_inventory(tree: Tree, folder: str) -> bool:
    """Tell whether the function at the real path *folder* is one that guests could get."""
    marks = ("sriov_totalvfs", "physfn", TYPES, "vfio-dev")
    if any(tree.stat(f"{folder}/{mark}") is not ABSENT for mark in marks):
        return True
    driver = link_text(tree, f"{folder}/driver")
    return isinstance(driver, str) and _VFIO_DRIVER.search(driver) is not None


def read_function(
    tree: Tree,
    address: str,
    folder: str,
    *,
    pf: Pf | None,
    groups: Groups,
    extra: tuple[str, ...] = (),
) -> Device:
    """Read one function; its mdev types, vGPU types and VF index are others' to add.

    Args:
        tree: where to read.
        address: its name, in normal form.
        folder: real path of the function.
        pf: its SR-IOV, where it is a physical function.
        groups: the host's IOMMU groups.
        extra: more attributes to keep, by path relative to the function.
    """
    physfn, group = link_text(tree, f"{folder}/physfn"), groups.of(folder)
    vf_of = (parse_address(physfn) or physfn) if isinstance(physfn, str) else UNSET
    return Device(
        name=address,
        bus="pci",
        path=folder,
        role="vf" if physfn is not ABSENT else "function" if pf is None else "pf",
        driver=link_text(tree, f"{folder}/driver"),
        physfn=vf_of,
        numa_node=node_of_device(tree, folder),
        iommu_group=group.number,
        iommu_group_type=group.type,
        shares_iommu_group=group.shares,
        attributes={**_attributes(tree, folder, pf, extra), **group.attributes},
        sriov=UNSET if pf is None else pf.sriov,
        settled=pf is None or pf.settled,
    )


def parse_bar_sizes(text: str) -> str | None:
    """Give the sizes of ``resource``'s regions in bytes, in order, 0 for an unused one.

    The addresses are left behind: they differ from boot to boot, and are the kernel's secret.
    """
    lines = [_BAR.fullmatch(line.strip().lower()) for line in text.split("\n") if line.strip()]
    spans = [(int(one[1], 16), int(one[2], 16)) for one in lines if one is not None]
    if not lines or len(spans) != len(lines):
        return None
    sizes = [0 if start == end == 0 else end - start + 1 for start, end in spans]
    return None if min(sizes) < 0 else " ".join(map(str, sizes))


def _attributes(
    tree: Tree, folder: str, pf: Pf | None, extra: tuple[str, ...]
) -> dict[str, Attribute]:
    found = read_attributes(tree, folder, ATTRIBUTES if pf is None else ATTRIBUTES + PF_ATTRIBUTES)
    found |= read_extra(tree, folder, extra)
    if not _suspends(tree, folder):
        found |= read_attributes(tree, folder, LINK_ATTRIBUTES)
    made = {
        "driver_override": read_override(tree, folder),
        "bar_sizes": _bar_sizes(tree, folder),
        "iommu": link_text(tree, f"{folder}/iommu"),
        "firmware_node": link_text(tree, f"{folder}/firmware_node"),
    }
    found |= read_vfio(tree, folder) | _nvme_firmware(tree, folder)
    return found | {name: value for name, value in made.items() if value is not UNSET}


def _nvme_firmware(tree: Tree, folder: str) -> dict[str, Attribute]:
    """Read the firmware of an NVMe controller, whose driver publishes it one level below."""
    names = list_names(tree, f"{folder}/nvme")
    return {
        key: value
        for name in (names if isinstance(names, tuple) else ())
        for key, value in read_attributes(tree, f"{folder}/nvme/{name}", (NVME_FIRMWARE,)).items()
    }


def _suspends(tree: Tree, folder: str) -> bool:
    return read_attribute(tree, f"{folder}/power/control") == "auto"


def _bar_sizes(tree: Tree, folder: str) -> Attribute | UnsetType:
    value = read_attribute(tree, f"{folder}/resource")
    if not isinstance(value, str):
        return value
    sizes = parse_bar_sizes(value)
    return UNSET if sizes is None else sizes


def _order(address: str) -> tuple[int, int, str]:
    domain, bus, rest = address.split(":")
    return int(domain, 16), int(bus, 16), rest
