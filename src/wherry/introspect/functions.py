"""PCI functions put together: SR-IOV and VF numbers, mdev types, NVIDIA's vGPU types."""

from collections.abc import Iterable, Mapping

from msgspec import structs

from wherry.introspect import nvidia
from wherry.introspect.iommu import Groups
from wherry.introspect.mdev import Parent
from wherry.introspect.pci import read_function
from wherry.introspect.sriov import Pf, read_pf
from wherry.introspect.tree import Tree
from wherry.introspect.virtual import with_parent
from wherry.model.facts import Device


def read_functions(
    tree: Tree,
    folders: Mapping[str, str],
    parents: Mapping[str, Parent],
    *,
    groups: Groups,
    extra: tuple[str, ...] = (),
) -> tuple[Device, ...]:
    """Read the PCI functions that are inventory, in the order given.

    Args:
        tree: where to read.
        folders: real path by normal address.
        parents: what mdev parents say of their mdevs, by real path.
        groups: the host's IOMMU groups.
        extra: more attributes to keep, by path relative to the function.
    """
    pfs = {address: pf for address, at in folders.items() if (pf := read_pf(tree, at))}
    read = (
        read_function(tree, address, at, pf=pfs.get(address), groups=groups, extra=extra)
        for address, at in folders.items()
    )
    devices = [_with_index(one, pfs) for one in read]
    vendor = _read_vendor_vfs(tree, devices)
    whole = (_with_vendor(tree, one, vendor.get(path_of(one))) for one in devices)
    return tuple(
        one if (parent := parents.get(path_of(one))) is None else with_parent(one, parent)
        for one in whole
    )


def path_of(device: Device) -> str:
    """Give a device's real path; empty where it has none."""
    return device.path if isinstance(device.path, str) else ""


def _with_index(device: Device, pfs: Mapping[str, Pf]) -> Device:
    pf = pfs.get(device.physfn) if isinstance(device.physfn, str) else None
    index = None if pf is None else pf.indexes.get(device.name)
    return device if index is None else structs.replace(device, vf_index=index)


def _read_vendor_vfs(tree: Tree, devices: Iterable[Device]) -> dict[str, nvidia.Vf]:
    siblings: dict[str, list[str]] = {}
    for one in devices:
        if isinstance(one.physfn, str) and nvidia.has_vendor_vfio(tree, path_of(one)):
            siblings.setdefault(one.physfn, []).append(path_of(one))
    read: dict[str, nvidia.Vf] = {}
    for folders in siblings.values():
        read |= nvidia.read_vfs(tree, tuple(folders))
    return read


def _with_vendor(tree: Tree, device: Device, vf: nvidia.Vf | None) -> Device:
    if vf is None:
        return device
    rest = nvidia.read_rest(tree, path_of(device))
    return structs.replace(
        device,
        nvidia=vf.nvidia,
        attributes={**device.attributes, **rest},
        settled=device.settled and vf.settled,
    )
