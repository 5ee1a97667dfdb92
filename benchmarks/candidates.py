"""What a search for candidates costs on wide trees, beside openstack-placement in the same run.

    python -m benchmarks candidates [--fleet flat vgpu pci] [--hosts 1000] [--rounds 3]
                                    [--seconds 1] [--limit 1000] [--workers 2] [--query NAME ...]
                                    [--engine postgresql]

The fleets are those of `benchmarks/fleets.py`; 20 hosts (``--hosts 20``) are enough
to see that it works.  openstack-placement answers with two sets of options on one database:
*default*, and *wide*, which its operators turn on for wide trees (``optimize_for_wide_provider_
trees``, at most 1000 candidates, breadth first).  The ratio is against the better of them.  What
asks for four devices or more is asked of *wide* alone: the default takes minutes for it.

One client asks, so that a request is alone; services take turns.  *CPU* is of the service with
all its processes and of the database server, for each request.  *hosts* is how many hosts are
named by the candidates: a scheduler sees no other.  Before its time counts, an answer must have
the right number of candidates, each another, each one that the request allows.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fleets import CARD, OWN_TRAITS, QUERIES, SHAPES, Provider, Query, make_fleet
from benchmarks.placement import RP, Client
from benchmarks.servers import Server, find_peer, run_peer, run_postgresql, run_wherry

WIDE = """
[placement]
max_allocation_candidates = 1000
allocation_candidates_generation_strategy = breadth-first
[workarounds]
optimize_for_wide_provider_trees = true
"""
MANY_GROUPS = 4
"""From so many groups on the default options of the peer are hopeless."""
OWN_CLASSES = (CARD, "CUSTOM_VGPU_NVIDIA_559")
WARM = 2
LOADERS = 4


@dataclass(frozen=True, slots=True)
class Took:
    """What a request cost in one round, the same one asked again and again.

    Attributes:
        wall_s: the median.
        cpu_s: the mean: the clock of processes ticks every 10 ms.
    """

    wall_s: float
    cpu_s: float


def load(server: Server, fleet: Sequence[Provider]) -> None:
    """Write a fleet to a service, some hosts at once."""
    client = Client(server)
    for name in OWN_CLASSES:
        client("PUT", f"/resource_classes/{name}")
    for name in OWN_TRAITS:
        client("PUT", f"/traits/{name}")
    client.close()
    hosts: dict[str, list[Provider]] = {}
    for each in fleet:
        hosts.setdefault(each.root, []).append(each)
    parts = [list(hosts.values())[number::LOADERS] for number in range(LOADERS)]
    with ThreadPoolExecutor(LOADERS) as pool:
        list(pool.map(lambda part: _load_hosts(server, part), parts))


def _load_hosts(server: Server, hosts: Sequence[Sequence[Provider]]) -> None:
    client = Client(server)
    for each in (provider for host in hosts for provider in host):
        body: dict[str, Any] = {"uuid": each.uuid, "name": each.uuid}
        client("POST", RP, {**body, "parent_provider_uuid": each.parent})
        values: dict[str, Any] = {
            "inventories": {name: {"total": total} for name, total in each.inventories.items()},
            "traits": list(each.traits),
            "aggregates": list(each.aggregates),
        }
        for generation, what in enumerate(what for what, value in values.items() if value):
            body = {what: values[what], "resource_provider_generation": generation}
            client("PUT", f"{RP}/{each.uuid}/{what}", body)
    client.close()


def require_sound(
    answer: Any, query: Query, fleet: Mapping[str, Provider], hosts: int, limit: int
) -> int:
    """Make sure that an answer is right; gives how many hosts it names."""
    found = answer["allocation_requests"]
    assert len(found) == min(limit, query.count(hosts)), (query.name, len(found))
    assert len({json.dumps(each, sort_keys=True) for each in found}) == len(found), "one twice"
    named = set()
    for each in found:
        used = [fleet[uuid] for uuid in each["allocations"]]
        [root] = {provider.root for provider in used}
        named.add(root)
        for provider in used:
            asked = each["allocations"][provider.uuid]["resources"]
            assert all(provider.inventories[name] >= units for name, units in asked.items())
        places = [uuids[0] for suffix, uuids in each["mappings"].items() if suffix]
        assert len(places) == query.groups
        assert len(set(places)) == len(places) or not query.isolate
    return len(named)


def time_round(client: Client, server: Server, path: str, seconds: float) -> Took:
    """Ask for some seconds, once at least."""
    cpu_s, began = server.cpu_s(), time.perf_counter()
    waits: list[float] = []
    while not waits or time.perf_counter() < began + seconds:
        asked = time.perf_counter()
        client("GET", path)
        waits.append(time.perf_counter() - asked)
    return Took(statistics.median(waits), (server.cpu_s() - cpu_s) / len(waits))


def measure(
    servers: Sequence[Server], query: Query, fleet: Sequence[Provider], args: argparse.Namespace
) -> None:
    """Time a query on every service in turn, and print a line for each."""
    by_uuid = {each.uuid: each for each in fleet}
    path = f"/allocation_candidates?{query.text}&limit={args.limit}"
    clients = {server: Client(server) for server in servers if _can_take(server, query)}
    hosts = {}
    for server, client in clients.items():
        # Each process keeps something in memory, and any of them may answer.
        for _ in range(WARM * args.workers):
            answer = client("GET", path)
            hosts[server] = require_sound(answer, query, by_uuid, args.hosts, args.limit)
    rounds: dict[Server, list[Took]] = {server: [] for server in clients}
    for _ in range(args.rounds):
        for server, client in clients.items():
            rounds[server].append(time_round(client, server, path, args.seconds))
    print(f"  {query.name}: {query.count(args.hosts)} candidates")
    cpu = {server: show(server, rounds[server], hosts[server]) for server in clients}
    for client in clients.values():
        client.close()
    ours, *theirs = cpu.values()
    if theirs and ours:
        print(f"    ratio to the better {min(theirs) / ours:39.1f} x less CPU")


def _can_take(server: Server, query: Query) -> bool:
    return query.groups < MANY_GROUPS or not server.name.endswith("default")


def show(server: Server, rounds: Sequence[Took], hosts: int) -> float:
    """Print one line of medians; gives the CPU time of a request in ms."""
    wall_ms = 1e3 * statistics.median(took.wall_s for took in rounds)
    cpu_ms = 1e3 * statistics.median(took.cpu_s for took in rounds)
    print(
        f"    {server.name:28} {wall_ms:10.1f} ms median {cpu_ms:10.1f} ms CPU a request"
        f" {hosts:6} hosts",
        flush=True,
    )
    return cpu_ms


@contextmanager
def services(args: argparse.Namespace) -> Iterator[list[Server]]:
    """Run Wherry, and the peer twice on one database if it is installed."""
    venv = find_peer()
    with ExitStack() as stack:
        names = ("wherry", "default", "wide")
        folders = {
            name: Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"bench-{name}-")))
            for name in names
        }
        options: dict[str, Any] = {"workers": 1, "threads": 4}
        ours, theirs = (f"sqlite:///{folders[name]}/fleet.db" for name in names[:2])
        if args.engine == "postgresql":
            database = stack.enter_context(run_postgresql(is_durable=False))
            ours, theirs = database.urls
            options |= {"workers": args.workers, "beside": (database.pid,)}
        servers = [stack.enter_context(run_wherry(folders["wherry"], database=ours, **options))]
        if venv is not None:
            for name, config in (("default", ""), ("wide", WIDE)):
                running = run_peer(
                    venv, folders[name], database=theirs, name=name, config=config, **options
                )
                servers.append(stack.enter_context(running))
        yield servers


def main(argv: list[str] | None = None) -> None:
    """Time the fleets that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--fleet", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--query", nargs="+", help="names of queries; all of the fleet's without")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2, help="processes; on SQLite one")
    parser.add_argument("--engine", default="postgresql", choices=["postgresql", "sqlite"])
    args = parser.parse_args(argv)
    if find_peer() is None:
        print("openstack-placement is not installed (`make peer`): Wherry is timed alone")
    for shape in args.fleet:
        fleet = make_fleet(shape, args.hosts)
        print(
            f"{shape}: {args.hosts} hosts, {len(fleet)} providers, limit {args.limit}", flush=True
        )
        with services(args) as servers:
            # The peer's two services have one database.
            for server in servers[:2]:
                load(server, fleet)
            for query in QUERIES[shape]:
                if not args.query or query.name in args.query:
                    measure(servers, query, fleet, args)


if __name__ == "__main__":
    main()
