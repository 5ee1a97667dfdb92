"""Resource providers and their trees, as clients make, move and remove them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType
from sqlalchemy import ColumnElement

from wherry.app.engine import Engine
from wherry.app.owning import settle_owners, withdraw
from wherry.app.placement.names import require_classes, require_traits
from wherry.app.placement.plain_calls import create_plainly
from wherry.app.placement.refusals import (
    BadTree,
    Managed,
    NoSuchProvider,
    ProviderHasChildren,
    ProviderHeld,
    ProviderTaken,
)
from wherry.store import placement_providers as store
from wherry.store import placement_qualities as qualities
from wherry.store import placement_trees as trees
from wherry.store.adoption import free_name, lock_hosts, read_root_names
from wherry.store.placement_inventories import Stock, read_stock
from wherry.store.placement_providers import ProviderRow, provider
from wherry.store.transaction import Tx

AnyOf = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which providers are asked for; all must hold."""

    uuid: str | None = None
    name: str | None = None
    in_tree: str | None = None
    resources: Mapping[str, int] = field(default_factory=dict)
    """Room for so much of each class, each by itself."""
    required: AnyOf = ()
    """Traits: of each set at least one."""
    forbidden: frozenset[str] = frozenset()
    member_of: AnyOf = ()
    """Aggregates: of each set at least one."""
    not_member_of: frozenset[str] = frozenset()


def require_provider(tx: Tx, uuid: str) -> ProviderRow:
    """Read a provider.

    Raises:
        NoSuchProvider: there is none.
    """
    row = store.find_provider(tx, uuid)
    if row is None:
        raise NoSuchProvider(uuid)
    return row


def lock_provider(
    tx: Tx, uuid: str, *, may_be_managed: bool = False, with_host: bool = False
) -> ProviderRow:
    """Lock a provider that a client is to change, and before it its host where that is asked.

    Raises:
        NoSuchProvider: there is none.
        Managed: a report owns it.
    """
    row = store.lock_providers(tx, [uuid], with_hosts=with_host).get(uuid)
    return _require_own(row, uuid, may_be_managed=may_be_managed)


def _require_own(
    row: ProviderRow | None, uuid: str, *, may_be_managed: bool = False
) -> ProviderRow:
    if row is None:
        raise NoSuchProvider(uuid)
    if row.owner == "report" and not may_be_managed:
        raise Managed(uuid)
    return row


def find_provider(engine: Engine, uuid: str) -> ProviderRow:
    """Give one provider.

    Raises:
        NoSuchProvider: there is none.
    """
    return engine.store.read(lambda tx: require_provider(tx, uuid))


def create_provider(engine: Engine, *, uuid: str, name: str, parent: str | None) -> ProviderRow:
    """Make a provider that has nothing yet.

    Raises:
        BadTree: the parent does not exist, or is the provider itself.
        ProviderTaken: another has the uuid or name.
    """
    made = create_plainly(engine, uuid=uuid, name=name, parent=parent)
    return made or create_closely(engine, uuid=uuid, name=name, parent=parent)


def create_closely(engine: Engine, *, uuid: str, name: str, parent: str | None) -> ProviderRow:
    """Make a provider whatever else is to be done for that; as `create_provider`."""

    def write(tx: Tx) -> ProviderRow:
        if not name:
            raise BadTree("create", "name is required")
        if parent is None:
            lock_hosts(tx, [name])
        above = _parent_of_new(tx, uuid, parent)
        hosts = _require_free(tx, uuid, name, above)
        made = trees.insert_provider(tx, uuid=uuid, name=name, parent=above, now=engine.clock())
        if made is None:
            raise ProviderTaken(f"name: {name}")
        settle_owners(tx, engine, hosts)
        return made

    return engine.store.write(write)


