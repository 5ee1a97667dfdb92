"""Inventories as Placement's clients write and read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Executable, bindparam, delete, literal, null, select, union_all

from wherry.inventory.views import view_numbers
from wherry.model.inventory import Inventory
from wherry.store import tables
from wherry.store.client_calls import Use
from wherry.store.limits import capped, limited_inventory
from wherry.store.placement_providers import ProviderRow
from wherry.store.providers import read_providers
from wherry.store.rows import BATCH, read_ids, upsert
from wherry.store.transaction import Tx

inventory = tables.inventory
USE = ("used", "charged", "stray")
"""What is held of an inventory, whatever its limits are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One class on one provider as shown: with it `used`, and when it changed."""

    inventory: Inventory
    used: int
    changed_at: float | None


c, _class = inventory.c, tables.resource_class.c
# Made once: to put them together takes longer than to run them.
_stock_of = (
    select(c.total, c.reserved, c.min_unit, c.max_unit, c.step_size, c.allocation_ratio)
    .add_columns(c.cap, c.used, c.charged, c.stray, c.changed_at, _class.name)
    .join(tables.resource_class, _class.id == c["class"])
    .where(c.provider == bindparam("number"))
    .add_columns(_class.id.label("number"), literal(1).label("is_stock"))
    .order_by(_class.id)
)
_stock_and_classes: Executable = union_all(
    _stock_of.order_by(None),
    select(*(null() for _ in range(11)), _class.name, _class.id, literal(0)).where(
        _class.name.in_(bindparam("names", expanding=True))
    ),
).order_by("number")


def read_stock(tx: Tx, row: ProviderRow) -> dict[str, Stock]:
    """Read what a provider has, in the order in which the classes came."""
    return _stock(tx, row, tx.execute(_stock_of, {"number": row.id}).all())


def read_stock_and_classes(
    tx: Tx, row: ProviderRow, names: Sequence[str]
) -> tuple[dict[str, Stock], dict[str, int]]:
    """Read what a provider has, and the ids of those of some resource classes that have one."""
    classes = read_ids(tx, tables.resource_class, names[BATCH:])
    wanted = {"number": row.id, "names": list(names[:BATCH])}
    rows = tx.execute(_stock_and_classes, wanted).all()
    classes |= {found.name: found.number for found in rows if not found.is_stock}
    return _stock(tx, row, [found for found in rows if found.is_stock]), classes


def _stock(tx: Tx, row: ProviderRow, rows: Sequence[Any]) -> dict[str, Stock]:
    stock = {
        found.name: Stock(
            inventory=shown_inventory(found),
            used=found.used,
            changed_at=found.changed_at,
        )
        for found in rows
        if found.cap is not None
    }
    return stock | _views(tx, row, {found.name for found in rows if found.cap is None})


def shown_inventory(row: Any) -> Inventory:
    """Give an inventory such that what nobody can have is reserved: a row with its use.

    What a host's report knows not to be there, what siblings took of a pool, and what strangers
    took of it, is nobody's allocation.  More than all there is cannot be reserved: clients refuse
    such an inventory.
    """
    return _less(limited_inventory(row), row)


def _less(limits: Inventory, use: Any) -> Inventory:
    taken = limits.reserved + use.charged - use.used + use.stray
    return replace(limits, reserved=max(limits.reserved, min(taken, limits.total)))


def _views(tx: Tx, row: ProviderRow, names: set[str]) -> dict[str, Stock]:
    """What classes that count a type's recipe show of their pools."""
    if not names:
        return {}
    record = next(read_providers(tx, uuids=[row.uuid]), None)
    if record is None:
        # Gone since its row was read: a report has taken it back.
        return {}
    shown = {}
    for name in sorted(names & record.plan.views.keys()):
        numbers = view_numbers(record.plan, record.use, name)
        shown[name] = Stock(
            inventory=Inventory(total=numbers.total, reserved=numbers.reserved),
            used=numbers.used,
            changed_at=row.changed_at,
        )
    return shown


def write_inventory(
    tx: Tx,
    row: ProviderRow,
    inventories: Mapping[str, Inventory],
    classes: Mapping[str, int],
    *,
    now: float,
) -> None:
    """Add inventories of a client's provider, or give those that are there new limits.

    Args:
        classes: ids of the resource classes.
    """
    rows = [
        {
            "provider": row.id,
            "class": classes[name],
            "total": limits.total,
            "reserved": limits.reserved,
            "min_unit": limits.min_unit,
            "max_unit": limits.max_unit,
            "step_size": limits.step_size,
            "allocation_ratio": limits.allocation_ratio,
            "cap": capped(limits.capacity),
            **dict.fromkeys(USE, 0),
            "changed_at": now,
        }
        for name, limits in inventories.items()
    ]
    upsert(tx, inventory, rows, keep=USE)


def fresh_stock(
    inventories: Mapping[str, Inventory], classes: Mapping[str, int], *, now: float
) -> dict[str, Stock]:
    """Give what `read_stock` finds of inventories where none were before, and no host has a say."""
    return {
        name: Stock(inventory=inventories[name], used=0, changed_at=now)
        for name in sorted(inventories, key=lambda name: classes[name])
    }


def held_stock(limits: Inventory, use: Use, *, now: float) -> Stock:
    """Give what `read_stock` finds of an inventory that was just written, of no host."""
    return Stock(inventory=_less(limits, use), used=use.used, changed_at=now)


def drop_inventory(tx: Tx, row: ProviderRow, names: set[str]) -> None:
    """Remove inventories of which nothing is held."""
    if not names:
        return
    numbers = select(tables.resource_class.c.id).where(
        tables.resource_class.c.name.in_(sorted(names))
    )
    c = inventory.c
    tx.execute(delete(inventory).where(c.provider == row.id, c["class"].in_(numbers)))
