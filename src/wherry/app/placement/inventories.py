"""What a provider has: inventories, and what is used of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wherry.app.engine import Engine
from wherry.app.owning import settle_counts
from wherry.app.placement.names import in_order, intern_classes
from wherry.app.placement.plain_calls import is_overdrawn, set_inventories_plainly
from wherry.app.placement.providers import lock_provider, require_provider
from wherry.app.placement.refusals import (
    BadCapacity,
    GenerationConflict,
    InventoryExists,
    InventoryHeld,
    NoSuchInventory,
)
from wherry.model.inventory import Inventory
from wherry.store.placement_inventories import (
    Stock,
    drop_inventory,
    fresh_stock,
    read_stock,
    read_stock_and_classes,
    write_inventory,
)
from wherry.store.placement_plans import move_on
from wherry.store.placement_providers import ProviderRow
from wherry.store.transaction import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Stocked:
    """A provider with its inventories.

    Attributes:
        uuid: of the provider.
        generation: of the provider, after a write.
    """

    uuid: str
    generation: int
    stock: Mapping[str, Stock]


Change = Callable[
    [Tx, ProviderRow, Mapping[str, Stock], Mapping[str, int]], Mapping[str, Stock] | None
]
"""Takes what there is, and the ids that classes have; may say what is there afterwards."""


def find_inventories(engine: Engine, uuid: str) -> Stocked:
    """Give a provider's inventories with their use.

    Raises:
        NoSuchProvider: there is none.
    """

    def read(tx: Tx) -> Stocked:
        row = require_provider(tx, uuid)
        return Stocked(uuid=uuid, generation=row.generation, stock=read_stock(tx, row))

    return engine.store.read(read)


def set_inventories(
    engine: Engine,
    uuid: str,
    inventories: Mapping[str, Inventory],
    *,
    generation: int | None,
    may_equal: bool,
) -> Stocked:
    """Make a provider's inventories exactly these.

    Args:
        generation: that the provider must have; None: any.
        may_equal: whether as much may be reserved as there is.

    Raises:
        NoSuchProvider, Managed, GenerationConflict, BadCapacity, NoSuchClass, InventoryHeld.
    """
    done = set_inventories_plainly(
        engine, uuid, inventories, generation=generation, may_equal=may_equal
    )
    if done is not None:
        generation_, stock = done
        if stock is None:
            return find_inventories(engine, uuid)
        return Stocked(uuid=uuid, generation=generation_, stock=stock)
    return set_inventories_closely(
        engine, uuid, inventories, generation=generation, may_equal=may_equal
    )


def set_inventories_closely(
    engine: Engine,
    uuid: str,
    inventories: Mapping[str, Inventory],
    *,
    generation: int | None,
    may_equal: bool,
) -> Stocked:
    """Set inventories whatever else is to be done for that; as `set_inventories`."""

    def change(
        tx: Tx, row: ProviderRow, stock: Mapping[str, Stock], known: Mapping[str, int]
    ) -> Mapping[str, Stock] | None:
        require_capacity(uuid, inventories, may_equal=may_equal)
        classes = intern_classes(tx, inventories, known=known)
        now = engine.clock()
        replace(tx, row, stock, inventories, classes, now=now)
        is_fresh = not stock and row.host is None
        return fresh_stock(inventories, classes, now=now) if is_fresh else None

    return _write(engine, uuid, change, names=tuple(inventories), generation=generation)


def add_inventory(
    engine: Engine,
    uuid: str,
    name: str,
    inventory: Inventory,
    *,
    may_equal: bool,
) -> Stocked:
    """Give a provider one more inventory.

    Raises:
        NoSuchProvider, Managed, BadCapacity, NoSuchClass, InventoryExists.
    """

    def change(
        tx: Tx, row: ProviderRow, stock: Mapping[str, Stock], known: Mapping[str, int]
    ) -> None:
        require_capacity(uuid, {name: inventory}, may_equal=may_equal)
        classes = intern_classes(tx, [name], known=known)
        if name in stock:
            raise InventoryExists(name, uuid)
        write_inventory(tx, row, {name: inventory}, classes, now=engine.clock())

    return _write(engine, uuid, change, names=[name])


def update_inventory(
    engine: Engine,
    uuid: str,
    name: str,
    inventory: Inventory,
    *,
    generation: int,
    may_equal: bool,
) -> Stocked:
    """Give an inventory that is there new limits; they may be below what is used.

    Raises:
        NoSuchProvider, Managed, GenerationConflict, BadCapacity, NoSuchClass, NoSuchInventory.
    """

    def change(
        tx: Tx, row: ProviderRow, stock: Mapping[str, Stock], known: Mapping[str, int]
    ) -> None:
        require_capacity(uuid, {name: inventory}, may_equal=may_equal)
        classes = intern_classes(tx, [name], known=known)
        if name not in stock:
            raise NoSuchInventory(name)
        write_inventory(tx, row, {name: inventory}, classes, now=engine.clock())

    return _write(engine, uuid, change, names=[name], generation=generation)


def delete_inventory(engine: Engine, uuid: str, name: str) -> None:
    """Take an inventory of which nothing is held away.

    Raises:
        NoSuchProvider, Managed, NoSuchClass, NoSuchInventory, InventoryHeld.
    """

    def change(
        tx: Tx, row: ProviderRow, stock: Mapping[str, Stock], known: Mapping[str, int]
    ) -> None:
        intern_classes(tx, [name], known=known)
        if name not in stock:
            raise NoSuchInventory(name)
        replace(tx, row, {name: stock[name]}, {}, {}, now=engine.clock())

    _write(engine, uuid, change, names=[name])


def require_capacity(uuid: str, inventories: Mapping[str, Inventory], *, may_equal: bool) -> None:
    """Refuse inventories that reserve more than there is.

    Raises:
        BadCapacity: with the class.
    """
    for name, inventory in inventories.items():
        if is_overdrawn(inventory, may_equal=may_equal):
            raise BadCapacity(name, uuid, may_equal=may_equal)


def require_generation(row: ProviderRow, generation: int | None) -> None:
    """Refuse what was decided on an older state of a provider.

    Raises:
        GenerationConflict: it is at another generation.
    """
    if generation is not None and generation != row.generation:
        raise GenerationConflict(uuid=row.uuid, expected=generation, found=row.generation)


def replace(
    tx: Tx,
    row: ProviderRow,
    stock: Mapping[str, Stock],
    inventories: Mapping[str, Inventory],
    classes: Mapping[str, int],
    *,
    now: float,
) -> None:
    """Write inventories and remove the other ones of *stock*.

    Args:
        classes: ids of the classes of the inventories.

    Raises:
        InventoryHeld: something is held of one that is to go.
    """
    dropped = stock.keys() - inventories.keys()
    held = in_order(name for name in dropped if stock[name].used)
    if held:
        raise InventoryHeld(held, row.uuid)
    drop_inventory(tx, row, set(dropped))
    write_inventory(tx, row, inventories, classes, now=now)


def _write(
    engine: Engine,
    uuid: str,
    change: Change,
    *,
    names: Sequence[str],
    generation: int | None = None,
) -> Stocked:
    """Change inventories of some classes under lock."""

    def write(tx: Tx) -> Stocked:
        row = lock_provider(tx, uuid, with_host=True)
        require_generation(row, generation)
        stock = change(tx, row, *read_stock_and_classes(tx, row, names))
        now = move_on(tx, row, now=engine.clock())
        if row.host is not None:
            settle_counts(tx, engine, [uuid])
        if stock is None:
            stock = read_stock(tx, row)
        return Stocked(uuid=uuid, generation=now, stock=stock)

    return engine.store.write(write)
