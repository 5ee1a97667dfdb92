"""A migration: a claim that holds both ends, with lease and fencing token.

Source: design, section 7.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from wherry.model.checks import GuestResponse, Policy, ProbeOutcome, Reason
from wherry.model.facts import Report
from wherry.model.guests import Slot
from wherry.model.inventory import Value

State = Literal[
    "claimed", "confirmed", "started", "lost", "finished", "aborted", "expired", "refused"
]
States = Literal[State, "running", "ended"]
"""A state, or all in which something is held, or all in which nothing is any more."""
Event = Literal[
    "confirm",
    "refuse",
    "retry",
    "probe",
    "start",
    "unplug",
    "plug",
    "renew",
    "finish",
    "abort",
    "expire",
    "lose",
    "recover",
]
Plugged = Literal["out", "source", "target"]
"""Where the device of a slot that is replugged is in the guest; ``out``: in neither place."""
Side = Literal["source", "target"]


class Step(Value, frozen=True, kw_only=True):
    """One thing that happened to a migration, for its history."""

    at: str
    event: str
    state: State
    token: int
    host: str = ""
    """The target that it is about, which may be another one in each attempt."""
    slot: str = ""
    """Of a device that was unplugged or plugged."""
    where: Plugged | Literal[""] = ""
    """Where that device is after it."""
    by: str = ""
    """Who: a host's agent, a user, or the service itself."""
    note: str = ""
    reasons: tuple[Reason, ...] = ()


class Forced(Value, frozen=True, kw_only=True):
    """A destination that an administrator forced: who, why, and what would have been taken."""

    by: str
    why: str = ""
    accept: tuple[Literal["ok", "warn", "unknown"], ...]
    """What the policy took before it was forced; a ``no`` is never taken."""


class Migration(Value, frozen=True, kw_only=True):
    """A migration as stored."""

    uuid: str
    guest: str
    source: str
    """Host that the guest came from."""
    target: str
    """Host that holds its place."""
    state: State
    token: int
    attempt: int = 0
    """Token that the jobs of the present attempt carry: renewing the lease leaves them valid."""
    lease_until: float
    """Seconds since the epoch, by the service's clock."""
    lease_s: int
    policy: Policy
    answer: GuestResponse
    """The whole-guest verdict the claim was decided on, with mapping and configure."""
    source_slots: dict[str, Slot]
    target_slots: dict[str, Slot]
    source_host_resources: dict[str, int] = {}
    facts: dict[str, int] = {}
    """Target's provider uuid to the facts generation that the claim was decided on."""
    preflight_until: float | UnsetType = UNSET
    """Seconds since the epoch, until when both ends must have answered; left out: not asked."""
    answers: dict[Side, "JobAnswer"] = {}
    """What each end has answered, without the report that came with it."""
    confirmed: tuple[Side, ...] = ()
    alternates: tuple[str, ...] = ()
    """Hosts that are tried next, the best first, if the target refuses."""
    forced: Forced | UnsetType = UNSET
    probing: tuple[str, ...] = ()
    """Slots whose versions nobody knows, and which a probe shall settle or has settled."""
    probe: dict[str, ProbeOutcome] = {}
    """What the probe of each saw."""
    replug: dict[str, Plugged] = {}
    """Slots that are moved by replug, as far as somebody has told of them."""
    outcome: Literal["finished", "failed"] | UnsetType = UNSET
    error: str | UnsetType = UNSET
    history: tuple[Step, ...] = ()


class PreflightJob(Value, frozen=True, kw_only=True):
    """Work for one host's agent: confirm one side of a migration.

    ``slots`` names, for each slot, what the side shall find.
    """

    id: str
    kind: Literal["preflight", "probe read", "probe write"] = "preflight"
    """A ``probe write`` is handed out once, so that nothing is written twice."""
    handed: bool = False
    host: str
    migration: str
    token: int
    side: Side
    deadline: float
    """Seconds since the epoch by the service's clock; ``wait_s`` says the same as a span."""
    wait_s: float
    guest: str
    slots: dict[str, "JobSlot"]
    process: str | UnsetType = UNSET


class JobSlot(Value, frozen=True, kw_only=True):
    """What one side is asked about one slot."""

    provider: str
    device_parent: str | UnsetType = UNSET
    device: str | UnsetType = UNSET
    type: str
    configure: dict[str, Any] = {}
    text: str | UnsetType = UNSET
    """What a probe writes: the source's text, in hex."""


class JobAnswer(Value, frozen=True, kw_only=True):
    """What an agent answers: the facts it has just read, and what stands in the way.

    An objection is text of the lower level (QEMU, libvirt) on one slot or on the whole.
    """

    token: int
    side: Side
    ok: bool
    process: str | UnsetType | None = UNSET
    """Of the running guest; None where it was looked for and none runs, left out where that
    cannot be told."""
    blockers: dict[str, tuple[str, ...]] = {}
    guest_addresses: dict[str, str] = {}
    """Slot to its address in the guest: of the running one, or as the target has prepared it."""
    missing: tuple[str, ...] = ()
    """Slots whose device, or its parent, this side has not found."""
    report: Report | UnsetType = UNSET
    """What was just read; taken like any other report before the answer is looked at."""
    objections: tuple[str, ...] = ()
    probe: dict[
        str, Annotated[str, Meta(pattern=r"^(read|absent|accepted|E[A-Z0-9]{1,30})\Z")]
    ] = {}
    """What the probe of each slot saw; a slot that was not looked at is left out."""
    texts: dict[str, Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*\Z", max_length=8192)]] = {}
    """What the source's attributes say, in hex; part of no record."""
