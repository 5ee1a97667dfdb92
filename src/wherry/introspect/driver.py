"""Which driver a device is bound to, and which it is meant for.

Source: docs/reference/introspection.md, "Parents of mdevs, their types and instances" and
"PCI functions".
"""

from msgspec import UNSET, UnsetType

from wherry.introspect.tree import ABSENT, Absent, Tree, link_name, read_attribute
from wherry.model.facts import Attribute, Instance, MdevType


def read_override(tree: Tree, folder: str) -> Attribute | UnsetType:
    """Read ``driver_override``; absent where it is unset, which the kernel writes ``(null)``."""
    value = read_attribute(tree, f"{folder}/driver_override")
    return UNSET if value in {"(null)", ""} else value


def driver_of_parent(
    tree: Tree, folder: str, types: tuple[MdevType, ...], instances: tuple[Instance, ...]
) -> str | None:
    """Name the driver of a parent that has no ``driver`` link, or None.

    Its instances know it; else it is what the types' ids begin with: the kernel makes an id
    of the driver's (here: the class's) name, a dash, and the driver's own word, which may
    hold dashes too.
    """
    for instance in instances:
        if isinstance(instance.driver, str):
            return instance.driver
    ids = [one.id for one in types]
    subsystem = link_name(tree, f"{folder}/subsystem")
    if isinstance(subsystem, str) and ids and all(i.startswith(f"{subsystem}-") for i in ids):
        return subsystem
    prefixes = {i.partition("-")[0] for i in ids if "-" in i}
    return prefixes.pop() if len(prefixes) == 1 else None


def driver_of_uevent(tree: Tree, folder: str) -> str | Absent:
    """Read the driver of an instance that has no link yet or any more."""
    text = read_attribute(tree, f"{folder}/uevent")
    lines = text.split("\n") if isinstance(text, str) else ()
    return next((line[7:] for line in lines if line.startswith("DRIVER=")), ABSENT)
