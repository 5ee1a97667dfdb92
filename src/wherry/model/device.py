"""The two records of device compatibility: what a guest was given, what a provider can give.

The records are the wire: each field and each bound is that of the JSON Schema.  A field left
out is ``UNSET``; ``None`` is the Schema's null, "it exists and could not be read".  Nothing
here judges; the rules of `wherry.compat` read these very values.

Source: docs/reference/compat.md, section 2, and the JSON Schema ``wherry.device/1``.
"""

import re
from datetime import date
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from wherry.model.positions import count_free, union_of

SCHEMA: Literal["wherry.device/1"] = "wherry.device/1"

# A pattern ends in \Z: Python's $ would let a line feed pass, the Schema's does not.
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}\Z")]
TypeName = Annotated[str, Meta(pattern=r"^[!-~]{1,200}\Z")]
ResourceClass = Annotated[str, Meta(pattern=r"^[A-Z0-9_]{1,255}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
# Sums and products of amounts stay numbers that can be stored and written.
Amount = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Positive = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Place = Annotated[str, Meta(pattern=r"^[0-9]{1,2}:[1-9][0-9]?\Z")]
GuestAddress = Annotated[str, Meta(pattern=r"^[0-9a-z][0-9a-z.:/_-]{0,99}\Z")]
AssumedPath = Annotated[str, Meta(pattern=r"^[a-z_]+(\.[A-Za-z0-9_.:-]+)?\Z")]
BitNumber = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,3})\Z")]

Kind = Literal["mdev", "vf", "pf", "sf", "vdpa", "vfio_user", "virtual"]
DeviceApi = Literal["vfio-pci", "vfio-ap", "vfio-ccw", "vfio-platform", "virtio"]
DeviceClass = Literal["network", "display", "accelerator", "crypto", "storage", "serial", "other"]
VersionPolicy = Literal["semver", "exact", "major", "monotonic", "range", "accepts", "none"]
Mode = Literal["live", "suspend", "cold", "replug"]
Scalar = bool | int | str
"""A plain value; as in JSON, ``True`` is not ``1``."""
ParamValue = Scalar | tuple[str, ...] | None
"""A value in effect: scalar, set of texts, or null where it could not be read."""
Amounts = dict[ResourceClass, Amount]
Texts = dict[Name, Text]

_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII | re.IGNORECASE,
)


def require_unique(what: str, items: tuple[object, ...] | UnsetType | None) -> None:
    """Refuse a list that names something twice (the Schema's ``uniqueItems``)."""
    if items and len(set(items)) != len(items):
        message = f"Items of `{what}` are not unique"
        raise ValueError(message)


def require_time(what: str, text: str | UnsetType) -> None:
    """Refuse what is no RFC 3339 date and time; leap seconds are not taken."""
    if text is UNSET:
        return
    match = _TIME.fullmatch(text)
    if match is None:
        message = f"`{what}` is no RFC 3339 date and time"
        raise ValueError(message)
    date.fromisoformat(match[1])


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of wire values: frozen, unknown fields refused, what was left out stays out."""


class Parent(Record, frozen=True, kw_only=True):
    """The physical device behind; it never decides (R14)."""

    vendor: Text | UnsetType = UNSET
    device: Text | UnsetType = UNSET
    subvendor: Text | UnsetType = UNSET
    subdevice: Text | UnsetType = UNSET
    revision: Text | UnsetType = UNSET
    driver: Text | UnsetType = UNSET
    driver_version: Text | UnsetType = UNSET
    firmware: Text | UnsetType = UNSET
    address: Text | UnsetType = UNSET


class Part(Record, frozen=True, kw_only=True):
    """Some equal parts that a device is composed of."""

    type: TypeName
    units: Amounts
    count: Positive


class Migration(Record, frozen=True, kw_only=True):
    """Ability to migrate, of this device where it is now (section 8)."""

    support: Literal["yes", "no", "disabled", "unknown"] | UnsetType = UNSET
    flags: tuple[Literal["stop_copy", "p2p", "pre_copy"], ...] | UnsetType = UNSET
    dirty_tracking: Literal["device", "iommu", "none"] | UnsetType = UNSET
    modes: tuple[Mode, ...] | UnsetType = UNSET
    stop_copy_bytes: Amount | UnsetType = UNSET
    bytes_per_s: Positive | UnsetType = UNSET
    blockers: tuple[Name, ...] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Hold the lists to ``uniqueItems``."""
        require_unique("flags", self.flags)
        require_unique("modes", self.modes)
        require_unique("blockers", self.blockers)


