"""One look at this host: its sysfs, and beside it what libvirt and the tools say."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import structs

from wherry.hosts.boot import machine
from wherry.hosts.libvirt import ask_virsh
from wherry.hosts.live import LiveTree
from wherry.hosts.tools import ask_tools
from wherry.introspect.facts import read_facts
from wherry.introspect.sides import add_sides, sound_answers
from wherry.introspect.tree import Tree
from wherry.model.facts import Facts
from wherry.profiles.builtin import builtin_profiles
from wherry.profiles.wanted import device_attributes


def look_at_host(*, extra: tuple[str, ...] = (), root: Path = Path("/"), ask: bool = True) -> Facts:
    """Read all facts of the host this runs on.

    Args:
        extra: more attributes of each device to keep, beside those that Wherry's own
            profiles point at.
        root: what stands for ``/``.
        ask: whether libvirt and the tools are asked too (child processes, at most ten
            seconds each).
    """
    tree, arch = LiveTree(root), machine()
    if ask:
        return look_and_ask(tree, extra=extra, arch=arch)
    return look_at(tree, {}, extra=extra, arch=arch)


def look_and_ask(tree: Tree, *, extra: tuple[str, ...] = (), arch: str = "") -> Facts:
    """Read all facts through a tree, completed by what libvirt and the tools of this host say.

    An answer that is not its format is left out, and listed as a difference.

    Args:
        tree: where sysfs is read.
        extra: more attributes of each device to keep.
        arch: the machine, where the tree does not tell.
    """
    sound, broken = sound_answers({**ask_tools(), **ask_virsh()})
    facts = look_at(tree, sound, extra=extra, arch=arch)
    return structs.replace(facts, differences=(*facts.differences, *broken))


def look_at(
    tree: Tree, sides: Mapping[str, str], *, extra: tuple[str, ...] = (), arch: str = ""
) -> Facts:
    """Read all facts through a tree, completed by files beside it.

    Args:
        tree: where sysfs is read.
        sides: text of side files by name; empty for none.
        extra: more attributes of each device to keep, beside those that Wherry's own
            profiles point at.
        arch: the machine, where the tree does not tell.

    Raises:
        InvalidFile: a side file is not what its name says.
    """
    wanted = dict.fromkeys((*device_attributes(builtin_profiles()), *extra))
    facts = read_facts(tree, extra=tuple(wanted), arch=arch)
    return add_sides(facts, sides) if sides else facts
