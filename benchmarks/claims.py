"""How many claims a second are acknowledged once they are on disk.

    python -m benchmarks claims [--seconds 5] [--rounds 3] [--clients 1 16 64]
                                [--sessions 1 8 32] [--hosts 200] [--hot 4] [--devices 4]
                                [--seed 1] [--engine sqlite postgresql]
                                [--database postgresql://...]

Every client claims a place for a guest (VCPU and memory of a host, framebuffer and a slot of
one of its GPUs, decided on the facts generation), then lets it go, and so on; hosts and GPUs
are chosen from the seed.  Both are claims, and each waits for the one before.  *Spread* is over
all hosts, *hot* all on the first few of them.

*SQLite*: threads of one process, which owns the file.  *PostgreSQL*: processes of eight
sessions each, on a server of its own with fsync on, or on the one that is named.  *ms* is what
a client waits for one claim.  CPU is of all clients together, with all that they do to make a
claim, and that of a PostgreSQL server of our own beside it.  When the time is up: every
acknowledged claim must be there, and no other; what is held must be what the clients hold; no
inventory may hold more than there is; and the audit of the store must find nothing.
"""

import argparse
import itertools
import multiprocessing
import os
import random
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from benchmarks.servers import cpu_s
from databases import PostgresqlServer
from wherry.model.checks import HostFacts
from wherry.model.claims import Claim, Holding, Occupant
from wherry.model.facts import Facts, Report
from wherry.model.inventory import HostPlan, Inventory, PlannedProvider
from wherry.store import tables
from wherry.store.audit import audit, overfull
from wherry.store.claims import commit_claim
from wherry.store.engine import open_store, upgrade_store
from wherry.store.reports import store_report
from wherry.store.transaction import Store, Tx

FB = "CUSTOM_GPU_FB_MB"
UNITS = 4096
SESSIONS = 8
"""Sessions of one client process."""


@dataclass(frozen=True, slots=True)
class World:
    """Where guests can go: each host with its devices."""

    hosts: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Took:
    """What some clients saw.

    Attributes:
        waited: seconds of each claim.
        holding: how many clients hold a place at the end.
        cpu_s: CPU time of the clients.
        server_s: CPU time of the database server.
        untimed: claims made before the time began.
    """

    waited: tuple[float, ...]
    holding: int
    cpu_s: float
    server_s: float = 0.0
    untimed: int = 0


def make_world(seed: int, hosts: int, devices: int) -> tuple[World, list[HostPlan]]:
    """Make the hosts of a seed, and what their reports become."""
    dice = random.Random(seed)
    plans, places = [], []
    for number in range(hosts):
        name = f"host{number}"
        root = PlannedProvider(
            uuid=make_uuid(dice),
            name=name,
            inventories={"VCPU": Inventory(total=2**13), "MEMORY_MB": Inventory(total=2**24)},
        )
        gpus = tuple(
            PlannedProvider(
                uuid=make_uuid(dice),
                name=f"{name}_gpu{index}",
                parent=root.uuid,
                # Room for all who still hold a place from the rounds before.
                inventories={FB: Inventory(total=512 * UNITS)},
            )
            for index in range(devices)
        )
        plans.append(HostPlan(host=name, providers=(root, *gpus), check=HostFacts()))
        places.append((root.uuid, tuple(gpu.uuid for gpu in gpus)))
    return World(tuple(places)), plans


def make_uuid(dice: random.Random) -> str:
    """A uuid of the seed."""
    return str(UUID(int=dice.getrandbits(128)))


def fill(store: Store, plans: Sequence[HostPlan]) -> None:
    """Report every host."""
    for plan in plans:
        said = Report(
            schema="wherry.report/1",
            host=plan.host,
            boot_id="boot",
            sequence=1,
            observed_at="2026-01-01T00:00:00Z",
            facts=Facts(),
        )
        store.write(partial(store_report, report=said, digest=plan.host, plan=plan, now=0.0))


