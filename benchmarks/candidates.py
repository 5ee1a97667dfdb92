"""What GET /allocation_candidates costs, beside openstack-placement in the same run.

    python -m benchmarks candidates [--fleet flat vgpu pci] [--hosts 1000] [--rounds 3]
                                    [--seconds 1] [--limit 1000] [--workers 2] [--query NAME ...]
                                    [--options default wide] [--engine postgresql] [--seed 1]
                                    [--calls] [--json FILE]

The fleets are those of `wherry bench`, with nothing in use; 20 hosts (``--hosts 20``) are enough to
see that it works.  They are written straight into the tables of both databases (``--calls``:
through the API of both, which takes openstack-placement an hour for ten thousand hosts).
openstack-placement answers with two sets of options on one database: *default*, and *wide*, which
its operators turn on for wide trees (``optimize_for_wide_provider_trees``, at most 1000
candidates, breadth first).  The ratio is against the better of them.  What asks for four devices or
more is asked of *wide* alone: the default takes minutes for it.

One client asks, so that a request is alone; services take turns.  *CPU* is of the service with
all its processes and of the database server, for each request; *ratio* how many times more of it
the better peer takes.  How many hosts are named by the candidates is what a scheduler sees.
Before its time counts, an answer must have the right number of candidates, each another, each one
that the request allows.  An answer of the peer that takes more than three seconds is asked for
once; Wherry is asked until it has shown each host, as it keeps the bytes of what it shows.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.bulk import write_peer
from benchmarks.client import Client, load
from benchmarks.servers import Server, find_peer, run_peer, run_postgresql, run_wherry
from wherry.bench.figures import HEAD, Figure, measured, render, this_machine
from wherry.bench.fleets import FLEETS
from wherry.bench.queries import QUERIES, Query
from wherry.bench.stored import write_fleet
from wherry.inventory.columns import Columns
from wherry.model.provider import Provider
from wherry.store.engine import open_store

OPTIONS = {
    "default": "",
    "wide": """