def _require_free(tx: Tx, uuid: str, name: str, above: ProviderRow | None) -> list[str]:
    """Refuse a uuid or a name that another has; a report's provider may give way.

    Gives the host, if it reports, in whose tree the provider is to stand.

    Raises:
        ProviderTaken: with the first of the two, as engines name it.
    """
    root = None if above is None else above.root
    holders, hosts = store.find_holders(tx, uuid=uuid, name=name, root=root)
    if any(holder.owner == "report" and holder.name == name for holder in holders):
        free_name(tx, name, is_root=above is None)
        holders, _ = store.find_holders(tx, uuid=uuid, name=name, root=root)
    if any(holder.uuid == uuid for holder in holders):
        raise ProviderTaken(f"uuid: {uuid}")
    if holders:
        raise ProviderTaken(f"name: {name}")
    return hosts


def _parent_of_new(tx: Tx, uuid: str, parent: str | None) -> ProviderRow | None:
    if parent is None:
        return None
    if parent == uuid:
        reason = (
            "parent provider UUID cannot be same as UUID. Please set parent provider UUID to "
            "None if there is no parent."
        )
        raise BadTree("create", reason)
    above = store.lock_providers(tx, [parent], with_hosts=True).get(parent)
    if above is None:
        raise BadTree("create", "parent provider UUID does not exist.")
    return above


def update_provider(
    engine: Engine, uuid: str, *, name: str, parent: str | UnsetType | None, may_move: bool
) -> ProviderRow:
    """Rename a provider, or put it with all below it under another parent.

    Args:
        parent: uuid of the new parent; None: none; left out: as it is.
        may_move: whether one that has a parent may get another, or none.

    Raises:
        NoSuchProvider, Managed, BadTree, ProviderTaken.
    """

    def write(tx: Tx) -> ProviderRow:
        named = [uuid] if parent is UNSET or parent is None else [uuid, parent]
        lock_hosts(tx, {name, *read_root_names(tx, named)})
        row, wanted, tree = _lock_move(tx, uuid, parent)
        above = _new_parent(row, wanted, tree, may_move=may_move)
        before = _root_name(tx, row)
        free_name(tx, name, is_root=above is None)
        if not trees.update_provider(tx, row, name=name, parent=above, now=engine.clock()):
            raise ProviderTaken(name)
        settle_owners(tx, engine, {before, _root_name(tx, require_provider(tx, uuid))})
        return require_provider(tx, uuid)

    return engine.store.write(write)


def _root_name(tx: Tx, row: ProviderRow) -> str:
    """Name the root of a provider's tree."""
    return row.name if row.parent is None else require_provider(tx, row.root).name


Tree = Mapping[str, ProviderRow]


def _lock_move(
    tx: Tx, uuid: str, parent: str | UnsetType | None
) -> tuple[ProviderRow, str | None, Tree]:
    """Lock a provider, and where it gets another parent the trees of both, all in one order.

    Gives the provider, the parent that it shall have, and what is known of that one's tree.
    """
    before = require_provider(tx, uuid)
    if parent is UNSET or parent == before.parent:
        row = lock_provider(tx, uuid)
        # Another may have moved it before its lock was had.
        if parent is UNSET or parent == row.parent:
            named = [] if row.parent is None else [row.parent]
            return row, row.parent, store.read_named(tx, named)
    tree = store.lock_trees(tx, [uuid] if parent is None else [uuid, parent])
    return _require_own(tree.get(uuid), uuid), parent, tree


def _new_parent(
    row: ProviderRow, wanted: str | None, tree: Tree, *, may_move: bool
) -> ProviderRow | None:
    if wanted is None:
        if row.parent is not None and not may_move:
            raise BadTree("update", "un-parenting a provider is not currently allowed.")
        return None
    above = tree.get(wanted)
    if above is None:
        raise BadTree("create", "parent provider UUID does not exist.")
    if wanted == row.parent:
        return above
    if row.parent is not None and not may_move:
        raise BadTree("update", "re-parenting a provider is not currently allowed.")
    if row.uuid in _line(tree, above):
        raise BadTree("update", "creating loop in the provider tree is not allowed.")
    return above