def make_claim(dice: random.Random, world: World, guest: str) -> Claim:
    """A place for a guest on a host of the world."""
    host, gpus = dice.choice(world.hosts)
    gpu = dice.choice(gpus)
    return Claim(
        id=str(uuid.uuid4()),
        holdings=(
            Holding(
                consumer=guest,
                allocations={host: {"VCPU": 4, "MEMORY_MB": 8192}, gpu: {FB: UNITS}},
                occupants=(Occupant(provider=gpu, slot="gpu0", type="gpu"),),
            ),
        ),
        facts={host: 1, gpu: 1},
    )


def work(store: Store, world: World, seed: int, until: float, waited: list[float]) -> bool:
    """Claim and let go until a time; says whether a place is held at the end."""
    dice = random.Random(seed)
    guest = make_uuid(dice)
    holds = False
    while time.time() < until:
        claim = (
            Claim(id=str(uuid.uuid4()), holdings=(Holding(consumer=guest),))
            if holds
            else make_claim(dice, world, guest)
        )
        begun = time.perf_counter()
        commit_claim(store, claim, now=until)
        waited.append(time.perf_counter() - begun)
        holds = not holds
    return holds


def run_threads(store: Store, world: World, first: int, count: int, seconds: float) -> Took:
    """Let clients work as threads of this process."""
    waited: list[list[float]] = [[] for _ in range(count)]
    holding = [False] * count
    broken: list[BaseException] = []
    until = time.time() + seconds

    def client(number: int) -> None:
        try:
            holding[number] = work(store, world, first + number, until, waited[number])
        except Exception as error:
            broken.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(count)]
    begun = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu_s = time.process_time() - begun
    if broken:
        raise broken[0]
    return Took(tuple(one for each in waited for one in each), sum(holding), cpu_s)


def run_process(url: str, world: World, first: int, count: int, seconds: float) -> Took:
    """Let clients work as sessions of a process of their own."""
    store = open_store(url, pool_size=count)
    try:
        # Every session is open and has its plan before the time begins.
        warm = run_threads(store, world, first + count, count, 0.5)
        took = run_threads(store, world, first, count, seconds)
        holding = took.holding + warm.holding
        return replace(took, holding=holding, untimed=len(warm.waited))
    finally:
        store.close()


def count_rows(tx: Tx) -> tuple[int, int]:
    """Claims remembered, and occupants: one for each guest that holds a place."""
    claims = select(func.count()).select_from(tables.claim)
    occupants = select(func.count()).select_from(tables.occupant)
    return tx.execute(claims).scalar_one(), tx.execute(occupants).scalar_one()


def require_sound(store: Store, took: Took, before: tuple[int, int]) -> None:
    """Hold what is stored to what was acknowledged."""
    claims, holders = store.read(count_rows)
    assert claims - before[0] == len(took.waited) + took.untimed, (
        "acknowledged claims are not those stored"
    )
    assert holders - before[1] == took.holding, "what clients hold is not what is stored"
    assert store.read(audit) == []
    assert store.read(overfull) == []


def show(name: str, rounds: Sequence[Took], seconds: float) -> float:
    """Print one line; gives the median rate."""
    rates = [len(took.waited) / seconds for took in rounds]
    waits = sorted(one for took in rounds for one in took.waited)
    cpu_us = statistics.median(1e6 * took.cpu_s / len(took.waited) for took in rounds)
    server_us = statistics.median(1e6 * took.server_s / len(took.waited) for took in rounds)
    rate = statistics.median(rates)
    print(
        f"  {name:20} {rate:7.0f} claims/s ({min(rates):.0f} to {max(rates):.0f})"
        f"  {1e3 * statistics.median(waits):7.2f} ms median"
        f" {1e3 * waits[int(0.99 * len(waits))]:7.2f} ms p99  {cpu_us:5.0f} us CPU a claim"
        + (f" + {server_us:.0f} of the server" if server_us else "")
    )
    return rate


def places(world: World, hot: int) -> list[tuple[str, World]]:
    """Where the clients go: over all hosts, or all to a few."""
    return [("spread", world), ("hot", World(world.hosts[:hot]))]


