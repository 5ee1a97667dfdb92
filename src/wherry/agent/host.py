"""The host an agent acts for: this one as it is now, or a recorded one.

A report's sequence rises with every look, across restarts of the agent too: on a live host
it is the milliseconds since the kernel booted, for a recorded one those since the epoch.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wherry.agent.hypervisor import Hypervisor, LiveHost, Unseen
from wherry.agent.settings import AgentSettings
from wherry.hosts.boot import host_name, now, read_boot_id
from wherry.hosts.libvirt import read_side_files
from wherry.hosts.live import LiveTree
from wherry.hosts.look import look_at, look_at_host
from wherry.hosts.snapshot import load_snapshot
from wherry.model.facts import Report


class Host(Protocol):
    """A host that can be looked at."""

    @property
    def name(self) -> str:
        """What it is called in the fleet."""

    @property
    def hypervisor(self) -> Hypervisor:
        """What runs its guests."""

    def look(self) -> Report:
        """Read the host and put what was read into a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThisHost:
    """The host that the agent runs on."""

    name: str
    hypervisor: Hypervisor
    ask: bool = True
    """Whether libvirt and the tools are asked beside sysfs."""
    attributes: tuple[str, ...] = ()
    """More attributes of PCI functions to keep."""

    def look(self) -> Report:
        """Read everything anew."""
        facts = look_at_host(extra=self.attributes, ask=self.ask)
        return Report(
            schema="wherry.report/1",
            host=self.name,
            boot_id=read_boot_id(LiveTree(Path("/"))) or "unknown",
            sequence=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000,
            observed_at=now(),
            facts=facts,
            guests=self.hypervisor.running(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedHost:
    """A host that was recorded: its file is read anew at each look, so it may be changed."""

    name: str
    snapshot: Path
    beside: Path | None = None
    hypervisor: Hypervisor
    attributes: tuple[str, ...] = ()
    """More attributes of PCI functions to keep."""

    def look(self) -> Report:
        """Read the recording.

        Raises:
            InvalidFile: it cannot be taken.
        """
        tree = load_snapshot(self.snapshot)
        sides = read_side_files(self.beside) if self.beside else {}
        return Report(
            schema="wherry.report/1",
            host=self.name,
            boot_id=read_boot_id(tree) or "recorded",
            sequence=time.time_ns() // 1_000_000,
            observed_at=now(),
            facts=look_at(tree, sides, extra=self.attributes),
        )


def choose_host(settings: AgentSettings) -> Host:
    """Take the recorded host if one is named, else this one."""
    if settings.snapshot is None:
        return ThisHost(
            name=settings.name or host_name(),
            hypervisor=LiveHost(qmp_dir=settings.qmp_dir),
            attributes=settings.attributes,
        )
    return RecordedHost(
        name=settings.name or settings.snapshot.name.partition(".")[0],
        snapshot=settings.snapshot,
        beside=settings.beside,
        hypervisor=Unseen(),
        attributes=settings.attributes,
    )
