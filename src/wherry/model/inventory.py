"""Placement's nouns, and what a host's report becomes.

A device provider's inventories *are* its pools (ratio 1.0, step 1) and allocations are made
in pool units: a type is a recipe of units.  A view is a class per type for clients that ask
in those words; it is computed from the pools and never summed with them.

Source: design, sections 3 and 5; Placement API reference, "Resource provider inventories".
"""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from wherry.model.checks import HostFacts
from wherry.model.device import Offer

MAX_INT = 0x7FFFFFFF


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of stored values: frozen, unknown fields refused."""


class Inventory(Value, frozen=True, kw_only=True):
    """One class on one provider."""

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = MAX_INT
    step_size: int = 1
    allocation_ratio: float = 1.0

    @property
    def capacity(self) -> int:
        """Units that can be held at once."""
        return int((self.total - self.reserved) * self.allocation_ratio)

    def limited(self, units: int) -> "Inventory":
        """Reserve as little more as it takes that at most so many units can be held at once."""
        if self.capacity <= units:
            return self
        left = int(min(self.total - self.reserved, (units + 1) / self.allocation_ratio + 1))
        while left and int(left * self.allocation_ratio) > units:
            left -= 1
        return replace(self, reserved=self.total - left)


class View(Value, frozen=True, kw_only=True):
    """A class that counts a type's recipe in the pools of the same provider."""

    type: str
    units: dict[str, int]
    """Pool class to units of one instance; never empty."""


class SeenInstance(Value, frozen=True, kw_only=True):
    """An instance that the host reports on a provider, and what it takes of the pools."""

    id: str
    """mdev uuid or VF address."""
    type: str
    units: dict[str, int]
    exclusive: str | int | bool | None = None
    """Value that the provider's instances must agree in; None where nothing is asked."""
    place: str | UnsetType = UNSET
    """Where it sits of the parent's positions, where the host tells."""


class PlannedProvider(Value, frozen=True, kw_only=True):
    """A resource provider as a report has it: everything but what claims change."""

    uuid: str
    name: str
    parent: str | None = None
    """uuid of the parent provider; None for the host itself."""
    device: str | UnsetType = UNSET
    """Name of the device in the facts; left out for the host and its NUMA nodes."""
    traits: tuple[str, ...] = ()
    inventories: dict[str, Inventory] = {}
    views: dict[str, View] = {}
    offers: tuple[Offer, ...] = ()
    """Without what claims change: ``generation`` 0, pools without ``used``, nothing in use."""
    instances: tuple[SeenInstance, ...] = ()
    slots: tuple[str, ...] = ()
    """Names of the devices that an instance is made of or attached as (VF addresses), in the
    order in which they are given out, where the provider counts devices with names of their
    own; empty where instances are made."""
    parents: tuple[str, ...] = ()
    """Names of the VFs on which instances are made that have names of their own."""
    counts: dict[str, str] = {}
    """On a client's provider: class to the one type that it is known to count."""
    note: str | UnsetType = UNSET
    """What an operator should know, such as ``SR-IOV off`` or ``unsettled``."""


class Attachment(Value, frozen=True, kw_only=True):
    """What a report adds to a provider that a client has made for one of its devices.

    The provider stays the client's: its name, place, inventories and own traits are not here.
    """

    provider: str
    """uuid of the client's provider."""
    device: str
    """Name of the device in the facts."""
    traits: tuple[str, ...] = ()
    limits: dict[str, int] = {}
    """Class to the most units that can be held of it, for all that the report knows; a class
    that is left out is the client's alone."""
    offers: tuple[Offer, ...] = ()
    """In units of the class that the client counts with."""
    instances: tuple[SeenInstance, ...] = ()
    slots: tuple[str, ...] = ()
    counts: dict[str, str] = {}
    note: str | UnsetType = UNSET


class Finding(Value, frozen=True, kw_only=True):
    """Something the derivation noticed: shown with the host, never silently dropped."""

    code: str
    device: str | UnsetType = UNSET
    message: str


class HostPlan(Value, frozen=True, kw_only=True):
    """What a report becomes: a provider tree, parents before children, and the host's facts."""

    host: str
    providers: tuple[PlannedProvider, ...]
    check: HostFacts
    findings: tuple[Finding, ...] = ()
    attached: tuple[Attachment, ...] = ()
    """What goes to providers that clients have made."""


HostState = Literal["enabled", "disabled", "maintenance"]
TENANTS = "tenants"
"""Label of a host that takes guests of these tenants alone, listed with commas."""


class Use(Value, frozen=True, kw_only=True):
    """What claims change on a provider."""

    used: dict[str, int] = {}
    """Class to units allocated: pool classes and views, each by its own allocations."""
    charged: dict[str, int] = {}
    """Pool class to units taken in all: own allocations and those of views."""
    stray: dict[str, int] = {}
    """Pool class to units of instances on the host that nobody allocated."""
    exclusive: tuple[str | int | bool, ...] = ()
    """Values in use of what the provider's instances must agree in, allocated or not."""
    devices: tuple[str, ...] = ()
    """Devices with names that are held."""
    places: tuple[str, ...] = ()
    """Places that may be taken: of what is allocated or a stray instance has, and all in which
    one may sit that sits nobody knows where."""

    def held(self, resource_class: str) -> int:
        """Units of a class that are taken: by allocations in all, and by stray instances."""
        allocated = self.charged.get(resource_class, self.used.get(resource_class, 0))
        return allocated + self.stray.get(resource_class, 0)


class ProviderRecord(Value, frozen=True, kw_only=True):
    """A provider as stored: what was planned, its counters, and its use."""

    plan: PlannedProvider
    host: str | None
    root: str
    owner: Literal["report", "client"]
    generation: int
    facts_generation: int
    use: Use = Use()


class HostRecord(Value, frozen=True, kw_only=True):
    """A host as stored."""

    name: str
    state: HostState = "enabled"
    labels: dict[str, str] = {}
    check: HostFacts
    boot_id: str
    sequence: int
    observed_at: str
    generation: int
    findings: tuple[Finding, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it takes new guests, whosever they are."""
        return self.state == "enabled" and TENANTS not in self.labels
