"""A resource provider as a search for candidates looks at it.

Source: Placement API reference, "Resource providers"; Placement's guide, "Modeling with
Provider Trees", "Sharing Resource Providers".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wherry.model.inventory import Inventory

SHARES = "MISC_SHARES_VIA_AGGREGATE"
"""A provider with this trait serves every tree that has a member in one of its aggregates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A resource provider in the numbers that clients see."""

    uuid: str
    root: str
    parent: str | None = None
    """None: this is the root of its tree."""
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=dict)
    """Class to units that consumers hold, of classes that it has; never 0."""
    traits: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()

    def takes(self, resource_class: str, amount: int) -> bool:
        """Whether one group could have so many units now: room, unit limits, step."""
        inventory = self.inventories.get(resource_class)
        return (
            inventory is not None
            and inventory.min_unit <= amount
            and amount % inventory.step_size == 0
            and self.holds(resource_class, amount)
        )

    def holds(self, resource_class: str, amount: int) -> bool:
        """Whether several groups together could have so many units of a class it has."""
        inventory = self.inventories[resource_class]
        free = inventory.capacity - self.used.get(resource_class, 0)
        return amount <= free and amount <= inventory.max_unit
