"""A driver profile: what the facts of one driver's devices mean, as data.

Each key is explained for operators in docs/reference/profiles.md, and a test holds that page
and these Structs together.  A profile decides nothing: it names a type, says how its facts
are to be compared, and what units it takes of which pools.

Source: specification of compatibility, sections 2, 5 to 8; notes on introspection, 5 to 7.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from wherry.model.device import (
    Amount,
    AssumedPath,
    BitNumber,
    Constraint,
    DeviceApi,
    DeviceClass,
    Feature,
    Kind,
    Mode,
    Name,
    ParamRule,
    ParamType,
    Positive,
    Range,
    ResourceClass,
    Scalar,
    Text,
    TypeName,
    VersionPolicy,
)

SCHEMA: Literal["wherry.profile/1"] = "wherry.profile/1"

ProfileId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}\Z")]
FieldName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,30}\Z")]
Template = Annotated[str, Meta(pattern=r"^[!-~]{1,200}\Z")]
Form = Annotated[str, Meta(min_length=1, max_length=200)]
OneOrMore = str | Annotated[tuple[str, ...], Meta(min_length=1)]
TraitName = Annotated[str, Meta(pattern=r"^[A-Z0-9_]{1,255}\Z")]


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what profiles are made of: frozen, unknown keys refused."""


class Source(Data, frozen=True, kw_only=True):
    """Where a value is read: one attribute that the host publishes, and what of it.

    The steps are taken in the order of the fields.  What is not there is *absent*; what is
    there and does not read is *unread*, and both stay so.
    """

    of: Literal["type", "device", "parent", "module", "host"]
    """Of the type's folder; of the device (an mdev parent, a function); of its PF, or itself
    where it is none's VF; of the driver's module; of the host."""
    attribute: Text
    key: Text | UnsetType = UNSET
    """Key of a pair in the text (``num_heads=4, framebuffer=2048M``)."""
    form: Form | tuple[Form, ...] | UnsetType = UNSET
    """Takes the text apart; of several the first that fits, and none fits: absent."""
    field: FieldName | UnsetType = UNSET
    """Which field of the form; may be left out where there is only one."""
    table: dict[str, Scalar] | UnsetType = UNSET
    """Looks the text up; what the table does not hold is unread."""
    size: Literal["MB"] | UnsetType = UNSET
    """The text is a size with its unit; counted in MiB."""
    times: Positive | UnsetType = UNSET
    """The number is multiplied."""


class Match(Data, frozen=True, kw_only=True, rename={"class_": "class"}):
    """Which devices a profile is for: all that is stated must hold, by one of its patterns."""

    driver: OneOrMore | UnsetType = UNSET
    """Bound driver; an empty text is none."""
    version: OneOrMore | UnsetType = UNSET
    """Version of the driver's module."""
    srcversion: OneOrMore | UnsetType = UNSET
    firmware: OneOrMore | UnsetType = UNSET
    vendor: OneOrMore | UnsetType = UNSET
    """Four hex digits in lower case, as all ids; ``class`` has six, ``revision`` two."""
    device: OneOrMore | UnsetType = UNSET
    subvendor: OneOrMore | UnsetType = UNSET
    subdevice: OneOrMore | UnsetType = UNSET
    class_: OneOrMore | UnsetType = UNSET
    revision: OneOrMore | UnsetType = UNSET
    bus: OneOrMore | UnsetType = UNSET
    role: OneOrMore | UnsetType = UNSET
    attributes: dict[str, OneOrMore] = {}
    """Any other attribute of the device, by its path."""


class AlsoType(Data, frozen=True, kw_only=True):
    """A door that the vendor declares: guests of that kind and type may come in."""

    kind: Kind
    type: Template


class Interface(Data, frozen=True, kw_only=True):
    """What the guest sees: policy, and the version from the host or as stated."""

    policy: VersionPolicy
    supports: Text | Range | tuple[Text, ...] | UnsetType = UNSET
    supports_from: Source | UnsetType = UNSET
    min_from: Source | UnsetType = UNSET
    max_from: Source | UnsetType = UNSET


class State(Data, frozen=True, kw_only=True):
    """What the driver writes and loads when a device moves."""

    policy: VersionPolicy
    emits: Text | Source | UnsetType = UNSET
    accepts: Text | Range | tuple[Text, ...] | UnsetType = UNSET
    accepts_from: Source | UnsetType = UNSET
    tags: tuple[Name, ...] | UnsetType = UNSET


class ParamData(Data, frozen=True, kw_only=True):
    """A parameter: as in an offer, but its value may be read from the host."""

    type: ParamType
    rule: ParamRule | UnsetType = UNSET
    value: Scalar | tuple[str, ...] | Source | UnsetType = UNSET
    allowed: tuple[Scalar, ...] | UnsetType = UNSET
    settable: bool = False
    off_value: Scalar | tuple[str, ...] | UnsetType = UNSET
    qos: bool = False
    severity: Literal["no", "warn"] | UnsetType = UNSET
    bits: dict[BitNumber, Text] | UnsetType = UNSET


Total = Literal["counts", "limits", "slots"] | Amount | Source


