"""The tree of attributes a host publishes, seen through four questions.

A :class:`Tree` answers about one node at a time and never follows a link: following is
done here, component by component, so that no tree can be led out of its root.  Paths are
absolute below the root, such as ``/sys/bus/pci/devices``.

Every answer is a value, :data:`ABSENT`, or :class:`~wherry.model.facts.Unread` with the
errno's name.  Errno names that are ours:

- ``EXDEV``: a link leads out of the root; it is not followed.
- ``ELOOP``: links in a circle, or an attribute that is itself a link.
- ``EFBIG``: the attribute holds more than the cap.
- ``EBADMSG``: it was read, and is not what its name promises (a number, say; a link's
  target that names something).
- ``E2BIG``: a folder holds more names than a folder may.
- ``EPERM``: Wherry does not read this: it could wake a device, block, or write.
- ``ENOTSUP``: neither file, folder nor link (a pipe, a socket, a device node).

Source: docs/reference/introspection.md, "When there is no value", "Caps".
"""

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, Protocol

from msgspec import UNSET, UnsetType

from wherry.model.facts import Attribute, Binary, Number, Unread

Absent = UnsetType
ABSENT: Final = UNSET
"""There is no such node: the kernel does not publish it, or it has gone."""

LIMIT: Final = 64 * 1024
"""Most bytes of an attribute that are kept; a page of sysfs is 4 KiB."""

MAX_NAMES: Final = 100_000
"""Most names of one folder; more is ``E2BIG``."""

_MAX_HOPS = 40  # as Linux: more links than this in one path is a circle
_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)


class Stat(NamedTuple):
    """What a node is: folder, link, attribute, or something else; and its permission bits."""

    kind: Literal["d", "l", "f", "o"]
    mode: int


class Tree(Protocol):
    """Where facts are read from: the live ``/sys``, a folder, a snapshot, or a recorder.

    No method follows a link anywhere in *path*, writes, or raises for what it finds.
    """

    def stat(self, path: str) -> Stat | Unread | Absent:
        """Tell what is at *path*."""

    def list(self, path: str) -> tuple[str, ...] | Unread | Absent:
        """Name what is in the folder *path*, in any order; ``ENOTDIR`` where it is none."""

    def readlink(self, path: str) -> str | Unread | Absent:
        """Give a link's target as written; ``EINVAL`` where *path* is no link."""

    def read(self, path: str, limit: int) -> bytes | Unread | Absent:
        """Give the first *limit* bytes of an attribute."""


def resolve(tree: Tree, path: str) -> str | Unread | Absent:
    """Follow the links of *path* to the real path of a node that is there.

    A target that begins with ``/`` starts at the tree's root, as the kernel reads it; one
    that climbs above the root is ``EXDEV``.
    """
    todo, done, hops = _parts(path)[::-1], [""], 0
    while todo:
        part = todo.pop()
        if part == "..":
            if len(done) == 1:
                return Unread(errno="EXDEV")
            done.pop()
            continue
        target = tree.readlink("/".join([*done, part]))
        if target is ABSENT or (isinstance(target, Unread) and target.errno != "EINVAL"):
            return target
        if isinstance(target, Unread):  # EINVAL: it is there and no link
            done.append(part)
            continue
        if not is_text(target):
            return Unread(errno="EBADMSG")
        hops += 1
        if hops > _MAX_HOPS:
            return Unread(errno="ELOOP")
        done = [""] if target.startswith("/") else done
        todo.extend(_parts(target)[::-1])
    return "/".join(done) or "/"


def list_names(
    tree: Tree, folder: str, wanted: Callable[[str], bool] = lambda _: True
) -> tuple[str, ...] | Unread | Absent:
    """Name the nodes of a folder that *wanted* accepts, sorted.

    Each is looked at, so that a recording holds exactly these; one that vanished between
    is left out, as is a name that is no text (the kernel makes none).
    """
    names = tree.list(folder)
    if not isinstance(names, tuple):
        return names
    if len(names) > MAX_NAMES:
        return Unread(errno="E2BIG")
    kept = sorted(name for name in names if is_text(name) and wanted(name))
    return tuple(name for name in kept if tree.stat(f"{folder}/{name}") is not ABSENT)


def read_attribute(tree: Tree, path: str) -> Attribute | Absent:
    """Read one attribute as text without its last newline, as hex, or as the errno.

    Bytes that are not UTF-8, or that hold a NUL, are no text.
    """
    data = tree.read(path, LIMIT + 1)
    if not isinstance(data, bytes):
        return data
    return Unread(errno="EFBIG") if len(data) > LIMIT else decode(data)


def read_attributes(tree: Tree, folder: str, names: tuple[str, ...]) -> dict[str, Attribute]:
    """Read the named attributes of a folder; those that are absent are left out."""
    found = ((name, read_attribute(tree, f"{folder}/{name}")) for name in names)
    return {name: value for name, value in found if value is not ABSENT}


def read_text(tree: Tree, path: str, limit: int = LIMIT) -> str | None:
    """Read the first *limit* bytes as text, or None where that gives none for any reason.

    For files of which a part is enough, such as ``/proc/cpuinfo``.
    """
    data = tree.read(path, limit)
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else None


def read_number(tree: Tree, path: str) -> Number | Absent:
    """Read a decimal number; ``EBADMSG`` where the text is none."""
    value = read_attribute(tree, path)
    return value if value is ABSENT else parse_number(value)


def parse_number(value: Attribute) -> Number:
    """Take an attribute for a decimal number, or keep the errno; blanks are no digits."""
    if isinstance(value, Unread):
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return Unread(errno="EBADMSG")


def decode(data: bytes) -> str | Binary:
    """Make text of an attribute's bytes and take one last newline off, or give them as hex."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return Binary(hex=data.hex())
    return Binary(hex=data.hex()) if "\0" in text else text.removesuffix("\n")


def link_name(tree: Tree, path: str) -> str | Unread | Absent:
    """Give the last component of a link's target, which need not be there."""
    target = tree.readlink(path)
    if not isinstance(target, str):
        return target
    name = target.rstrip("/").rpartition("/")[2]
    is_name = name not in {"", ".", ".."} and is_text(target)
    return name if is_name else Unread(errno="EBADMSG")


def link_text(tree: Tree, path: str) -> str | Absent:
    """Give the last component of a link's target, or ABSENT where there is none to be had."""
    name = link_name(tree, path)
    return name if isinstance(name, str) else ABSENT


def is_text(name: str) -> bool:
    """Tell whether a name is text: bytes that are not UTF-8 come as lone surrogates."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]
