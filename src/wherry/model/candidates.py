"""Where a new guest could go: the question in plain words, and its answer.

Source: design, section 10 ("first placement in plain words").
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from wherry.model.bounds import MembersOf
from wherry.model.device import ResourceClass
from wherry.model.device_requests import DeviceRequest, NumaPolicy, RequestName
from wherry.model.facts import Uuid
from wherry.model.guests import Tenant
from wherry.model.inventory import MAX_INT, Value
from wherry.model.wire import Wire

Units = Annotated[int, Meta(ge=1, le=MAX_INT)]
TraitText = Annotated[str, Meta(min_length=1, max_length=2000)]
Order = Literal["spread", "pack"]


class DeviceAsked(Value, frozen=True, kw_only=True):
    """So many devices that serve a request."""

    name: RequestName
    count: Annotated[int, Meta(ge=1, le=64)] = 1
    request: DeviceRequest | UnsetType = UNSET
    """What serves it; left out: the stored device request of this name."""


class ClaimAsked(Value, frozen=True, kw_only=True):
    """Who shall hold the best candidate; the same consumer again gets the same answer."""

    consumer: Uuid
    project: Tenant = ""
    user: Tenant = ""
    type: Annotated[str, Meta(pattern=r"^[A-Z0-9_]{1,255}\Z")] = "INSTANCE"


class CandidatesAsked(Value, frozen=True, kw_only=True):
    """Body of ``POST /wherry/candidates``."""

    resources: dict[ResourceClass, Units] = {}
    """What the guest takes besides its devices; goes before what the flavor says of a class."""
    required: tuple[TraitText, ...] = ()
    """Traits: ``T``, ``!T`` for one that must not be there, ``in:T,U`` for one of several."""
    member_of: MembersOf = ()
    """Only of providers in these aggregates, or below roots that are; or of none of them."""
    devices: Annotated[tuple[DeviceAsked, ...], Meta(max_length=16)] = ()
    flavor: Annotated[str, Meta(max_length=65_536)] | UnsetType = UNSET
    """A flavor's extra specs as they stand, each as ``KEY=VALUE``; commas or lines between."""
    group_policy: Literal["none", "isolate"] | UnsetType = UNSET
    """Whether groups of the flavor may share a provider; left out: as the flavor says."""
    numa_policy: NumaPolicy | UnsetType = UNSET
    """Goes before the policies of the device requests."""
    tenant: Tenant | UnsetType = UNSET
    """Hosts that are for other tenants are left out; left out: the project of the claim."""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 10
    order: Order = "spread"
    """Most room left first, or least."""
    explain: bool = False
    """Count why hosts do not take it, also where some do."""
    claim: ClaimAsked | UnsetType = UNSET


class Part(Wire, frozen=True, kw_only=True):
    """What one provider gives for one group of the question."""

    group: str
    """Suffix of the group, as in `queries`; empty for what may be spread."""
    request: str | None
    """Name of the device request that it serves; None for the rest."""
    provider: str
    provider_name: str
    resources: dict[str, int]
    device: str | None
    """Address of the device that the provider is; None where that is not known."""
    addresses: tuple[str, ...]
    """Devices with addresses of their own that are free there now, at most as many as are
    taken; which of them a guest gets is settled by the claim."""


class PlacedCandidate(Wire, frozen=True, kw_only=True):
    """One way to place the guest."""

    host: str
    """Name of the root of the tree."""
    root: str
    score: float
    """Of what is asked: the least fraction that is left where it is taken."""
    numa: Literal["one", "several", "unknown"] | None
    """On how many NUMA nodes its devices are; None without devices."""
    parts: tuple[Part, ...]
    allocations: dict[str, dict[str, int]]
    """Provider to class to units, as a claim writes them."""
    mappings: dict[str, tuple[str, ...]]
    query: int
    """Which of `queries` it answers."""


class RefusedBy(Wire, frozen=True, kw_only=True):
    """So many hosts under one reason."""

    hosts: int
    cause: str
    what: str
    """Class, traits, aggregates or group that it is about; empty where the cause says all."""
    message: str


class Counted(Wire, frozen=True, kw_only=True):
    """All hosts, by whether and why they do not take one query."""

    query: int
    fitting: int
    refused: int
    by_reason: tuple[RefusedBy, ...]


class Claimed(Wire, frozen=True, kw_only=True):
    """What the consumer holds now."""

    consumer: str
    generation: int
    allocations: dict[str, dict[str, int]]
    devices: dict[str, str | None]
    """Slot of the guest's record to the address of its device; None where it has none."""
    attempts: int
    """Candidates that were tried; 0 where the consumer held it already."""


class CandidatesAnswer(Wire, frozen=True, kw_only=True):
    """Ranked candidates, or why there is none."""

    candidates: tuple[PlacedCandidate, ...]
    considered: int
    """Candidates that were ranked."""
    is_all: bool
    """Whether these are all that there are."""
    queries: tuple[str, ...]
    """The same question to ``GET /allocation_candidates``, one for each choice of alternatives."""
    counts: tuple[Counted, ...]
    """With `explain`, or where there is no candidate."""
    notes: tuple[str, ...]
    """What of the question was not looked at, and why."""
    claimed: Claimed | None