class PoolData(Data, frozen=True, kw_only=True):
    """Units of one class that the types of a parent share."""

    units: Positive | Source
    """What one instance of a type takes; a type whose source is absent takes none."""
    total: Total | tuple[Total, ...] = "counts"
    """What the parent has: a number; read from the host; ``counts``: what the types' counts
    and the instances say together; ``limits``: the most that some type's limit can take;
    ``slots``: the devices that instances are made on.  Of several the first that tells."""


class PositionData(Data, frozen=True, kw_only=True):
    """Fixed positions of a parent: an instance sits in some of them in a row."""

    places: Text | Source | tuple[Source, ...]
    """Where an instance of a type may sit, as the vendor lists it: ``{0,4}:4`` for four from
    position 0 or from 4.  A type whose source is absent has no place of its own; of several
    sources the first that tells."""
    instance: Text = "placement"
    """Attribute of an instance that tells where it sits: ``4:4``."""


class MigrationData(Data, frozen=True, kw_only=True):
    """Ability to migrate; a probe that the host made overrides ``support`` and ``flags``."""

    support: Literal["yes", "no", "disabled", "unknown"] = "unknown"
    flags: tuple[Literal["stop_copy", "p2p", "pre_copy"], ...] | UnsetType = UNSET
    dirty_tracking: Literal["device", "iommu", "none"] | UnsetType = UNSET
    """``device`` holds only where the host's kernel can serve it; ``iommu`` where the
    hypervisor is configured to track by itself."""
    modes: tuple[Mode, ...] | UnsetType = UNSET
    stop_copy_bytes: Amount | Source | UnsetType = UNSET
    bytes_per_s: Positive | UnsetType = UNSET


class TraitData(Data, frozen=True, kw_only=True):
    """Traits that follow from a value: looked up, or a beginning and the value itself."""

    value: Source
    table: Literal["cuda_by_device"] | UnsetType = UNSET
    """A table that comes with Wherry: CUDA compute capability by PCI device id."""
    traits: dict[str, TraitName | tuple[TraitName, ...]] | UnsetType = UNSET
    prefix: TraitName | UnsetType = UNSET


class Profile(Data, frozen=True, kw_only=True):
    """One profile, with all that it takes from another and from its case worked in."""

    schema: Literal["wherry.profile/1"]
    id: ProfileId
    case: ProfileId | UnsetType = UNSET
    """Name of the case that this is, of a file that has several."""
    about: Text
    cites: tuple[str, ...] = ()
    """Where what it says is written."""
    replaces: tuple[ProfileId, ...] = ()
    match: Match
    types_from: Literal["mdev", "creatable", "function"]
    """Where types come from: the mdev bus; the vendor's list on VFs; the PCI function or vDPA
    device itself."""
    offered: bool = True
    note: Text | UnsetType = UNSET
    assigned_driver: Name | UnsetType = UNSET
    """Driver that serves a guest, where the one bound now lets the device go for it."""
    firmware: Source | UnsetType = UNSET
    fields: dict[FieldName, Source] = {}
    """Texts for the templates."""
    name: Template
    only: tuple[str, ...] = ()
    """Patterns of type names; left out: all."""
    model: TypeName | UnsetType = UNSET
    also_types: tuple[AlsoType, ...] = ()
    device_class: DeviceClass
    device_api: DeviceApi = "vfio-pci"
    """Where the type does not publish its own."""
    interface: Interface
    state: State | UnsetType = UNSET
    features: dict[Name, Feature] | UnsetType = UNSET
    features_from: Source | UnsetType = UNSET
    """Read from the host: names with blanks or commas between."""
    params: dict[Name, ParamData] = {}
    constraints: tuple[Constraint, ...] = ()
    limit: Amount | Source | UnsetType = UNSET
    """The most instances of one type that an empty parent takes."""
    counts: Literal["pools", "hints"] = "pools"
    """``pools``: available instances are views of the pools and must agree with them;
    ``hints``: they may be lower for reasons that no pool knows."""
    counted_as: Template | UnsetType = UNSET
    """Class of which a whole function is one unit."""
    pools: dict[ResourceClass, PoolData] = {}
    exclusive: Name | UnsetType = UNSET
    """``type``, or a parameter, in which all instances of a parent must agree; ``none`` takes
    back what an extended profile says."""
    positions: PositionData | UnsetType = UNSET
    """Where instances may sit, on parents whose units are not all alike."""
    migration: MigrationData = MigrationData()
    env: dict[Name, Text | Source] = {}
    traits: tuple[TraitName, ...] = ()
    trait_rules: tuple[TraitData, ...] = ()
    views: tuple[Template, ...] = ()
    """Templates of classes that count one type's recipe each."""
    numbers: dict[str, Text] = {}
    """Numbers of creatable types with their names, where a list no longer shows them."""
    assumed: tuple[AssumedPath, ...] = ()

    @property
    def title(self) -> str:
        """Name it by file and case: ``mtty``, ``mtty/stream-1.0``."""
        return self.id if self.case is UNSET else f"{self.id}/{self.case}"
