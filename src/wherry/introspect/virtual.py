"""Parents of mdevs that are no PCI function: virtual drivers, subchannels, the AP matrix.

They have no PCI ids and often no driver link, NUMA node or IOMMU group: their name is
their identity.

Source: docs/reference/introspection.md, "Parents of mdevs, their types and instances".
"""

from typing import Literal

from msgspec import UNSET, structs

from wherry.introspect.driver import driver_of_parent
from wherry.introspect.iommu import Groups
from wherry.introspect.mdev import TYPES, Parent
from wherry.introspect.numa import node_of_device
from wherry.introspect.opaque import read_extra
from wherry.introspect.tree import Tree, link_text
from wherry.model.facts import Attribute, Device, Unread

Bus = Literal["pci", "virtual", "css", "ap", "vdpa", "other"]
_BUSES: tuple[tuple[str, Bus], ...] = (
    ("/sys/devices/virtual/", "virtual"),
    ("/sys/devices/css", "css"),
    ("/sys/devices/vfio_ap/", "ap"),
)


def read_virtual(
    tree: Tree,
    name: str,
    folder: str,
    parent: Parent,
    *,
    groups: Groups,
    extra: tuple[str, ...] = (),
) -> Device:
    """Read one such parent.

    Args:
        tree: where to read.
        name: the parent's name on the mdev bus.
        folder: real path of the parent.
        parent: what it says of its mdevs.
        groups: the host's IOMMU groups.
        extra: more attributes to keep, by path relative to the device.
    """
    group, driver = groups.of(folder), link_text(tree, f"{folder}/driver")
    if driver is UNSET:
        types = () if isinstance(parent.types, Unread) else parent.types
        driver = driver_of_parent(tree, folder, types, parent.instances) or UNSET
    device = Device(
        name=name,
        bus=next((bus for start, bus in _BUSES if folder.startswith(start)), "other"),
        path=folder,
        role="mdev_parent",
        driver=driver,
        numa_node=node_of_device(tree, folder),
        iommu_group=group.number,
        iommu_group_type=group.type,
        shares_iommu_group=group.shares,
        attributes={**read_extra(tree, folder, extra), **group.attributes},
    )
    return with_parent(device, parent)


def vanished(name: str, why: Unread) -> Device:
    """Stand for a parent that the bus lists and that cannot be looked at: it offers nothing."""
    return Device(
        name=name,
        bus="other",
        role="mdev_parent",
        mdev_types=(),
        attributes={TYPES: why},
        settled=False,
    )


def with_parent(device: Device, parent: Parent) -> Device:
    """Add to a device what it says of its mdevs; a list of types that cannot be read unsettles."""
    unread: dict[str, Attribute] = {}
    if isinstance(parent.types, Unread):
        unread = {TYPES: parent.types}
    return structs.replace(
        device,
        mdev_types=() if isinstance(parent.types, Unread) else parent.types,
        leaving=parent.leaving,
        attributes={**device.attributes, **unread},
        settled=device.settled and parent.settled and not unread,
    )
