"""Where a guest can go, and why not elsewhere: the question and its answer.

Source: design, sections 4 and 7.
"""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from wherry.model.checks import MappingRow, Policy, Reason, ReturnPath, Verdict
from wherry.model.inventory import Value


class TargetsRequest(Value, frozen=True, kw_only=True):
    """Body of ``POST /wherry/guests/{uuid}/targets``."""

    policy: Policy = Policy()
    hosts: tuple[str, ...] | UnsetType = UNSET
    """Only these; left out: the whole fleet."""
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 20
    explain: bool = False
    """List the refused hosts, each with all its reasons."""


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


class Refused(Value, frozen=True, kw_only=True):
    """Those that were refused: how many hosts each reason stands in the way of."""

    count: int
    by_reason: dict[str, int]
    """Reason code to number of hosts; a host counts once for each of its codes."""
    hosts: tuple[Refusal, ...] | UnsetType = UNSET


class TargetsAnswer(Value, frozen=True, kw_only=True):
    """Ranked targets, and the refusals."""

    guest: str
    source: str
    targets: tuple[Target, ...]
    total: int
    """Hosts that take the guest, also those beyond ``limit``."""
    refused: Refused
