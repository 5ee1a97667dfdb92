"""Views: what a class per type shows of the pools that it is charged to.

used = the view's own allocations; total = the least of floor(pool total / weight), and of the
places that its instances find at once; reserved = total - used - what is free.  So a client that
asks in these words sees siblings' claims at once, and `total - reserved - used` never says more
than the pools hold.

Source: design, section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET

from wherry.model.inventory import Inventory, PlannedProvider, Use, View
from wherry.model.positions import choose_places, count_free, union_of


@dataclass(frozen=True, slots=True)
class ViewNumbers:
    """What a view shows: reserved is never negative, free = total - reserved - used."""

    total: int
    reserved: int
    used: int

    @property
    def free(self) -> int:
        """Instances that can still be claimed."""
        return max(0, self.total - self.reserved - self.used)


def pool_free(provider: PlannedProvider, use: Use, pool: str) -> int:
    """Count units of a pool that can still be claimed; an absent pool has none.

    The store asks the same in the statement that takes units: allocations, what views are
    charged, stray instances, and what is asked may not exceed the capacity.
    """
    inventory = provider.inventories.get(pool)
    if inventory is None:
        return 0
    return max(0, inventory.capacity - use.held(pool))


def view_numbers(provider: PlannedProvider, use: Use, name: str) -> ViewNumbers:
    """Give what the view of this class shows now.

    Raises:
        KeyError: the provider has no such view.
    """
    view = provider.views[name]
    used = use.used.get(name, 0)
    total = min(_total(provider.inventories, pool) // n for pool, n in view.units.items())
    places = places_of(provider).get(view.type)
    if places is not None:
        total = min(total, count_free(places, 0))
    # A view whose pools shrank below its allocations shows them all, and nothing free.
    total = max(total, used)
    return ViewNumbers(
        total=total,
        reserved=total - used - min(view_free(provider, use, view), total - used),
        used=used,
    )


def view_free(provider: PlannedProvider, use: Use, view: View) -> int:
    """Count instances of a view's type that can still be made; 0 where exclusivity closes it."""
    if is_closed(provider, use, view.type):
        return 0
    free = min(pool_free(provider, use, pool) // n for pool, n in view.units.items())
    places = places_of(provider).get(view.type)
    return free if places is None else min(free, count_free(places, union_of(use.places)))


def can_take(provider: PlannedProvider, use: Use, amounts: Mapping[str, int]) -> bool:
    """Tell whether units of several classes, views and pools, can be had all at once."""
    charged: dict[str, int] = {}
    types: list[str] = []
    for name, amount in amounts.items():
        view = provider.views.get(name)
        for pool, units in ({name: 1} if view is None else view.units).items():
            charged[pool] = charged.get(pool, 0) + amount * units
        if view is not None:
            types += [view.type] * amount
    if any(pool_free(provider, use, pool) < units for pool, units in charged.items()):
        return False
    values = [exclusive_value(provider, one) for one in set(types)]
    told = {(type(value), value) for value in values if value is not None}
    if len(told) > 1 or any(is_closed(provider, use, one) for one in set(types)):
        return False
    places = places_of(provider)
    wanted = [one for one in types if one in places]
    return choose_places(wanted, places, union_of(use.places)) is not None


def places_of(provider: PlannedProvider) -> dict[str, tuple[str, ...]]:
    """Give the places in which instances may sit, by type; empty where there are no positions."""
    return {
        offer.type: offer.positions.places
        for offer in provider.offers
        if offer.positions is not UNSET and offer.type is not None
    }


def is_closed(provider: PlannedProvider, use: Use, type_name: str) -> bool:
    """Tell whether what is in use excludes a type (R52)."""
    value = exclusive_value(provider, type_name)
    return value is not None and any(not _same(value, one) for one in use.exclusive)


def seen_use(provider: PlannedProvider) -> Use:
    """Give the use of a provider as its host sees it, before anything is allocated."""
    stray: dict[str, int] = {}
    values = set()
    for instance in provider.instances:
        for pool, units in instance.units.items():
            stray[pool] = stray.get(pool, 0) + units
        values.add(instance.exclusive)
    return Use(
        stray=stray,
        exclusive=tuple(sorted((v for v in values if v is not None), key=repr)),
        places=tuple(sorted(_seen_places(provider))),
    )


def _seen_places(provider: PlannedProvider) -> set[str]:
    may, taken = places_of(provider), set[str]()
    for one in provider.instances:
        taken.update(may.get(one.type, ()) if one.place is UNSET else (one.place,))
    return taken


def exclusive_value(provider: PlannedProvider, type_name: str) -> str | int | bool | None:
    """Give the value in which instances of this type must agree with others; None: in none."""
    for offer in provider.offers:
        if offer.type != type_name or offer.exclusive is UNSET:
            continue
        if offer.exclusive.by == "type":
            return type_name
        params = {} if offer.params is UNSET else offer.params
        param = params.get(offer.exclusive.by)
        value = None if param is None or param.value is UNSET else param.value
        return value if isinstance(value, str | int | bool) else None
    return None


def _total(inventories: Mapping[str, Inventory], pool: str) -> int:
    inventory = inventories.get(pool)
    return 0 if inventory is None else inventory.total


def _same(one: object, other: object) -> bool:
    """As in JSON, true is not 1."""
    return type(one) is type(other) and one == other
