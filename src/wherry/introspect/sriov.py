"""SR-IOV: physical functions, and the virtual functions they have now.

``total`` above 0 with none enabled means "off", not missing hardware.  VFs are not on the
PF's slot and, with ARI, not even on its bus: only the ``virtfnN`` links tell, and N is a
number (``virtfn10`` sorts before ``virtfn2`` as text).

Source: Linux ABI sysfs-bus-pci; docs/reference/introspection.md, "PCI functions".
"""

import re
from typing import Final, NamedTuple

from wherry.introspect.address import parse_address
from wherry.introspect.settle import settle
from wherry.introspect.tree import (
    ABSENT,
    Absent,
    Tree,
    link_name,
    list_names,
    read_attribute,
    read_number,
)
from wherry.model.facts import Attribute, Number, Sriov, Unread

PF_ATTRIBUTES: Final = (
    "sriov_offset",
    "sriov_stride",
    "sriov_drivers_autoprobe",
    "sriov_vf_total_msix",
)
"""Other attributes of a PF, kept as read."""

_VIRTFN = re.compile(r"virtfn(0|[1-9][0-9]{0,4})", re.ASCII)
_BARE_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]{1,4})", re.ASCII)


class Pf(NamedTuple):
    """SR-IOV of one PF: the facts, each VF's index by address, and whether they held still."""

    sriov: Sriov
    indexes: dict[str, int]
    settled: bool


def read_pf(tree: Tree, folder: str) -> Pf | None:
    """Read SR-IOV of the function at the real path *folder*; None where it is no PF."""
    total = read_number(tree, f"{folder}/sriov_totalvfs")
    if total is ABSENT:
        return None

    def look() -> tuple[Number, dict[int, str]]:
        enabled = read_number(tree, f"{folder}/sriov_numvfs")
        count = Unread(errno="ENOENT") if enabled is ABSENT else enabled
        return count, _read_vfs(tree, folder)

    # The links are no witness of their own: the count's read waits for a running change.
    (enabled, vfs), settled = settle(look, lambda: _links(tree, folder))
    sriov = Sriov(
        total=total,
        enabled=enabled,
        vf_device=_device_id(read_attribute(tree, f"{folder}/sriov_vf_device")),
        vfs=tuple(vfs.values()),
    )
    return Pf(sriov, {address: index for index, address in vfs.items()}, settled)


def _read_vfs(tree: Tree, folder: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for name in sorted(_links(tree, folder), key=lambda name: int(name[6:])):
        target = link_name(tree, f"{folder}/{name}")
        address = parse_address(target) if isinstance(target, str) else None
        if address is not None:
            found[int(name[6:])] = address
    return found


def _links(tree: Tree, folder: str) -> tuple[str, ...]:
    names = list_names(tree, folder, lambda name: _VIRTFN.fullmatch(name) is not None)
    return names if isinstance(names, tuple) else ()


def _device_id(value: Attribute | Absent) -> Attribute | Absent:
    """Pad to four digits: the kernel writes ``%x``, without prefix and without zeros."""
    found = _BARE_HEX.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else f"{int(found[1], 16):04x}"
