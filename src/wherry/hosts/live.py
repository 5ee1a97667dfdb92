"""A tree of real files below a root: the live ``/sys`` and ``/proc``, or a folder like them.

No link is ever followed by the operating system: each folder of a path is opened from the
one above it with ``O_NOFOLLOW``, so nothing outside the root can be reached even while
somebody swaps folders for links.  Nothing is opened for writing, and nothing that is no
plain file is opened at all.

Source: docs/reference/introspection.md.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from wherry.introspect.readable import is_readable
from wherry.introspect.tree import ABSENT, MAX_NAMES, Absent, Stat
from wherry.model.errors import InvalidFile
from wherry.model.facts import Unread

T = TypeVar("T")

_DOTS = frozenset({".", ".."})
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe or terminal that takes a file's place between look and open must not hold us.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class LiveTree:
    """Files below *root*, read as they are now.

    Args:
        root: the folder that stands for *mount*.
        mount: where *root* hangs in the tree; ``/sys`` where the folder is a sysfs itself.
        may_read: asked with the path before a file is opened.
    """

    def __init__(
        self, root: Path, *, mount: str = "/", may_read: Callable[[str], bool] = is_readable
    ) -> None:
        self.root = root
        self._above = [part for part in mount.split("/") if part]
        self._may_read = may_read

    def stat(self, path: str) -> Stat | Unread | Absent:
        """Tell what is at *path*, a link being a link."""
        return self._at(path, _stat)

    def list(self, path: str) -> tuple[str, ...] | Unread | Absent:
        """Name what is in the folder *path* now."""
        return self._at(path, _list)

    def readlink(self, path: str) -> str | Unread | Absent:
        """Give a link's target as written."""
        return self._at(path, lambda name, folder: os.readlink(name, dir_fd=folder))

    def read(self, path: str, limit: int) -> bytes | Unread | Absent:
        """Give the first *limit* bytes of a plain file that may be read."""
        if not self._may_read(path):
            return Unread(errno="EPERM")
        return self._at(path, lambda name, folder: _read(name, folder, limit))

    def _at(self, path: str, look: Callable[[str, int], T | Unread]) -> T | Unread | Absent:
        """Look at the last component of *path* from its folder; errors become answers."""
        parts = [part for part in path.split("/") if part]
        if not _DOTS.isdisjoint(parts):  # no file system may take them for a way out
            return Unread(errno="EXDEV")
        if parts[: len(self._above)] != self._above:
            return ABSENT
        try:
            with _folder(self.root, parts[len(self._above) : -1]) as folder:
                at_mount = len(parts) == len(self._above)
                return look("." if at_mount else parts[-1], folder)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        except (OSError, ValueError) as error:
            return Unread(errno=errno_name(error))


def open_folder(folder: Path) -> LiveTree:
    """Take *folder* for ``/`` where it holds ``sys``, or for ``/sys`` where it looks like one.

    Raises:
        InvalidFile: it is neither, or no folder.
    """
    if not folder.is_dir():
        raise InvalidFile("is no folder: name one that holds `sys`", file=str(folder))
    if (folder / "sys").is_dir():
        return LiveTree(folder)
    if any((folder / part).is_dir() for part in ("bus", "class", "devices")):
        return LiveTree(folder, mount="/sys")
    message = (
        "holds neither `sys` nor `bus`, `class` or `devices`: name the folder that stands for /"
    )
    raise InvalidFile(message, file=str(folder))


def errno_name(error: OSError | ValueError) -> str:
    """Name the errno of an error; ``EINVAL`` where it has none (a NUL in a name)."""
    number = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(number or errno.EINVAL, "EIO")


@contextmanager
def _folder(root: Path, parts: list[str]) -> Iterator[int]:
    current = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            inner = os.open(part, _FOLDER, dir_fd=current)
            os.close(current)
            current = inner
        yield current
    finally:
        os.close(current)


def _stat(name: str, folder: int) -> Stat:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return Stat(_kind(found.st_mode), stat.S_IMODE(found.st_mode))


def _kind(mode: int) -> Literal["d", "l", "f", "o"]:
    if stat.S_ISLNK(mode):
        return "l"
    if stat.S_ISDIR(mode):
        return "d"
    return "f" if stat.S_ISREG(mode) else "o"


def _list(name: str, folder: int) -> tuple[str, ...] | Unread:
    if _stat(name, folder).kind != "d":
        return Unread(errno="ENOTDIR")
    inner = os.open(name, _FOLDER, dir_fd=folder)
    try:
        with os.scandir(inner) as entries:
            # One more than is taken, so that a flooded folder shows as such.
            return tuple(entry.name for entry in islice(entries, MAX_NAMES + 1))
    finally:
        os.close(inner)


def _read(name: str, folder: int, limit: int) -> bytes | Unread:
    kind = _stat(name, folder).kind
    if kind != "f":
        return Unread(errno={"d": "EISDIR", "l": "ELOOP"}.get(kind, "ENOTSUP"))
    opened = os.open(name, _FILE, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return Unread(errno="ENOTSUP")
        return _read_all(opened, limit)
    finally:
        os.close(opened)


def _read_all(opened: int, limit: int) -> bytes:
    parts, left = [], limit
    while left > 0:
        part = os.read(opened, min(left, 1 << 16))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
