"""The fleet of the demonstration: this very host, and recorded ones whose agents run here."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from wherry.agent.client import Client
from wherry.agent.daemon import Agent
from wherry.agent.host import Host, RecordedHost, ThisHost
from wherry.agent.hypervisor import LiveHost, Unseen
from wherry.hosts import recordings
from wherry.hosts.boot import host_name
from wherry.model.errors import WherryError

RECORDED = {
    "serial-1": "mtty-fresh",
    "serial-2": "mtty-3mdevs",
    "serial-3": "mtty-exhausted",
    "serial-4": "mtty-stream-minor1",
    "gpu-1": "constructed-nvidia-a6000",
    "gpu-2": "constructed-nvidia-a6000",
    "gpu-3": "constructed-nvidia-vfio",
    "gpu-4": "constructed-gvtg-v5",
    "net-1": "igb-vfs",
    "net-2": "igb-vfs",
    "net-3": "igb-novfs",
}
"""Name in the fleet to the recording that the host is."""

WAIT_S = 30
LONG_S = 86_400.0


def this_host() -> Host:
    """Give the host that the demonstration runs on."""
    return ThisHost(name=host_name(), hypervisor=LiveHost())


def recorded_hosts(folder: Path) -> list[Host]:
    """Give the recorded hosts; their recordings are copied to *folder*, where one may look."""
    hosts: list[Host] = []
    for name, recording in RECORDED.items():
        file = folder / f"{name}.ndjson"
        file.write_text(recordings.read(recording), encoding="utf-8")
        hosts.append(RecordedHost(name=name, snapshot=file, hypervisor=Unseen()))
    return hosts


def make_agents(hosts: Sequence[Host], url: str) -> list[Agent]:
    """Make an agent for each host; none has reported yet."""
    return [
        Agent(host=host, client=Client(url), interval_s=LONG_S, wait_s=WAIT_S) for host in hosts
    ]


@contextmanager
def working(agents: Sequence[Agent]) -> Iterator[None]:
    """Let agents wait for work and do it, each in a thread, for the time of the block."""
    over = threading.Event()

    def work(agent: Agent) -> None:
        while not over.is_set():
            try:
                agent.work(wait_s=WAIT_S)
            except WherryError:
                # The service has gone, or is about to: the block ends soon, or says why not.
                over.wait(1.0)

    threads = [
        threading.Thread(target=work, args=(agent,), name=agent.host.name, daemon=True)
        for agent in agents
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
