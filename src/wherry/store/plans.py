"""Planned providers before they are written: sound, ordered, and told apart from the stored.

Pure: nothing here touches a database.
"""

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from msgspec import UNSET
from msgspec.structs import replace

from wherry.model.errors import ReportContradicts
from wherry.model.inventory import MAX_INT, Inventory, PlannedProvider


def order_plans(
    host: str,
    plans: Sequence[PlannedProvider],
    known: Mapping[str, str | None],
    foreign: Mapping[str, str | None],
) -> tuple[PlannedProvider, ...]:
    """Put parents before children.

    Args:
        host: whose report it is, for messages.
        plans: the providers of one host.
        known: uuid to host (None for a client's) of stored providers that plans may name.
        foreign: names of providers that are not the host's, to host.

    Raises:
        ReportContradicts: a uuid or name is there twice or somebody else's, a parent is
            unknown, providers are each other's parents, an inventory makes no sense, or two
            offers tell two totals of one pool.
    """
    by_uuid = {plan.uuid: plan for plan in plans}
    if len(by_uuid) != len(plans):
        raise ReportContradicts("two providers have one uuid", host=host)
    if len({plan.name for plan in plans}) != len(plans):
        raise ReportContradicts("two providers have one name", host=host)
    # A client's provider may stand above what a report attaches to it.
    clients = {uuid for uuid, owner in known.items() if owner is None}
    for plan in plans:
        if plan.uuid in known and known[plan.uuid] != host:
            owner = known[plan.uuid] or "a client"
            message = f"provider {plan.uuid} belongs to {owner}"
            raise ReportContradicts(message, host=host)
        if plan.name in foreign:
            owner = foreign[plan.name] or "a client"
            message = f"the name {plan.name} of a provider belongs to {owner}"
            raise ReportContradicts(message, host=host)
        if plan.parent is not None and plan.parent not in by_uuid and plan.parent not in clients:
            message = f"provider {plan.uuid} has an unknown parent {plan.parent}"
            raise ReportContradicts(message, host=host)
        _require_sound(host, plan)
    _require_one_total(host, plans)
    edges = {plan.uuid: {plan.parent} if plan.parent in by_uuid else set() for plan in plans}
    try:
        order = TopologicalSorter(edges).static_order()
        return tuple(by_uuid[uuid] for uuid in order)
    except CycleError as error:
        message = f"providers are each other's parents: {', '.join(error.args[1])}"
        raise ReportContradicts(message, host=host) from error


def facts_of(plan: PlannedProvider) -> PlannedProvider:
    """Leave out what moves no facts generation: who is there, and when one looked."""
    offers = tuple(replace(offer, observed_at=UNSET) for offer in plan.offers)
    return replace(plan, instances=(), offers=offers)


def emptied(plan: PlannedProvider, taken: Collection[str]) -> PlannedProvider:
    """Say what is left of a provider that the host no longer has: what is held of it.

    Args:
        taken: names that others have now; if its own is among them, it gets a longer one.
    """
    return replace(
        plan,
        name=f"{plan.name} (gone, {plan.uuid})" if plan.name in taken else plan.name,
        inventories={name: Inventory(total=0) for name in plan.inventories},
        offers=(),
        instances=(),
        slots=(),
        note="gone",
    )


def _require_one_total(host: str, plans: Sequence[PlannedProvider]) -> None:
    """Refuse offers that name one pool and tell two totals of it."""
    totals: dict[tuple[str, str], int] = {}
    for plan in plans:
        for offer in plan.offers:
            pools = {} if offer.pools is UNSET else offer.pools
            for name, pool in pools.items():
                owner = plan.uuid if pool.provider is UNSET else pool.provider
                if totals.setdefault((owner, name), pool.total) != pool.total:
                    found = f"{totals[owner, name]} and {pool.total}"
                    message = f"offers of provider {plan.uuid} tell two totals of {name}: {found}"
                    raise ReportContradicts(message, host=host)


def _require_sound(host: str, plan: PlannedProvider) -> None:
    for name, inventory in plan.inventories.items():
        if not _is_sound(inventory):
            message = f"provider {plan.uuid} has an impossible inventory of {name}"
            raise ReportContradicts(message, host=host)
    for name, view in plan.views.items():
        pools = view.units.keys()
        if name in plan.inventories or not pools or not pools <= plan.inventories.keys():
            message = f"view {name} of provider {plan.uuid} is of no pool, or a pool itself"
            raise ReportContradicts(message, host=host)
        if not all(0 < units <= MAX_INT for units in view.units.values()):
            message = f"view {name} of provider {plan.uuid} takes units that are none"
            raise ReportContradicts(message, host=host)
    if len(set(plan.slots)) != len(plan.slots):
        message = f"provider {plan.uuid} names a device twice"
        raise ReportContradicts(message, host=host)
    if len({instance.id for instance in plan.instances}) != len(plan.instances):
        message = f"provider {plan.uuid} names an instance twice"
        raise ReportContradicts(message, host=host)


def _is_sound(inventory: Inventory) -> bool:
    return (
        0 <= inventory.total <= MAX_INT
        and 0 <= inventory.reserved <= MAX_INT
        and 1 <= inventory.min_unit <= inventory.max_unit <= MAX_INT
        and 1 <= inventory.step_size <= MAX_INT
        and inventory.allocation_ratio > 0
        and inventory.capacity <= MAX_INT * MAX_INT
    )
