"""How long it takes until the reports of a fleet are on record, in this process.

Each host has two NUMA nodes with two boards each.  Of a report's facts providers, pools, offers
and traits are derived; each report is a transaction that waits for the disk.  Afterwards as many
providers must be there as there should be.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import func, select

from wherry.app.engine import Engine, open_engine
from wherry.app.reports import put_report
from wherry.app.settings import Settings
from wherry.bench.claims import require_empty
from wherry.bench.figures import Figure, require, resident_mb
from wherry.bench.reports import PROVIDERS, make_report
from wherry.model.facts import Report
from wherry.store import tables
from wherry.store.engine import upgrade_store


def time_reports(url: str, folder: Path, hosts: int) -> Iterator[Figure]:
    """Report each host once, then each once more with nothing new.

    Args:
        folder: where the state of a service may be kept.

    Raises:
        BadConfiguration: the database is not empty.
        WrongAnswer: other providers are stored than should be.
    """
    upgrade_store(url)
    engine = open_engine(Settings(state_dir=folder, database=url))
    try:
        require_empty(engine.store, url)
        bodies = [msgspec.json.encode(make_report(number)) for number in range(hosts)]
        yield _send(engine, "reports, first", bodies)
        stored = engine.store.read(
            lambda tx: tx.execute(select(func.count()).select_from(tables.provider)).scalar_one()
        )
        require(stored == PROVIDERS * hosts, f"{stored} providers of {hosts} hosts")
        again = [body.replace(b'"sequence":1', b'"sequence":2') for body in bodies]
        yield _send(engine, "reports, nothing new", again)
        begun, used = time.perf_counter(), time.process_time()
        seen = len(engine.view())
        took, cpu = time.perf_counter() - begun, time.process_time() - used
        require(seen == hosts, f"{seen} hosts in memory")
        yield Figure(
            what="take the fleet into memory", hosts=hosts, unit="s", median=took,
            cpu_ms=1e3 * cpu, memory_mb=resident_mb(),
        )  # fmt: skip
    finally:
        engine.close()


def _send(engine: Engine, what: str, bodies: list[bytes]) -> Figure:
    begun, used = time.perf_counter(), time.process_time()
    for body in bodies:
        put_report(engine, msgspec.json.decode(body, type=Report))
    took, cpu = time.perf_counter() - begun, time.process_time() - used
    return Figure(
        what=what, hosts=len(bodies), unit="1/s", median=len(bodies) / took,
        cpu_ms=1e3 * cpu / len(bodies), memory_mb=resident_mb(),
    )  # fmt: skip
