"""What this process asks of the operating system, heard through the interpreter's audit hook.

The hook cannot be taken away again, so there is one, and it writes down only while asked to.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = frozenset(
    {
        "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate",
        "os.chmod", "os.chown", "os.utime", "os.setxattr", "os.removexattr", "os.mkfifo",
        "os.mknod", "shutil.move", "shutil.rmtree", "shutil.copyfile", "tempfile.mkstemp",
        "tempfile.mkdtemp", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn",
        "os.fork", "socket.connect",
    }
)  # fmt: skip
_heard: list[list[tuple[str, tuple[object, ...]]]] = []


def _hook(event: str, args: tuple[object, ...]) -> None:
    if _heard and (event == "open" or event in _CHANGES):
        _heard[-1].append((event, args))


sys.addaudithook(_hook)


@contextmanager
def heard() -> Iterator[list[tuple[str, tuple[object, ...]]]]:
    """Collect the events of opening and changing files in this block."""
    events: list[tuple[str, tuple[object, ...]]] = []
    _heard.append(events)
    try:
        yield events
    finally:
        _heard.remove(events)


def is_change(event: tuple[str, tuple[object, ...]]) -> bool:
    """Whether an event changes something, or opens something in a way that could."""
    name, args = event
    if name != "open":
        return True
    _, mode, flags = args
    writes = isinstance(mode, str) and not set(mode).isdisjoint("wax+")
    return writes or (isinstance(flags, int) and bool(flags & _WRITES))
