"""QEMU asked about one guest, over its QMP socket: does it run, and what blocks a migration.

Only ``query-`` commands are sent.

Source: QEMU QMP Reference Manual, "query-status", "query-migrate" (``blocked-reasons``).
"""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_S = 3.0
MAX_LINE = 1 << 20


class QmpTrouble(Exception):
    """QEMU could not be asked; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What QEMU says of a guest.

    Attributes:
        status: such as ``running`` or ``paused``.
        blocked: QEMU's reasons why it would refuse to migrate now; empty means none.
    """

    status: str
    blocked: tuple[str, ...]


def ask(socket_file: Path) -> Look:
    """Ask QEMU about the guest behind a socket.

    Raises:
        QmpTrouble: the socket cannot be used, or what is behind it does not speak QMP.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(TIMEOUT_S)
            link.connect(str(socket_file))
            with link.makefile("rwb") as lines:
                return _talk(lines)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{socket_file}: {error}"
        raise QmpTrouble(message) from None


def _talk(lines: Any) -> Look:
    json.loads(lines.readline(MAX_LINE))["QMP"]
    _execute(lines, "qmp_capabilities")
    status = _execute(lines, "query-status")
    migrate = _execute(lines, "query-migrate")
    return Look(
        status=str(status["status"]),
        blocked=tuple(str(reason) for reason in migrate.get("blocked-reasons", ())),
    )


def _execute(lines: Any, command: str) -> dict[str, Any]:
    lines.write(json.dumps({"execute": command}).encode() + b"\n")
    lines.flush()
    while True:
        answer = json.loads(lines.readline(MAX_LINE))
        if "return" in answer:
            return dict(answer["return"])
        if "error" in answer:
            raise ValueError(answer["error"].get("desc", "no description"))
        # Anything else is an event, which comes whenever it wants.