class Range(Record, frozen=True, kw_only=True):
    """A range of versions, ends included; a missing end is open."""

    min: Text | UnsetType = UNSET
    max: Text | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse a range without any end."""
        if self.min is UNSET and self.max is UNSET:
            raise ValueError("A range needs `min` or `max`")


Supports = Text | Range | tuple[Text, ...] | None
"""A version, a range, the accepted texts, or null where it could not be read."""


class Condition(Record, frozen=True, kw_only=True, rename={"in_": "in"}):
    """What a value is held against; all that is stated must hold (R46, R47)."""

    eq: Scalar | UnsetType = UNSET
    in_: tuple[Scalar, ...] | UnsetType = UNSET
    ge: int | str | UnsetType = UNSET
    le: int | str | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse a condition that asks nothing."""
        if self.eq is UNSET and self.in_ is UNSET and self.ge is UNSET and self.le is UNSET:
            raise ValueError("A condition needs one of `eq`, `in`, `ge`, `le`")


ParamConditions = Annotated[dict[Name, Condition], Meta(min_length=1)]


class Constraint(Record, frozen=True, kw_only=True, rename={"if_": "if"}):
    """If these parameters have these values, those must have those (R46)."""

    name: Name
    if_: ParamConditions
    then: ParamConditions


ParamType = Literal["bool", "int", "str", "set", "mask"]
ParamRule = Literal["eq", "in", "ge", "subset", "ignore"]


class Param(Record, frozen=True, kw_only=True):
    """A parameter of an offer: where it stands, and how it is to be compared (section 6)."""

    type: ParamType
    rule: ParamRule | UnsetType = UNSET
    value: ParamValue | UnsetType = UNSET
    allowed: tuple[Scalar, ...] | UnsetType = UNSET
    settable: bool = False
    off_value: Scalar | tuple[str, ...] | UnsetType = UNSET
    qos: bool = False
    severity: Literal["no", "warn"] | UnsetType = UNSET
    bits: dict[BitNumber, Text] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Hold rule, type and ``allowed`` to what the Schema lets stand together."""
        if self.allowed is not UNSET:
            if self.type == "set" or self.rule not in {"in", UNSET}:
                raise ValueError("`allowed` goes with rule `in` and no set")
        elif self.rule == "in" or self.settable:
            raise ValueError("Rule `in` and `settable` need `allowed`")
        if self.type != "int" and (self.rule == "ge" or self.qos):
            raise ValueError("Rule `ge` and `qos` go with type `int`")
        if self.rule == "subset" and self.type not in {"set", "mask"}:
            raise ValueError("Rule `subset` goes with types `set` and `mask`")
        if self.bits is not UNSET and self.type != "mask":
            raise ValueError("`bits` goes with type `mask`")

    @property
    def effective_rule(self) -> ParamRule:
        """The rule as stated, or its default (R45)."""
        if self.rule is not UNSET:
            return self.rule
        if self.allowed is not UNSET:
            return "in"
        return "ge" if self.qos else "eq"

    @property
    def effective_severity(self) -> Literal["no", "warn"]:
        """The severity as stated, or its default (R45)."""
        if self.severity is not UNSET:
            return self.severity
        return "warn" if self.qos else "no"


class Feature(Record, frozen=True, kw_only=True):
    """What a provider says of one feature."""

    maskable: bool = True
    guest_visible: bool = True


class Pool(Record, frozen=True, kw_only=True):
    """Units of one class that the types of a parent share."""

    total: Amount
    reserved: Amount = 0
    used: Amount = 0
    provider: Uuid | UnsetType = UNSET
    """Whose inventory it is, if not the offer's own."""

    @property
    def free(self) -> int:
        """Units that can still be claimed; negative where the pool is over-full."""
        return self.total - self.reserved - self.used


class Positions(Record, frozen=True, kw_only=True):
    """Fixed places on the parent: an instance sits in one that overlaps none that is taken."""

    places: Annotated[tuple[Place, ...], Meta(min_length=1)]
    """Where an instance of this type may sit."""
    taken: tuple[Place, ...] = ()
    """Where instances of any type sit."""

    @property
    def has_room(self) -> bool:
        """Whether one more instance of the type finds a place."""
        return count_free(self.places, union_of(self.taken)) > 0

    def __post_init__(self) -> None:
        """Hold the lists to ``uniqueItems``."""
        require_unique("places", self.places)
        require_unique("taken", self.taken)


