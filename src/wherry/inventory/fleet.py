"""The fleet in memory: every host as of the last change that was read.

One thread applies changes; any number of threads read.  A reader takes `Fleet.view` and
keeps one consistent moment: nothing in a view ever changes, a change makes new values for
the hosts it touches and shares all others.

Source: design, section 6 ("Truth, columns, claims").
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from zlib import crc32

from wherry.inventory.following import LastColumns
from wherry.inventory.host_columns import HostColumns
from wherry.inventory.host_view import (
    NO_NODE,
    HostView,
    OfferView,
    ProviderView,
    Room,
    is_unsettled,
)
from wherry.inventory.hostplan import NUMA_TRAIT
from wherry.inventory.interning import Interner, Shape, Shared, intern_facts, intern_shape
from wherry.inventory.islands import Island, Member, intern_island, split_islands
from wherry.model.changes import Change, Removed
from wherry.model.checks import HostFacts
from wherry.model.device import Offer
from wherry.model.inventory import HostRecord, Inventory, PlannedProvider, ProviderRecord

SHARDS = 256
"""A change copies one shard's references, not those of the whole fleet."""

Shard = Mapping[str, HostView]


@dataclass(frozen=True, slots=True)
class FleetView:
    """All hosts as of one moment.

    Attributes:
        picky: names of the hosts that do not take every new guest, for their state or tenants.
    """

    shards: tuple[Shard, ...]
    picky: frozenset[str] = frozenset()
    last_columns: LastColumns = field(default_factory=LastColumns, compare=False, repr=False)
    """Shared by all moments of a fleet."""

    @property
    def columns(self) -> HostColumns:
        """The same hosts as columns; made when asked, from those made last."""
        return self.last_columns.of(self.shards)

    def __iter__(self) -> Iterator[HostView]:
        for shard in self.shards:
            yield from shard.values()

    def __len__(self) -> int:
        return sum(map(len, self.shards))

    def get(self, name: str) -> HostView | None:
        """Find a host by its name; None if there is no such."""
        return self.shards[_shard_of(name)].get(name)


_NOBODY: tuple[Shard, ...] = tuple({} for _ in range(SHARDS))


