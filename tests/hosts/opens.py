"""What a process asks of the operating system, heard through the interpreter's audit hook.

A hook cannot be taken away again, and one written in Python stops the thread it is called in
half-way through `sys.settrace`, so that a thread which starts then fails to. So a process of its
own listens, and whatever is to be heard is run there.
"""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

R = TypeVar("R")

Event = tuple[str, tuple[str | int | None, ...]]
"""An audit event and what it was about: names of files as they were given, modes and flags."""

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
_heard: list[list[Event]] = []


class Listener:
    """A process that runs what it is given and hears it open and change files."""

    def __init__(self, process: ProcessPoolExecutor) -> None:
        self._process = process

    def hear(self, do: Callable[..., R], *args: object) -> tuple[R, list[Event]]:
        """Run a function of a module there.

        Returns:
            What it returned, and what was opened and changed meanwhile, in order.
        """
        return self._process.submit(_run, do, args).result()


@contextmanager
def listening() -> Iterator[Listener]:
    """Have such a process as long as the block runs."""
    with ProcessPoolExecutor(1, get_context("spawn"), _listen) as process:
        yield Listener(process)


def is_change(event: Event) -> bool:
    """Whether an event changes something, or opens something in a way that could."""
    name, args = event
    if name != "open":
        return True
    _, mode, flags = args
    writes = isinstance(mode, str) and not set(mode).isdisjoint("wax+")
    return writes or (isinstance(flags, int) and bool(flags & _WRITES))


def _listen() -> None:
    sys.dont_write_bytecode = True
    sys.addaudithook(_hook)


def _hook(event: str, args: tuple[object, ...]) -> None:
    if _heard and (event == "open" or event in _CHANGES):
        _heard[-1].append((event, tuple(map(_plain, args))))


def _plain(value: object) -> str | int | None:
    return value if value is None or isinstance(value, (str, int)) else str(value)


def _run(do: Callable[..., R], args: tuple[object, ...]) -> tuple[R, list[Event]]:
    events: list[Event] = []
    _heard.append(events)
    try:
        return do(*args), events
    finally:
        _heard.remove(events)