def _line(tree: Tree, row: ProviderRow) -> set[str]:
    """A provider and all that stand above it."""
    line: set[str] = set()
    at: str | None = row.uuid
    while at is not None:
        line.add(at)
        at = tree[at].parent
    return line


def delete_provider(engine: Engine, uuid: str) -> None:
    """Remove a provider on which nothing is held.

    Raises:
        NoSuchProvider, Managed, ProviderHasChildren, ProviderHeld.
    """

    def write(tx: Tx) -> None:
        row = lock_provider(tx, uuid, with_host=True)
        root = _root_name(tx, row)
        if row.parent is None:
            withdraw(tx, row.name)
        if store.has_children(tx, row):
            raise ProviderHasChildren
        if store.is_held(tx, row):
            raise ProviderHeld
        trees.delete_provider(tx, require_provider(tx, uuid))
        settle_owners(tx, engine, [root])

    engine.store.write(write)


def list_providers(engine: Engine, filters: Filters) -> list[ProviderRow]:
    """List the providers that meet all filters.

    Raises:
        NoSuchClass, NoSuchTrait: a filter names one that does not exist.
    """

    def read(tx: Tx) -> list[ProviderRow]:
        where: list[ColumnElement[bool]] = []
        if filters.uuid is not None:
            where.append(provider.c.uuid == filters.uuid)
        if filters.name is not None:
            where.append(provider.c.name == filters.name)
        if filters.in_tree is not None:
            root = store.find_provider(tx, filters.in_tree)
            if root is None:
                return []
            where.append(store.in_tree_of(root))
        kept = _with_qualities(tx, filters)
        if kept is None:
            return []
        require_classes(tx, filters.resources)
        rows = [row for row in store.find_providers(tx, *where) if kept(row.id)]
        if not filters.resources:
            return rows
        return [row for row in rows if _has_room(tx, row, filters.resources)]

    return engine.store.read(read)


def _with_qualities(tx: Tx, filters: Filters) -> Callable[[int], bool] | None:
    """Say which providers have the right traits and aggregates, by id.

    None: no provider has those that are wanted, and nothing that is asked besides is looked at,
    as clients know it: a name that does not exist is then no error.
    """
    by_traits = filters.required or filters.forbidden
    traits = qualities.read_traits(tx) if by_traits else {}
    require_traits(tx, frozenset[str]().union(*filters.required))
    if not _is_met(traits, filters.required):
        return None
    require_traits(tx, filters.forbidden)
    by_aggregates = filters.member_of or filters.not_member_of
    aggregates = qualities.read_aggregates(tx) if by_aggregates else {}
    if not _is_met(aggregates, filters.member_of):
        return None
    return lambda number: (
        _meets(traits.get(number, ()), filters.required, filters.forbidden)
        and _meets(aggregates.get(number, ()), filters.member_of, filters.not_member_of)
    )


def _is_met(has: Mapping[int, Iterable[str]], wanted: AnyOf) -> bool:
    """Whether any provider at all has what is wanted."""
    return not wanted or any(_meets(names, wanted, frozenset()) for names in has.values())


def _meets(has: Iterable[str], wanted: AnyOf, unwanted: frozenset[str]) -> bool:
    names = set(has)
    return all(names & either for either in wanted) and not names & unwanted


def _has_room(tx: Tx, row: ProviderRow, resources: Mapping[str, int]) -> bool:
    stock = read_stock(tx, row)
    return all(name in stock and _takes(stock[name], amount) for name, amount in resources.items())


def _takes(stock: Stock, amount: int) -> bool:
    limits = stock.inventory
    return (
        limits.min_unit <= amount <= limits.max_unit
        and amount % limits.step_size == 0
        and stock.used + amount <= limits.capacity
    )
