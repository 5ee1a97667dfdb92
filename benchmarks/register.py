"""How long it takes until a fleet of vGPU hosts is on record, by report and by Placement's calls.

    python -m benchmarks register [--hosts 1000] [--peer-hosts 50] [--clients 4] [--workers 2]
                                  [--engine postgresql] [--ways calls reports again]

Each host has two NUMA nodes with two boards each: seven providers.  *reports* is one call a host,
with the facts of its boards, of which the service derives providers, pools, offers and traits;
no board has the address of another.  *again* is the same host a minute later, with nothing new.
*calls* is the way of nova-compute: POST, inventories, traits and aggregates of each provider, 22
calls a host; openstack-placement gets the same calls for fewer hosts, as its time for each does
not fall with their number.  Every service begins with an empty database that waits for the disk.

Afterwards as many providers must be there as there should be.  *hosts/s* is wall clock, *CPU* of
the service and its database for each host, of the database alone in brackets, and apart from it of
the clients; *ratio* compares hosts/s with the peer's.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.client import Client, load, make_fleet
from benchmarks.servers import Server, find_peer, run_peer, run_postgresql, run_wherry
from wherry.bench.processes import cpu_s
from wherry.bench.reports import PROVIDERS, make_report

IDLE = 0.1
"""CPU time in a second of a service and its database that have nothing to do, at most."""


def send_reports(server: Server, hosts: int, clients: int, sequence: int) -> None:
    """Report every host once."""
    reports = [make_report(number, sequence) for number in range(hosts)]

    def send(part: Sequence[dict[str, Any]]) -> None:
        client = Client(server)
        for each in part:
            client("PUT", f"/wherry/hosts/{each['host']}/report", each)
        client.close()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(send, [reports[at::clients] for at in range(clients)]))


def settle(server: Server) -> None:
    """Wait until every process of a service has started, which one that answers does not tell."""
    before = -1.0
    while (now := server.cpu_s()) > before + IDLE:
        before = now
        time.sleep(1)


def measure(
    what: str, server: Server, hosts: int, act: Callable[[], None], peer: float | None
) -> float:
    """Time one way of registering; gives hosts per second."""
    settle(server)
    cpu, database, own = server.cpu_s(), cpu_s(server.pids[1:]), time.process_time()
    began = time.perf_counter()
    act()
    seconds, cpu = time.perf_counter() - began, server.cpu_s() - cpu
    database = cpu_s(server.pids[1:]) - database
    own = time.process_time() - own
    client = Client(server)
    found = len(client("GET", "/resource_providers")["resource_providers"])
    client.close()
    assert found == PROVIDERS * hosts, (what, found, PROVIDERS * hosts)
    rate = hosts / seconds
    ratio = "" if peer is None else f"   ratio {rate / peer:7.1f} x"
    print(
        f"  {server.name:20} {what:8} {hosts:6} hosts {seconds:8.2f} s {rate:9.2f} hosts/s "
        f"{cpu / hosts * 1000:8.1f} ({database / hosts * 1000:.1f}) ms CPU a host, "
        f"{own / hosts * 1000:.1f} of clients{ratio}",
        flush=True,
    )
    return rate


@contextmanager
def service(name: str, args: argparse.Namespace) -> Iterator[Server]:
    """Run one service on a database of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"bench-{name}-")))
        database = f"sqlite:///{folder}/fleet.db"
        options: dict[str, Any] = {"workers": 1, "threads": 4}
        if args.engine == "postgresql":
            running = stack.enter_context(run_postgresql())
            database = running.urls[name == "peer"]
            options = {"workers": args.workers, "threads": 4, "beside": (running.pid,)}
        if name == "peer":
            venv = find_peer()
            assert venv is not None
            yield stack.enter_context(run_peer(venv, folder, database=database, **options))
        else:
            yield stack.enter_context(run_wherry(folder, database=database, **options))


def main(argv: list[str] | None = None) -> None:
    """Time the ways to register a fleet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--peer-hosts", type=int, default=50, help="0: the peer is not timed")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2, help="processes; on SQLite one")
    parser.add_argument("--engine", default="postgresql", choices=["postgresql", "sqlite"])
    ways = ("calls", "reports", "again")
    parser.add_argument("--ways", nargs="+", default=ways, choices=ways)
    args = parser.parse_args(argv)
    print(f"{args.engine}, {args.clients} clients, {PROVIDERS} providers a host", flush=True)
    peer = None
    if args.peer_hosts and find_peer() is None:
        print("openstack-placement is not installed (`make peer`): Wherry is timed alone")
    elif args.peer_hosts:
        with service("peer", args) as server:
            fleet = make_fleet("vgpu", args.peer_hosts)
            peer = measure("calls", server, args.peer_hosts, lambda: load(server, fleet), None)
    if "calls" in args.ways:
        with service("wherry", args) as server:
            fleet = make_fleet("vgpu", args.hosts)
            measure("calls", server, args.hosts, lambda: load(server, fleet), peer)
    if "reports" in args.ways:
        with service("wherry", args) as server:
            for what, sequence in (("reports", 1), ("again", 2)):
                if what in args.ways:
                    send = partial(send_reports, server, args.hosts, args.clients, sequence)
                    measure(what, server, args.hosts, send, peer)


if __name__ == "__main__":
    main()
