"""What a provider is besides what it has: its traits and its aggregates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wherry.app.engine import Engine
from wherry.app.placement.inventories import require_generation
from wherry.app.placement.names import Times, intern_traits
from wherry.app.placement.plain_calls import set_aggregates_plainly, set_traits_plainly
from wherry.app.placement.providers import lock_provider, require_provider
from wherry.store import placement_qualities as store
from wherry.store.placement_plans import move_on, move_silently
from wherry.store.placement_providers import ProviderRow
from wherry.store.transaction import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """A provider's traits, each with the time at which it was made."""

    names: Times
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregates:
    """The aggregates that a provider belongs to."""

    uuids: Sequence[str]
    generation: int


def find_traits(engine: Engine, uuid: str) -> Traits:
    """Give a provider's traits.

    Raises:
        NoSuchProvider: there is none.
    """

    def read(tx: Tx) -> Traits:
        row = require_provider(tx, uuid)
        return Traits(names=_traits(tx, row), generation=row.generation)

    return engine.store.read(read)


def set_traits(
    engine: Engine, uuid: str, names: Sequence[str], *, generation: int | None
) -> Traits:
    """Make a client's own traits of a provider exactly these.

    What a host's report derives is there besides, whatever is asked, and becomes the client's
    own by no request that names it.

    Raises:
        NoSuchProvider, Managed, GenerationConflict, NoSuchTrait.
    """
    done = set_traits_plainly(engine, uuid, names, generation=generation)
    if done is not None:
        return Traits(names=done[1], generation=done[0])
    return set_traits_closely(engine, uuid, names, generation=generation)


def set_traits_closely(
    engine: Engine, uuid: str, names: Sequence[str], *, generation: int | None
) -> Traits:
    """Set traits whatever else is to be done for that; as `set_traits`."""

    def write(tx: Tx) -> Traits:
        row = lock_provider(tx, uuid)
        require_generation(row, generation)
        own, derived, found = store.read_both_traits(tx, row.id, sorted(set(names)))
        numbers, times = intern_traits(tx, names, found)
        # A client that reads, changes and writes back names what a report derives as well.
        wanted = numbers.keys() - (derived.keys() - own.keys())
        generation_ = row.generation
        if wanted != own.keys():
            store.set_traits(tx, row.id, (numbers[name] for name in wanted), had=bool(own))
            generation_ = move_on(tx, row, now=engine.clock())
        both = {name: times[name] for name in wanted} | derived
        return Traits(names=dict(sorted(both.items())), generation=generation_)

    return engine.store.write(write)


def find_aggregates(engine: Engine, uuid: str) -> Aggregates:
    """Give the aggregates that a provider belongs to.

    Raises:
        NoSuchProvider: there is none.
    """

    def read(tx: Tx) -> Aggregates:
        row = require_provider(tx, uuid)
        return Aggregates(uuids=_aggregates(tx, row), generation=row.generation)

    return engine.store.read(read)


def set_aggregates(
    engine: Engine, uuid: str, uuids: Sequence[str], *, generation: int | None
) -> Aggregates:
    """Make a provider belong to exactly these aggregates; also one that a report owns.

    Args:
        generation: that the provider must have, which then moves on; None: any, and it stays.

    Raises:
        NoSuchProvider, GenerationConflict.
    """
    seen = set_aggregates_plainly(engine, uuid, uuids, generation=generation)
    if seen is not None:
        return Aggregates(uuids=tuple(uuids), generation=seen)
    return set_aggregates_closely(engine, uuid, uuids, generation=generation)


def set_aggregates_closely(
    engine: Engine, uuid: str, uuids: Sequence[str], *, generation: int | None
) -> Aggregates:
    """Set aggregates whatever else is to be done for that; as `set_aggregates`."""

    def write(tx: Tx) -> Aggregates:
        row = lock_provider(tx, uuid, may_be_managed=True)
        require_generation(row, generation)
        store.write_aggregates(tx, row, uuids)
        if generation is None:
            move_silently(tx, [uuid])
            return Aggregates(uuids=tuple(uuids), generation=row.generation)
        now = move_on(tx, row, now=engine.clock())
        return Aggregates(uuids=tuple(uuids), generation=now)

    return engine.store.write(write)


def _traits(tx: Tx, row: ProviderRow) -> Mapping[str, float | None]:
    return store.read_traits(tx, [row.id]).get(row.id, {})


def _aggregates(tx: Tx, row: ProviderRow) -> Sequence[str]:
    held = store.read_aggregates(tx, store.aggregates_of(row))
    return held.get(row.id, [])