def time_sqlite(args: argparse.Namespace) -> None:
    """Time threads on a file."""
    world, plans = make_world(args.seed, args.hosts, args.devices)
    seeds = itertools.count(args.seed * 1_000_000, 1000)
    with tempfile.TemporaryDirectory(prefix="wherry-claims-") as folder:
        store = open_store(f"sqlite:///{folder}/fleet.db")
        fill(store, plans)
        flush = flush_ms(Path(folder))
        print(f"SQLite, one process, synchronous=FULL, in groups; {flush:.2f} ms a flush")
        for where, part in places(world, args.hot):
            for clients in args.clients:
                rounds = []
                for _ in range(args.rounds):
                    before = store.read(count_rows)
                    took = run_threads(store, part, next(seeds), clients, args.seconds)
                    require_sound(store, took, before)
                    rounds.append(took)
                show(f"{clients} clients, {where}", rounds, args.seconds)
        store.close()


def time_postgresql(args: argparse.Namespace) -> None:
    """Time sessions of several processes."""
    world, plans = make_world(args.seed, args.hosts, args.devices)
    seeds = itertools.count(args.seed * 1_000_000, 1000)
    with a_database(args.database) as (url, pid):
        store = open_store(url, pool_size=2)
        fill(store, plans)
        print(f"PostgreSQL, processes of at most {SESSIONS} sessions, fsync on")
        for where, part in places(world, args.hot):
            for sessions in args.sessions:
                rounds = [
                    run_processes(store, (url, pid), part, next(seeds), sessions, args.seconds)
                    for _ in range(args.rounds)
                ]
                show(f"{sessions} sessions, {where}", rounds, args.seconds)
        store.close()


def run_processes(
    store: Store,
    server: tuple[str, int | None],
    world: World,
    first: int,
    sessions: int,
    seconds: float,
) -> Took:
    """Let sessions work in processes of `SESSIONS` each."""
    url, pid = server
    counts = [min(SESSIONS, sessions - done) for done in range(0, sessions, SESSIONS)]
    jobs = [
        (url, world, first + 2 * SESSIONS * number, count, seconds)
        for number, count in enumerate(counts)
    ]
    before = store.read(count_rows)
    pids = () if pid is None else (pid,)
    with multiprocessing.get_context("spawn").Pool(len(jobs)) as pool:
        begun = cpu_s(pids)
        parts = pool.starmap(run_process, jobs, chunksize=1)
        server_s = cpu_s(pids) - begun
    timed, untimed = (
        sum(len(part.waited) for part in parts),
        sum(part.untimed for part in parts),
    )
    took = Took(
        tuple(one for part in parts for one in part.waited),
        sum(part.holding for part in parts),
        sum(part.cpu_s for part in parts),
        # The untimed claims cost the server as much as the timed.
        server_s * timed / (timed + untimed),
        untimed,
    )
    require_sound(store, took, before)
    return took


@contextmanager
def a_database(named: str | None) -> Iterator[tuple[str, int | None]]:
    """Give the database that is named, or a new one on a server of our own, with its process."""
    if named:
        upgrade_store(named)
        yield named, None
        return
    # The server of the tests, with what they switch off switched on again.
    server = PostgresqlServer(fsync="on", full_page_writes="on", shared_buffers="256MB")
    pid = int((server.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    try:
        yield server.create("claims", "wherry_template"), pid
    finally:
        server.stop()


def flush_ms(folder: Path) -> float:
    """Time what bounds every commit: one small write that is flushed to disk."""
    took = []
    with (folder / "flush").open("wb") as file:
        for _ in range(50):
            begun = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return 1e3 * statistics.median(took)


def main(argv: list[str] | None = None) -> None:
    """Time the engines that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--engine", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--hot", type=int, default=4)
    parser.add_argument("--devices", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="a PostgreSQL database to use, empty or of Wherry's")
    args = parser.parse_args(argv)
    print(f"{args.hosts} hosts x {args.devices} GPUs, {args.rounds} rounds of {args.seconds:.0f} s")
    if "sqlite" in args.engine:
        time_sqlite(args)
    if "postgresql" in args.engine:
        time_postgresql(args)


if __name__ == "__main__":
    main()