[placement]
max_allocation_candidates = 1000
allocation_candidates_generation_strategy = breadth-first
[workarounds]
optimize_for_wide_provider_trees = true
""",
}
MANY_GROUPS = 4
"""From so many groups on the default options of the peer are hopeless."""
WARM = 2
ROUND = 2
"""How often each host has been shown, about, before it counts."""
SLOW_S = 3.0
SHAPES = ("flat", "vgpu", "pci")


@dataclass(frozen=True, slots=True)
class Took:
    """What a request cost in one round, the same one asked again and again.

    Attributes:
        wall_s: the median.
        cpu_s: the mean: the clock of processes ticks every 10 ms.
    """

    wall_s: float
    cpu_s: float


def require_sound(answer: Any, query: Query, fleet: Columns, hosts: int, limit: int) -> int:
    """Make sure that an answer is right; gives how many hosts it names."""
    found = answer["allocation_requests"]
    count = query.count(hosts)
    assert count is not None
    assert len(found) == min(limit, count), (query.name, len(found))
    assert len({json.dumps(each, sort_keys=True) for each in found}) == len(found), "one twice"
    named = set()
    for each in found:
        used = [_provider(fleet, uuid) for uuid in each["allocations"]]
        [root] = {provider.root for provider in used}
        named.add(root)
        for provider in used:
            asked = each["allocations"][provider.uuid]["resources"]
            assert all(provider.holds(name, units) for name, units in asked.items())
        places = [uuids[0] for suffix, uuids in each["mappings"].items() if suffix]
        assert len(places) == query.groups
        assert len(set(places)) == len(places) or not query.isolate
    return len(named)


def _provider(fleet: Columns, uuid: str) -> Provider:
    row = fleet.row(uuid)
    assert row is not None, uuid
    return fleet.provider(row)


def time_round(server: Server, path: str, seconds: float) -> tuple[Took, bytes]:
    """Ask for some seconds, once at least; gives the last answer as well."""
    # The peer ends a connection that was silent while the others were asked.
    client = Client(server)
    cpu_s, began = server.cpu_s(), time.perf_counter()
    waits: list[float] = []
    answer = b""
    while not waits or time.perf_counter() < began + seconds:
        asked = time.perf_counter()
        status, answer = client.send("GET", path, None)
        waits.append(time.perf_counter() - asked)
        assert status == 200, (status, answer[:500])
    client.close()
    return Took(statistics.median(waits), (server.cpu_s() - cpu_s) / len(waits)), answer


def measure(
    servers: Sequence[Server], query: Query, fleet: Columns, args: argparse.Namespace
) -> Iterator[Figure]:
    """Time a query on every service in turn."""
    path = f"/allocation_candidates?{query.text}&limit={args.limit}"
    able = [server for server in servers if _can_take(server, query)]
    rounds: dict[Server, list[Took]] = {}
    named = {}
    for server in able:
        # Each process keeps something in memory, and any of them may answer.  Wherry begins at
        # another host each time, and keeps the bytes of those that it has shown.
        is_ours = server is servers[0]
        rounds_of_fleet = ROUND * -(-args.hosts // args.limit) if is_ours else 0
        for _ in range((WARM + rounds_of_fleet) * args.workers):
            took, raw = time_round(server, path, 0)
            if took.wall_s > SLOW_S and not is_ours:
                rounds[server] = [took]
                break
        named[server] = require_sound(json.loads(raw), query, fleet, args.hosts, args.limit)
    quick = [server for server in able if server not in rounds]
    for _ in range(args.rounds):
        for server in quick:
            took, _ = time_round(server, path, args.seconds)
            rounds.setdefault(server, []).append(took)
    cpu = {server: statistics.median(took.cpu_s for took in rounds[server]) for server in able}
    ours, *theirs = cpu.values()
    for server in able:
        walls = [took.wall_s for took in rounds[server]]
        is_ours = server is servers[0]
        yield Figure(
            what=f"{query.name}: {server.name}", hosts=args.hosts, unit="ms",
            median=1e3 * statistics.median(walls), least=1e3 * min(walls),
            cpu_ms=1e3 * cpu[server],
            ratio=min(theirs) / ours if is_ours and theirs and ours else None,
            note=f"{min(args.limit, query.count(args.hosts) or 0)} candidates on"
            f" {named[server]} hosts",
        )  # fmt: skip


def _can_take(server: Server, query: Query) -> bool:
    return query.groups < MANY_GROUPS or not server.name.endswith("default")


@contextmanager
def services(fleet: Columns, args: argparse.Namespace) -> Iterator[list[Server]]:
    """Run Wherry, and the peer with each set of options if it is installed, on one fleet."""
    venv = find_peer()
    names = [] if venv is None else list(args.options)
    with ExitStack() as stack:
        folders = {
            name: Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"bench-{name}-")))
            for name in ("wherry", *names)
        }
        options: dict[str, Any] = {"workers": 1, "threads": 4}
        ours, theirs = (f"sqlite:///{folders['wherry']}/{name}.db" for name in ("fleet", "peer"))
        if args.engine == "postgresql":
            database = stack.enter_context(run_postgresql(is_durable=False))
            ours, theirs = database.urls
            options |= {"workers": args.workers, "beside": (database.pid,)}
        if not args.calls:
            store = open_store(ours)
            store.write(lambda tx: write_fleet(tx, fleet))
            store.close()
        servers = [stack.enter_context(run_wherry(folders["wherry"], database=ours, **options))]
        for name in names:
            assert venv is not None
            running = run_peer(
                venv, folders[name], database=theirs, name=name, config=OPTIONS[name], **options
            )
            servers.append(stack.enter_context(running))
        by_calls = servers[:2] if args.calls else servers[1:2] if args.engine == "sqlite" else []
        for server in by_calls:
            load(server, list(fleet.providers()))
        if names and not args.calls and args.engine == "postgresql":
            write_peer(theirs, fleet)
        yield servers


def main(argv: list[str] | None = None) -> None:
    """Time the fleets that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--fleet", nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--query", nargs="+", help="names of queries; all of the fleet's without")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2, help="processes; on SQLite one")
    parser.add_argument("--options", nargs="*", default=list(OPTIONS), choices=list(OPTIONS))
    parser.add_argument("--engine", default="postgresql", choices=["postgresql", "sqlite"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", action="store_true", help="write the fleet through the API")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    if find_peer() is None:
        print("openstack-placement is not installed (`make peer`): Wherry is timed alone")
    machine, figures = this_machine(), []
    print(HEAD.rstrip())
    for shape in args.fleet:
        fleet = FLEETS[shape](args.hosts, args.seed, load=0)
        print(
            f"{shape}: {args.hosts} hosts, {fleet.rows} providers, limit {args.limit}", flush=True
        )
        with services(fleet, args) as servers:
            for query in QUERIES[shape]:
                if args.query and query.name not in args.query:
                    continue
                for figure in measure(servers, query, fleet, args):
                    figures.append(figure)
                    print(render(figure), flush=True)
    if args.json:
        asked = {"what": "candidates", **{k: v for k, v in vars(args).items() if k != "json"}}
        args.json.write_bytes(msgspec.json.encode(measured(asked, figures, machine)))


if __name__ == "__main__":
    main()
