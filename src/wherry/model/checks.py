"""What is asked of a check and what it answers: requests, policy, reasons, responses.

Source: docs/reference/compat.md, sections 4, 10, 11, 12 and 17, and its JSON Schema.
"""

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from wherry.model.device import (
    Amount,
    Condition,
    Contract,
    ForeignRecord,
    GuestAddress,
    Mode,
    Name,
    Offer,
    Positive,
    Record,
    Scalar,
    Text,
    Texts,
    TypeName,
    require_unique,
)

Verdict = Literal["ok", "warn", "unknown", "no"]
Severity = Literal["no", "unknown", "warn", "info"]
Stage = Literal["filter", "claim", "preflight"]
Side = Literal["source", "target"]
Family = Literal["type", "interface", "feature", "capacity", "host"]
FactName = Annotated[str, Meta(pattern=r"^(source|target)\.[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}\Z")]
FactConditions = dict[FactName, Condition]


class Row(Record, frozen=True, kw_only=True):
    """One prose rule of a vendor, kept as data (R47)."""

    id: Name
    types: Annotated[tuple[TypeName, ...], Meta(min_length=1)] | UnsetType = UNSET
    when: FactConditions | UnsetType = UNSET
    require: FactConditions | UnsetType = UNSET
    compare: dict[Name, Literal["eq", "ge"]] | UnsetType = UNSET
    severity: Literal["no", "warn", "info"]
    because: str | UnsetType = UNSET


class Pack(Record, frozen=True, kw_only=True):
    """A policy pack: rows of one vendor."""

    id: Name
    version: Text | UnsetType = UNSET
    expires: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")] | UnsetType = UNSET
    """For people: an expired pack applies until it is taken out."""
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        """Refuse an expiry that is no day of the calendar."""
        if self.expires is not UNSET:
            date.fromisoformat(self.expires)


class Downtime(Record, frozen=True, kw_only=True):
    """How long the guest may stand still (R65)."""

    budget_ms: Amount
    bytes_per_s: Positive | UnsetType = UNSET
    strict: bool = False


class Policy(Record, frozen=True, kw_only=True):
    """What the caller wants and takes (section 4)."""

    mode: Mode = "live"
    accept: tuple[Literal["ok", "warn", "unknown"], ...] = ("ok", "warn")
    postcopy: bool = False
    allow_untracked_dma: bool = False
    downtime: Downtime | UnsetType = UNSET
    offer_generation: Amount | UnsetType = UNSET
    replug: tuple[Name, ...] = ()
    guest_address: GuestAddress | UnsetType = UNSET
    guest_addresses: dict[Name, GuestAddress] = field(default_factory=dict)
    probe: Literal["off", "last_resort"] = "off"
    packs: tuple[Pack, ...] = ()

    def __post_init__(self) -> None:
        """Hold the lists to ``uniqueItems``."""
        require_unique("accept", self.accept)
        require_unique("replug", self.replug)


class Reason(Record, frozen=True, kw_only=True):
    """A rule's objection or remark; code and naming details name it."""

    code: str
    severity: Severity
    stage: Stage
    rule: str
    detail: dict[str, Any]
    """Naming keys first (section 5), then facts for administrators."""


class Configure(Record, frozen=True, kw_only=True):
    """What a claim must set, or what is in effect (section 9)."""

    params: dict[str, Scalar | tuple[str, ...]] = field(default_factory=dict)
    mask_features: tuple[str, ...] = ()


class ReturnPath(Record, frozen=True, kw_only=True):
    """Whether the way back would be open."""

    verdict: Verdict
    reasons: tuple[Reason, ...]


class CheckRequest(Record, frozen=True, kw_only=True):
    """A contract against an offer; None where nothing is recorded."""

    contract: Contract | ForeignRecord | None
    offer: Offer | ForeignRecord | None
    source_offer: Offer | ForeignRecord | UnsetType = UNSET
    policy: Policy = Policy()


