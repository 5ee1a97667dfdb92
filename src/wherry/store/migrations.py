"""Migrations as stored: the present state in one row, the history beside it."""

from collections.abc import Sequence

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import delete, func, select

from wherry.model.errors import NotFound
from wherry.model.migrations import Migration, State, Step
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.changes import append_change
from wherry.store.rows import batches, upsert
from wherry.store.transaction import Tx

migration, step = tables.migration, tables.migration_step
OPEN: tuple[State, ...] = ("claimed", "confirmed", "started", "lost")
"""States that hold something."""
TIMED: frozenset[State] = frozenset({"claimed", "confirmed", "started"})
"""States that end by themselves when their time is up."""


def write_migration(tx: Tx, value: Migration) -> None:
    """Write a migration; of its history, the steps that are new.

    The caller decides on a migration that it has read with ``lock``, or on one that is new.
    """
    row = {
        "uuid": value.uuid,
        "guest": value.guest,
        "source": value.source,
        "target": value.target,
        "state": value.state,
        "token": value.token,
        "due": _due(value),
        "body": encode(replace(value, history=())),
    }
    upsert(tx, migration, [row])
    query = select(func.count()).select_from(step).where(step.c.migration == value.uuid)
    known: int = tx.execute(query).scalar_one()
    rows = [
        {"migration": value.uuid, "number": number, "body": encode(one)}
        for number, one in enumerate(value.history)
        # Of renewals in a row the last is kept: it takes the place of the one before.
        if number >= known or (number == known - 1 and one.event == "renew")
    ]
    if rows:
        upsert(tx, step, rows)
    append_change(tx, "migration", value.uuid, max(known, len(value.history)))


def read_migration(tx: Tx, uuid: str, *, lock: bool = False) -> Migration | None:
    """Read one migration, None where there is none; with *lock*, so that it stays as read."""
    query = select(migration.c.body).where(migration.c.uuid == uuid)
    body = tx.execute(query.with_for_update() if lock else query).scalar()
    return None if body is None else _with_history(tx, [body])[0]


def read_migrations(
    tx: Tx,
    *,
    guest: str | None = None,
    host: str | None = None,
    states: Sequence[State] | None = None,
) -> list[Migration]:
    """Read migrations in order of uuid: of a guest, from or to a host, in some states."""
    m = migration.c
    query = select(m.body).order_by(m.uuid)
    if guest is not None:
        query = query.where(m.guest == guest)
    if host is not None:
        query = query.where((m.source == host) | (m.target == host))
    if states is not None:
        query = query.where(m.state.in_(states))
    return _with_history(tx, tx.execute(query).scalars().all())


def read_page(
    tx: Tx,
    *,
    limit: int,
    marker: str | None = None,
    guest: str | None = None,
    host: str | None = None,
    states: Sequence[State] | None = None,
) -> list[Migration]:
    """Read at most so many migrations, the latest first, as `read_migrations` chooses them.

    Args:
        limit: how many.
        marker: uuid of the last one of the page before; None begins with the latest.

    Raises:
        NotFound: there is no migration of the marker any more.

    Cost: O(M log M) of the migrations that are chosen.
    """
    m, first = migration.c, step.alias("first")
    query = select(m.body).join(first, (first.c.migration == m.uuid) & (first.c.number == 0))
    if guest is not None:
        query = query.where(m.guest == guest)
    if host is not None:
        query = query.where((m.source == host) | (m.target == host))
    if states is not None:
        query = query.where(m.state.in_(states))
    if marker is not None:
        where = (step.c.migration == marker) & (step.c.number == 0)
        began = tx.execute(select(step.c.body).where(where)).scalar()
        if began is None:
            raise NotFound(what="migration", name=marker)
        earlier = (first.c.body == began) & (m.uuid < marker)
        query = query.where((first.c.body < began) | earlier)
    # The text of a step begins with its time, so that steps sort by that.
    query = query.order_by(first.c.body.desc(), m.uuid.desc()).limit(limit)
    return _with_history(tx, tx.execute(query).scalars().all())


def prune_migrations(tx: Tx, *, before: str) -> int:
    """Forget migrations that have ended, and of which every step is older than a time.

    Args:
        before: as in the history: ISO 8601, UTC, milliseconds.

    Returns how many.
    """
    m = migration.c
    younger = select(step.c.migration).where(
        step.c.migration == m.uuid, step.c.body >= f'{{"at":"{before}'
    )
    query = select(m.uuid).where(m.state.not_in(OPEN), ~younger.exists())
    found = list(tx.execute(query.order_by(m.uuid)).scalars())
    for batch in batches(found):
        tx.execute(delete(tables.job).where(tables.job.c.migration.in_(batch)))
        tx.execute(delete(step).where(step.c.migration.in_(batch)))
        tx.execute(delete(migration).where(m.uuid.in_(batch)))
    return len(found)


def read_due(tx: Tx, *, now: float) -> list[str]:
    """Name migrations whose lease or pre-flight has run out, longest ago first."""
    m = migration.c
    return list(tx.execute(select(m.uuid).where(m.due <= now).order_by(m.due)).scalars())


def read_next_due(tx: Tx) -> float | None:
    """Say when the next lease or pre-flight runs out; None where none is open."""
    return tx.execute(select(func.min(migration.c.due))).scalar()


def _due(value: Migration) -> float | None:
    if value.state not in TIMED:
        return None
    asked = value.preflight_until
    if value.state == "claimed" and asked is not UNSET:
        return min(asked, value.lease_until)
    return value.lease_until


def _with_history(tx: Tx, bodies: Sequence[str]) -> list[Migration]:
    found = {one.uuid: one for one in (decode(body, Migration) for body in bodies)}
    steps: dict[str, list[Step]] = {uuid: [] for uuid in found}
    for batch in batches(list(found)):
        query = select(step.c.migration, step.c.body).where(step.c.migration.in_(batch))
        for uuid, body in tx.rows(query.order_by(step.c.migration, step.c.number)):
            steps[uuid].append(decode(body, Step))
    return [replace(one, history=tuple(steps[uuid])) for uuid, one in found.items()]
