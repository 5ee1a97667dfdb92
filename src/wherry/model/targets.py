"""Where a guest can go, and why not elsewhere: the question and its answer.

Source: design, sections 4 and 7.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from wherry.model.bounds import MembersOf
from wherry.model.checks import MappingRow, Policy, Reason, ReturnPath, Verdict
from wherry.model.inventory import Value


class TargetsRequest(Value, frozen=True, kw_only=True):
    """Body of ``POST /wherry/guests/{uuid}/targets``."""

    policy: Policy = Policy()
    hosts: tuple[str, ...] | UnsetType = UNSET
    """Only these; left out: the whole fleet."""
    member_of: MembersOf = ()
    """Only hosts in these aggregates, or in none of them, by their root providers."""
    known_only: bool = False
    """Leave out those of ``hosts`` that are not known, instead of refusing the question."""
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 20
    explain: bool = False
    """List the refused hosts by name, each with all its reasons."""
    explain_limit: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType = UNSET
    """How many of the refused are listed at most; left out: all."""
    explain_marker: str | UnsetType = UNSET
    """Of the refused, list those whose names come after this one, the last of a page."""
    remedies: bool = False
    """Say what would open refused hosts, and how many."""


class Target(Value, frozen=True, kw_only=True):
    """One host that takes the guest, with the joint mapping and what the claim would set."""

    host: str
    root: str
    """uuid of the host's own provider."""
    verdict: Verdict
    accepted: bool
    score: float
    """Sum of the weighers, larger is better; compares targets of one answer only."""
    mapping: tuple[MappingRow, ...]
    """``offer`` is the index into ``providers``."""
    providers: tuple[str, ...]
    """Provider uuid of each offer that the mapping may name."""
    facts: dict[str, int]
    """Provider uuid to the facts generation that the answer was decided on."""
    reasons: tuple[Reason, ...] = ()
    downtime_ms: int | None = None
    return_path: dict[str, ReturnPath] = {}
    """Slot to what coming back would meet."""


class Refusal(Value, frozen=True, kw_only=True):
    """One host that does not take the guest, with every reason."""

    host: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    """Of the host, of its state and capacity, and of MAPPING."""
    mapping: tuple[MappingRow, ...] = ()


What = Literal[
    "accept",
    "mode",
    "downtime",
    "untracked_dma",
    "postcopy",
    "replug",
    "numa",
    "without",
    "boot_as",
    "member_of",
    "version",
    "room",
    "state",
    "tenant",
    "aggregate",
    "apart",
    "together",
    "resources",
]


class Relaxation(Value, frozen=True, kw_only=True):
    """One thing to be asked or to be arranged otherwise."""

    what: What
    value: str | UnsetType = UNSET
    """The severity, mode, slot, type, aggregates, version, tenant or group it is about."""
    most: int | UnsetType = UNSET
    """Of ``apart`` alone: guests of the group that one host may have then."""


class Remedy(Value, frozen=True, kw_only=True):
    """What opens hosts that refuse the guest as asked; nothing less of it does."""

    relax: tuple[Relaxation, ...]
    """All of these together."""
    hosts: int
    """How many it opens."""
    examples: tuple[str, ...]
    """The first few of them by name."""
    labels: dict[str, dict[str, int]] = {}
    """Label to value to how many of them have it, for labels with few values among them."""
    sentence: str
    """For people."""


class Refused(Value, frozen=True, kw_only=True):
    """Those that were refused: how many hosts each reason stands in the way of."""

    count: int
    by_reason: dict[str, int]
    """Reason code to number of hosts; a host counts once for each of its codes."""
    hosts: tuple[Refusal, ...] | UnsetType = UNSET
    remedies: tuple[Remedy, ...] | UnsetType = UNSET
    """Those with fewest changes first, and of these the ones that open most hosts."""


class TargetsAnswer(Value, frozen=True, kw_only=True):
    """Ranked targets, and the refusals."""

    guest: str
    source: str
    targets: tuple[Target, ...]
    total: int
    """Hosts that take the guest, also those beyond ``limit``."""
    refused: Refused
    migration: str | UnsetType = UNSET
    """uuid of the migration that holds the guest's place now; left out where none does."""
