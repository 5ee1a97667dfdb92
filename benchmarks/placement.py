"""What requests of Placement's clients cost, beside openstack-placement in the same run.

    python -m benchmarks placement [--hosts 200] [--seconds 4] [--rounds 3] [--clients 8]
                                   [--workers 2] [--engine sqlite postgresql] [--seed 1]

The world is made from the seed and written to both over HTTP: hosts with two NUMA
nodes with two GPUs each.  On SQLite each service is one process, as the file has one owner; on
PostgreSQL both have the same number, and their databases are on one server.  Services take
turns; every client waits for one answer before it asks again.

*req/s* is what all clients get together.  *CPU* is of the service with all its processes and of
the database server, for each request that succeeded; it is what stays comparable on a busy
machine.  Requests that a service fails to answer are counted and shown beside.  Before
anything is timed, both must give the same providers and the same candidates as sets; with a
limit as many, each of them one of the whole set.  After the writes both must say that just the
acknowledged units are used.  Without openstack-placement Wherry is timed alone.
"""

import argparse
import itertools
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.client import RP, Client, load, make_fleet
from benchmarks.servers import Server, find_peer, run_peer, run_postgresql, run_wherry
from wherry.bench.queries import PLAIN
from wherry.model.provider import Provider

GPUS, PROVIDERS = 4, 7
"""Boards of a host, and all that stands in its tree."""
ROOM = 400
"""Hosts are so many times larger than elsewhere: no claim may find them full."""
LIMIT = 1000
NESTED = f"{PLAIN}&resources_G=VGPU:1&group_policy=none"


@dataclass(frozen=True, slots=True)
class Took:
    """One round.

    Attributes:
        waited: seconds of each request that succeeded.
        failed: requests that the service failed to answer: 5xx.
    """

    seconds: float
    cpu_s: float
    waited: tuple[float, ...]
    failed: int

    @property
    def count(self) -> int:
        """Requests that succeeded."""
        return len(self.waited)


Ask = Callable[[random.Random], tuple[str, str, Any]]
"""Makes the next request: method, path, body."""


def make_uuid(dice: random.Random) -> str:
    """A uuid of the seed."""
    return str(UUID(int=dice.getrandbits(128), version=4))


def require_same(servers: Sequence[Server], world: Sequence[Provider]) -> None:
    """Make sure that the services answer alike what is to be timed."""
    shown, whole = [], []
    for server in servers:
        client = Client(server)
        shown.append({each.uuid: client("GET", f"{RP}/{each.uuid}") for each in world[::PROVIDERS]})
        answers = [client("GET", f"/allocation_candidates?{query}") for query in (PLAIN, NESTED)]
        every = [candidates(answer) for answer in answers]
        hosts = len(world) // PROVIDERS
        assert [len(found) for found in every] == [hosts, GPUS * hosts], "another world"
        for query, found in zip((PLAIN, NESTED), every, strict=True):
            some = client("GET", f"/allocation_candidates?{query}&limit={LIMIT}")
            assert len(some["allocation_requests"]) == min(LIMIT, len(found))
            assert len(candidates(some)) == min(LIMIT, len(found)), "a candidate came twice"
            assert candidates(some) <= found
        summaries = [answer["provider_summaries"] for answer in answers]
        whole.append(
            (every, [{uuid: plain(each) for uuid, each in one.items()} for one in summaries])
        )
        client.close()
    assert all(each == shown[0] for each in shown), "providers differ"
    assert all(each == whole[0] for each in whole), "candidates or summaries differ"


def candidates(answer: Any) -> frozenset[str]:
    """The candidates of an answer as a set."""
    found = answer["allocation_requests"]
    return frozenset(json.dumps(each, sort_keys=True) for each in found)


def plain(summary: Any) -> Any:
    """A provider's summary without an order that means nothing."""
    return {**summary, "traits": sorted(summary["traits"])}


def require_used(server: Server, holders: int) -> None:
    """Make sure that what is used is just what was acknowledged."""
    client = Client(server)
    used = client("GET", "/usages?project_id=bench&consumer_type=all")["usages"]
    client.close()
    want = {"all": {"VCPU": holders, "MEMORY_MB": holders * 512, "consumer_count": holders}}
    assert used == (want if holders else {}), (used, holders)


def kinds(world: Sequence[Provider]) -> dict[str, Ask]:
    """The requests that are timed."""
    roots = [each.uuid for each in world if each.parent is None]

    def show(dice: random.Random) -> tuple[str, str, Any]:
        return "GET", f"{RP}/{dice.choice(roots)}", None

    def allocate(dice: random.Random) -> tuple[str, str, Any]:
        body = {
            "allocations": {dice.choice(roots): {"resources": {"VCPU": 1, "MEMORY_MB": 512}}},
            "project_id": "bench",
            "user_id": "bench",
            "consumer_generation": None,
            "consumer_type": "INSTANCE",
        }
        return "PUT", f"/allocations/{make_uuid(dice)}", body

    def find(query: str) -> Ask:
        path = f"/allocation_candidates?{query}&limit={LIMIT}"
        return lambda _dice: ("GET", path, None)

    return {
        "GET /resource_providers/{uuid}": show,
        "PUT /allocations/{uuid}": allocate,
        f"GET /allocation_candidates?limit={LIMIT}": find(PLAIN),
        "  with a GPU below each": find(NESTED),
    }


