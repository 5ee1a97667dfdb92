"""Which host and which boot this is, and what time it is there."""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from wherry.introspect.tree import Tree, read_attribute


def read_boot_id(tree: Tree) -> str | None:
    """Give the kernel's id of this boot; None where the tree has none."""
    value = read_attribute(tree, "/proc/sys/kernel/random/boot_id")
    return value if isinstance(value, str) and value else None


def host_name() -> str:
    """Give the name this host calls itself."""
    return socket.gethostname()


def machine() -> str:
    """Give the machine this kernel runs on, such as ``x86_64``."""
    return os.uname().machine


def now() -> str:
    """Give the time in UTC, as a report writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def disk_gb(folder: Path) -> int | None:
    """Give the size of the file system that *folder* is on, in whole GiB; None where unknown."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_blocks * found.f_frsize // (1 << 30)
