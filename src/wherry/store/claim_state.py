"""What a group of claims looks at and changes, in memory."""

from collections import defaultdict
from dataclasses import dataclass, field

Key = tuple[int, str]
"""Provider's id and resource class."""


@dataclass(slots=True)
class Stock:
    """One inventory; ``cap`` is None where a view's pools bound it."""

    used: int
    charged: int
    stray: int
    cap: int | None
    min_unit: int
    max_unit: int
    step_size: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where one slot of a consumer is, or shall be."""

    provider: int
    type: str
    exclusive: str | None
    device: str | None


@dataclass(slots=True)
class Seen:
    """One instance that a host reports; ``stray`` where nobody has allocated it."""

    type: str
    units: dict[str, int]
    exclusive: str | None
    stray: bool


@dataclass(slots=True)
class Provider:
    """One provider.

    Attributes:
        is_device: whether it stands below the root of a host that reports.
        views: class of a view to its pools and the units of each that one takes.
        devices: names that it gives out, the first ones first.
        occupants: consumer and slot to their place here.
        seen: device to what is seen on it.
    """

    id: int
    uuid: str
    generation: int
    facts_generation: int
    is_device: bool
    silent: int
    stocks: dict[str, Stock] = field(default_factory=dict)
    views: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    occupants: dict[tuple[str, str], Place] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)


@dataclass(slots=True)
class Consumer:
    """One consumer and all that it holds."""

    id: int
    uuid: str
    generation: int
    type: str
    project: str
    user: str
    held: dict[Key, int] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """What is to be written; every number in it is of the end of the group.

    Attributes:
        ended: ids of consumers that held something before.
        allocations: consumer's id, provider, class to units; 0: none any more.
        occupants: consumer's id and slot to the place; None: none any more.
        moved_at: provider to the time at which it last changed.
        events: provider's uuid and generation, of each claim.
    """

    consumers: dict[int, tuple[Consumer, float]] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    allocations: dict[tuple[int, int, str], int] = field(default_factory=dict)
    occupants: dict[tuple[int, str], Place | None] = field(default_factory=dict)
    stocks: set[Key] = field(default_factory=set)
    seen: set[tuple[int, str]] = field(default_factory=set)
    moved_at: dict[int, float] = field(default_factory=dict)
    events: list[tuple[str, int]] = field(default_factory=list)
    claims: list[tuple[str, str, float, str]] = field(default_factory=list)


@dataclass(slots=True)
class State:
    """All that the claims of a group are decided on.

    Attributes:
        providers: by id; `named` has the same by uuid.
        claims: digest and outcome of earlier claims, by id.
        guests: consumers that are guests, or hold the place of one.
        next_id: of the next consumer.
    """

    consumers: dict[str, Consumer] = field(default_factory=dict)
    providers: dict[int, Provider] = field(default_factory=dict)
    named: dict[str, Provider] = field(default_factory=dict)
    claims: dict[str, tuple[str, str]] = field(default_factory=dict)
    guests: set[str] = field(default_factory=set)
    next_id: int = 1
    changes: Changes = field(default_factory=Changes)


@dataclass(slots=True)
class Strays:
    """Instances that a claim adopts or leaves, before it is known to take effect."""

    state: State
    now: dict[tuple[int, str], bool] = field(default_factory=dict)
    units: dict[Key, int] = field(default_factory=lambda: defaultdict(int))

    def is_stray(self, provider: Provider, device: str) -> bool:
        """Whether nobody has allocated what is seen on a device; no where nothing is."""
        seen = provider.seen.get(device)
        return seen is not None and self.now.get((provider.id, device), seen.stray)

    def turn(self, provider: Provider, device: str, *, stray: bool) -> None:
        """Count an instance as a stray, or no longer."""
        if device not in provider.seen or self.is_stray(provider, device) == stray:
            return
        self.now[provider.id, device] = stray
        for name, amount in provider.seen[device].units.items():
            self.units[provider.id, name] += amount if stray else -amount
