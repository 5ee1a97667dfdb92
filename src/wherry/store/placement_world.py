"""The whole fleet as allocation candidates are searched in it, and what changed of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, select, true

from wherry.inventory.views import view_numbers
from wherry.model.inventory import Inventory
from wherry.model.provider import Provider
from wherry.store import tables
from wherry.store.feed import Cursor, Event, read_events
from wherry.store.placement_inventories import shown_inventory
from wherry.store.placement_providers import find_providers
from wherry.store.placement_qualities import read_aggregates, read_traits
from wherry.store.providers import read_providers
from wherry.store.rows import batches
from wherry.store.transaction import Tx

inventory, provider = tables.inventory, tables.provider


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldBatch:
    """What changed since a cursor.

    Attributes:
        providers: uuid to what the provider is now, oldest first; None: it is gone.
        classes: every resource class that is stored; None: as before.
        traits: every trait that is stored; None: as before.
        cursor: where to go on.
        reload: this is all there is, and what was held is void.
    """

    providers: Mapping[str, Provider | None]
    classes: Collection[str] | None
    traits: Collection[str] | None
    cursor: Cursor
    reload: bool = False


def read_world(tx: Tx, cursor: Cursor | None) -> WorldBatch:
    """Read what changed since a cursor, each provider once, as it is now; without one, all."""
    now, events = read_events(tx, cursor)
    if cursor is None or events is None:
        return WorldBatch(
            providers=_by_uuid(_read_providers(tx, true())),
            classes=_read_names(tx, tables.resource_class),
            traits=_read_names(tx, tables.trait),
            cursor=now,
            reload=True,
        )
    may_name = any(event.kind in {"provider", "name"} for event in events)
    return WorldBatch(
        providers=_read_changed(tx, events),
        classes=_read_names(tx, tables.resource_class) if may_name else None,
        traits=_read_names(tx, tables.trait) if may_name else None,
        cursor=now,
    )


def _read_changed(tx: Tx, events: Sequence[Event]) -> dict[str, Provider | None]:
    uuids = sorted({event.ref for event in events if event.kind in {"provider", "use"}})
    numbered: dict[int, Provider] = {}
    for batch in batches(uuids):
        numbered |= _read_providers(tx, provider.c.uuid.in_(batch))
    found = _by_uuid(numbered)
    return {**found, **{uuid: None for uuid in uuids if uuid not in found}}


def _by_uuid(numbered: Mapping[int, Provider]) -> dict[str, Provider | None]:
    return {each.uuid: each for _, each in sorted(numbered.items())}


def _read_names(tx: Tx, table: Table) -> Sequence[str]:
    return tx.execute(select(table.c.name)).scalars().all()


def _read_providers(tx: Tx, where: ColumnElement[bool]) -> dict[int, Provider]:
    """Read providers with what they have and what is used of it, by their numbers."""
    rows = find_providers(tx, where)
    numbers = select(provider.c.id).where(where)
    stock, used, views = _read_stock(tx, inventory.c.provider.in_(numbers))
    _add_views(tx, stock, used, {row.uuid: row.id for row in rows if row.id in views})
    traits = read_traits(tx, numbers)
    aggregates = read_aggregates(tx, tables.provider_aggregate.c.provider.in_(numbers))
    return {
        row.id: Provider(
            uuid=row.uuid,
            root=row.root,
            parent=row.parent,
            inventories=stock.get(row.id, {}),
            used=used.get(row.id, {}),
            traits=frozenset(traits.get(row.id, ())),
            aggregates=frozenset(aggregates.get(row.id, ())),
        )
        for row in rows
    }


Stock = dict[int, dict[str, Inventory]]
Used = dict[int, dict[str, int]]


def _read_stock(tx: Tx, where: ColumnElement[bool]) -> tuple[Stock, Used, set[int]]:
    """Read inventories and use; names the providers that show views besides."""
    c, name = inventory.c, tables.resource_class.c.name
    query = (
        select(c.provider, name, c.total, c.reserved, c.min_unit, c.max_unit, c.step_size)
        .add_columns(c.allocation_ratio, c.cap, c.used, c.charged, c.stray)
        .join(tables.resource_class, tables.resource_class.c.id == c["class"])
        .where(where)
        .order_by(c.provider, c["class"])
    )
    stock: Stock = {}
    used: Used = {}
    views: set[int] = set()
    for row in tx.execute(query):
        if row.cap is None:
            views.add(row.provider)
            continue
        stock.setdefault(row.provider, {})[row.name] = shown_inventory(row)
        if row.used:
            used.setdefault(row.provider, {})[row.name] = row.used
    return stock, used, views


def _add_views(tx: Tx, stock: Stock, used: Used, numbers: Mapping[str, int]) -> None:
    for record in read_providers(tx, uuids=sorted(numbers)):
        number = numbers[record.plan.uuid]
        for name in record.plan.views:
            shown = view_numbers(record.plan, record.use, name)
            stock.setdefault(number, {})[name] = Inventory(
                total=shown.total, reserved=shown.reserved
            )
            if shown.used:
                used.setdefault(number, {})[name] = shown.used
