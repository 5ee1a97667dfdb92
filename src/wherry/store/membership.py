"""Which aggregates hosts are in."""

from collections.abc import Collection

from sqlalchemy import select

from wherry.store import tables
from wherry.store.transaction import Tx

member, provider = tables.provider_aggregate, tables.provider


def read_membership(tx: Tx, aggregates: Collection[str] | None) -> dict[str, frozenset[str]]:
    """Read host to aggregates of its root provider; hosts in none are left out.

    Args:
        aggregates: only these are asked about; None: all.

    Cost: one statement, a row for each root and aggregate.
    """
    query = (
        select(provider.c.host, member.c.aggregate)
        .join(member, member.c.provider == provider.c.id)
        .where(provider.c.id == provider.c.root, provider.c.host.is_not(None))
    )
    if aggregates is not None:
        query = query.where(member.c.aggregate.in_(sorted(aggregates)))
    found: dict[str, tuple[str, ...]] = {}
    for host, aggregate in tx.rows(query.order_by(member.c.aggregate)):
        found[host] = (*found.get(host, ()), aggregate)
    # Few sets are those of many hosts: one value for each.
    sets = {there: frozenset(there) for there in found.values()}
    return {host: sets[there] for host, there in found.items()}