class Fleet:
    """Holds the fleet and applies what the change feed brings."""

    def __init__(self) -> None:
        self._view = FleetView(_NOBODY)
        self._hosts: dict[str, HostRecord] = {}
        self._providers: dict[str, dict[str, ProviderView]] = {}
        """Host to its providers by uuid; a host's may come before the host itself."""
        self._home: dict[str, str | None] = {}
        """Provider to its host; None where it belongs to none."""
        self._generations: dict[tuple[str, str], int] = {}
        """What and key to the last generation seen; of what is gone as well."""
        self._shapes: Interner[Shape] = Interner()
        self._facts: Interner[Shared[HostFacts]] = Interner()
        self._islands: Interner[Island] = Interner()

    @property
    def view(self) -> FleetView:
        """The present moment; safe to read while changes are applied."""
        return self._view

    @property
    def shape_count(self) -> int:
        """Distinct shapes that the hosts have now."""
        return len(self._shapes)

    def distinct_offers(self) -> list[Offer]:
        """Give the offers of hosts, those that are alike once, in no order."""
        return [shape.value for shape in self._shapes.values()]

    def distinct_facts(self) -> list[HostFacts]:
        """Give the facts of hosts, those that are alike once, in no order."""
        return [facts.value for facts in self._facts.values()]

    def home_of(self, provider: str) -> str | None:
        """Name the host of a provider; None if it has none or is not known."""
        return self._home.get(provider)

    def apply(self, changes: Iterable[Change]) -> frozenset[str]:
        """Take changes that are newer than what is held, in any order.

        Returns the names of the hosts whose view is another one now.
        """
        touched: set[str] = set()
        for change in changes:
            if self._is_news(change):
                touched.update(self._take(change))
        before = self._view
        shards = self._show(touched, before.shards)
        self._view = replace(before, shards=shards, picky=self._picky(touched, before.picky))
        return frozenset(touched)

    def reload(self, changes: Iterable[Change]) -> frozenset[str]:
        """Become exactly what these changes say: what was held is void, generations too.

        Readers of `view` see the fleet as it was or as it is then, never less.  If a change
        cannot be taken, the old one stays in view, and only another reload can follow.

        Returns the names of all hosts that were known or are now.
        """
        known = {host.name for host in self._view}
        self._hosts, self._providers, self._generations = {}, {}, {}
        self._home = {}
        touched: set[str] = set()
        for change in changes:
            if self._is_news(change):
                touched.update(self._take(change))
        shards, picky = self._show(touched, _NOBODY), self._picky(touched, frozenset())
        self._view = replace(self._view, shards=shards, picky=picky)
        return frozenset(known | touched)

    def _is_news(self, change: Change) -> bool:
        """Whether a change is newer than all that was seen of its object; then remember it."""
        key, generation = _stamp(change)
        # What is gone is held apart from what was last seen: a tombstone has the object's own
        # last generation, and still comes after it.
        last = self._generations.get(key)
        gone = isinstance(change, Removed)
        if last is not None and (generation < last or (generation == last and not gone)):
            return False
        self._generations[key] = generation
        return True

    def _take(self, change: Change) -> set[str]:
        match change:
            case ProviderRecord():
                return self._take_provider(change)
            case HostRecord():
                self._hosts[change.name] = change
                return {change.name}
            case Removed(what="host"):
                self._hosts.pop(change.key, None)
                return {change.key}
            case Removed():
                return self._drop_provider(change.key)

    def _take_provider(self, record: ProviderRecord) -> set[str]:
        uuid = record.plan.uuid
        before = self._held(uuid)
        touched = set() if before is None else self._drop_provider(uuid)
        self._home[uuid] = record.host
        if record.host is None:
            return touched
        # Claims do not change what is offered: the shapes of the same facts stay.
        same = before is not None and before.record.plan.offers == record.plan.offers
        shapes = (
            before.shapes
            if before is not None and same
            else tuple(intern_shape(self._shapes, offer) for offer in record.plan.offers)
        )
        view = ProviderView(record=record, shapes=shapes)
        self._providers.setdefault(record.host, {})[uuid] = view
        return touched | {record.host}

    def _drop_provider(self, uuid: str) -> set[str]:
        host = self._home.pop(uuid, None)
        if host is None:
            return set()
        siblings = self._providers[host]
        del siblings[uuid]
        if not siblings:
            del self._providers[host]
        return {host}

    def _held(self, uuid: str) -> ProviderView | None:
        host = self._home.get(uuid)
        return None if host is None else self._providers[host].get(uuid)

    def _show(self, names: set[str], shards: tuple[Shard, ...]) -> tuple[Shard, ...]:
        """Make new views of these hosts, and share all others."""
        fresh = {number: dict(shards[number]) for number in map(_shard_of, names)}
        for name in names:
            shard = fresh[_shard_of(name)]
            record = self._hosts.get(name)
            if record is None:
                shard.pop(name, None)
            else:
                shard[name] = self._make_view(record)
        return tuple(fresh.get(n, shard) for n, shard in enumerate(shards))

    def _picky(self, names: set[str], before: frozenset[str]) -> frozenset[str]:
        """Name the hosts that do not take every new guest; mostly the very same set."""
        records = {name: self._hosts.get(name) for name in names}
        picky = {name for name, one in records.items() if one and not one.is_open}
        return before if picky == names & before else (before - names) | picky

    def _make_view(self, record: HostRecord) -> HostView:
        held = self._providers.get(record.name, {})
        providers = sorted(held.values(), key=lambda p: (p.record.plan.name, p.uuid))
        placed = self._place_islands(providers)
        root = next((each for each in providers if each.record.plan.parent is None), None)
        room = _sum_room(providers)
        return HostView(
            name=record.name,
            record=record,
            facts=intern_facts(self._facts, record.check),
            root=root,
            providers=tuple(providers),
            islands=tuple(island for island, _ in placed),
            nodes=_nodes_of([offers for _, offers in placed], providers),
            offers=tuple(offer for _, offers in placed for offer in offers),
            room=room,
            unused=_mean_unused(room),
            root_room={} if root is None else _free_by_class(root),
            root_limits={} if root is None else _limits(root),
            unsettled=tuple(_device_name(p) for p in providers if is_unsettled(p.record)),
        )

    def _place_islands(self, providers: list[ProviderView]) -> list[tuple[Island, list[OfferView]]]:
        """Put the offers of a host into islands, and these into their order."""
        views: list[OfferView] = []
        members: list[Member] = []
        for provider in providers:
            for index, offer in enumerate(provider.offers):
                shape = provider.shapes[index]
                members.append(Member(provider.uuid, offer, shape, len(views)))
                views.append(OfferView(provider, index, shape))
        placed = [
            (intern_island(self._islands, part), [views[member.position] for member in part])
            for part in split_islands(members)
        ]
        # The sort is stable, so equal islands stand by name.
        return sorted(placed, key=lambda each: each[0].rank)


