"""A pool as a meter: what is held, by whom, what nobody can have, and what is free."""

from collections.abc import Iterator
from dataclasses import dataclass

from wherry.inventory.views import pool_free
from wherry.inventory.words import unit_of
from wherry.model.inventory import ProviderRecord
from wherry.model.wire import Holder


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a meter: where it begins and how long it is, of 1000."""

    kind: str
    start: float
    length: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One pool of a provider.

    Attributes:
        total: units there are; capacity may be more, where it is overcommitted.
        capacity: units that can be held at once.
        held: units that are allocated.
        reserved: units that nobody can hold.
        stray: units that instances take which nobody allocated.
        free: units that can still be held.
        holders: consumer, and how many units it holds.
    """

    name: str
    unit: str
    total: int
    capacity: int
    held: int
    reserved: int
    stray: int
    free: int
    holders: tuple[tuple[Holder, int], ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The meter from left to right; what is free is the rest of it."""
        whole = max(self.capacity + self.reserved, self.held + self.stray + self.reserved, 1)
        return tuple(_parts(self, whole))

    @property
    def sentence(self) -> str:
        """The same in words: all that is not zero, and what is free."""
        said = [f"{self.held:,} held"]
        if self.stray:
            said.append(f"{self.stray:,} taken by instances nobody allocated")
        if self.reserved:
            said.append(f"{self.reserved:,} reserved")
        of = (
            f"{self.total:,}" if self.capacity + self.reserved == self.total else self.overcommitted
        )
        return f"{', '.join(said)}, {self.free:,} free of {of} {self.unit}"

    @property
    def overcommitted(self) -> str:
        """How much can be held of how much there is."""
        return f"{self.capacity:,} that can be held ({self.total:,} there are)"


def meters_of(provider: ProviderRecord, holders: tuple[Holder, ...]) -> tuple[Meter, ...]:
    """Make a meter of each pool of a provider, by name."""
    return tuple(_meter(provider, name, holders) for name in sorted(provider.plan.inventories))


def _meter(provider: ProviderRecord, name: str, holders: tuple[Holder, ...]) -> Meter:
    plan, use = provider.plan, provider.use
    inventory, stray = plan.inventories[name], use.stray.get(name, 0)
    return Meter(
        name=name,
        unit=unit_of(name),
        total=inventory.total,
        capacity=inventory.capacity,
        held=use.held(name) - stray,
        reserved=inventory.reserved,
        stray=stray,
        free=pool_free(plan, use, name),
        holders=tuple((each, each.units[name]) for each in holders if each.units.get(name)),
    )


def _parts(meter: Meter, whole: int) -> Iterator[Part]:
    at = 0.0
    for kind, units in (("held", meter.held), ("stray", meter.stray), ("kept", meter.reserved)):
        length = 1000 * units / whole
        if units:
            yield Part(kind, round(at, 1), round(length, 1))
        at += length
