"""A terminal for tests: a command runs in it as it does for a person, and what it shows is kept."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from service import clean_environ

STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE_S = 120


class Terminal:
    """One command in a terminal of its own.

    Args:
        words: after ``wherry``.
        columns: width of the terminal.
        environ: variables besides those of this process.
    """

    def __init__(self, *words: object, columns: int, **environ: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        plain = {n: v for n, v in clean_environ().items() if n not in {"COLUMNS", "NO_COLOR"}}
        with _ctrl_c_heard():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "wherry", *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=slave,
                stderr=slave,
                env={**plain, "TERM": "xterm-256color", **environ},
                start_new_session=True,
            )
        os.close(slave)
        self._said = b""
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                more = os.read(self._master, 65536)
            except OSError:  # the command has closed its end
                more = b""
            with self._news:
                self._said += more
                self._news.notify_all()
            if not more:
                return

    @property
    def said(self) -> str:
        """All that was written, what steers the terminal included."""
        return self._said.decode(errors="replace").replace("\r\n", "\n")

    @property
    def text(self) -> str:
        """All that was written, without what steers the terminal."""
        return STEERING.sub("", self.said)

    def wait_for(self, pattern: str, *, after: int = 0) -> int:
        """Wait until a pattern has been written; gives where it ends."""
        with self._news:
            found = self._news.wait_for(
                lambda: re.compile(pattern).search(self.said, after), PATIENCE_S
            )
        assert found, self.said[after:]
        return found.end()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Wait for the end of the command; gives its status."""
        status = self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.end()
        os.close(self._master)


@contextmanager
def _ctrl_c_heard() -> Iterator[None]:
    """Start a process that hears Ctrl-C, also where a shell runs the tests in its background.

    Such a shell has its children ignore it, and theirs; at a terminal nobody does.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def stdout_on_terminal() -> Iterator[list[str]]:
    """Let this process print to a terminal for a block; its width is the variable COLUMNS.

    The list is filled when the block ends.
    """
    master, slave = pty.openpty()
    said: list[bytes] = []

    def read() -> None:
        while more := _read_some(master):
            said.append(more)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    shown: list[str] = []
    before, sys.stdout = sys.stdout, os.fdopen(slave, "w", encoding="utf-8")
    try:
        yield shown
    finally:
        sys.stdout.close()
        sys.stdout = before
        reader.join(PATIENCE_S)
        os.close(master)
        shown.append(b"".join(said).decode().replace("\r\n", "\n"))


def _read_some(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # nobody writes any more
        return b""
