"""IOMMU groups, and whether there is an IOMMU at all.

A group's number is recycled at once and is no identity; the group of an mdev is emulated,
called ``vfio-noiommu`` of type ``unknown`` on a healthy host, and says nothing.

Source: Linux ABI sysfs-kernel-iommu_groups; docs/reference/introspection.md, "The host".
"""

from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from wherry.introspect.address import parse_address
from wherry.introspect.tree import (
    ABSENT,
    Tree,
    link_text,
    list_names,
    read_attribute,
    read_attributes,
    resolve,
)
from wherry.model.facts import Attribute

GROUPS: Final = "/sys/kernel/iommu_groups"
UNITS: Final = "/sys/class/iommu"
_BRIDGE_CLASS = "0x06"


class Group(NamedTuple):
    """The IOMMU group of one device; all absent where it is in none."""

    number: str | UnsetType = UNSET
    type: Attribute | UnsetType = UNSET
    shares: tuple[str, ...] = ()
    attributes: dict[str, Attribute] = {}  # noqa: RUF012 - never changed


class Groups:
    """The groups of a host, each read once, however many functions are in it.

    Args:
        tree: where to read.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: dict[str, Group] = {}

    def of(self, folder: str) -> Group:
        """Give the group of the device at the real path *folder*, and who else is in it."""
        number = link_text(self._tree, f"{folder}/iommu_group")
        if not isinstance(number, str):
            return Group()
        if number not in self._known:
            self._known[number] = _read_group(self._tree, number)
        group, own = self._known[number], folder.rpartition("/")[2]
        own = parse_address(own) or own
        return group._replace(shares=tuple(name for name in group.shares if name != own))


def has_iommu(tree: Tree) -> bool | UnsetType:
    """Tell whether an IOMMU is on; absent where the host does not say.

    Units are listed while one is on.  Groups alone prove nothing: mdevs have emulated ones.
    """
    units = list_names(tree, UNITS)
    return bool(units) if isinstance(units, tuple) else UNSET


def _read_group(tree: Tree, number: str) -> Group:
    group = f"{GROUPS}/{number}"
    attributes = read_attributes(tree, group, ("name", "reserved_regions"))
    return Group(
        number=number,
        type=read_attribute(tree, f"{group}/type"),
        shares=_members(tree, group),
        attributes={f"iommu_group/{name}": value for name, value in attributes.items()},
    )


def _members(tree: Tree, group: str) -> tuple[str, ...]:
    names = list_names(tree, f"{group}/devices")
    found = names if isinstance(names, tuple) else ()
    return tuple(
        parse_address(name) or name
        for name in found
        if not _is_bridge(tree, f"{group}/devices/{name}")
    )


def _is_bridge(tree: Tree, link: str) -> bool:
    folder = resolve(tree, link)
    kind = read_attribute(tree, f"{folder}/class") if isinstance(folder, str) else ABSENT
    return isinstance(kind, str) and kind.startswith(_BRIDGE_CLASS)
