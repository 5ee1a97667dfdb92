"""The plans of clients' providers: made when somebody reads them, and written by nobody.

A provider of a report has its plan stored.  What a client says of its own stands in the tables
already, and most of it no report ever looks at; stored is only what a report adds to it.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import BindParameter, Executable, bindparam, select

from wherry.model.inventory import Inventory, PlannedProvider
from wherry.store import tables
from wherry.store.body import decode
from wherry.store.limits import limited_inventory
from wherry.store.placement_qualities import read_traits
from wherry.store.rows import batches
from wherry.store.transaction import Tx

provider, inventory, body = tables.provider, tables.inventory, tables.provider_plan


def read_client_plans(tx: Tx, numbers: Sequence[int]) -> dict[int, PlannedProvider]:
    """Make the plans of clients' providers, with what reports have added to them.

    Args:
        numbers: ids of the providers.
    """
    plans: dict[int, PlannedProvider] = {}
    for batch in batches(numbers):
        own = read_own_plans(tx, batch)
        stored = tx.execute(_stored(), {"numbers": list(batch)})
        added = {row.provider: decode(row.plan, PlannedProvider) for row in stored}
        plans |= {number: with_added(plan, added.get(number)) for number, plan in own.items()}
    return plans


def read_own_plans(tx: Tx, numbers: Sequence[int]) -> dict[int, PlannedProvider]:
    """Make the plans of some clients' providers from what these said; one batch at most."""
    wanted = {"numbers": list(numbers)}
    inventories: dict[int, dict[str, Inventory]] = {}
    for row in tx.execute(_inventories(), wanted):
        inventories.setdefault(row.provider, {})[row.name] = limited_inventory(row)
    traits = read_traits(tx, numbers)
    return {
        row.id: PlannedProvider(
            uuid=row.uuid,
            name=row.name,
            parent=row.parent,
            traits=tuple(traits.get(row.id, ())),
            inventories=inventories.get(row.id, {}),
        )
        for row in tx.execute(_providers(), wanted)
    }


def with_added(own: PlannedProvider, stored: PlannedProvider | None) -> PlannedProvider:
    """Give a client's plan with what a report has added, as stored when it did."""
    if stored is None or stored.device is UNSET:
        return own
    return replace(
        stored,
        name=own.name,
        parent=own.parent,
        traits=own.traits,
        inventories=own.inventories,
    )


def _numbers() -> BindParameter[Any]:
    return bindparam("numbers", expanding=True)


@cache
def _providers() -> Executable:
    p, parent = provider.c, provider.alias("parent")
    query = select(p.id, p.name, p.uuid, parent.c.uuid.label("parent"))
    return query.outerjoin(parent, parent.c.id == p.parent).where(p.id.in_(_numbers()))


@cache
def _stored() -> Executable:
    return select(body.c.provider, body.c.plan).where(body.c.provider.in_(_numbers()))


@cache
def _inventories() -> Executable:
    i, name = inventory.c, tables.resource_class.c.name
    return (
        select(inventory, name)
        .join(tables.resource_class, tables.resource_class.c.id == i["class"])
        .where(i.cap.is_not(None), i.provider.in_(_numbers()))
        .order_by(i.provider, i["class"])
    )