def _nodes_of(islands: list[list[OfferView]], providers: list[ProviderView]) -> tuple[int, ...]:
    """Number the NUMA nodes of islands in the order in which they come."""
    plans = {each.uuid: each.record.plan for each in providers}
    if not any(NUMA_TRAIT in plan.traits for plan in plans.values()):
        return (NO_NODE,) * len(islands)
    numbers: dict[str | None, int] = {None: NO_NODE}
    found = []
    for offers in islands:
        nodes = {_node_above(each.provider.uuid, plans) for each in offers}
        node = nodes.pop() if len(nodes) == 1 else None
        found.append(numbers.setdefault(node, len(numbers) - 1))
    return tuple(found)


def _node_above(uuid: str | None, plans: Mapping[str, PlannedProvider]) -> str | None:
    """Find the node that a provider stands below; None where none is known."""
    while uuid is not None and uuid in plans:
        if NUMA_TRAIT in plans[uuid].traits:
            return uuid
        uuid = plans[uuid].parent
    return None


def _shard_of(name: str) -> int:
    return crc32(name.encode()) % SHARDS


def _stamp(change: Change) -> tuple[tuple[str, str], int]:
    match change:
        case ProviderRecord():
            return ("provider", change.plan.uuid), change.generation
        case HostRecord():
            return ("host", change.name), change.generation
        case Removed():
            return (change.what, change.key), change.generation


def _device_name(provider: ProviderView) -> str:
    plan = provider.record.plan
    return plan.device or plan.name


def _mean_unused(room: Mapping[str, Room]) -> float:
    fractions = [here.free / here.total for here in room.values() if here.total > 0]
    return sum(fractions) / len(fractions) if fractions else 1.0


def _limits(provider: ProviderView) -> dict[str, Inventory]:
    inventories = provider.record.plan.inventories
    return {name: each for name, each in inventories.items() if _is_limited(each)}


def _is_limited(inventory: Inventory) -> bool:
    return (
        inventory.min_unit > 1 or inventory.step_size > 1 or inventory.max_unit < inventory.capacity
    )


def _free_by_class(provider: ProviderView) -> dict[str, int]:
    return {name: provider.free(name) for name in provider.record.plan.inventories}


def _sum_room(providers: list[ProviderView]) -> dict[str, Room]:
    """Sum up free units and capacity by class; views count nothing of their own."""
    room: dict[str, Room] = {}
    for provider in providers:
        plan = provider.record.plan
        for name, inventory in plan.inventories.items():
            if name in plan.views:
                continue
            free, total = room.get(name, Room(0, 0))
            capacity = inventory.capacity
            room[name] = Room(free + max(0, provider.free(name)), total + max(0, capacity))
    return room
