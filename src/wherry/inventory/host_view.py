"""What the fleet shows of a host: frozen values that a reader may keep as long as it likes.

A host's offers stand in a fixed order that does not depend on names: by shape, then the
fuller device first, so that of equals the one with the least room is taken and large holes
stay whole.  Hosts whose devices are alike and equally used then look alike, device by
device.

Source: design, sections 3 and 6; specification of compatibility, section 13.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from msgspec import UNSET, Struct

from wherry.inventory.interning import Shape, Shared
from wherry.inventory.islands import Island
from wherry.inventory.offers import materialise_offer, offers_of
from wherry.model.checks import HostFacts
from wherry.model.device import Offer
from wherry.model.inventory import HostRecord, Inventory, PlannedProvider, ProviderRecord

NO_NODE: Final = -1
"""Number of the NUMA node of what stands on none that is known."""


class Room(NamedTuple):
    """Units of one class on one host, over all its providers."""

    free: int
    """Never below 0: a provider that is over-full takes nothing from its siblings."""
    total: int
    """Capacity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderView:
    """A provider with its offers as of one moment."""

    record: ProviderRecord
    shapes: tuple[Shape, ...]
    """One for each offer of the plan, in its order."""

    @property
    def uuid(self) -> str:
        """The resource provider's uuid."""
        return self.record.plan.uuid

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The offers with pools, values in use and generation as of now; made when asked."""
        return offers_of(self.record)

    def free(self, resource_class: str) -> int:
        """Units of a class that can be allocated here now; 0 where there is no inventory."""
        inventory = self.record.plan.inventories.get(resource_class)
        return 0 if inventory is None else inventory.capacity - self.taken(resource_class)

    def taken(self, resource_class: str) -> int:
        """Units of a class that are allocated, or used by instances that nobody allocated."""
        return self.record.use.held(resource_class)


class OfferView(Struct, frozen=True):
    """One offer of a host: where it stands, and its shape."""

    provider: ProviderView
    index: int
    """Place among the offers of its provider."""
    shape: Shape

    @property
    def offer(self) -> Offer:
        """The offer as of now."""
        record = self.provider.record
        planned = record.plan.offers[self.index]
        return materialise_offer(planned, record.use, generation=record.facts_generation)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """A host as of one moment."""

    name: str
    record: HostRecord
    facts: Shared[HostFacts]
    root: ProviderView | None
    """The host's own provider; None until it is published."""
    providers: tuple[ProviderView, ...]
    """By name, then uuid."""
    islands: tuple[Island, ...]
    """The devices without their names, in the order of the offers."""
    nodes: tuple[int, ...]
    """The NUMA node of each island: 0 for that of the first, and so on; `NO_NODE` where none is
    known, or not one for all of it."""
    offers: tuple[OfferView, ...]
    room: Mapping[str, Room]
    """Class to what is free of it, over all providers of the host."""
    unused: float
    """Mean over these classes of the fraction that is free; 1 where nothing is counted."""
    root_room: Mapping[str, int]
    """Class to units that are free on the host's own provider; empty where there is none."""
    root_limits: Mapping[str, Inventory]
    """Those classes of it that are not allocated in just any amount."""
    unsettled: tuple[str, ...]
    """Names of the devices that offer nothing because they kept changing while read."""

    def find_provider(self, uuid: str) -> ProviderView | None:
        """Find a provider of this host; None if it has no such."""
        return next((each for each in self.providers if each.uuid == uuid), None)


def is_unsettled(provider: ProviderRecord) -> bool:
    """Whether the device kept changing while it was read, and so offers nothing."""
    return is_unsettled_plan(provider.plan)


def is_unsettled_plan(plan: PlannedProvider) -> bool:
    """Whether a device kept changing while it was read, and so offers nothing."""
    return plan.note is not UNSET and plan.note.startswith("unsettled")
