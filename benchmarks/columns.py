"""What the fleet's columns cost: cold start, memory, changes, and a look at an idle feed.

    python -m benchmarks columns [--hosts 100000] [--engine sqlite postgresql] [--seed 1]

The fleet is `mig` of `wherry.bench.fleets`, eleven providers a host, written to the database by
bulk.  *Cold start* is from no columns to columns with every acknowledged write: out of the
database by aggregates, or from the snapshot with 1,000 changes since.  Before anything is timed,
what was loaded must be the fleet that was written, and what the snapshot gives must be what the
database gives.  CPU is of this process; a database server's own is not in it, wall time is.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.servers import run_postgresql
from wherry.app.placement.world import PlacementWorld
from wherry.bench.fleets import DEVICES, NODES, mig
from wherry.bench.stored import write_fleet
from wherry.inventory.columns import Columns, ColumnsWriter, UseRow, compact
from wherry.store.columns import load_columns
from wherry.store.engine import open_store
from wherry.store.transaction import Store, Tx

PLACES = 1 + NODES + DEVICES
CHANGED = 1_000
CLAIM = ("VCPU", "MEMORY_MB", "DISK_GB", "PCPU", "CUSTOM_HUGE_2M", "SRIOV_NET_VF")
BUDGET = "at most"


def main(argv: Sequence[str]) -> None:
    """Print a table; what the project promises stands beside."""
    options = argparse.ArgumentParser(prog="benchmarks columns")
    options.add_argument("--hosts", type=int, default=100_000)
    options.add_argument("--engine", nargs="+", default=["sqlite"])
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args(argv)
    fleet = mig(asked.hosts, asked.seed)
    print(f"{asked.hosts:,} hosts, {fleet.rows:,} providers, {_entries(fleet):,} inventories")
    show("memory of a million providers", fleet.nbytes / fleet.rows, "MB", "80 MB")
    time_changes(fleet, random.Random(asked.seed))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for engine in asked.engine:
            url = f"sqlite:///{folder}/fleet.sqlite3"
            if engine == "postgresql":
                url = stack.enter_context(run_postgresql(is_durable=False)).urls[0]
            store = open_store(url)
            stack.callback(store.close)
            print(engine)
            time_start(store, fleet, folder / engine / "columns.snapshot")


def show(what: str, figure: float, unit: str, promised: str = "") -> None:
    """Print a line."""
    print(f"  {what:<46} {figure:>10.2f} {unit:<4} {promised and f'{BUDGET} {promised}'}")


def timed(step: Callable[[], Any]) -> tuple[float, float, Any]:
    """Run a step; gives wall and CPU seconds and what it gave."""
    wall, cpu = time.perf_counter(), time.process_time()
    given = step()
    return time.perf_counter() - wall, time.process_time() - cpu, given


def time_changes(fleet: Columns, dice: random.Random) -> None:
    """Time what claims change, and a compaction."""
    writer = ColumnsWriter(fleet)
    for count, name, promised in ((1, "one claim of six rows", ""), (170, "1,000 rows", "1 ms")):
        batches = [claims(fleet, dice, count)[:CHANGED] for _ in range(60)]
        took = [timed(lambda rows=rows: writer.use(rows))[1] for rows in batches]  # type: ignore[misc]
        for rows in batches[-1:]:
            assert all(_used(fleet, row) == row[4] for row in rows), "not what was written"
        show(f"{name} (CPU, median)", 1e3 * statistics.median(took), "ms", promised)
    show("compaction (CPU)", timed(lambda: compact(fleet))[1], "s")


def claims(fleet: Columns, dice: random.Random, count: int) -> list[UseRow]:
    """Rows of so many claims of different hosts, as the feed would tell them."""
    rows: list[UseRow] = []
    for tree in dice.sample(range(fleet.trees), count):
        for name in CLAIM:
            column = fleet.classes[name]
            start, end = column.start[tree : tree + 2].tolist()
            if start < end:
                entry = dice.randrange(start, end)
                row = int(fleet.first[tree]) + int(column.local[entry])
                held = column.table[column.limits[entry]]
                used = dice.randrange(held.capacity)
                rows.append((fleet.uuid(row), name, held.total, held.reserved, used))
    return rows


def _used(fleet: Columns, row: UseRow) -> int:
    at = fleet.row(row[0])
    assert at is not None
    return fleet.provider(at).used.get(row[1], 0)


def _entries(fleet: Columns) -> int:
    return sum(len(each.eff) for each in fleet.classes.values())


def time_start(store: Store, fleet: Columns, path: Path) -> None:
    """Time starts from the database and from a snapshot, and a look at an idle feed."""
    wall, _, _ = timed(lambda: store.write(lambda tx: write_fleet(tx, fleet)))
    show("writing the fleet by bulk", wall, "s")
    wall, cpu, loaded = timed(lambda: store.read(load_columns))
    require_same(loaded, fleet)
    show("cold start from SQL", wall, "s", "5 s")
    show("cold start from SQL (CPU)", cpu, "s")
    world = PlacementWorld(store, path)
    world.columns()
    show("writing the snapshot", timed(world.save)[0], "s")
    assert path.exists(), "too small a fleet for a snapshot"
    changed = store.write(change_use)
    wall, cpu, columns = timed(lambda: PlacementWorld(store, path).columns())
    require_same(columns, store.read(load_columns))
    show(f"cold start from snapshot, {changed:,} changes", wall, "s", "1 s")
    show(f"cold start from snapshot, {changed:,} changes (CPU)", cpu, "s")
    show(f"catching up with {changed:,} changes", 1e3 * timed(world.columns)[0], "ms")
    looks = [timed(world.columns)[:2] for _ in range(500)]
    show("a look at an idle feed", 1e6 * statistics.median(wall for wall, _ in looks), "us")
    cpu = sum(cpu for _, cpu in looks) / len(looks)
    show("a look at an idle feed (CPU)", 1e6 * cpu, "us")


def require_same(one: Columns, other: Columns) -> None:
    """Make sure that two have the same trees, whatever order they stand in."""
    assert _digest(one) == _digest(other), "another fleet"


def _digest(columns: Columns) -> Any:
    sums = {
        name: (len(each.eff), int(each.eff.sum()), int(each.tmax.sum()), int(each.used.sum()))
        for name, each in columns.classes.items()
    }
    some = range(0, columns.rows, max(1, columns.rows // 500))
    uuids = sorted(each.tobytes() for each in columns.uuids)[:: len(some)]
    seen = []
    for each in uuids:
        row = columns.index.row(each)
        assert row is not None
        seen.append(columns.provider(row))
    return sums, columns.trees, columns.rows, seen


def change_use(tx: Tx) -> int:
    """Let a claim take a unit of each of a thousand providers, and the feed tell it."""
    mark = "?" if tx.dialect == "sqlite" else "%s"
    (hosts,) = tx.driver.execute("SELECT count(*) FROM provider WHERE parent IS NULL").fetchone()
    some = [(1 + PLACES * host,) for host in range(min(CHANGED, hosts))]
    update = (
        "UPDATE inventory SET used = used + 1, charged = charged + 1"  # noqa: S608
        " WHERE class = (SELECT id FROM resource_class WHERE name = 'VCPU')"
        f" AND provider = {mark}"
    )
    xid = ", pg_current_xact_id()" if tx.dialect == "postgresql" else ", NULL"
    tell = (
        "INSERT INTO change (kind, ref, generation, xid)"  # noqa: S608
        f" SELECT 'use', uuid, 1{xid} FROM provider WHERE id = {mark}"
    )
    cursor = tx.driver.cursor()
    cursor.executemany(update, some)
    cursor.executemany(tell, some)
    return len(some)