def time_round(server: Server, ask: Ask, seed: int, clients: int, seconds: float) -> Took:
    """Let clients ask for some seconds, and once at least."""
    waited: list[float] = []
    failed: list[int] = []
    broken: list[BaseException] = []
    begin = threading.Barrier(clients + 1)
    until = [0.0]

    def work(number: int) -> None:
        dice, client = random.Random(seed + number), Client(server)
        own: list[float] = []
        failures = 0
        begin.wait()
        asked = time.perf_counter()
        try:
            while True:
                if client.try_(*ask(dice)):
                    own.append(time.perf_counter() - asked)
                else:
                    failures += 1
                if (asked := time.perf_counter()) >= until[0]:
                    break
        except (OSError, HTTPException, RuntimeError) as error:
            broken.append(error)
        waited.extend(own)
        failed.append(failures)
        client.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    cpu_s, began = server.cpu_s(), time.perf_counter()
    until[0] = began + seconds
    begin.wait()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - began
    if broken:
        raise broken[0]
    return Took(took_s, server.cpu_s() - cpu_s, tuple(waited), sum(failed))


def show(name: str, rounds: Sequence[Took]) -> tuple[float, float]:
    """Print one line; gives the medians of the rate and of the CPU time in ms."""
    rate = statistics.median(took.count / took.seconds for took in rounds)
    cpu_ms = statistics.median(1e3 * took.cpu_s / took.count for took in rounds)
    waits = [wait for took in rounds for wait in took.waited]
    failed = sum(took.failed for took in rounds)
    print(
        f"    {name:20} {rate:8.1f} req/s   {1e3 * statistics.median(waits):8.2f} ms median"
        f"   {cpu_ms:8.2f} ms CPU a request" + (f"   {failed} answered with 5xx" if failed else "")
    )
    return rate, cpu_ms


def compare(servers: Sequence[Server], world: Sequence[Provider], args: argparse.Namespace) -> None:
    """Time every kind of request on every service in turn."""
    seeds = itertools.count(args.seed * 1_000_000, 1000)
    holders = dict.fromkeys(servers, 0)
    for name, ask in kinds(world).items():
        rounds: dict[Server, list[Took]] = {server: [] for server in servers}
        for server in servers:
            warm = time_round(server, ask, next(seeds), args.clients, args.seconds / 4)
            holders[server] += warm.count * name.startswith("PUT")
        for _ in range(args.rounds):
            for server in servers:
                took = time_round(server, ask, next(seeds), args.clients, args.seconds)
                holders[server] += took.count * name.startswith("PUT")
                rounds[server].append(took)
        print(f"  {name}")
        medians = [show(server.name, rounds[server]) for server in servers]
        if len(medians) == 2:
            (rate, cpu), (their_rate, their_cpu) = medians
            print(f"    ratio {rate / their_rate:21.1f} x rate {their_cpu / cpu:29.1f} x less CPU")
    for server in servers:
        require_used(server, holders[server])


@contextmanager
def services(engine: str, args: argparse.Namespace) -> Iterator[list[Server]]:
    """Run Wherry, and the peer if it is installed, on empty databases of one kind."""
    venv = find_peer()
    with ExitStack() as stack:
        folders = [
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wherry-placement-")))
            for _ in range(2)
        ]
        options: dict[str, Any] = {"workers": 1, "threads": args.clients}
        urls = (f"sqlite:///{folders[0]}/fleet.db", f"sqlite:///{folders[1]}/placement.db")
        if engine == "postgresql":
            database = stack.enter_context(run_postgresql())
            urls = database.urls
            options |= {"workers": args.workers, "beside": (database.pid,)}
        servers = [stack.enter_context(run_wherry(folders[0], database=urls[0], **options))]
        if venv is not None:
            running = run_peer(venv, folders[1], database=urls[1], **options)
            servers.append(stack.enter_context(running))
        workers = options["workers"]
        processes = "process" if workers == 1 else "processes"
        print(f"{engine}, {workers} worker {processes} each, {args.clients} clients")
        yield servers


def main(argv: list[str] | None = None) -> None:
    """Time the engines that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--engine", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    world = make_fleet("vgpu", args.hosts, args.seed, room=ROOM)
    print(f"{args.hosts} hosts, {len(world)} providers, {args.rounds} rounds of {args.seconds:g} s")
    if find_peer() is None:
        print("openstack-placement is not installed (`make peer`): Wherry is timed alone")
    for engine in args.engine:
        with services(engine, args) as servers:
            for server in servers:
                load(server, world)
            require_same(servers, world)
            compare(servers, world, args)


if __name__ == "__main__":
    main()
