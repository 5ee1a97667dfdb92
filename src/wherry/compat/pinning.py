"""Pinning: making a contract of an offer and of what was chosen for the guest.

Contracts are pinned at boot, at reboot and when a device is plugged, and by nothing else
(R33): after a migration the pinned fields do not change, and `rebase` reads the others anew.

Source: docs/reference/compat.md, R33 and section 9, "Pinning".
"""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, UnsetType, field
from msgspec.structs import replace

from wherry.compat.rebase import rebase, state_of
from wherry.compat.values import read
from wherry.model.device import (
    SCHEMA,
    Contract,
    ContractInterface,
    Kind,
    Migration,
    Offer,
    Param,
    ParamValue,
    Record,
)

__all__ = ["RULES", "Choice", "OffersNothing", "pin", "rebase"]

RULES: Final = ("R33",)


class OffersNothing(ValueError):
    """An offer of type null was to be pinned, and no type was chosen."""


class Choice(Record, frozen=True, kw_only=True):
    """What was chosen for a guest's device; what is left out is the offer's."""

    kind: Kind | UnsetType = UNSET
    type: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    features: tuple[str, ...] | UnsetType = UNSET
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    guest_address: str | UnsetType = UNSET


def pin(
    offer: Offer,
    chosen: Choice,
    *,
    consumer: str,
    slot: str,
    pinned_at: str | UnsetType = UNSET,
    keep: bool | UnsetType = UNSET,
) -> Contract:
    """Make the contract of a device that boots or is plugged now.

    Args:
        offer: what the guest's present provider gives.
        chosen: what was chosen; to choose another kind is to choose an object of
            ``also_types``.
        consumer: uuid of the guest.
        slot: which of its devices.
        pinned_at: now, as RFC 3339.
        keep: the operator's mark; left out: not marked.

    Raises:
        OffersNothing: neither the offer nor *chosen* names a type.
    """
    kind = offer.kind if chosen.kind is UNSET else chosen.kind
    name = offer.type if chosen.type is UNSET else chosen.type
    if name is None:
        raise OffersNothing(offer.provider)
    is_own = kind == offer.kind and name == offer.type
    return Contract(
        schema=SCHEMA,
        record="contract",
        consumer=consumer,
        slot=slot,
        pinned_at=pinned_at,
        keep=keep is True,
        guest_address=chosen.guest_address,
        kind=kind,
        device_api=offer.device_api,
        device_class=offer.device_class,
        type=name,
        model=offer.model,
        description=offer.description if is_own else UNSET,
        parent=offer.parent,
        units=offer.units,
        composition=offer.composition,
        env=offer.env,
        assumed=offer.assumed,
        interface=_interface(offer, chosen),
        features=_features(offer, chosen),
        params=_params(offer, chosen),
        state=state_of(offer),
        migration=_migration(offer),
    )


def _interface(offer: Offer, chosen: Choice) -> ContractInterface:
    stated = offer.interface
    policy = UNSET if stated is UNSET else stated.policy
    version: str | None = None
    if chosen.version is not UNSET:
        version = chosen.version
    elif stated is not UNSET and isinstance(stated.supports, str):
        version = stated.supports
    return ContractInterface(policy=policy, version=version)


def _features(offer: Offer, chosen: Choice) -> tuple[str, ...] | UnsetType | None:
    if chosen.features is not UNSET:
        return tuple(sorted(set(chosen.features)))
    if offer.features is UNSET or offer.features is None:
        return offer.features
    return tuple(sorted(offer.features))


def _params(offer: Offer, chosen: Choice) -> dict[str, ParamValue] | UnsetType:
    if offer.params is UNSET:
        return UNSET
    pinned: dict[str, ParamValue] = {}
    for name, param in offer.params.items():
        value = chosen.params.get(name, None if param.value is UNSET else param.value)
        if param.effective_rule != "ignore" and not is_off(param, value):
            pinned[name] = value
    return pinned


def is_off(param: Param, value: ParamValue) -> bool:
    """Tell whether a value is the parameter's off value, compared by its declared type."""
    if param.off_value is UNSET:
        return False
    off = read(param.type, param.off_value)
    return off is not None and read(param.type, value) == off


def _migration(offer: Offer) -> Migration | UnsetType:
    if offer.migration is UNSET or offer.migration.blockers is UNSET:
        return offer.migration
    return replace(offer.migration, blockers=UNSET)