class Exclusive(Record, frozen=True, kw_only=True):
    """All instances on the provider must agree in this (R52)."""

    by: Name
    """``"type"``, or the name of a parameter."""
    in_use: tuple[Scalar, ...]


class KindAndType(Record, frozen=True, kw_only=True):
    """A door to another kind and type together (R11, R12)."""

    kind: Kind
    type: TypeName


class ContractInterface(Record, frozen=True, kw_only=True):
    """The interface version that the guest sees."""

    policy: VersionPolicy | UnsetType = UNSET
    version: Text | UnsetType | None = UNSET


class OfferInterface(Record, frozen=True, kw_only=True):
    """The interface versions that the provider can show."""

    policy: VersionPolicy | UnsetType = UNSET
    supports: Supports | UnsetType = UNSET


class ContractState(Record, frozen=True, kw_only=True):
    """The state format that the present source driver writes."""

    policy: VersionPolicy | UnsetType = UNSET
    emits: Text | UnsetType | None = UNSET
    tags: dict[Name, Literal["required", "optional"]] | UnsetType = UNSET


class OfferState(Record, frozen=True, kw_only=True):
    """The state formats that the target's driver loads and writes, and the tags it knows."""

    policy: VersionPolicy | UnsetType = UNSET
    accepts: Supports | UnsetType = UNSET
    emits: Text | UnsetType | None = UNSET
    tags: tuple[Name, ...] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Hold the tags to ``uniqueItems``."""
        require_unique("tags", self.tags)


class _Identity(Record, frozen=True, kw_only=True):
    """Fields that both records share."""

    kind: Kind
    device_api: DeviceApi
    device_class: DeviceClass | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    model: TypeName | UnsetType = UNSET
    parent: Parent | UnsetType = UNSET
    units: Amounts | UnsetType = UNSET
    composition: Annotated[tuple[Part, ...], Meta(min_length=1)] | UnsetType = UNSET
    migration: Migration | UnsetType = UNSET
    env: Texts | UnsetType = UNSET
    assumed: tuple[AssumedPath, ...] | UnsetType = UNSET


class Contract(_Identity, frozen=True, kw_only=True):
    """What one running guest's device was given at boot, or when it was plugged in."""

    schema: Literal["wherry.device/1"]
    record: Literal["contract"]
    consumer: Uuid
    slot: Name
    pinned_at: str | UnsetType = UNSET
    keep: bool = False
    guest_address: GuestAddress | UnsetType = UNSET
    type: TypeName
    interface: ContractInterface | UnsetType = UNSET
    features: tuple[Name, ...] | UnsetType | None = UNSET
    params: dict[Name, ParamValue] | UnsetType = UNSET
    state: ContractState | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Hold time and lists to the Schema."""
        require_time("pinned_at", self.pinned_at)
        require_unique("assumed", self.assumed)
        require_unique("features", self.features)


class Offer(_Identity, frozen=True, kw_only=True):
    """What a provider can give for one device type, as last introspected."""

    schema: Literal["wherry.device/1"]
    record: Literal["offer"]
    provider: Uuid
    generation: Amount
    observed_at: str | UnsetType = UNSET
    type: TypeName | None
    """None: looked at, and it offers nothing (R17)."""
    also_types: tuple[TypeName | KindAndType, ...] | UnsetType = UNSET
    interface: OfferInterface | UnsetType = UNSET
    features: dict[Name, Feature] | UnsetType | None = UNSET
    params: dict[Name, Param] | UnsetType = UNSET
    constraints: tuple[Constraint, ...] | UnsetType = UNSET
    pools: dict[ResourceClass, Pool] | UnsetType = UNSET
    exclusive: Exclusive | UnsetType = UNSET
    positions: Positions | UnsetType = UNSET
    state: OfferState | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Hold time and lists to the Schema."""
        require_time("observed_at", self.observed_at)
        require_unique("assumed", self.assumed)
        require_unique("also_types", self.also_types)


class ForeignRecord(Record, frozen=True, kw_only=True):
    """A record of another version of the Schema: it is valid, and not looked into (R00)."""

    schema: str
    record: Literal["contract", "offer"]
