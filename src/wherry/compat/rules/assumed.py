"""A fact that nobody observed or declared can at best give a warning.

Paths that no rule looks at are passed over: a feature that neither the guest uses nor the
target forces on it, a parameter that neither has or that is not compared.

Source: docs/reference/compat.md, R01.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.table import Finding, Findings, cause

RULES: Final = ("R01",)

_ASSUMED = cause("ASSUMED")


def check(pair: Pair) -> Findings:
    """Name each assumed path of either record that a rule looks at."""
    source, target = pair.contract.assumed, pair.offer.assumed
    if source is UNSET and target is UNSET:
        return ()
    found: list[Finding] = []
    for side, paths in (("source", source), ("target", target)):
        found += [
            (_ASSUMED, {"side": side, "field": path})
            for path in paths or ()
            if _is_looked_at(pair, path)
        ]
    return found


def _is_looked_at(pair: Pair, path: str) -> bool:
    head, dot, name = path.partition(".")
    if dot and head == "features":
        return _is_feature_looked_at(pair, name)
    if dot and head == "params":
        return _is_param_looked_at(pair, name)
    return True


def _is_feature_looked_at(pair: Pair, name: str) -> bool:
    if name in (pair.contract.features or ()):
        return True
    feature = (pair.offer.features or {}).get(name)
    return feature is not None and feature.guest_visible and not feature.maskable


def _is_param_looked_at(pair: Pair, name: str) -> bool:
    param = (pair.offer.params or {}).get(name)
    if param is not None:
        return param.effective_rule != "ignore"
    return name in (pair.contract.params or {})
