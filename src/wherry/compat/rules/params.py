"""Each parameter in effect for the guest is met as the target declares it.

The type's vendor or operator declares how a value is compared, and Wherry compares blindly.
A parameter that only the target has must be off, or be turned off by the claim.

Source: docs/reference/compat.md, R40 to R45.
"""

from typing import Any, Final, cast

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.table import Finding, Findings, cause
from wherry.compat.values import Comparable, is_allowed, read
from wherry.model.device import Param, ParamRule, ParamValue, Scalar

RULES: Final = ("R40", "R41", "R42", "R43", "R44", "R45")

_UNKNOWN = cause("PARAM_UNKNOWN")
_FAILED: Final = {
    rule: {severity: cause(f"PARAM_{rule.upper()}", severity) for severity in ("no", "warn")}
    for rule in ("eq", "in", "ge", "subset")
}
_CANNOT_DISABLE = {s: cause("PARAM_CANNOT_DISABLE", s) for s in ("no", "warn")}
_UNREADABLE = {
    "no": cause("PARAM_UNREADABLE", "unknown"),
    "warn": cause("PARAM_UNREADABLE", "warn"),
}


def check(pair: Pair) -> Findings:
    """Ask every parameter of either record."""
    ours, theirs = pair.contract.params or {}, pair.offer.params or {}
    found: list[Finding] = []
    for name, value in ours.items():
        param = theirs.get(name)
        if param is None:
            found.append((_UNKNOWN, {"param": name, "wanted": value}))
        else:
            found += _in_effect(name, param, value)
    for name, param in theirs.items():
        if name not in ours:
            found += only_offered(name, param)
    return found


def to_set(pair: Pair) -> dict[str, Scalar | tuple[str, ...]]:
    """What the claim must set (R42): settable values that do not stand there already."""
    ours = pair.contract.params or {}
    settings: dict[str, Scalar | tuple[str, ...]] = {}
    for name, param in (pair.offer.params or {}).items():
        if not param.settable or param.effective_rule == "ignore":
            continue
        wanted = ours.get(name, param.off_value)
        if wanted is UNSET or wanted is None or _stands(param, wanted):
            continue
        if name not in ours or not _in_effect(name, param, wanted):
            settings[name] = wanted
    return settings


def _stands(param: Param, wanted: ParamValue) -> bool:
    """Tell whether the parameter stands at a value already."""
    value = read(param.type, wanted)
    return value is not None and value == read(param.type, param.value)


def _in_effect(name: str, param: Param, wanted: ParamValue) -> Findings:
    """A parameter of both records (steps 2, 4 and 5)."""
    rule = param.effective_rule
    if rule == "ignore":
        return ()
    ours = read(param.type, wanted)
    theirs = None if rule == "in" else read(param.type, param.value)
    lost = [side for side, missing in (
        ("source", ours is None),
        ("target", theirs is None and (rule != "in" or param.allowed is UNSET)),
    ) if missing]  # fmt: skip
    if lost or ours is None:
        unreadable = _UNREADABLE[param.effective_severity]
        return [(unreadable, {"param": name, "side": side}) for side in lost]
    if _passes(rule, param, ours, theirs):
        return ()
    return ((_FAILED[rule][param.effective_severity], _failure(name, param, wanted, ours, theirs)),)


def _passes(rule: ParamRule, param: Param, ours: Comparable, theirs: Comparable | None) -> bool:
    if rule == "eq":
        return ours == theirs
    if rule == "in":
        return is_allowed(param.type, ours, param.allowed or ())
    left, right = cast("Any", ours), cast("Any", theirs)
    if rule == "ge":
        return bool(right >= left)
    return bool(left & right == left)  # sets and masks alike


def _failure(
    name: str, param: Param, wanted: ParamValue, ours: Comparable, theirs: Comparable | None
) -> dict[str, Any]:
    """The detail of a comparison that failed, with the names of a mask's bits."""
    offered = param.allowed if theirs is None else param.value
    detail: dict[str, Any] = {"param": name, "wanted": wanted, "offered": offered}
    if param.bits and isinstance(ours, int) and isinstance(theirs, int):
        differ = ours & ~theirs if param.effective_rule == "subset" else ours ^ theirs
        named = {bit: text for bit, text in param.bits.items() if differ >> int(bit) & 1}
        if named:
            detail["bits"] = named
    return detail


def only_offered(name: str, param: Param) -> Findings:
    """Step *off*: a parameter that the contract lacks, so that it was off."""
    if param.effective_rule in {"ignore", "ge", "subset"}:
        return ()
    value = read(param.type, param.value)
    if param.off_value is not UNSET:
        off = read(param.type, param.off_value)
        if param.settable or (off is not None and value == off):
            return ()
        if value is None and param.allowed is UNSET:
            unreadable = _UNREADABLE[param.effective_severity]
            return ((unreadable, {"param": name, "side": "target"}),)
        if value is None and off is not None and is_allowed(param.type, off, param.allowed or ()):
            return ()
    offered = None if param.value is UNSET else param.value
    return ((_CANNOT_DISABLE[param.effective_severity], {"param": name, "offered": offered}),)