class CheckResponse(Record, frozen=True, kw_only=True):
    """The answer of a check: the verdict, all reasons, and what follows from them."""

    verdict: Verdict
    accepted: bool
    modes: dict[Mode, Verdict]
    reasons: tuple[Reason, ...]
    configure: Configure
    downtime_ms: int | None
    return_path: ReturnPath | UnsetType = UNSET


class Needs(Record, frozen=True, kw_only=True):
    """What a guest needs of its host."""

    arch: Text | UnsetType = UNSET
    machine_type: Text | UnsetType = UNSET
    cpu_model: Text | UnsetType = UNSET
    cpu_features: tuple[Text, ...] | UnsetType = UNSET
    min_versions: Texts | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Hold the list to ``uniqueItems``."""
        require_unique("cpu_features", self.cpu_features)


class HostFacts(Record, frozen=True, kw_only=True):
    """What a host has, for a guest's needs."""

    arch: Text | UnsetType = UNSET
    machine_types: tuple[Text, ...] | UnsetType = UNSET
    cpu_models: tuple[Text, ...] | UnsetType = UNSET
    """Those usable on the host."""
    cpu_features: tuple[Text, ...] | UnsetType = UNSET
    versions: Texts | UnsetType = UNSET


class GuestDevices(Record, frozen=True, kw_only=True):
    """The devices of one guest and what it needs of its host."""

    contracts: tuple[Contract, ...]
    needs: Needs = Needs()


class TargetHost(Record, frozen=True, kw_only=True):
    """The offers of one host and what it has."""

    offers: tuple[Offer, ...]
    host: HostFacts = HostFacts()


class GuestCheckRequest(Record, frozen=True, kw_only=True):
    """A whole guest against a whole host (section 10)."""

    guest: GuestDevices
    target: TargetHost
    policy: Policy = Policy()

    def __post_init__(self) -> None:
        """A guest as a whole cannot be replugged."""
        if self.policy.mode == "replug":
            raise ValueError("The mode of a whole guest is live, suspend or cold")


class MappingRow(Record, frozen=True, kw_only=True):
    """Which offer a slot gets, and how the two go together."""

    slot: Name
    offer: int | None
    """Index into the target's offers; None where there are none."""
    mode: Mode
    verdict: Verdict
    reasons: tuple[Reason, ...]
    configure: Configure


class GuestResponse(Record, frozen=True, kw_only=True):
    """The answer for a whole guest."""

    verdict: Verdict
    accepted: bool
    modes: dict[Mode, Verdict]
    reasons: tuple[Reason, ...]
    downtime_ms: int | None
    mapping: tuple[MappingRow, ...]


class LintRequest(Record, frozen=True, kw_only=True):
    """Two offers of one type (section 11)."""

    before: Offer
    after: Offer


class LintResponse(Record, frozen=True, kw_only=True):
    """What is wrong between two offers of one type."""

    lints: tuple[Reason, ...]


Errno = Annotated[str, Meta(pattern=r"^E[A-Z0-9]{1,30}\Z")]
ProbeRead = Annotated[str, Meta(pattern=r"^(read|absent|E[A-Z0-9]{1,30})\Z")]
ProbeWrite = Annotated[str, Meta(pattern=r"^(accepted|E[A-Z0-9]{1,30})\Z")]


class ProbeOutcome(Record, frozen=True, kw_only=True):
    """What a probe of one device saw; write is None where nothing was written."""

    source: ProbeRead
    target: ProbeRead
    write: ProbeWrite | None

    def __post_init__(self) -> None:
        """There was a write exactly where both sides could be read."""
        both = self.source == "read" and self.target == "read"
        if both != (self.write is not None):
            raise ValueError("`write` is given where both sides are read, and only there")


class UserView(Record, frozen=True, kw_only=True):
    """All that an end user may see of a check (section 12)."""

    verdict: Literal["ok", "no"]
    families: tuple[Family, ...]
