"""NUMA nodes of a host, and the node of a device.

Firmware may be silent: a device then says -1, which is unknown and never node 0.  Real CPU
lists interleave; a node may have no CPUs, or no memory; a row of distances names the online
nodes in order, not by index.

Source: Linux ABI sysfs-devices-node; docs/reference/introspection.md, "The host".
"""

import re
from typing import Final

from msgspec import UNSET, UnsetType

from wherry.introspect.tree import ABSENT, Tree, list_names, parse_number, read_attribute, read_text
from wherry.model.facts import Attribute, NumaNode

NODES: Final = "/sys/devices/system/node"
MAX_CPU: Final = 1 << 16
"""No CPU list may name a number at or above this (Linux has at most 8192 CPUs)."""

_NODE = re.compile(r"node(0|[1-9][0-9]{0,5})", re.ASCII)
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9})(?::([0-9]{1,9})/([0-9]{1,9}))?)?", re.ASCII)
_TOTAL = re.compile(r"MemTotal:\s+([0-9]{1,15}) kB", re.ASCII)


def read_nodes(tree: Tree) -> tuple[NumaNode, ...] | UnsetType:
    """List the host's nodes by number; absent where the kernel publishes none."""
    names = list_names(tree, NODES, lambda name: _NODE.fullmatch(name) is not None)
    if not isinstance(names, tuple):
        return UNSET
    numbers = sorted(int(name[4:]) for name in names)
    return tuple(_read_node(tree, number) for number in numbers)


def node_of_device(tree: Tree, folder: str) -> int | UnsetType:
    """Give the node of the nearest ancestor (or the device itself) that has ``numa_node``.

    Absent where that one says -1, cannot be read, or nobody has the file.
    """
    while folder.startswith("/sys/devices/"):
        value = read_attribute(tree, f"{folder}/numa_node")
        if value is not ABSENT:
            number = parse_number(value)
            return number if isinstance(number, int) and number >= 0 else UNSET
        folder = folder.rpartition("/")[0]
    return UNSET


def parse_cpulist(text: str) -> tuple[int, ...] | None:
    """Read a list of numbers such as ``0,2,4-7`` or ``0-16:2/4``; None where it is none.

    Source: Linux, lib/bitmap-str.c, bitmap_parselist.
    """
    numbers: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        found = _RANGE.fullmatch(part)
        if found is None:
            return None
        first, last, used, group = (None if g is None else int(g) for g in found.groups())
        end = first if last is None else last
        if first is None or end is None or not first <= end < MAX_CPU or group == 0:
            return None
        numbers.update(
            n for n in range(first, end + 1) if not group or (n - first) % group < (used or 0)
        )
    return tuple(sorted(numbers))


def parse_memory_mb(text: str) -> int | None:
    """Find ``MemTotal`` in a meminfo text, in whole MiB; None where it is not there."""
    found = _TOTAL.search(text)
    return int(found[1]) // 1024 if found else None


def _read_node(tree: Tree, number: int) -> NumaNode:
    folder = f"{NODES}/node{number}"
    memory = parse_memory_mb(read_text(tree, f"{folder}/meminfo") or "")
    return NumaNode(
        id=number,
        cpus=_cpus(read_attribute(tree, f"{folder}/cpulist")),
        memory_mb=UNSET if memory is None else memory,
        distances=_distances(read_attribute(tree, f"{folder}/distance")),
    )


def _cpus(value: Attribute | UnsetType) -> tuple[int, ...] | UnsetType:
    cpus = parse_cpulist(value) if isinstance(value, str) else None
    return UNSET if cpus is None else cpus


def _distances(value: Attribute | UnsetType) -> tuple[int, ...]:
    words = value.split() if isinstance(value, str) else []
    numbers = [parse_number(word) for word in words]
    return (
        tuple(n for n in numbers if isinstance(n, int))
        if all(isinstance(n, int) for n in numbers)
        else ()
    )
