"""The change feed: what changed since a cursor, with the state that it has now.

A writer appends only what changed; a reader looks up the state in the snapshot in which it
reads the feed.  So a claim writes some sixty bytes for each provider, many changes of one
object are read as one, and nobody can be told a state older than one already told.

Source: design, section 6; docs/explanation/change-feed.md.
"""

import re
from collections.abc import Mapping, MutableMapping, MutableSet, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text, update

from wherry.model.changes import Change, Removed
from wherry.model.inventory import HostRecord, PlannedProvider, ProviderRecord
from wherry.store import tables
from wherry.store.hosts import read_hosts
from wherry.store.providers import find_homeless, read_providers, read_providers_of_hosts
from wherry.store.rows import walk_indexes
from wherry.store.transaction import Dialect, Tx

Cursor = str
"""Where a reader is: the last number seen (SQLite), or a snapshot (PostgreSQL)."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed; what it is now is to be asked."""

    kind: str
    ref: str
    generation: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What a reader gets.

    Attributes:
        changes: state of each provider and host that changed, hosts last.
        events: every object that changed, of every kind; those of packs, guests and
            migrations carry no state.
        cursor: where to go on.
        reload: the cursor was too old: this is all of every host, and what is held is void.
    """

    changes: tuple[Change, ...]
    events: tuple[Event, ...]
    cursor: Cursor
    reload: bool = False


def read_fleet(tx: Tx) -> Batch:
    """Read hosts and their providers, and the cursor from which changes go on.

    What is of no host is not read: a fleet that Placement's clients keep may have millions.
    """
    cursor, _ = read_events(tx, None)
    changes: tuple[Change, ...] = (*read_providers_of_hosts(tx), *read_hosts(tx))
    return Batch(changes, (), cursor, reload=True)


def read_changes(
    tx: Tx,
    cursor: Cursor,
    plans: MutableMapping[str, PlannedProvider] | None = None,
    homeless: MutableSet[str] | None = None,
) -> Batch:
    """Read what changed since a cursor, each object once, as it is now.

    Args:
        plans: plans of providers as read before, by uuid; those of providers whose use alone
            changed are taken from here, and new ones are left here.
        homeless: uuids of providers that are known to be of no host, and new ones are left here:
            their use is left out, and where more changes they are told as gone, which for a
            picture of hosts they are.  None: of none it is known.
    """
    new_cursor, events = read_events(tx, cursor)
    if events is None:
        return read_fleet(tx)
    walk_indexes(tx)
    plans = {} if plans is None else plans
    changed = {event.ref for event in events if event.kind == "provider"}
    for uuid in changed:
        plans.pop(uuid, None)
    homeless = set() if homeless is None else homeless
    homeless -= changed
    wanted = _last_generations(events, {"provider", "use"})
    unknown = [uuid for uuid in wanted if uuid not in plans and uuid not in homeless]
    homeless |= set(find_homeless(tx, unknown))
    housed = {uuid: last for uuid, last in wanted.items() if uuid not in homeless}
    providers = _read_providers(tx, housed, plans)
    providers += [_gone(uuid, wanted[uuid]) for uuid in sorted(changed & homeless)]
    return Batch((*providers, *_read_hosts(tx, events)), events, new_cursor)


def _read_providers(
    tx: Tx, wanted: Mapping[str, int], plans: MutableMapping[str, PlannedProvider]
) -> list[ProviderRecord | Removed]:
    records = {r.plan.uuid: r for r in read_providers(tx, uuids=list(wanted), plans=plans)}
    return [records.get(uuid) or _gone(uuid, generation) for uuid, generation in wanted.items()]


def _gone(uuid: str, generation: int) -> Removed:
    return Removed(what="provider", key=uuid, generation=generation)


def _read_hosts(tx: Tx, events: Sequence[Event]) -> list[HostRecord | Removed]:
    last = _last_generations(events, {"host"})
    records = {record.name: record for record in read_hosts(tx, names=list(last))}
    return [
        records.get(name) or Removed(what="host", key=name, generation=generation)
        for name, generation in last.items()
    ]


def _last_generations(events: Sequence[Event], kinds: set[str]) -> dict[str, int]:
    last: dict[str, int] = {}
    for event in events:
        if event.kind in kinds:
            last[event.ref] = max(last.get(event.ref, 0), event.generation)
    return last


_SQLITE_EVENTS = (
    "SELECT kind, ref, max(generation) FROM change WHERE seq > ?"
    " GROUP BY kind, ref ORDER BY min(seq)"
)
_SQLITE_NOW = (
    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change'), 0),"
    " (SELECT value FROM meta WHERE key = 'feed_floor')"
)
# One statement: the snapshot that it names is the one that it reads in.
_POSTGRESQL_NOW = (
    "SELECT pg_current_snapshot()::text, (SELECT value FROM meta WHERE key = 'feed_floor'),"
    " pg_snapshot_xmin(coalesce(%(cursor)s, '1:1:')::pg_snapshot)::text,"
    " (SELECT coalesce(json_agg(json_build_array(c.kind, c.ref, c.generation)), '[]')"
    "  FROM (SELECT kind, ref, max(generation) AS generation FROM change"
    "        WHERE xid >= pg_snapshot_xmin(%(cursor)s::pg_snapshot)"
    "          AND NOT pg_visible_in_snapshot(xid, %(cursor)s::pg_snapshot)"
    "        GROUP BY kind, ref ORDER BY min(seq)) c)"
)


def read_events(tx: Tx, cursor: Cursor | None) -> tuple[Cursor, tuple[Event, ...] | None]:
    """Read the new cursor and what changed since the old one; None where rows are pruned.

    Nothing has changed since no cursor at all: its reader reads whatever it wants to know.
    """
    if tx.dialect == "postgresql":
        snapshot, floor, oldest, rows = tx.driver.execute(
            _POSTGRESQL_NOW, {"cursor": cursor}
        ).fetchone()
        if int(floor) >= int(oldest) and cursor is not None:
            return snapshot, None
        return snapshot, tuple(Event(*row) for row in rows)
    last, floor = tx.driver.execute(_SQLITE_NOW).fetchone()
    if cursor is None:
        return str(last), ()
    if int(cursor) < int(floor):
        return str(last), None
    if int(cursor) == last:
        return cursor, ()
    rows = tx.driver.execute(_SQLITE_EVENTS, (int(cursor),)).fetchall()
    return str(last), tuple(Event(*row) for row in rows)


def is_cursor(dialect: Dialect, text: str) -> bool:
    """Whether a text that came from outside can be a cursor of this database."""
    if dialect == "sqlite":
        return re.fullmatch("[0-9]{1,18}", text, re.ASCII) is not None
    if not re.fullmatch(r"[0-9]{1,18}:[0-9]{1,18}:([0-9]{1,18}(,[0-9]{1,18})*)?", text, re.ASCII):
        return False
    least, next_, running = text.split(":")
    order = [int(least), *map(int, running.split(",") if running else ()), int(next_)]
    return order[0] > 0 and order == sorted(order)


def is_ahead(dialect: Dialect, cursor: Cursor, now: Cursor) -> bool:
    """Whether a cursor is of a later time than now: the database was put back since."""
    place = 0 if dialect == "sqlite" else 1
    then, today = (int(each.split(":")[place]) for each in (cursor, now))
    return then > today


_SQLITE_PRUNE = "SELECT max(seq) - :keep FROM change"
_SQLITE_DROP = "DELETE FROM change WHERE seq <= :floor"
# Only what every snapshot taken from now on sees; older ones are told to load anew.
_POSTGRESQL_PRUNE = (
    "SELECT max(xid::text::bigint) FROM change WHERE seq <= (SELECT max(seq) - :keep FROM change)"
    " AND xid < pg_snapshot_xmin(pg_current_snapshot())"
)
_POSTGRESQL_DROP = "DELETE FROM change WHERE xid <= CAST(CAST(:floor AS text) AS xid8)"


def prune_changes(tx: Tx, *, keep: int) -> int:
    """Drop old rows of the feed but the last *keep*; says how many.

    A reader whose cursor is older than what was dropped is told to load the fleet anew.
    """
    meta = tables.meta
    # One at a time: the floor of who counted first must not follow that of who counted last.
    tx.execute(select(meta.c.value).where(meta.c.key == "feed_floor").with_for_update())
    postgresql = tx.dialect == "postgresql"
    query = text(_POSTGRESQL_PRUNE if postgresql else _SQLITE_PRUNE)
    floor = tx.execute(query, {"keep": keep}).scalar()
    if floor is None or floor <= 0:
        return 0
    delete = _POSTGRESQL_DROP if postgresql else _SQLITE_DROP
    count = tx.execute(text(delete), {"floor": floor}).rowcount
    tx.execute(update(meta).where(meta.c.key == "feed_floor").values(value=str(floor)))
    return count


def read_floor(tx: Tx) -> int:
    """Say up to which number or transaction rows were dropped."""
    meta: Any = tables.meta
    return int(tx.execute(select(meta.c.value).where(meta.c.key == "feed_floor")).scalar_one())
