"""Other programs asked in a child process, with a time limit and a cap on what they answer.

A tool that is absent, fails, or hangs is silence: the facts it would have given are absent.
"""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from typing import Final

TIMEOUT_S: Final = 10.0
MAX_BYTES: Final = 16 * 1024 * 1024


def ask(command: tuple[str, ...], *, timeout_s: float = TIMEOUT_S) -> str | None:
    """Run a command that only reads, and give what it printed; None where it gave nothing.

    Args:
        command: program and arguments; no shell is involved.
        timeout_s: seconds after which the process and its children are killed.
    """
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        child = subprocess.Popen(  # noqa: S603 - fixed programs, no shell
            (program, *command[1:]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
    except OSError:
        return None
    return _answer(child, timeout_s)


def _answer(child: subprocess.Popen[bytes], timeout_s: float) -> str | None:
    try:
        out, _ = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _end(child)
        return None
    if child.returncode != 0 or len(out) > MAX_BYTES:
        return None
    return out.decode("utf-8", "replace")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child's whole session: a hung helper of it would hold the pipe open."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    try:
        child.communicate(timeout=1)
    except subprocess.TimeoutExpired:  # in state D: deaf to signals, left behind
        if child.stdout is not None:
            child.stdout.close()
