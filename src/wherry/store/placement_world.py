"""The whole fleet as allocation candidates are searched in it."""

from collections.abc import Iterable

from sqlalchemy import select

from wherry.inventory.views import view_numbers
from wherry.model.inventory import Inventory
from wherry.schedule.candidates.world import Provider, World, make_world
from wherry.store import tables
from wherry.store.placement_providers import find_providers
from wherry.store.placement_qualities import read_aggregates, read_traits
from wherry.store.providers import read_providers
from wherry.store.transaction import Tx

inventory = tables.inventory


def read_world(tx: Tx, *, classes: Iterable[str], traits: Iterable[str]) -> World:
    """Read every provider with what it has and what is used of it.

    Args:
        classes: resource classes that are known besides those stored.
        traits: traits that are known besides those stored.
    """
    stock, used, views = _read_stock(tx)
    _add_views(tx, stock, used, views)
    held_traits, aggregates = read_traits(tx), read_aggregates(tx)
    providers = [
        Provider(
            uuid=row.uuid,
            root=row.root,
            parent=row.parent,
            inventories=stock.get(row.id, {}),
            used=used.get(row.id, {}),
            traits=frozenset(held_traits.get(row.id, ())),
            aggregates=frozenset(aggregates.get(row.id, ())),
            generation=row.generation,
        )
        for row in find_providers(tx)
    ]
    stored = [
        tx.execute(select(table.c.name)).scalars().all()
        for table in (tables.resource_class, tables.trait)
    ]
    return make_world(providers, classes=[*classes, *stored[0]], traits=[*traits, *stored[1]])


Stock = dict[int, dict[str, Inventory]]
Used = dict[int, dict[str, int]]


def _read_stock(tx: Tx) -> tuple[Stock, Used, set[int]]:
    """Read inventories and use; names the providers that show views besides."""
    c, name = inventory.c, tables.resource_class.c.name
    query = (
        select(c.provider, name, c.total, c.reserved, c.min_unit, c.max_unit, c.step_size)
        .add_columns(c.allocation_ratio, c.cap, c.used, c.charged, c.stray)
        .join(tables.resource_class, tables.resource_class.c.id == c["class"])
        .order_by(c.provider, c["class"])
    )
    stock: Stock = {}
    used: Used = {}
    views: set[int] = set()
    for row in tx.execute(query):
        if row.cap is None:
            views.add(row.provider)
            continue
        stock.setdefault(row.provider, {})[row.name] = Inventory(
            total=row.total,
            # What siblings and strangers took of a pool is nobody's allocation of it.
            reserved=row.reserved + row.charged - row.used + row.stray,
            min_unit=row.min_unit,
            max_unit=row.max_unit,
            step_size=row.step_size,
            allocation_ratio=row.allocation_ratio,
        )
        if row.used:
            used.setdefault(row.provider, {})[row.name] = row.used
    return stock, used, views


def _add_views(tx: Tx, stock: Stock, used: Used, views: set[int]) -> None:
    if not views:
        return
    numbers = {row.uuid: row.id for row in find_providers(tx) if row.id in views}
    for record in read_providers(tx, uuids=sorted(numbers)):
        number = numbers[record.plan.uuid]
        for name in record.plan.views:
            shown = view_numbers(record.plan, record.use, name)
            stock.setdefault(number, {})[name] = Inventory(
                total=shown.total, reserved=shown.reserved
            )
            if shown.used:
                used.setdefault(number, {})[name] = shown.used
