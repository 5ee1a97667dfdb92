"""NVIDIA's vendor VFIO driver: vGPU types as an attribute of each VF, without the mdev bus.

The list of creatable types shrinks with what the siblings hold, so the VFs of one PF are
read together.  An instance has no uuid: it is the VF.  The PF has no such folder, and
while no VFs are on nothing about types is known from sysfs.

Source: NVIDIA vGPU documentation; docs/reference/introspection.md, "PCI functions".
"""

import re
from typing import Final, NamedTuple

from wherry.introspect.opaque import read_opaque
from wherry.introspect.settle import settle
from wherry.introspect.tree import ABSENT, Tree, read_attribute
from wherry.model.facts import Attribute, Device, Instance, NvidiaVf, Unread, VgpuType

TYPES: Final = "nvidia/creatable_vgpu_types"
CURRENT: Final = "nvidia/current_vgpu_type"
_READ_BY_NAME = frozenset({"creatable_vgpu_types", "current_vgpu_type"})
_LINE = re.compile(r"\s*([0-9]{1,9})\s*:\s*(\S.*?)\s*", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


class Vf(NamedTuple):
    """The vendor driver's word on one VF, and whether it held still while siblings were read."""

    nvidia: NvidiaVf
    settled: bool


def has_vendor_vfio(tree: Tree, folder: str) -> bool:
    """Tell whether the VF at the real path *folder* has types of the vendor driver."""
    return tree.stat(f"{folder}/{TYPES}") is not ABSENT


def read_vfs(tree: Tree, folders: tuple[str, ...]) -> dict[str, Vf]:
    """Read the VFs of one PF as of one moment.

    Args:
        tree: where to read.
        folders: real paths of VFs that have the vendor driver's folder.
    """
    seen, settled = settle(
        lambda: {folder: _read_vf(tree, folder) for folder in folders},
        lambda: tuple(read_attribute(tree, f"{folder}/{CURRENT}") for folder in folders),
    )
    return {folder: Vf(nvidia, settled) for folder, nvidia in seen.items()}


def parse_creatable_types(text: str) -> tuple[VgpuType, ...]:
    """Read lines of ``number : name``; others (headers, blanks) are skipped."""
    found = (_LINE.fullmatch(line) for line in text.split("\n"))
    return tuple(VgpuType(number=int(one[1]), name=one[2]) for one in found if one)


def instance_of_vf(device: Device) -> Instance | None:
    """Give the instance that a VF with a type set is; None where it has none.

    Its type is the number as text; ``0`` is none, and what is no number is not guessed at.
    Its parent is the PF, whose memory it takes.
    """
    if not isinstance(device.nvidia, NvidiaVf) or not isinstance(device.physfn, str):
        return None
    current = device.nvidia.current_type
    if not isinstance(current, str) or not _NUMBER.fullmatch(current) or int(current) == 0:
        return None
    return Instance(
        id=device.name,
        parent=device.physfn,
        type=str(int(current)),
        driver=device.driver,
        iommu_group=device.iommu_group,
    )


def read_rest(tree: Tree, folder: str) -> dict[str, Attribute]:
    """Read what else the driver publishes in a VF's ``nvidia`` folder, as it is."""
    rest = read_opaque(tree, f"{folder}/nvidia", skip=_READ_BY_NAME)
    return {f"nvidia/{name}": value for name, value in rest.items()}


def _read_vf(tree: Tree, folder: str) -> NvidiaVf:
    text = read_attribute(tree, f"{folder}/{TYPES}")
    return NvidiaVf(
        creatable_types=_types(Unread(errno="ENOENT") if text is ABSENT else text),
        current_type=read_attribute(tree, f"{folder}/{CURRENT}"),
    )


def _types(text: Attribute) -> tuple[VgpuType, ...] | Unread:
    if isinstance(text, Unread):
        return text
    return parse_creatable_types(text) if isinstance(text, str) else Unread(errno="EBADMSG")
