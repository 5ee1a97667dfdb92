"""What consumers hold, as clients write and read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType

from wherry.app.deciding import write_anew
from wherry.app.engine import Engine
from wherry.app.placement.contracts import (
    lock_guests,
    plan_records,
    require_known,
    write_records,
)
from wherry.app.placement.names import in_order, require_classes
from wherry.app.placement.plain_claims import let_go_plainly, take_plainly
from wherry.app.placement.providers import require_provider
from wherry.app.placement.refusals import (
    EXCEEDS,
    VIOLATES,
    ComposedHolder,
    ConsumerConflict,
    DoesNotFit,
    InventoryMissing,
    NothingHeld,
    UnknownProviderInAllocation,
)
from wherry.model.claims import Claim, Holding, Occupant
from wherry.model.errors import (
    CapacityExceeded,
    ConsumerChanged,
    ExclusiveConflict,
    NoPlace,
    NotFound,
    SlotTaken,
    UnitsNotTaken,
)
from wherry.store import placement_allocations as store
from wherry.store import placement_providers
from wherry.store.claims import write_claim
from wherry.store.compositions import find_composed
from wherry.store.placement_allocations import UNKNOWN, Held, Usage
from wherry.store.placement_inventories import read_stock
from wherry.store.placement_providers import ProviderRow
from wherry.store.transaction import Tx

Amounts = Mapping[str, Mapping[str, int]]
"""Provider to class to units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one consumer shall hold.

    Attributes:
        expected: generation that it must have; None: it must not exist; left out: any.
        type: None: as it is.
        occupants: devices by slot that it shall hold, besides those that follow.
    """

    consumer: str
    project: str
    user: str
    type: str | None = None
    expected: int | UnsetType | None = UNSET
    allocations: Amounts = field(default_factory=dict)
    occupants: tuple[Occupant, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOn:
    """What is held on one provider."""

    provider: ProviderRow
    holders: Mapping[str, Held]


def find_allocations(engine: Engine, consumer: str) -> Held | None:
    """Give what a consumer holds; None where it holds nothing."""
    return engine.store.read(lambda tx: store.read_holdings(tx, [consumer])).get(consumer)


def find_held_on(engine: Engine, uuid: str) -> HeldOn:
    """Give what is held on a provider.

    Raises:
        NoSuchProvider: there is none.
    """

    def read(tx: Tx) -> HeldOn:
        row = require_provider(tx, uuid)
        return HeldOn(provider=row, holders=store.read_held_on(tx, row))

    return engine.store.read(read)


def find_usages(
    engine: Engine, *, project: str, user: str | None = None, type_: str | None = None
) -> list[Usage]:
    """Sum up what a project holds, by type of consumer."""
    return engine.store.read(
        lambda tx: store.read_usages(tx, project=project, user=user, kind=type_)
    )


def set_allocations(engine: Engine, asked: Sequence[Asked]) -> None:
    """Make several consumers hold exactly what is said, all or nothing.

    Raises:
        ConsumerConflict, UnknownProviderInAllocation, NoSuchClass, AllocationRefused.
    """
    if len(asked) == 1 and take_plainly(engine, asked[0]):
        return
    write_anew(
        engine,
        lambda tx: write_allocations(tx, asked, claim=engine.new_id(), now=engine.clock()),
    )


def delete_allocations(engine: Engine, consumer: str) -> None:
    """Let go of all that a consumer holds.

    Raises:
        NothingHeld: it holds nothing.
    """
    if let_go_plainly(engine, consumer):
        return

    def write(tx: Tx) -> None:
        held = store.read_holdings(tx, [consumer]).get(consumer)
        if held is None:
            raise NothingHeld(consumer)
        asked = Asked(consumer=consumer, project=held.project, user=held.user)
        write_allocations(tx, [asked], claim=engine.new_id(), now=engine.clock(), is_delete=True)

    write_anew(engine, write)


def write_allocations(
    tx: Tx,
    asked: Sequence[Asked],
    *,
    claim: str,
    now: float,
    is_delete: bool = False,
    opened: frozenset[str] = frozenset(),
) -> None:
    """Write what consumers shall hold in one transaction.

    Args:
        is_delete: whether the client asked to delete, which names no provider.
        opened: consumers that this transaction has made, to hold them.

    Raises: as `set_allocations`.
    """
    guests = lock_guests(tx, [one.consumer for one in asked])
    for composed in sorted(find_composed(tx, [one.consumer for one in asked])):
        raise ComposedHolder(composed)
    held, rows = require_there(tx, asked)
    _require_sound(tx, asked, held, rows)
    records = plan_records(tx, _holdings(tx, asked, held, opened), guests, now=now)
    named = {uuid for one in asked for uuid in one.allocations}
    if not is_delete:
        # Who is to hold nothing counts as naming all that it held.
        named |= {
            uuid
            for one in asked
            if not one.allocations and one.consumer in held
            for uuid in held[one.consumer].allocations
        }
    try:
        outcome = write_claim(tx, Claim(id=claim, holdings=records.holdings), now=now, named=named)
    except CapacityExceeded as error:
        raise DoesNotFit(error.resource_class, error.provider, why=EXCEEDS) from error
    except UnitsNotTaken as error:
        raise DoesNotFit(error.resource_class, error.provider, why=VIOLATES) from error
    except (ExclusiveConflict, NoPlace, SlotTaken) as error:
        raise DoesNotFit(_class_on(asked, error.provider), error.provider, why=EXCEEDS) from error
    except ConsumerChanged as error:
        raise ConsumerConflict(expected=error.found, got=error.expected) from error
    except NotFound as error:
        raise UnknownProviderInAllocation(str(error.name)) from error
    require_known(tx, [one.consumer for one in asked], guests)
    write_records(tx, records, outcome)


def require_there(
    tx: Tx, asked: Sequence[Asked]
) -> tuple[dict[str, Held], Mapping[str, ProviderRow]]:
    """Give what consumers hold and the providers that they shall hold something on, by uuid.

    Raises:
        ConsumerConflict: a consumer is at another generation.
        UnknownProviderInAllocation: there is no such provider.
    """
    held = store.read_holdings(tx, [one.consumer for one in asked])
    for one in asked:
        _require_consumer(one, held.get(one.consumer))
    named = {uuid: None for one in asked for uuid in one.allocations}
    rows = placement_providers.read_named(tx, named)
    for uuid in named:
        if uuid not in rows:
            raise UnknownProviderInAllocation(uuid)
    return held, rows


def _class_on(asked: Sequence[Asked], provider: str) -> str:
    """Name a class that is asked of a provider which gives no such device now."""
    return next(name for one in asked for name in one.allocations.get(provider, ()))


def _require_consumer(asked: Asked, held: Held | None) -> None:
    if asked.expected is UNSET:
        return
    found = None if held is None else held.generation
    if asked.expected != found:
        raise ConsumerConflict(expected=found, got=asked.expected)


def _require_sound(
    tx: Tx, asked: Sequence[Asked], held: Mapping[str, Held], rows: Mapping[str, ProviderRow]
) -> None:
    """Refuse what names an unknown class, or no amount that an inventory gives out."""
    classes = {
        name: None for one in asked for amounts in one.allocations.values() for name in amounts
    }
    require_classes(tx, classes)
    stock = {uuid: read_stock(tx, row) for uuid, row in rows.items()}
    bare = sorted(uuid for uuid in rows if not classes.keys() & stock[uuid].keys())
    if bare:
        # One that another has just deleted has nothing either.
        require_there(tx, asked)
        raise InventoryMissing(in_order(classes.keys() | _let_go(asked, held)), bare)
    for one in asked:
        for uuid, amounts in one.allocations.items():
            for name, amount in amounts.items():
                if name not in stock[uuid]:
                    raise InventoryMissing([name], [uuid])
                limits = stock[uuid][name].inventory
                low, high, step = limits.min_unit, limits.max_unit, limits.step_size
                if not low <= amount <= high or amount % step:
                    raise DoesNotFit(name, uuid, why=VIOLATES)


def _let_go(asked: Sequence[Asked], held: Mapping[str, Held]) -> set[str]:
    """Name the classes of which a consumer shall hold nothing any more; clients read them too."""
    gone = [held[one.consumer] for one in asked if not one.allocations and one.consumer in held]
    return {name for each in gone for amounts in each.allocations.values() for name in amounts}


def _holdings(
    tx: Tx, asked: Sequence[Asked], held: Mapping[str, Held], opened: frozenset[str]
) -> tuple[Holding, ...]:
    occupants = _follow(store.read_occupants(tx, [one.consumer for one in asked]), asked)
    return tuple(
        Holding(
            consumer=one.consumer,
            consumer_type=one.type or _type_of(held.get(one.consumer)),
            project=one.project,
            user=one.user,
            expected_generation=0 if one.consumer in opened else one.expected,
            allocations={uuid: dict(amounts) for uuid, amounts in one.allocations.items()},
            occupants=(*occupants.get(one.consumer, ()), *one.occupants),
        )
        for one in asked
    )


def _type_of(held: Held | None) -> str:
    return UNKNOWN if held is None else held.type


def _follow(
    occupants: Mapping[str, Sequence[Occupant]], asked: Sequence[Asked]
) -> dict[str, list[Occupant]]:
    """Let devices go along with the allocations of their provider.

    A device stays with its consumer while that holds something of the provider; else it
    passes to the one of the request that does, as when allocations move to a migration.
    """
    followed: dict[str, list[Occupant]] = {}
    for consumer, devices in occupants.items():
        order = sorted(asked, key=lambda one: one.consumer != consumer)
        for device in devices:
            for one in order:
                if device.provider in one.allocations:
                    followed.setdefault(one.consumer, []).append(device)
                    break
    return followed
