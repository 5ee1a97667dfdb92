"""Bodies of the doors that are no stored noun: questions, lists and short answers.

A request and its answer are the very values that use cases take and give; OpenAPI is made
from them.  Where a noun is stored as it travels (a guest, a migration), its own module has it.

Source: design, section 10.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from wherry.model.bounds import MembersOf
from wherry.model.checks import Pack, Policy, Reason
from wherry.model.compositions import Composition
from wherry.model.device import Offer
from wherry.model.facts import HostName, SlotName, Uuid
from wherry.model.guests import Chosen, Guest, RebootKind, SlotRequest
from wherry.model.inventory import (
    Finding,
    HostRecord,
    HostState,
    ProviderRecord,
    Value,
)
from wherry.model.migrations import Migration, PreflightJob

LONGEST_LEASE_S = 86_400
LeaseS = Annotated[int, Meta(ge=1, le=LONGEST_LEASE_S)]
WaitS = Annotated[int, Meta(ge=0, le=60)]
Token = Annotated[int, Meta(ge=0)]
PageLimit = Annotated[int, Meta(ge=1, le=1000)]
MOST_ALTERNATES = 16
Alternates = Annotated[int, Meta(ge=0, le=MOST_ALTERNATES)]
Cursor = Annotated[str, Meta(pattern=r"^[0-9:,]{1,4000}\Z")]
Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}\Z")]
LabelPair = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}=[^\x00-\x1f\x7f]{0,255}\Z")
]
"""A label and its value, as ``rack=r7``."""
LabelValue = Annotated[str, Meta(max_length=255)]


class Wire(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Base of answers: every field is written, so that readers need no defaults."""


class CompositionList(Wire, frozen=True, kw_only=True):
    """What is composed of a parent, by uuid."""

    compositions: tuple[Composition, ...]


# Reports and the work of agents


class ReportAnswer(Wire, frozen=True, kw_only=True):
    """What became of a report.

    ``unchanged`` is the same digest of facts and guests as stored: only ``last_seen`` moved.
    """

    host: str
    outcome: Literal["stored", "unchanged"]
    sequence: int
    generation: int
    """The host's generation after it."""
    providers: int
    findings: tuple[Finding, ...] = ()


class JobList(Wire, frozen=True, kw_only=True):
    """The jobs that wait for a host's agent; empty where the wait ended without any."""

    jobs: tuple[PreflightJob, ...]


# Hosts and what they offer


class HostSummary(Wire, frozen=True, kw_only=True):
    """One line of the list of hosts."""

    name: str
    state: HostState
    labels: dict[str, str]
    observed_at: str
    last_seen: str | None
    """When a report last came, equal ones included; None where the service does not know."""
    generation: int
    providers: int
    guests: int
    findings: int


class HostList(Wire, frozen=True, kw_only=True):
    """All hosts, by name."""

    hosts: tuple[HostSummary, ...]


class Holder(Wire, frozen=True, kw_only=True):
    """Who holds something of a provider, and what."""

    consumer: str
    """uuid."""
    kind: Literal["guest", "migration", "other"]
    """A guest, a migration that holds the other end of a move, or what a client allocates for."""
    guest: str | None
    """uuid of the guest that it is held for; None where none is recorded."""
    units: dict[str, int]
    """Class to units; of a class that only counts a type, what that takes of the pools."""


class HostDetail(Wire, frozen=True, kw_only=True):
    """A host with its provider tree, parents before children, and the guests on it."""

    host: HostRecord
    last_seen: str | None
    providers: tuple[ProviderRecord, ...]
    guests: tuple[str, ...]
    """uuids, sorted."""
    holders: dict[str, tuple[Holder, ...]]
    """Provider uuid to those who hold something of it, by their uuid."""
    strays: dict[str, tuple[str, ...]]
    """Provider uuid to the instances on the host that nobody allocated: mdev uuids, addresses."""


class HostPatch(Value, frozen=True, kw_only=True):
    """What to change of a host; what is left out stays."""

    state: HostState | UnsetType = UNSET
    labels: dict[Label, LabelValue | None] = field(default_factory=dict)
    """Label to its new value; null takes the label away."""


