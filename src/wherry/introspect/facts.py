"""All facts of a host through one tree, in the order that keeps what belongs together.

mdev parents first (families that share a pool as of one moment), then PCI functions, vDPA
devices, and the host itself.

Source: docs/reference/introspection.md, "Which devices are inventory".
"""

from collections.abc import Iterable, Mapping

from msgspec import UNSET, structs

from wherry.introspect import mdev
from wherry.introspect.address import parse_address
from wherry.introspect.functions import read_functions
from wherry.introspect.host import read_host
from wherry.introspect.iommu import Groups
from wherry.introspect.mdev import Parent
from wherry.introspect.nvidia import instance_of_vf
from wherry.introspect.pci import find_functions
from wherry.introspect.tree import ABSENT, Tree, link_text
from wherry.introspect.vdpa import read_vdpa
from wherry.introspect.virtual import read_virtual, vanished
from wherry.model.facts import Device, Facts, Instance, Unread


def read_facts(tree: Tree, *, extra: tuple[str, ...] = (), arch: str = "") -> Facts:
    """Read what a host says about its devices and itself.

    Args:
        tree: where to read; nothing else touches a file system.
        extra: more attributes of each device to keep, by path relative to it, such as a
            profile points at; what Wherry never reads stays unread.
        arch: the machine, where the kernel does not publish it.
    """
    on_bus = mdev.find_parents(tree)
    functions = find_functions(tree)
    for name, at in on_bus.items():
        address = parse_address(name)
        if address and isinstance(at, str):
            functions.setdefault(address, at)
    parents = _read_families(tree, on_bus, functions)
    groups, known = Groups(tree), set(functions.values())
    others = {name: at for name, at in on_bus.items() if at not in known}
    devices = (
        *read_functions(tree, functions, parents, groups=groups, extra=extra),
        *(
            vanished(parse_address(name) or name, at)
            if isinstance(at, Unread)
            else read_virtual(tree, name, at, parents[at], groups=groups, extra=extra)
            for name, at in others.items()
        ),
        *read_vdpa(tree),
    )
    instances = _instances(tree, parents, devices)
    drivers = [one.driver for one in instances if isinstance(one.driver, str)]
    host = read_host(tree, devices, drivers, arch=arch)
    if host.iommu is UNSET and any("iommu" in one.attributes for one in devices):
        host = structs.replace(host, iommu=True)  # a device that is behind a unit tells as well
    return Facts(host=host, devices=devices, instances=instances)


def _read_families(
    tree: Tree, on_bus: Mapping[str, str | Unread], functions: Mapping[str, str]
) -> dict[str, Parent]:
    """Read all parents, those of one PF together; also functions that have types off the bus."""
    folders = {at: None for at in on_bus.values() if isinstance(at, str)}
    folders |= {at: None for at in functions.values() if _has_types(tree, at)}
    families: dict[str, list[str]] = {}
    for folder in folders:
        pf = link_text(tree, f"{folder}/physfn")
        families.setdefault(pf if isinstance(pf, str) else folder, []).append(folder)
    read: dict[str, Parent] = {}
    for members in families.values():
        read |= mdev.read_family(tree, tuple(members))
    return read


def _has_types(tree: Tree, folder: str) -> bool:
    return tree.stat(f"{folder}/{mdev.TYPES}") is not ABSENT


def _instances(
    tree: Tree, parents: Mapping[str, Parent], devices: Iterable[Device]
) -> tuple[Instance, ...]:
    found = [one for parent in parents.values() for one in parent.instances]
    seen = {one.id for one in found} | {uuid for one in parents.values() for uuid in one.leaving}
    found += mdev.read_strays(tree, frozenset(seen))
    made = [structs.replace(one, parent=parse_address(one.parent) or one.parent) for one in found]
    made += [one for device in devices if (one := instance_of_vf(device)) is not None]
    return tuple(sorted(made, key=lambda one: one.id))
