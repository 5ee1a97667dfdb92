"""The guest stands still for no longer than the caller allows.

Source: docs/reference/compat.md, R65.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.table import Finding, cause
from wherry.model.checks import Policy

RULES: Final = ("R65",)

_TOLD = cause("DOWNTIME_BUDGET", "warn")
_REFUSED = cause("DOWNTIME_BUDGET", "no")
_NO_ESTIMATE = cause("DOWNTIME_BUDGET", "unknown")


def check(estimate_ms: int | None, policy: Policy) -> list[Finding]:
    """Hold an estimate against the budget; none is unknown where the budget is strict."""
    downtime = policy.downtime
    if downtime is UNSET:
        return []
    detail = {"wanted": downtime.budget_ms, "offered": estimate_ms}
    if estimate_ms is None:
        return [(_NO_ESTIMATE, detail)] if downtime.strict else []
    if estimate_ms <= downtime.budget_ms:
        return []
    return [(_REFUSED if downtime.strict else _TOLD, detail)]
