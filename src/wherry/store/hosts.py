"""Hosts as stored."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, select, true, update

from wherry.model.checks import HostFacts
from wherry.model.errors import NotFound
from wherry.model.facts import Report
from wherry.model.inventory import Finding, HostRecord, HostState
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.changes import append_change
from wherry.store.rows import among, batches
from wherry.store.transaction import Tx

host, host_report = tables.host, tables.host_report


def read_hosts(tx: Tx, *, names: Sequence[str] | None = None) -> Iterator[HostRecord]:
    """Read hosts by name: those named, or all."""
    if names is None:
        yield from _read(tx, true())
        return
    for batch in batches(names):
        yield from _read(tx, among(tx, host.c.name, batch))


def read_host(tx: Tx, name: str, *, lock: bool = False) -> HostRecord | None:
    """Read one host, None where there is none; with *lock*, so that it stays as read."""
    if lock:
        tx.execute(select(host.c.name).where(host.c.name == name).with_for_update())
    return next(read_hosts(tx, names=[name]), None)


def read_host_names(tx: Tx) -> list[str]:
    """Name all hosts, in order."""
    return list(tx.execute(select(host.c.name).order_by(host.c.name)).scalars())


def read_report(tx: Tx, name: str) -> Report | None:
    """Read the report that a host was derived from, to derive it anew; None without a host."""
    query = select(host_report.c.report).where(host_report.c.host == name)
    body = tx.execute(query).scalar()
    return None if body is None else decode(body, Report)


def read_last_seen(tx: Tx, *, names: Sequence[str] | None = None) -> dict[str, float]:
    """Say when hosts last reported, also if nothing was new: seconds since the epoch.

    Of those named, or of all.
    """
    query = select(host.c.name, host.c.last_seen)
    return dict(tx.rows(query if names is None else query.where(host.c.name.in_(names))))


def write_host_state(
    tx: Tx, name: str, *, state: HostState | None = None, labels: dict[str, str] | None = None
) -> HostRecord:
    """Set a host's state, its labels, or both; what is already so moves no generation.

    Raises:
        NotFound: there is no such host.
    """
    query = select(host.c.state, host.c.labels).where(host.c.name == name).with_for_update()
    row = tx.execute(query).first()
    if row is None:
        raise NotFound(what="host", name=name)
    new_state = row.state if state is None else state
    new_labels = row.labels if labels is None else encode(dict(sorted(labels.items())))
    if (new_state, new_labels) != (row.state, row.labels):
        statement = (
            update(host)
            .where(host.c.name == name)
            .values(state=new_state, labels=new_labels, generation=host.c.generation + 1)
        )
        generation = tx.execute(statement.returning(host.c.generation)).scalar_one()
        append_change(tx, "host", name, generation)
    return next(_read(tx, host.c.name == name))


def _read(tx: Tx, where: ColumnElement[bool]) -> Iterator[HostRecord]:
    query = (
        select(host, host_report.c.check_facts, host_report.c.findings)
        .join(host_report, host_report.c.host == host.c.name)
        .where(where)
        .order_by(host.c.name)
    )
    for row in tx.rows(query):
        yield HostRecord(
            name=row.name,
            state=row.state,
            labels=decode(row.labels, dict[str, str]),
            check=decode(row.check_facts, HostFacts),
            boot_id=row.boot_id,
            sequence=row.sequence,
            observed_at=row.observed_at,
            generation=row.generation,
            findings=decode(row.findings, tuple[Finding, ...]),
        )
