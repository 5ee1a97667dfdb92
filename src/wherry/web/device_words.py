"""Offers and contracts in words: what is stated, what could not be read, what nobody stated."""

from collections.abc import Iterator, Mapping

from msgspec import UNSET, UnsetType

from wherry.compat.settings import NOT_STATED, UNREADABLE, value_text
from wherry.inventory.words import amount_of
from wherry.model.device import (
    Contract,
    Migration,
    Offer,
    OfferInterface,
    Param,
    Range,
    Supports,
)


def version_of(interface: OfferInterface | UnsetType) -> str:
    """Say which interface versions an offer can show."""
    return NOT_STATED if interface is UNSET else supported(interface.supports)


def supported(versions: Supports | UnsetType) -> str:
    """Say a version, a range of them, or a list."""
    match versions:
        case UnsetType():
            return NOT_STATED
        case None:
            return UNREADABLE
        case Range():
            low = "any" if versions.min is UNSET else versions.min
            return f"{low} to {'any' if versions.max is UNSET else versions.max}"
        case tuple():
            return " or ".join(versions) or "none"
        case _:
            return versions


def features_of(record: Contract | Offer) -> tuple[str, ...] | str:
    """Name the features of a record, or say why there are none to name."""
    if record.features is UNSET:
        return NOT_STATED
    return UNREADABLE if record.features is None else tuple(record.features)


def params_of(record: Contract) -> tuple[tuple[str, str], ...]:
    """Name the parameters in effect and their values."""
    params = {} if record.params is UNSET else record.params
    return tuple((name, value_text(value)) for name, value in sorted(params.items()))


def offered_params(offer: Offer) -> tuple[tuple[str, str], ...]:
    """Name what parameters an offer has, where they stand, and what they can be set to."""
    params = {} if offer.params is UNSET else offer.params
    return tuple((name, _param(param)) for name, param in sorted(params.items()))


def units_text(units: Mapping[str, int] | UnsetType | None) -> tuple[str, ...]:
    """Say amounts with their units: ``4 ports``, ``2,048 MB of CUSTOM_GPU_FB_MB``."""
    return tuple(
        f"{amount_of(amount, name)} of {name}" for name, amount in sorted((units or {}).items())
    )


def can_migrate(migration: Migration | UnsetType) -> str:
    """Say whether a device can be migrated, and how."""
    if migration is UNSET or migration.support is UNSET:
        return NOT_STATED
    said = {"yes": "yes", "no": "no", "disabled": "switched off", "unknown": "not known"}
    modes = () if migration.modes is UNSET else migration.modes
    how = f": {', '.join(modes)}" if modes and migration.support == "yes" else ""
    return f"{said[migration.support]}{how}"


def _param(param: Param) -> str:
    return "; ".join(_said_of(param))


def _said_of(param: Param) -> Iterator[str]:
    yield value_text(param.value)
    if param.settable and param.allowed is not UNSET:
        yield f"can be {' or '.join(value_text(each) for each in param.allowed)}"
