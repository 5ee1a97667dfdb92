"""Roots that clients have made for hosts that report, and what stands below them."""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import UNSET
from sqlalchemy import and_, bindparam, func, or_, select, text, update

from wherry.inventory.adoption import ClientTree
from wherry.inventory.counted import Apart, ClientProvider
from wherry.model.inventory import PlannedProvider
from wherry.store import tables
from wherry.store.attached import write_attached
from wherry.store.body import decode
from wherry.store.client_plans import read_client_plans
from wherry.store.labels import drop_labels
from wherry.store.limits import written_inventory
from wherry.store.locks import hold_name, lock_name
from wherry.store.placement_plans import move_silently
from wherry.store.transaction import Tx

provider = tables.provider
# Made once: to put them together takes longer than to run them.
_reported = select(tables.host.c.name).where(
    tables.host.c.name.in_(bindparam("names", expanding=True))
)
_LOCK_ROOTS = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(roots.name, 0)) FROM"
    " (SELECT DISTINCT top.name FROM provider AS top JOIN provider ON provider.root = top.id"
    " WHERE provider.uuid = ANY(:uuids) ORDER BY top.name) AS roots"
)


def find_reported(tx: Tx, names: Collection[str]) -> list[str]:
    """Name the hosts that report among these names."""
    if not names:
        return []
    return list(tx.execute(_reported, {"names": sorted(names)}).scalars())


def read_client_root(tx: Tx, host: str) -> str | None:
    """Give the uuid of the root that a client has made for a host; None where there is none."""
    p = provider.c
    query = select(p.uuid).where(p.name == host, p.owner == "client", p.parent.is_(None))
    return tx.execute(query).scalar()


def read_client_tree(tx: Tx, host: str, root: str) -> ClientTree:
    """Read what clients have below a host's root, and what is held on the host's own."""
    p, top = provider.c, provider.alias("top")
    query = (
        select(p.id, p.uuid, p.name)
        .join(top, top.c.id == p.root)
        .where(top.c.uuid == root, p.owner == "client", p.uuid != root)
    )
    rows = tx.rows(query.order_by(p.name))
    stock = _read_stock(tx, [row.id for row in rows])
    return ClientTree(
        root=root,
        providers=tuple(
            ClientProvider(
                uuid=row.uuid,
                name=row.name,
                inventories={each.name: written_inventory(each) for each in stock.get(row.id, ())},
                used={each.name: each.used for each in stock.get(row.id, ()) if each.used},
            )
            for row in rows
        ),
        apart=_read_apart(tx, host),
    )


def _read_stock(tx: Tx, numbers: Sequence[int]) -> dict[int, list[Any]]:
    c, name = tables.inventory.c, tables.resource_class.c.name
    query = (
        select(tables.inventory, name)
        .join(tables.resource_class, tables.resource_class.c.id == c["class"])
        .where(c.provider.in_(numbers))
        .order_by(name)
    )
    found: dict[int, list[Any]] = {}
    for row in tx.rows(query):
        found.setdefault(row.provider, []).append(row)
    return found


def _read_apart(tx: Tx, host: str) -> dict[str, Apart]:
    """Read what is held on the providers that the host's report has made."""
    p, i, o = provider.c, tables.inventory.c, tables.occupant.c
    is_own = and_(p.owner == "report", p.host == host)
    charged = (
        select(p.uuid, tables.resource_class.c.name, i.charged)
        .join(tables.inventory, i.provider == p.id)
        .join(tables.resource_class, tables.resource_class.c.id == i["class"])
        .where(is_own, i.charged > 0)
    )
    units: dict[str, dict[str, int]] = {}
    for uuid, name, amount in tx.rows(charged):
        units.setdefault(uuid, {})[name] = amount
    named = select(p.uuid, o.device).join(tables.occupant, o.provider == p.id)
    devices: dict[str, set[str]] = {}
    for uuid, device in tx.rows(named.where(is_own, o.device.is_not(None))):
        devices.setdefault(uuid, set()).add(device)
    return {
        uuid: Apart(units=units.get(uuid, {}), devices=frozenset(devices.get(uuid, ())))
        for uuid in units.keys() | devices.keys()
    }