class OfferRow(Wire, frozen=True, kw_only=True):
    """What one provider offers, with pools and values in use as of now."""

    host: str
    provider: str
    provider_name: str
    offer: Offer
    fits: int | None
    """How many more instances fit now; None where nothing is counted."""


class OfferList(Wire, frozen=True, kw_only=True):
    """Offers, by host, provider and type."""

    offers: tuple[OfferRow, ...]


class TypeLint(Wire, frozen=True, kw_only=True):
    """One type name that may mean two things: on two providers it is offered differently."""

    type: str
    first: str
    """Name of the first provider that offers it, or that offers it in the same version."""
    other: str
    """Name of a provider that offers it differently."""
    reasons: tuple[Reason, ...]


class TypeLintList(Wire, frozen=True, kw_only=True):
    """What differs between offers of one type; empty where each name means one thing."""

    lints: tuple[TypeLint, ...]


class ProfileSummary(Wire, frozen=True, kw_only=True):
    """A driver profile in force."""

    id: str
    source: str
    """Where it came from: ``built in`` or the file."""
    drivers: tuple[str, ...]
    description: str


class ProfileList(Wire, frozen=True, kw_only=True):
    """All profiles, the more specific first."""

    profiles: tuple[ProfileSummary, ...]


class PackList(Wire, frozen=True, kw_only=True):
    """All policy packs in force, by id."""

    packs: tuple[Pack, ...]


# Guests


class GuestList(Wire, frozen=True, kw_only=True):
    """Guests, by uuid."""

    guests: tuple[Guest, ...]


class RebootRequest(Value, frozen=True, kw_only=True):
    """Tells that a guest has rebooted: its contracts are pinned anew (specification, section 9)."""

    kind: RebootKind = "new_process"
    """A reboot whose kind is not known counts as ``new_process``, which claims the more."""
    process: str | UnsetType = UNSET
    """Identity of the QEMU process it runs in now."""
    chosen: dict[SlotName, Chosen] = field(default_factory=dict)
    """Only with ``new_process``: what is chosen from now on; left out slots keep their choice."""
    versions: dict[SlotName, str] = field(default_factory=dict)
    """Only with ``warm``: the interface version that the guest has negotiated since."""
    preview: bool = False
    """Tell what a reboot would do, and do nothing."""


class RebootAnswer(Wire, frozen=True, kw_only=True):
    """What a reboot has made of a guest's contracts, and what it has closed."""

    guest: Guest
    pinned: tuple[str, ...]
    """Slots whose contract is another one now."""
    reasons: dict[str, tuple[Reason, ...]]
    """Slot to why a contract marked `keep` was not kept, or a choice could not be met."""
    not_offered: tuple[str, ...]
    """Slots whose provider offers their type no more: their contracts stay as they were."""
    opened: tuple[str, ...]
    """Hosts that did not take the guest before, by the packs in force, and do so now."""
    closed: tuple[str, ...]
    """Hosts that took the guest before, by the packs in force, and do so no more."""
    preview: bool
    """Nothing was done: this is what a reboot would do."""


class PlugRequest(Value, frozen=True, kw_only=True):
    """A device that was plugged into a running guest: allocated, and its contract pinned."""

    slot: SlotName
    device: SlotRequest


class UnplugRequest(Value, frozen=True, kw_only=True):
    """A device that was unplugged: its contract and its allocation end."""

    slot: SlotName


# Migrations


class MigrationRequest(Value, frozen=True, kw_only=True):
    """Body of ``PUT /wherry/migrations/{uuid}``: claim a target for a guest."""

    guest: Uuid
    target: str | UnsetType = UNSET
    """The host to go to; left out: the best of the ranked targets."""
    alternates: Alternates | tuple[HostName, ...] = 0
    """What is tried next if a target refuses: so many of the ranked targets, or these hosts."""
    member_of: MembersOf = ()
    """Only hosts in these aggregates, or in none of them, by their root providers."""
    force: bool = False
    """Go to ``target`` over ``warn`` and ``unknown``, never over ``no``; for administrators."""
    reason: Annotated[str, Meta(max_length=10_000)] = ""
    """Why it is forced; kept with the migration."""
    policy: Policy = Policy()
    lease_s: LeaseS | UnsetType = UNSET
    """Seconds until the claim expires unless renewed; left out: as the service is set up."""


