"""What runs the guests of a host, as the agent sees it.

Three seams: a live host (``/proc``, and QMP where sockets are named), and a recorded host,
of whose guests nothing is known.  Unknown stays unknown: it is neither yes nor no.
"""

from pathlib import Path
from typing import Protocol

from wherry.agent import qmp
from wherry.agent.processes import find_guests, may_read
from wherry.hosts.live import LiveTree
from wherry.model.facts import RunningGuest


class Hypervisor(Protocol):
    """What the agent asks about guests."""

    def running(self) -> tuple[RunningGuest, ...] | None:
        """Name the guests that run; None where that cannot be told."""

    def objections(self, guest: str) -> tuple[str, ...]:
        """Give what the lower level says against moving a guest now, in its own words."""


class Unseen:
    """The guests of a recorded host: nobody can look at them."""

    def running(self) -> None:
        """Nothing can be told."""

    def objections(self, guest: str) -> tuple[str, ...]:  # noqa: ARG002, as the seam has it
        """Nobody objects."""
        return ()


class LiveHost:
    """The QEMU processes of this host, asked over QMP where a folder of sockets is named."""

    def __init__(self, *, qmp_dir: Path | None = None, root: Path = Path("/")) -> None:
        self._tree = LiveTree(root, may_read=may_read)
        self._qmp_dir = qmp_dir

    def running(self) -> tuple[RunningGuest, ...] | None:
        """Find the QEMU processes."""
        return find_guests(self._tree)

    def objections(self, guest: str) -> tuple[str, ...]:
        """Ask QEMU what blocks a migration, if it can be asked."""
        if self._qmp_dir is None:
            return ()
        try:
            look = qmp.ask(self._qmp_dir / f"{guest}.sock")
        except qmp.QmpTrouble as error:
            # A configured socket that does not answer is no confirmation.
            return (f"QEMU cannot be asked: {error}",)
        return look.blocked
