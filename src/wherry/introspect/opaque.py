"""A driver's own attributes, kept as they are: evidence whose meaning a profile may know.

Source: docs/reference/introspection.md, "Parents of mdevs, their types and instances".
"""

from collections.abc import Iterator
from typing import Final

from wherry.introspect.readable import is_readable
from wherry.introspect.tree import (
    ABSENT,
    Stat,
    Tree,
    list_names,
    read_attribute,
    read_attributes,
)
from wherry.model.facts import Attribute

MAX_FILES: Final = 64
"""Most attributes kept of one folder and the folders in it."""

_READERS = 0o444
_PLAIN = frozenset({"uevent", "dev", "waiting_for_supplier"})  # the driver core's own
_FOLDERS = frozenset({"power", "vfio-dev", "devices", "subsystem"})


def read_opaque(
    tree: Tree, folder: str, skip: frozenset[str] = frozenset()
) -> dict[str, Attribute]:
    """Read what a driver publishes in a folder and one level below, by relative path.

    Commands (write-only), links and the driver core's own files are left alone.

    Args:
        tree: where to read.
        folder: real path.
        skip: names directly in the folder that the caller reads himself.
    """
    found: dict[str, Attribute] = {}
    for name in _files(tree, folder, skip):
        if len(found) == MAX_FILES:
            break
        value = read_attribute(tree, f"{folder}/{name}")
        if value is not ABSENT:
            found[name] = value
    return found


def read_extra(tree: Tree, folder: str, extra: tuple[str, ...]) -> dict[str, Attribute]:
    """Read attributes that somebody else named, unless Wherry never reads such a one."""
    plain = (name for name in extra if {"", ".", ".."}.isdisjoint(name.split("/")))
    safe = tuple(name for name in plain if is_readable(f"{folder}/{name}"))
    return read_attributes(tree, folder, safe)


def _files(tree: Tree, folder: str, skip: frozenset[str]) -> Iterator[str]:
    names = list_names(tree, folder, lambda name: name not in skip and name not in _PLAIN)
    for name in names if isinstance(names, tuple) else ():
        kind = _kind(tree, f"{folder}/{name}")
        if kind == "f":
            yield name
        elif kind == "d" and name not in _FOLDERS:
            inside = list_names(tree, f"{folder}/{name}", lambda inner: inner not in _PLAIN)
            for inner in inside if isinstance(inside, tuple) else ():
                if _kind(tree, f"{folder}/{name}/{inner}") == "f":
                    yield f"{name}/{inner}"


def _kind(tree: Tree, path: str) -> str:
    """``d``, ``f`` where it may be read, or ``-``."""
    stat = tree.stat(path)
    if not isinstance(stat, Stat):
        return "-"
    if stat.kind == "f" and not (stat.mode & _READERS and is_readable(path)):
        return "-"
    return stat.kind
