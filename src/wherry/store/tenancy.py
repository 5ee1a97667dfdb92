"""Aggregates that are for some tenants alone, and the hosts that these close to others."""

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, delete, insert, select

from wherry.model.tenancy import Aggregate, Closed, ClosedBy
from wherry.store import tables
from wherry.store.locks import lock_name
from wherry.store.transaction import Tx

allowed = tables.aggregate_tenant
member, provider = tables.provider_aggregate, tables.provider


def write_aggregate(tx: Tx, uuid: str, tenants: Iterable[str]) -> None:
    """Make an aggregate one of these tenants alone, whosever it was before."""
    lock_name(tx, uuid)
    tx.execute(delete(allowed).where(allowed.c.aggregate == uuid))
    tx.execute(insert(allowed), [{"aggregate": uuid, "tenant": name} for name in tenants])


def remove_aggregate(tx: Tx, uuid: str) -> bool:
    """Make an aggregate one like any other; says whether it was for some tenants."""
    lock_name(tx, uuid)
    return tx.execute(delete(allowed).where(allowed.c.aggregate == uuid)).rowcount > 0


def read_aggregates(tx: Tx) -> list[Aggregate]:
    """Read those that are for some tenants alone, by uuid, with their hosts."""
    hosts: dict[str, list[str]] = {}
    for host, _, uuid in _members(tx, provider.c.host.is_not(None)):
        hosts.setdefault(uuid, []).append(host)
    return [
        Aggregate(uuid=uuid, tenants=tenants, hosts=tuple(sorted(hosts.get(uuid, ()))))
        for uuid, tenants in _tenants(tx).items()
    ]


def read_closed(tx: Tx, tenant: str, *, host: str | None = None) -> Closed:
    """Read which hosts take no guest of a tenant, and what closes them.

    Args:
        tenant: empty for a guest that has none, which no such aggregate takes.
        host: only this one is asked about; None: all.

    Cost: one statement where there are no such aggregates; else the hosts in them.
    """
    where = provider.c.host.is_not(None) if host is None else provider.c.host == host
    return {row[0]: found for row, found in _closed(tx, tenant, where)}


def read_closed_roots(tx: Tx, tenant: str, *, root: str | None = None) -> frozenset[str]:
    """Read the uuids of the root providers that take no guest of a tenant, whosever they are."""
    where = () if root is None else (provider.c.uuid == root,)
    return frozenset(row[1] for row, _ in _closed(tx, tenant, *where))


def _closed(
    tx: Tx, tenant: str, *where: ColumnElement[bool]
) -> list[tuple[tuple[str, str], ClosedBy]]:
    tenants = _tenants(tx)
    if not tenants:
        return []
    of_root: dict[tuple[str, str], list[str]] = {}
    for host, root, aggregate in _members(tx, *where):
        # What writes reads what others have written between two of its statements.
        if aggregate not in tenants:
            continue
        of_root.setdefault((host, root), []).append(aggregate)
    found: dict[tuple[str, ...], ClosedBy | None] = {}
    for aggregates in map(tuple, of_root.values()):
        if aggregates not in found:
            found[aggregates] = _closed_by(aggregates, tenants, tenant)
    every = ((root, found[tuple(aggregates)]) for root, aggregates in of_root.items())
    return [(root, closed) for root, closed in every if closed is not None]


def _closed_by(
    aggregates: tuple[str, ...], tenants: Mapping[str, tuple[str, ...]], tenant: str
) -> ClosedBy | None:
    named = sorted({name for uuid in aggregates for name in tenants[uuid]})
    return None if tenant in named else ClosedBy(aggregates, tuple(named))


def _tenants(tx: Tx) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    query = select(allowed.c.aggregate, allowed.c.tenant)
    for uuid, name in tx.rows(query.order_by(allowed.c.aggregate, allowed.c.tenant)):
        found[uuid] = (*found.get(uuid, ()), name)
    return found


def _members(tx: Tx, *where: ColumnElement[bool]) -> list[tuple[str, str, str]]:
    """Read host, uuid and aggregate of the roots in such aggregates, these in order."""
    query = (
        select(provider.c.host, provider.c.uuid, member.c.aggregate)
        .join(member, member.c.provider == provider.c.id)
        .where(provider.c.id == provider.c.root, *where)
        .where(member.c.aggregate.in_(select(allowed.c.aggregate)))
        .order_by(member.c.aggregate)
    )
    return list(tx.rows(query))
