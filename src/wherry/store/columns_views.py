"""What the views of the whole fleet show, from their pools.

As `wherry.inventory.views` has it for one provider, whose plan says which values in use close a
type; here only providers with such values in use are looked at one by one.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import case, func, select, union

from wherry.inventory.views import view_numbers
from wherry.model.inventory import Inventory
from wherry.store import tables
from wherry.store.providers import read_providers
from wherry.store.transaction import Tx

inventory, provider, view = tables.inventory, tables.provider, tables.view


class ViewRow(NamedTuple):
    """One view of one provider."""

    provider: int
    name: str
    inventory: Inventory
    used: int


def shown_views(tx: Tx) -> Iterator[ViewRow]:
    """Give every view there is, with what it shows now."""
    looked_at = _with_values(tx)
    pool, own = inventory.alias("pool"), inventory.alias("own")
    free = pool.c.cap - pool.c.charged - pool.c.stray
    query = (
        select(own.c.provider, tables.resource_class.c.name, own.c.used)
        .add_columns(func.min(pool.c.total // view.c.units).label("total"))
        .add_columns(func.min(case((free < 0, 0), else_=free) // view.c.units).label("free"))
        .join(view, (view.c.provider == own.c.provider) & (view.c["class"] == own.c["class"]))
        .join(pool, (pool.c.provider == view.c.provider) & (pool.c["class"] == view.c.pool))
        .join(tables.resource_class, tables.resource_class.c.id == own.c["class"])
        .where(own.c.cap.is_(None))
        .group_by(own.c.provider, tables.resource_class.c.name, own.c.used)
    )
    for row in tx.execute(query):
        if row.provider not in looked_at:
            total = max(int(row.total), row.used)
            reserved = total - row.used - min(int(row.free), total - row.used)
            shown = Inventory(total=total, reserved=reserved)
            yield ViewRow(row.provider, row.name, shown, row.used)
    yield from _looked_at(tx, looked_at)


def _with_values(tx: Tx) -> Mapping[int, str]:
    """Find providers on which instances agree in a value or have places: id to uuid."""
    held, seen = tables.occupant, tables.seen_instance
    some = union(
        select(held.c.provider).where(held.c.exclusive.is_not(None)),
        select(seen.c.provider).where(seen.c.stray, seen.c.exclusive.is_not(None)),
        select(tables.placement.c.provider),
    )
    query = select(provider.c.id, provider.c.uuid).where(provider.c.id.in_(some))
    return dict(tx.rows(query))


def _looked_at(tx: Tx, providers: Mapping[int, str]) -> Iterator[ViewRow]:
    numbers = {uuid: number for number, uuid in providers.items()}
    for record in read_providers(tx, uuids=sorted(numbers)) if numbers else ():
        for name in record.plan.views:
            shown = view_numbers(record.plan, record.use, name)
            one = Inventory(total=shown.total, reserved=shown.reserved)
            yield ViewRow(numbers[record.plan.uuid], name, one, shown.used)