class TokenRequest(Value, frozen=True, kw_only=True):
    """A step of a migration by who holds its fencing token."""

    token: Token


class RenewRequest(Value, frozen=True, kw_only=True):
    """More time for a migration that goes on."""

    token: Token
    lease_s: LeaseS | UnsetType = UNSET


class UnplugStep(Value, frozen=True, kw_only=True):
    """A NIC that is moved by replug is out of the guest."""

    token: Token
    slot: SlotName


class PlugStep(Value, frozen=True, kw_only=True):
    """Where a NIC that was unplugged is plugged now; ``nowhere``: the plug failed."""

    token: Token
    slot: SlotName
    where: Literal["target", "source", "nowhere"] = "target"
    error: Annotated[str, Meta(max_length=10_000)] | UnsetType = UNSET
    """What the lower level said of a plug that failed."""


class FinishRequest(Value, frozen=True, kw_only=True):
    """How the move ended; ``failed`` gives the target back and keeps ``error`` for the record."""

    token: Token
    outcome: Literal["finished", "failed"] = "finished"
    error: Annotated[str, Meta(max_length=10_000)] | UnsetType = UNSET


class AbortRequest(Value, frozen=True, kw_only=True):
    """Give the target back; an administrator may leave the token out to break a lost one."""

    token: Token | UnsetType = UNSET
    note: Annotated[str, Meta(max_length=10_000)] = ""


class MigrationStory(Migration, frozen=True, kw_only=True):
    """A migration with its history told for people."""

    story: tuple[str, ...] = ()
    """Each line a sentence with time, who, what and why."""


class MigrationList(Wire, frozen=True, kw_only=True):
    """Migrations, the latest first."""

    migrations: tuple[Migration, ...]
    next: str | None
    """``marker`` of the next page; None where this is the last."""


# Changes


class ChangedObject(Wire, frozen=True, kw_only=True):
    """Something changed; what it is now is to be asked."""

    kind: str
    """``host``, ``provider``, ``use`` (of a provider), ``guest``, ``migration``, ``pack`` …"""
    ref: str
    """Its name, uuid or id."""
    generation: int
    """The one it has now; of what ended, the last it had."""


class ChangeList(Wire, frozen=True, kw_only=True):
    """What changed since a cursor, each object once."""

    cursor: str
    """Where to go on."""
    changes: tuple[ChangedObject, ...]
    reload: bool
    """The cursor was too old: anything may have changed."""


# What users see, operations, errors


class UserGuest(Wire, frozen=True, kw_only=True):
    """What a project user sees of a guest: its slots and their features, no host, no version."""

    uuid: str
    tenant: str
    slots: dict[str, tuple[str, ...]]
    """Slot to the features enabled for the guest."""
    migrating: bool


class UserGuestList(Wire, frozen=True, kw_only=True):
    """The guests of the caller's project."""

    guests: tuple[UserGuest, ...]


class Health(Wire, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Wire, frozen=True, kw_only=True):
    """Whether requests will be served, with what was looked at."""

    ready: bool
    checks: dict[str, str]
    """What was looked at to ``ok`` or to what is wrong."""


class ErrorDetail(Value, frozen=True, kw_only=True):
    """What went wrong, in words and for programs."""

    code: str
    message: str
    path: str | UnsetType = UNSET
    """Where in the body, such as ``$.facts.devices[3].name``."""
    detail: dict[str, Any] = field(default_factory=dict)
    """The facts of the error by name, as its class documents them."""
    request_id: str | UnsetType = UNSET


class ErrorAnswer(Value, frozen=True, kw_only=True):
    """Every answer with status 400 and above."""

    error: ErrorDetail