def has_gone(tx: Tx, host: str) -> bool:
    """Whether something is held still on a provider that the host does not have any more."""
    p = provider.c
    query = select(p.id).where(p.host == host, p.owner == "report", p.gone).limit(1)
    return tx.execute(query).first() is not None


def find_attached(tx: Tx, uuids: Collection[str]) -> set[str]:
    """Name the hosts whose reports have added to clients' providers among these."""
    p, body = provider.c, tables.provider_plan.c
    query = (
        select(p.host, body.plan)
        .join(tables.provider_plan, body.provider == p.id)
        .where(p.uuid.in_(sorted(uuids)), p.owner == "client", p.host.is_not(None))
        .where(p.parent.is_not(None))
    )
    return {
        host for host, plan in tx.rows(query) if decode(plan, PlannedProvider).device is not UNSET
    }


def lock_hosts(tx: Tx, names: Collection[str]) -> None:
    """Let nobody else change whose the providers of these hosts are.

    Reports of a host take the same lock, first of all, and so do clients that change its tree.
    """
    for name in sorted(names):
        lock_name(tx, name)


def hold_hosts(tx: Tx, names: Collection[str]) -> None:
    """Let nobody change hosts that others may hold as well; in the order of `lock_hosts`."""
    for name in sorted(names):
        hold_name(tx, name)


def lock_roots(tx: Tx, uuids: Collection[str]) -> None:
    """Lock, as `lock_hosts` does, the hosts in whose trees these providers stand."""
    if tx.dialect == "postgresql":
        tx.execute(_LOCK_ROOTS, {"uuids": sorted(uuids)})


def lock_providers_of(tx: Tx, host: str, root: str | None) -> None:
    """Lock a host's providers and those below a client's root, in order of uuid."""
    p, top = provider.c, provider.alias("top")
    number = select(top.c.id).where(top.c.uuid == root).scalar_subquery()
    where = p.host == host if root is None else or_(p.host == host, p.root == number)
    tx.execute(select(p.id).where(where).order_by(p.uuid).with_for_update()).all()


def read_root_names(tx: Tx, uuids: Collection[str]) -> set[str]:
    """Name the roots of the trees of providers; those that are there."""
    top = provider.alias("top")
    query = select(top.c.name).join(provider, provider.c.root == top.c.id)
    return set(tx.execute(query.where(provider.c.uuid.in_(sorted(uuids)))).scalars())


def claim_tree(tx: Tx, host: str, root: str | None) -> None:
    """Let clients' providers be of a host that stand below its root, and no others."""
    p, top = provider.c, provider.alias("top")
    number = select(top.c.id).where(top.c.uuid == root).scalar_subquery()
    outside = or_(p.root != number, p.root.is_(None)) if root else p.id.is_not(None)
    left = select(p.uuid).where(p.owner == "client", p.host == host, outside)
    come = select(p.uuid).where(
        p.owner == "client", p.root == number, func.coalesce(p.host, "") != host
    )
    for query, value in ((left, None), *([(come, host)] if root else [])):
        uuids = list(tx.execute(query.order_by(p.uuid).with_for_update()).scalars())
        if uuids:
            tx.execute(update(provider).where(p.uuid.in_(uuids)).values(host=value))
            move_silently(tx, uuids)
        if value is None:
            _let_go(tx, uuids)


def _let_go(tx: Tx, uuids: Sequence[str]) -> None:
    """Take away from clients' providers what the report of a host has added to them."""
    p, body = provider.c, tables.provider_plan.c
    query = select(p.id).join(tables.provider_plan, body.provider == p.id)
    numbers = tx.execute(query.where(p.uuid.in_(uuids))).scalars().all()
    write_attached(tx, read_client_plans(tx, numbers), ())
    drop_labels(tx, uuids)


def free_name(tx: Tx, name: str, *, is_root: bool) -> None:
    """Take a name from a provider of a report that gives way to a client's of this name.

    It is the host's own, and the client makes a root; or it is gone, and only held still.  Its
    host is to be derived anew.
    """
    p = provider.c
    gives_way = or_(p.gone, p.host == name) if is_root else p.gone
    statement = update(provider).where(p.name == name, p.owner == "report", gives_way)
    tx.execute(statement.values(name="renamed " + p.uuid))
