"""Inventories and allocations moved together, in one transaction."""

from collections.abc import Mapping, Sequence

from wherry.app.deciding import write_anew
from wherry.app.engine import Engine
from wherry.app.owning import settle_counts
from wherry.app.placement.allocations import Asked, require_there, write_allocations
from wherry.app.placement.contracts import lock_guests
from wherry.app.placement.inventories import replace, require_generation
from wherry.app.placement.names import intern_classes
from wherry.app.placement.refusals import Managed, NoSuchProvider
from wherry.model.inventory import Inventory
from wherry.store.adoption import lock_roots
from wherry.store.placement_allocations import open_consumers, read_holdings
from wherry.store.placement_inventories import read_stock, write_inventory
from wherry.store.placement_plans import move_on
from wherry.store.placement_providers import ProviderRow, lock_providers
from wherry.store.transaction import Tx

Reshaped = Mapping[str, tuple[int, Mapping[str, Inventory]]]
"""Provider to its expected generation and the inventories that it shall have."""


def reshape(engine: Engine, inventories: Reshaped, asked: Sequence[Asked]) -> None:
    """Give providers new inventories and consumers new allocations, all or nothing.

    What is in use may move: new inventories come first, then the allocations move, then the
    old inventories go.

    Raises:
        NoSuchProvider, Managed, GenerationConflict, NoSuchClass, InventoryHeld, and as
        `set_allocations`.
    """

    def write(tx: Tx) -> None:
        now = engine.clock()
        # In the order of all writers: guests, consumers, hosts, then providers.
        lock_guests(tx, [one.consumer for one in asked])
        opened = open_consumers(tx, [one.consumer for one in asked])
        rows = _lock(tx, inventories, asked)
        require_there(tx, asked)
        classes: dict[str, int] = {}
        for uuid, (_, wanted) in inventories.items():
            classes |= intern_classes(tx, wanted)
            write_inventory(tx, rows[uuid], wanted, classes, now=now)
            if wanted:
                move_on(tx, rows[uuid], now=now)
        settle_counts(tx, engine, inventories)
        if asked:
            write_allocations(tx, asked, claim=engine.new_id(), now=now, opened=opened)
        for uuid, (_, wanted) in inventories.items():
            replace(tx, rows[uuid], read_stock(tx, rows[uuid]), wanted, classes, now=now)
            move_on(tx, rows[uuid], now=now)
        settle_counts(tx, engine, inventories)

    write_anew(engine, write)


def _lock(tx: Tx, inventories: Reshaped, asked: Sequence[Asked]) -> dict[str, ProviderRow]:
    """Lock every provider that is given inventories, or held before or after, and its host."""
    touched = {uuid for one in asked for uuid in one.allocations}
    for held in read_holdings(tx, [one.consumer for one in asked]).values():
        touched |= held.allocations.keys()
    touched |= inventories.keys()
    lock_roots(tx, touched)
    rows = lock_providers(tx, touched)
    for uuid, (generation, _) in inventories.items():
        if uuid not in rows:
            raise NoSuchProvider(uuid)
        if rows[uuid].owner == "report":
            raise Managed(uuid)
        require_generation(rows[uuid], generation)
    return rows
