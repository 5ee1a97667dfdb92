"""Taking the cause of a reason away: what an operator would change, as values."""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from wherry.model.checks import Policy, Reason
from wherry.model.device import (
    Contract,
    ContractInterface,
    ContractState,
    Feature,
    Migration,
    Offer,
    OfferInterface,
    OfferState,
    Pool,
)

World = tuple[Contract, Offer, Policy]
Mend = Callable[[Reason, Contract, Offer, Policy], World]


def _without(mapping: dict[str, Any] | Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in (mapping or {}).items() if key != name}


def _side(**fields: Any) -> Mend:
    """The same change on the side that the reason names."""

    def mend(reason: Reason, c: Contract, o: Offer, p: Policy) -> World:
        if reason.detail["side"] == "source":
            return replace(c, **fields), o, p
        return c, replace(o, **fields), p

    return mend


def _migration(**fields: Any) -> Mend:
    def mend(reason: Reason, c: Contract, o: Offer, p: Policy) -> World:
        sides = [reason.detail["side"]] if "side" in reason.detail else ["source", "target"]
        if "source" in sides:
            c = replace(c, migration=replace(c.migration or Migration(), **fields))
        if "target" in sides:
            o = replace(o, migration=replace(o.migration or Migration(), **fields))
        return c, o, p

    return mend


def _interface(_: Reason, c: Contract, o: Offer, p: Policy) -> World:
    return (
        replace(c, interface=ContractInterface(policy="none")),
        replace(o, interface=OfferInterface(policy="none")),
        p,
    )


def _state(_: Reason, c: Contract, o: Offer, p: Policy) -> World:
    return (
        replace(c, state=ContractState(policy="none")),
        replace(o, state=OfferState(policy="none")),
        p,
    )


def _param(reason: Reason, c: Contract, o: Offer, p: Policy) -> World:
    name = reason.detail["param"]
    return (
        replace(c, params=_without(c.params, name)),
        replace(o, params=_without(o.params, name)),
        p,
    )


def _assumed(reason: Reason, c: Contract, o: Offer, p: Policy) -> World:
    def kept(paths: Any) -> Any:
        return tuple(path for path in paths or () if path != reason.detail["field"])

    if reason.detail["side"] == "source":
        return replace(c, assumed=kept(c.assumed)), o, p
    return c, replace(o, assumed=kept(o.assumed)), p


def _same(*fields: str) -> Mend:
    def mend(_: Reason, c: Contract, o: Offer, p: Policy) -> World:
        return c, replace(o, **{field: getattr(c, field) for field in fields}), p

    return mend


def _feature_missing(reason: Reason, c: Contract, o: Offer, p: Policy) -> World:
    return c, replace(o, features={**(o.features or {}), reason.detail["feature"]: Feature()}), p


def _feature_unmaskable(reason: Reason, c: Contract, o: Offer, p: Policy) -> World:
    return c, replace(o, features=_without(o.features, reason.detail["feature"])), p


def _modes(reason: Reason, c: Contract, o: Offer, p: Policy) -> World:
    every = ("live", "suspend", "cold", "replug")
    c, o, p = _migration(modes=every)(reason, c, o, p)
    return replace(c, device_class="network"), replace(o, device_class="network"), p


MENDS: dict[str, Mend] = {
    "ASSUMED": _assumed,
    "DEVICE_API": _same("device_api"),
    "KIND_MISMATCH": _same("kind"),
    "TYPE_MISMATCH": _same("type"),
    "MODEL_MISMATCH": _same("model"),
    "PARENT_DIFFERS": _same("parent"),
    "DESCRIPTION_DIFFERS": _same("description"),
    "NO_OFFER": lambda r, c, o, p: (c, replace(o, type=c.type), p),
    "STATE_TAG_UNKNOWN": _state,
    "FEATURES_UNREADABLE": _side(features=UNSET),
    "FEATURE_MISSING": _feature_missing,
    "FEATURE_UNMASKABLE": _feature_unmaskable,
    "CONSTRAINT": lambda r, c, o, p: (c, replace(o, constraints=()), p),
    "POLICY": lambda r, c, o, p: (c, o, replace(p, packs=())),
    "UNITS_MISMATCH": _same("units", "composition"),
    "UNITS_ABSENT": _same("units", "composition"),
    "CAPACITY": lambda r, c, o, p: (
        c,
        replace(o, pools={
            **o.pools,
            r.detail["resource_class"]: Pool(total=99),
        }),
        p,
    ),
    "POSITIONS": lambda r, c, o, p: (c, replace(o, positions=UNSET), p),
    "EXCLUSIVE": lambda r, c, o, p: (c, replace(o, exclusive=replace(o.exclusive, in_use=())), p),
    "MIGRATION_UNSUPPORTED": _migration(support="yes"),
    "MIGRATION_DISABLED": _migration(support="yes"),
    "MIGRATION_UNDETERMINED": _migration(support="yes"),
    "DIRTY_TRACKING_ABSENT": _migration(dirty_tracking="device"),
    "BLOCKER": _migration(blockers=()),
    "POSTCOPY_REQUESTED": lambda r, c, o, p: (c, o, replace(p, postcopy=False)),
    "DOWNTIME_BUDGET": lambda r, c, o, p: (c, o, replace(p, downtime=UNSET)),
    "MODE": _modes,
    "GUEST_ADDRESS": lambda r, c, o, p: (c, o, replace(p, guest_address=c.guest_address)),
    "GENERATION_CONFLICT": lambda r, c, o, p: (c, o, replace(p, offer_generation=o.generation)),
}  # fmt: skip


def mend(reason: Reason, contract: Contract, offer: Offer, policy: Policy) -> World:
    """Change no more than what the reason objects to."""
    if reason.code.startswith("VERSION_"):
        return _interface(reason, contract, offer, policy)
    if reason.code.startswith("STATE_FORMAT_"):
        return _state(reason, contract, offer, policy)
    if reason.code.startswith("PARAM_"):
        return _param(reason, contract, offer, policy)
    return MENDS[reason.code](reason, contract, offer, policy)
