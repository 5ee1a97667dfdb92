"""Mediated devices: parents, their types, and the instances made of them.

The types of one parent draw on one pool, so their counts are views of it and are read
together: instances are listed before and after the counts.  A type whose count cannot be
read is listed with the errno, not dropped and not zero.

Source: Linux ABI sysfs-bus-vfio-mdev;
docs/reference/introspection.md, "Parents of mdevs, their types and instances".
"""

import re
from collections.abc import Hashable
from typing import Final, NamedTuple

from msgspec import UNSET

from wherry.introspect.driver import driver_of_uevent
from wherry.introspect.opaque import read_opaque
from wherry.introspect.settle import settle
from wherry.introspect.tree import (
    ABSENT,
    Tree,
    link_text,
    list_names,
    read_attributes,
    resolve,
)
from wherry.introspect.vfio import read_vfio
from wherry.model.facts import Instance, MdevType, Unread

BUS: Final = "/sys/class/mdev_bus"
INSTANCES: Final = "/sys/bus/mdev/devices"
TYPES: Final = "mdev_supported_types"
KNOWN: Final = ("available_instances", "device_api", "name", "description")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_OWNER_WRITES = 0o200


class Parent(NamedTuple):
    """What a parent says of its mdevs in one look.

    Attributes:
        types: empty where it lists none; the errno where the list cannot be read.
        leaving: uuids that are off the bus and still have a folder: being removed.
    """

    types: tuple[MdevType, ...] | Unread
    instances: tuple[Instance, ...]
    leaving: tuple[str, ...]
    settled: bool = True


def find_parents(tree: Tree) -> dict[str, str | Unread]:
    """Name the parents on the mdev bus, each with its real path or why that is not to be had.

    ``ENOENT``: the bus lists it and its folder is gone.
    """
    names = list_names(tree, BUS)
    found = {
        name: resolve(tree, f"{BUS}/{name}") for name in (names if isinstance(names, tuple) else ())
    }
    return {n: Unread(errno="ENOENT") if at is ABSENT else at for n, at in found.items()}


def read_family(tree: Tree, folders: tuple[str, ...]) -> dict[str, Parent]:
    """Read parents whose types draw on the same pool, as of one moment.

    NVIDIA's VFs each are a parent, and all draw on their PF's memory; any other parent is
    a family of its own.

    Args:
        tree: where to read.
        folders: real paths of the parents.
    """

    def look() -> dict[str, Parent]:
        return {folder: _read_parent(tree, folder) for folder in folders}

    parents, settled = settle(look, lambda: tuple(_present(tree, folder) for folder in folders))
    return {folder: one._replace(settled=settled) for folder, one in parents.items()}


def read_types(tree: Tree, folder: str) -> tuple[MdevType, ...] | Unread:
    """List what a parent says of its mdev types now.

    Args:
        tree: where to read.
        folder: real path of the parent.
    """
    names = list_names(tree, f"{folder}/{TYPES}")
    if isinstance(names, Unread):
        return names
    if names is ABSENT:
        return Unread(errno="ENOENT")
    return tuple(_read_type(tree, f"{folder}/{TYPES}/{name}", name) for name in names)


def read_instance(tree: Tree, folder: str, *, parent: str, type_id: str) -> Instance:
    """Read one instance from its real path; ``driver`` comes from the link, else from uevent."""
    uuid = folder.rpartition("/")[2]
    driver = link_text(tree, f"{folder}/driver")
    return Instance(
        id=uuid.lower(),
        parent=parent,
        type=type_id,
        driver=driver_of_uevent(tree, folder) if driver is ABSENT else driver,
        iommu_group=link_text(tree, f"{folder}/iommu_group"),
        attributes={**read_opaque(tree, folder), **read_vfio(tree, folder)},
    )


def read_strays(tree: Tree, seen: frozenset[str]) -> tuple[Instance, ...]:
    """Read the instances on the bus that no parent showed; their folder's parent is theirs."""
    names = list_names(tree, INSTANCES, is_uuid)
    strays = (
        name for name in (names if isinstance(names, tuple) else ()) if name.lower() not in seen
    )
    return tuple(one for name in strays if (one := _read_stray(tree, name)) is not None)


def is_uuid(name: str) -> bool:
    """Tell whether a name is a uuid, in either case."""
    return _UUID.fullmatch(name) is not None


def _read_parent(tree: Tree, folder: str) -> Parent:
    types, name = read_types(tree, folder), folder.rpartition("/")[2]
    made = _types_of_instances(tree, folder, types)
    leaving, instances = [], []
    for uuid in sorted({*made, *_children(tree, folder)}):
        type_id = made.get(uuid) or link_text(tree, f"{folder}/{uuid}/mdev_type")
        if isinstance(type_id, str):
            at = f"{folder}/{uuid}"
            instances.append(read_instance(tree, at, parent=name, type_id=type_id))
        else:
            leaving.append(uuid.lower())
    return Parent(types, tuple(instances), tuple(leaving))


def _read_type(tree: Tree, folder: str, name: str) -> MdevType:
    create = tree.stat(f"{folder}/create")
    attributes = read_attributes(tree, folder, KNOWN)
    return MdevType(
        id=name,
        attributes={**read_opaque(tree, folder, skip=frozenset(KNOWN)), **attributes},
        creatable=UNSET if isinstance(create, Unread) else _is_command(create),
    )


def _is_command(stat: object) -> bool:
    return isinstance(stat, tuple) and bool(stat[1] & _OWNER_WRITES)


def _types_of_instances(
    tree: Tree, folder: str, types: tuple[MdevType, ...] | Unread
) -> dict[str, str]:
    made: dict[str, str] = {}
    for one in () if isinstance(types, Unread) else types:
        names = list_names(tree, f"{folder}/{TYPES}/{one.id}/devices", is_uuid)
        made |= dict.fromkeys(names if isinstance(names, tuple) else (), one.id)
    return made


def _children(tree: Tree, folder: str) -> tuple[str, ...]:
    names = list_names(tree, folder, is_uuid)
    return names if isinstance(names, tuple) else ()


def _present(tree: Tree, folder: str) -> Hashable:
    """What must hold still while counts are read: types, instances of each, and children."""
    names = _sorted(tree.list(f"{folder}/{TYPES}"))
    inside = tuple(_sorted(tree.list(f"{folder}/{TYPES}/{name}/devices")) for name in names)
    return names, inside, _children(tree, folder)


def _sorted(names: object) -> tuple[str, ...]:
    return tuple(sorted(names)) if isinstance(names, tuple) else ()


def _read_stray(tree: Tree, name: str) -> Instance | None:
    folder = resolve(tree, f"{INSTANCES}/{name}")
    if not isinstance(folder, str):
        return None
    type_id = link_text(tree, f"{folder}/mdev_type")
    parent = folder.rpartition("/")[0].rpartition("/")[2]
    if not isinstance(type_id, str):
        return None
    return read_instance(tree, folder, parent=parent, type_id=type_id)
