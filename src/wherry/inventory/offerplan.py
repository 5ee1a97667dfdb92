"""An offer from what a profile says of a type and what the host published.

Source: specification of compatibility, section 2: what is not there is left out, what is
there and cannot be read is null.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.compat.shapes import NOBODY
from wherry.inventory.capacity import PoolSize
from wherry.inventory.migration import plan_migration
from wherry.inventory.types import PlannedType, fill_name
from wherry.model.device import (
    SCHEMA,
    DeviceApi,
    Exclusive,
    Feature,
    Kind,
    KindAndType,
    Offer,
    OfferInterface,
    OfferState,
    Param,
    ParamValue,
    Parent,
    Pool,
    Positions,
    Range,
    Supports,
    TypeName,
)
from wherry.model.facts import MigrationProbe
from wherry.profiles.reading import (
    UNREAD,
    Look,
    Missing,
    firmware_of,
    ids_of,
    read_text,
    read_value,
    split_names,
)
from wherry.profiles.schema import AlsoType, Interface, ParamData, Profile, Source, State

MAX_TEXT = 200
_APIS = frozenset({"vfio-pci", "vfio-ap", "vfio-ccw", "vfio-platform", "virtio"})


def plan_offer(
    profile: Profile,
    one: PlannedType,
    *,
    kind: Kind,
    driver: str,
    pools: Mapping[str, PoolSize],
    probes: Sequence[MigrationProbe] = (),
) -> Offer | str:
    """Make the offer of one type, without what claims change; text says why it is none.

    It stands nowhere yet.

    Args:
        profile: of the devices.
        one: the type, with its recipe.
        kind: what an instance is.
        driver: that serves the guest.
        pools: of the provider; the offer names those that its recipe takes from.
        probes: what the kernel answered for the devices.
    """
    api = _device_api(profile, one.look)
    if api is None:
        return f"{one.name} has a device_api that cannot be read"
    fields: dict[str, Any] = {
        **_identity(profile, one, driver),
        **_terms(profile, one.look),
        "also_types": _also_types(profile.also_types, one, kind),
        "pools": {name: _pool(pools[name]) for name in sorted(one.units)},
        "exclusive": UNSET if one.places else _exclusive(profile),
        "positions": Positions(places=one.places) if one.places else UNSET,
        "migration": plan_migration(profile, one.look, probes),
    }
    try:
        return Offer(
            schema=SCHEMA,
            record="offer",
            provider=NOBODY,
            generation=0,
            kind=kind,
            device_api=api,
            type=one.name,
            **fields,
        )
    except ValueError as error:
        return f"{one.name}: {error}"


def place_offer(offer: Offer, provider: str, address: str) -> Offer:
    """Say on which provider an offer stands.

    Args:
        provider: uuid.
        address: of the device, or of the PF of several.
    """
    parent = Parent() if offer.parent is UNSET else offer.parent
    return replace(offer, provider=provider, parent=replace(parent, address=address[:MAX_TEXT]))


def _identity(profile: Profile, one: PlannedType, driver: str) -> dict[str, Any]:
    description = one.look.type_attributes.get("description")
    return {
        "device_class": profile.device_class,
        "model": profile.model,
        "description": description[:4096] if isinstance(description, str) else UNSET,
        "parent": _parent(profile, one.look, driver),
        "units": dict(sorted(one.units.items())),
        "env": _env(profile, one.look),
        "assumed": profile.assumed or UNSET,
    }


def _terms(profile: Profile, look: Look) -> dict[str, Any]:
    params = {name: _param(data, look) for name, data in profile.params.items()}
    return {
        "interface": _interface(profile.interface, look),
        "state": UNSET if profile.state is UNSET else _state(profile.state, look),
        "features": _features(profile, look),
        "params": {name: one for name, one in params.items() if one is not None} or UNSET,
        "constraints": profile.constraints or UNSET,
    }


def _device_api(profile: Profile, look: Look) -> DeviceApi | None:
    published = look.type_attributes.get("device_api", profile.device_api)
    return msgspec.convert(published, DeviceApi) if published in _APIS else None


def _parent(profile: Profile, look: Look, driver: str) -> Parent:
    module = look.host.modules.get(driver.replace("-", "_"))
    version = UNSET if module is None else module.version
    firmware = firmware_of(look.device) or firmware_of(look.parent)
    if profile.firmware is not UNSET:
        firmware = _text(read_text(profile.firmware, look))
    ids = {k: v for k, v in ids_of(look.device).items() if k != "class"}
    return Parent(
        **ids,
        driver=driver or UNSET,
        driver_version=version[:MAX_TEXT] if isinstance(version, str) and version else UNSET,
        firmware=firmware[:MAX_TEXT] if firmware else UNSET,
    )


def _env(profile: Profile, look: Look) -> dict[str, str] | UnsetType:
    read = {
        name: value if isinstance(value, str) else _text(read_text(value, look))
        for name, value in profile.env.items()
    }
    return {name: text[:MAX_TEXT] for name, text in read.items() if text} or UNSET


def _interface(data: Interface, look: Look) -> OfferInterface:
    return OfferInterface(policy=data.policy, supports=_supports(data, look))


def _supports(data: Interface, look: Look) -> Supports | UnsetType:
    """Give what is stated, else what is read; of a range, an end that is not read is open."""
    if data.supports is not UNSET:
        return data.supports
    if data.supports_from is not UNSET:
        return _version(data.supports_from, look)
    low = _end(data.min_from, look)
    high = _end(data.max_from, look)
    if UNREAD in (low, high):
        return None
    ends = {k: v for k, v in (("min", low), ("max", high)) if isinstance(v, str)}
    return Range(**ends) if ends else UNSET


def _end(source: Source | UnsetType, look: Look) -> str | Missing:
    if source is UNSET:
        return Missing.ABSENT
    value = read_text(source, look)
    return value if isinstance(value, Missing) else str(value)[:MAX_TEXT]


def _version(source: Source, look: Look) -> str | UnsetType | None:
    value = read_text(source, look)
    if isinstance(value, Missing):
        return None if value is UNREAD else UNSET
    return str(value)[:MAX_TEXT] or UNSET


def _state(data: State, look: Look) -> OfferState:
    accepts: Supports | UnsetType = data.accepts
    if accepts is UNSET and data.accepts_from is not UNSET:
        accepts = _version(data.accepts_from, look)
    emits = data.emits
    return OfferState(
        policy=data.policy,
        accepts=accepts,
        emits=_version(emits, look) if isinstance(emits, Source) else emits,
        tags=data.tags,
    )


def _features(profile: Profile, look: Look) -> dict[str, Feature] | UnsetType | None:
    if profile.features is not UNSET or profile.features_from is UNSET:
        return profile.features
    value = read_text(profile.features_from, look)
    if isinstance(value, Missing):
        return None if value is UNREAD else UNSET
    return {name: Feature() for name in split_names(str(value))}


def _param(data: ParamData, look: Look) -> Param | None:
    """Give a parameter, or None where the host does not state it.

    One that is not compared stays without a value, so that a guest that has it may come.
    """
    value: ParamValue | UnsetType | Missing
    value = (
        data.value
        if not isinstance(data.value, Source)
        else read_value(data.value, look, data.type)
    )
    if value is Missing.ABSENT and data.rule != "ignore" and data.allowed is UNSET:
        return None
    if isinstance(value, Missing):
        value = None if value is UNREAD else UNSET
    stated = {k: v for k, v in msgspec.structs.asdict(data).items() if k != "value"}
    return Param(value=value, **stated)


def _also_types(
    doors: Sequence[AlsoType], one: PlannedType, kind: Kind
) -> tuple[TypeName | KindAndType, ...] | UnsetType:
    found: dict[tuple[str, str], TypeName | KindAndType] = {}
    for door in doors:
        name = fill_name(door.type, one.fields)
        if name is None or (door.kind, name) == (kind, one.name):
            continue
        found[door.kind, name] = (
            name if door.kind == kind else KindAndType(kind=door.kind, type=name)
        )
    return tuple(found.values()) or UNSET


def _pool(size: PoolSize) -> Pool:
    return Pool(total=size.total, reserved=size.reserved)


def _exclusive(profile: Profile) -> Exclusive | UnsetType:
    if profile.exclusive is UNSET or profile.exclusive == "none":
        return UNSET
    return Exclusive(by=profile.exclusive, in_use=())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
