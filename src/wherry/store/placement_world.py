"""The whole fleet as allocation candidates are searched in it, and what changed of it."""

import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, select

from wherry.inventory.columns import Columns, UseRow
from wherry.inventory.views import view_numbers
from wherry.model.inventory import Inventory, PlannedProvider
from wherry.model.provider import Provider
from wherry.store import tables
from wherry.store.columns import load_columns
from wherry.store.feed import Cursor, Event, read_events
from wherry.store.follower import PLANS
from wherry.store.look import Look
from wherry.store.placement_inventories import shown_inventory
from wherry.store.placement_providers import find_providers
from wherry.store.placement_qualities import read_aggregates, read_traits
from wherry.store.providers import read_providers
from wherry.store.rows import among, batches, walk_indexes
from wherry.store.snapshot import Unfit, read_snapshot
from wherry.store.transaction import Tx

inventory, provider = tables.inventory, tables.provider
log = logging.getLogger("wherry")
TOLD = frozenset({"provider", "name"})
"""Kinds of changes after which providers, classes and traits are read."""
REPLAYED = 20_000
"""Changed objects beyond which to read the fleet anew is quicker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldBatch:
    """What changed since a cursor.

    Attributes:
        cursor: where to go on.
        columns: the fleet but for what follows, and what was held is void; None: what follows
            is what changed.
        is_mapped: these columns come from a snapshot.
        providers: uuid to what the provider is now, oldest first; None: it is gone.
        use: use of providers of which nothing else changed.
        classes: every resource class that is stored; None: as before.
        traits: every trait that is stored; None: as before.
    """

    cursor: Cursor
    columns: Columns | None = None
    is_mapped: bool = False
    providers: Mapping[str, Provider | None]
    use: Sequence[UseRow]
    classes: Collection[str] | None
    traits: Collection[str] | None


class WorldReader:
    """Reads what changed; keeps the plans of providers that show views, as use changes often.

    Args:
        snapshot: file to begin with, if it can be used; None: no file.
    """

    def __init__(self, snapshot: Path | None = None) -> None:
        self._plans: OrderedDict[str, PlannedProvider] = OrderedDict()
        self._snapshot = snapshot

    def __call__(self, tx: Tx, cursor: Cursor | None) -> WorldBatch:
        """Read what changed since a cursor, each provider once, as it is now; without one, all."""
        if cursor is None and self._snapshot is not None:
            # Only once: whoever reads anew later on has a reason to.
            snapshot, self._snapshot = self._snapshot, None
            mapped = self._map(tx, snapshot)
            if mapped is not None:
                return mapped
        now, events = read_events(tx, cursor)
        if cursor is None or events is None:
            self._plans.clear()
            return WorldBatch(
                columns=load_columns(tx),
                providers={},
                use=(),
                classes=_read_names(tx, tables.resource_class),
                traits=_read_names(tx, tables.trait),
                cursor=now,
            )
        if not events:
            return WorldBatch(providers={}, use=(), classes=None, traits=None, cursor=now)
        return self._read(tx, events, now)

    def glance(self, look: Look) -> WorldBatch | None:
        """Take use alone from a look; None where more changed, or a view shows another picture."""
        if look.kinds is None or not TOLD.isdisjoint(look.kinds):
            return None
        if any(row.cap is None for row in look.stock):
            return None
        use = [_use_row(row) for row in look.stock]
        return WorldBatch(providers={}, use=use, classes=None, traits=None, cursor=look.cursor)

    def _map(self, tx: Tx, path: Path) -> WorldBatch | None:
        """Map a snapshot and read what changed since; None where there is none to be used."""
        try:
            columns, cursor = read_snapshot(tx, path)
        except FileNotFoundError:
            return None
        except Unfit as error:
            log.warning("%s is not used: %s", path, error)
            return None
        now, events = read_events(tx, cursor)
        if events is None or len(events) > REPLAYED:
            log.info("%s is not used: too much has changed since", path)
            return None
        batch = self._read(tx, events, now)
        names = [_read_names(tx, table) for table in (tables.resource_class, tables.trait)]
        return replace(batch, columns=columns, is_mapped=True, classes=names[0], traits=names[1])

    def _read(self, tx: Tx, events: Sequence[Event], now: Cursor) -> WorldBatch:
        walk_indexes(tx)
        whole = sorted({event.ref for event in events if event.kind == "provider"})
        used = {event.ref for event in events if event.kind == "use"}.difference(whole)
        for uuid in whole:
            self._plans.pop(uuid, None)
        may_name = any(event.kind in TOLD for event in events)
        use = read_use(tx, sorted(used), self._plans)
        while len(self._plans) > PLANS:
            self._plans.popitem(last=False)
        return WorldBatch(
            providers=_read_whole(tx, whole),
            use=use,
            classes=_read_names(tx, tables.resource_class) if may_name else None,
            traits=_read_names(tx, tables.trait) if may_name else None,
            cursor=now,
        )


def _read_whole(tx: Tx, uuids: Sequence[str]) -> dict[str, Provider | None]:
    numbered: dict[int, Provider] = {}
    for batch in batches(uuids):
        numbered |= read_world_providers(tx, among(tx, provider.c.uuid, batch))
    found: dict[str, Provider | None] = {each.uuid: each for _, each in sorted(numbered.items())}
    return {**found, **{uuid: None for uuid in uuids if uuid not in found}}


def _read_names(tx: Tx, table: Table) -> Sequence[str]:
    return tx.execute(select(table.c.name)).scalars().all()


_STOCK = (
    select(provider.c.id, provider.c.uuid, tables.resource_class.c.name)
    .add_columns(inventory.c.total, inventory.c.reserved, inventory.c.min_unit)
    .add_columns(inventory.c.max_unit, inventory.c.step_size, inventory.c.allocation_ratio)
    .add_columns(inventory.c.cap, inventory.c.used, inventory.c.charged, inventory.c.stray)
    .join(inventory, inventory.c.provider == provider.c.id)
    .join(tables.resource_class, tables.resource_class.c.id == inventory.c["class"])
)
# Made once: to put it together takes longer than to run it.
_STOCK_OF = _STOCK.where(provider.c.uuid.in_(bindparam("uuids", expanding=True)))


def read_use(
    tx: Tx, uuids: Sequence[str], plans: OrderedDict[str, PlannedProvider]
) -> list[UseRow]:
    """Read what is had and used on providers, and nothing else of them.

    Args:
        plans: plans that are known to be current; what is read is left there.
    """
    rows: list[UseRow] = []
    views: dict[str, None] = {}
    for batch in batches(uuids):
        for row in tx.execute(_STOCK_OF, {"uuids": batch}):
            if row.cap is None:
                views[row.uuid] = None
                continue
            rows.append(_use_row(row))
    for record in read_providers(tx, uuids=list(views), plans=plans) if views else ():
        for name in record.plan.views:
            view = view_numbers(record.plan, record.use, name)
            rows.append((record.plan.uuid, name, view.total, view.reserved, view.used))
    return rows


def _use_row(row: Any) -> UseRow:
    shown = shown_inventory(row)
    return row.uuid, row.name, shown.total, shown.reserved, row.used


def read_world_providers(tx: Tx, where: ColumnElement[bool]) -> dict[int, Provider]:
    """Read providers with what they have and what is used of it, by their numbers."""
    rows = find_providers(tx, where)
    numbers = select(provider.c.id).where(where)
    stock, used, views = _read_stock(tx, where)
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
    query = _STOCK.where(where).order_by(provider.c.id, inventory.c["class"])
    stock: Stock = {}
    used: Used = {}
    views: set[int] = set()
    for row in tx.execute(query):
        if row.cap is None:
            views.add(row.id)
            continue
        stock.setdefault(row.id, {})[row.name] = shown_inventory(row)
        if row.used:
            used.setdefault(row.id, {})[row.name] = row.used
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
