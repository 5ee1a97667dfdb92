"""How many claims a second are acknowledged once they are on disk.

On SQLite clients are threads of one process, which owns the file; on PostgreSQL they are sessions
of processes of eight each.  After every round each acknowledged claim must be stored and no other,
what is held must be what the clients hold, and the audit of the store must find nothing.
"""

import itertools
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from wherry.bench.clients import Took, run_process, run_threads
from wherry.bench.figures import Figure, require
from wherry.bench.fleets import FLEETS
from wherry.bench.places import Place, find_places, make_plans
from wherry.bench.processes import cpu_s
from wherry.bench.queries import QUERIES
from wherry.model.errors import BadConfiguration
from wherry.model.facts import Facts, Report
from wherry.model.inventory import HostPlan
from wherry.store import tables
from wherry.store.audit import audit, overfull
from wherry.store.engine import open_store, upgrade_store
from wherry.store.reports import store_report
from wherry.store.transaction import Store, Tx

SESSIONS = 8
"""Sessions of one client process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Who claims what, and for how long.

    Attributes:
        hot: so many hosts take all claims of the rounds called hot; 0: there are none.
        server: process of the database server; None: its CPU is not counted.
    """

    clients: tuple[int, ...]
    hot: int
    rounds: int
    seconds: float
    server: int | None = None


def time_claims(url: str, fleet: str, hosts: int, *, seed: int, load: Load) -> Iterator[Figure]:
    """Fill an empty database with a fleet, and claim places for guests on it.

    Raises:
        BadConfiguration: the database is not empty.
        WrongAnswer: what is stored is not what was acknowledged.
    """
    columns = FLEETS[fleet](hosts, seed, load=0)
    places = find_places(columns, QUERIES[fleet][0])
    require(bool(places), "no place for any guest")
    upgrade_store(url)
    with _opened(url) as store:
        require_empty(store, url)
        begun = time.perf_counter()
        for plan in make_plans(columns):
            _store(store, plan)
        took = time.perf_counter() - begun
        yield Figure(what="store the fleet", hosts=hosts, unit="s", median=took)
        seeds = itertools.count(seed * 1_000_000, 1000)
        for where, some in _spread(places, load.hot):
            for clients in load.clients:
                rounds = [
                    _round(store, url, some, next(seeds), clients, load) for _ in range(load.rounds)
                ]
                yield figure(f"{clients} clients, {where}", hosts, rounds, load.seconds)


@contextmanager
def _opened(url: str) -> Iterator[Store]:
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


def require_empty(store: Store, url: str) -> None:
    """Refuse a database that holds anything: a benchmark fills it and leaves it behind.

    Raises:
        BadConfiguration: it holds providers.
    """
    if store.read(lambda tx: tx.execute(select(tables.provider.c.id).limit(1)).first()):
        shown = url.rpartition("@")[2]
        raise BadConfiguration(f"{shown} holds a fleet: name a database that was made for this")


def _store(store: Store, plan: HostPlan) -> None:
    said = Report(
        schema="wherry.report/1", host=plan.host, boot_id="boot", sequence=1,
        observed_at="2026-01-01T00:00:00Z", facts=Facts(),
    )  # fmt: skip
    store.write(partial(store_report, report=said, digest=plan.host, plan=plan, now=0.0))


def _spread(places: Sequence[Place], hot: int) -> Iterator[tuple[str, Sequence[Place]]]:
    """Where clients go: to all hosts, then all to the first few."""
    yield "spread", places
    roots = list(dict.fromkeys(each.root for each in places))[:hot]
    if roots:
        yield f"on {len(roots)} hosts", [each for each in places if each.root in roots]


def _round(
    store: Store, url: str, places: Sequence[Place], first: int, clients: int, load: Load
) -> Took:
    before = store.read(_count)
    if url.startswith("sqlite"):
        took = run_threads(store, places, first, clients, load.seconds)
    else:
        took = _run_processes(url, places, first, clients, load)
    claims, holders = store.read(_count)
    made = len(took.waited) + took.untimed
    require(claims - before[0] == made, f"{claims - before[0]} claims stored, {made} acknowledged")
    held = holders - before[1]
    require(held == took.holding, f"{held} guests hold a place, {took.holding} should")
    for found in (store.read(audit), store.read(overfull)):
        require(not found, "; ".join(found))
    return took


def _run_processes(url: str, places: Sequence[Place], first: int, clients: int, load: Load) -> Took:
    counts = [min(SESSIONS, clients - done) for done in range(0, clients, SESSIONS)]
    jobs = [
        (url, places, first + 2 * SESSIONS * number, count, load.seconds)
        for number, count in enumerate(counts)
    ]
    server = () if load.server is None else (load.server,)
    with multiprocessing.get_context("spawn").Pool(len(jobs)) as pool:
        begun = cpu_s(server)
        parts = pool.starmap(run_process, jobs, chunksize=1)
        server_s = cpu_s(server) - begun
    waited = tuple(one for part in parts for one in part.waited)
    untimed = sum(part.untimed for part in parts)
    took = Took(
        waited=waited,
        full=sum(part.full for part in parts),
        holding=sum(part.holding for part in parts),
        cpu_s=sum(part.cpu_s for part in parts),
        untimed=untimed,
    )
    if load.server is None:
        return took
    # The untimed claims cost the server as much as the timed.
    share = len(waited) / max(1, len(waited) + untimed)
    return replace(took, server_s=server_s * share)


def _count(tx: Tx) -> tuple[int, int]:
    """Claims remembered, and consumers that hold anything."""
    claims = select(func.count()).select_from(tables.claim)
    consumers = select(func.count()).select_from(tables.consumer)
    return tx.execute(claims).scalar_one(), tx.execute(consumers).scalar_one()


def figure(what: str, hosts: int, rounds: Sequence[Took], seconds: float) -> Figure:
    """Sum up rounds: claims a second, and CPU of a claim in milliseconds."""
    rates = [len(took.waited) / seconds for took in rounds]
    waits = sorted(one for took in rounds for one in took.waited)
    require(bool(waits), f"{what}: no claim was acknowledged")
    p99 = waits[int(0.99 * len(waits))]
    note = f"{1e3 * statistics.median(waits):.2f} ms median, {1e3 * p99:.2f} ms p99"
    server = [took.server_s for took in rounds if took.server_s is not None]
    if server:
        note += f", {1e3 * sum(server) / len(waits):.3f} ms CPU of the server"
    full = sum(took.full for took in rounds)
    return Figure(
        what=what, hosts=hosts, unit="1/s", median=statistics.median(rates), least=min(rates),
        cpu_ms=statistics.median(1e3 * took.cpu_s / max(1, len(took.waited)) for took in rounds),
        note=note + (f", {full} refused for want of room" if full else ""),
    )  # fmt: skip


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
