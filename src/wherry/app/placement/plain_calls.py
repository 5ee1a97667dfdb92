"""What most of a client's writes to one provider are, done in one trip.

Each gives None where there is more to do, or something is refused; nothing was written then, and
the use case looks closer and finds the words.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wherry.model.inventory import Inventory
from wherry.store import client_calls
from wherry.store.placement_inventories import Stock, held_stock
from wherry.store.placement_providers import ProviderRow, new_row

if TYPE_CHECKING:
    from wherry.app.engine import Engine


def create_plainly(
    engine: "Engine", *, uuid: str, name: str, parent: str | None
) -> ProviderRow | None:
    """Make a provider that has nothing yet."""
    if not name or parent == uuid:
        return None
    now = engine.clock()
    made = client_calls.make_provider(engine.store, uuid=uuid, name=name, parent=parent, now=now)
    if made is None:
        return None
    return new_row(made, uuid=uuid, name=name, parent=parent, now=now)


def set_inventories_plainly(
    engine: "Engine",
    uuid: str,
    inventories: Mapping[str, Inventory],
    *,
    generation: int | None,
    may_equal: bool,
) -> tuple[int, Mapping[str, Stock] | None] | None:
    """Make a provider's inventories these; gives its generation and what it has after that.

    What it has is None where somebody has just given one of the classes another name.
    """
    if generation is None or not inventories:
        return None
    if any(is_overdrawn(each, may_equal=may_equal) for each in inventories.values()):
        return None
    now = engine.clock()
    done = client_calls.set_inventories(
        engine.store, uuid, inventories, generation=generation, now=now
    )
    if done is None:
        return None
    seen, use = done
    if any(each.name not in inventories for each in use):
        return seen, None
    return seen, {each.name: held_stock(inventories[each.name], each, now=now) for each in use}


def set_traits_plainly(
    engine: "Engine", uuid: str, names: Sequence[str], *, generation: int | None
) -> tuple[int, Mapping[str, float | None]] | None:
    """Make a client's traits these; gives the generation, and when each trait was made."""
    if generation is None:
        return None
    once = sorted(set(names))
    return client_calls.set_traits(
        engine.store, uuid, once, generation=generation, now=engine.clock()
    )


def set_aggregates_plainly(
    engine: "Engine", uuid: str, uuids: Sequence[str], *, generation: int | None
) -> int | None:
    """Make a provider belong to these aggregates; gives its generation after that."""
    if generation is None:
        return None
    once = tuple(dict.fromkeys(uuids))
    return client_calls.set_aggregates(
        engine.store, uuid, once, generation=generation, now=engine.clock()
    )


def is_overdrawn(inventory: Inventory, *, may_equal: bool) -> bool:
    """Whether more is reserved than there is."""
    capacity = inventory.capacity
    return capacity < 0 or (capacity == 0 and not may_equal)
