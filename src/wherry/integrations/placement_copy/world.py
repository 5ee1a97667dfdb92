"""All that a Placement holds, as far as its public API shows it.

Generations are kept beside it and are no part of what two Placements are compared by: each
service counts its own, and no call sets one.

Source: Placement API reference; Placement 16.0.0 as it answers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wherry.model.inventory import Inventory

UNKNOWN_TYPE = "unknown"
"""Type of a consumer that was written by a client that knew of no types (before 1.38)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One resource provider.

    Attributes:
        parent: uuid; None for a root.
        inventories: by resource class.
        aggregates: uuids.
    """

    name: str
    parent: str | None = None
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    traits: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()
    generation: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """One consumer, and what it holds.

    Attributes:
        allocations: amounts by uuid of the provider and resource class.
    """

    project: str
    user: str
    type: str
    allocations: Mapping[str, Mapping[str, int]]
    generation: int = field(default=0, compare=False)

    def rows(self) -> Iterator[tuple[tuple[str, str], int]]:
        """Each provider and class with the amount held."""
        for provider, held in self.allocations.items():
            for name, amount in held.items():
                yield (provider, name), amount


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a Placement holds.

    Attributes:
        classes, traits: custom names; the standard ones come with each service's libraries.
        providers, consumers: by uuid.
    """

    classes: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()
    providers: Mapping[str, Provider] = field(default_factory=dict)
    consumers: Mapping[str, Consumer] = field(default_factory=dict)

    def describe(self, provider: str) -> str:
        """Name a provider for people: its name and its uuid."""
        known = self.providers.get(provider)
        return (
            f"resource provider {known.name} ({provider})"
            if known
            else (f"resource provider {provider}")
        )

    def from_the_roots(self) -> list[str]:
        """Name the providers, parents before their children."""
        depths: dict[str, int] = {}
        for uuid in self.providers:
            path: list[str] = []
            at: str | None = uuid
            while at is not None and at not in depths:
                path.append(at)
                at = self.providers[at].parent if at in self.providers else None
            above = -1 if at is None else depths[at]
            for number, each in enumerate(reversed(path), start=1):
                depths[each] = above + number
        return sorted(self.providers, key=lambda uuid: (depths[uuid], uuid))
