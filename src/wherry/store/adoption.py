"""Roots that clients have made for hosts that report, and what stands below them."""

from collections.abc import Collection

from sqlalchemy import func, or_, select, update

from wherry.store import tables
from wherry.store.placement_plans import move_silently
from wherry.store.transaction import Tx

provider = tables.provider


def find_reported(tx: Tx, names: Collection[str]) -> list[str]:
    """Name the hosts that report among these names."""
    known = tables.host.c.name
    return list(tx.execute(select(known).where(known.in_(sorted(names)))).scalars())


def read_client_root(tx: Tx, host: str) -> str | None:
    """Give the uuid of the root that a client has made for a host; None where there is none."""
    p = provider.c
    query = select(p.uuid).where(p.name == host, p.owner == "client", p.parent.is_(None))
    return tx.execute(query).scalar()


def read_names_below(tx: Tx, root: str) -> list[str]:
    """Name the providers that clients have below a root."""
    top = provider.alias("top")
    query = (
        select(provider.c.name)
        .join(top, top.c.id == provider.c.root)
        .where(top.c.uuid == root, provider.c.owner == "client", provider.c.uuid != root)
    )
    return list(tx.execute(query.order_by(provider.c.name)).scalars())


def claim_tree(tx: Tx, host: str, root: str | None) -> None:
    """Let clients' providers be of a host that stand below its root, and no others."""
    p, top = provider.c, provider.alias("top")
    number = select(top.c.id).where(top.c.uuid == root).scalar_subquery()
    outside = or_(p.root != number, p.root.is_(None)) if root else p.id.is_not(None)
    left = select(p.uuid).where(p.owner == "client", p.host == host, outside)
    come = select(p.uuid).where(
        p.owner == "client", p.root == number, func.coalesce(p.host, "") != host
    )
    for query, value in ((left, None), (come, host)):
        uuids = list(tx.execute(query.order_by(p.uuid)).scalars())
        if uuids:
            tx.execute(update(provider).where(p.uuid.in_(uuids)).values(host=value))
            move_silently(tx, uuids)


def free_name(tx: Tx, name: str, *, is_root: bool) -> None:
    """Take a name from a provider of a report that gives way to a client's of this name.

    It is the host's own, and the client makes a root; or it is gone, and only held still.  Its
    host is to be derived anew.
    """
    p = provider.c
    gives_way = or_(p.gone, p.host == name) if is_root else p.gone
    statement = update(provider).where(p.name == name, p.owner == "report", gives_way)
    tx.execute(statement.values(name="renamed " + p.uuid))
