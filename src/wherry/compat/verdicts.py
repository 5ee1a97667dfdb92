"""From findings to reasons and verdicts, mode by mode.

Source: docs/reference/compat.md, sections 1 and 4.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from wherry.compat.table import MODE_BIT, MODES, Finding, cause, order
from wherry.model.checks import Policy, Reason, Verdict
from wherry.model.device import Mode

# By rank of the severity: a remark does not worsen a verdict.
_VERDICTS: Final[tuple[Verdict, ...]] = ("no", "unknown", "warn", "ok")
_WEIGHT: Final[dict[str, int]] = {"no": 3, "unknown": 2, "warn": 1, "ok": 0, "info": 0}


@lru_cache(maxsize=4096)
def _by_mode(no: int, unknown: int, warn: int) -> dict[Mode, Verdict]:
    """The verdict of each mode, from the bits of the modes in which a severity counts."""
    masks = (no, unknown, warn, 15)
    return {
        mode: next(v for v, mask in zip(_VERDICTS, masks, strict=True) if mask & MODE_BIT[mode])
        for mode in MODES
    }


def verdicts(findings: Iterable[Finding]) -> dict[Mode, Verdict]:
    """Give the worst severity in each of the four modes; shared, so not to be changed."""
    masks = [0, 0, 0, 0]
    for found, _ in findings:
        masks[found.rank] |= found.modes
    return _by_mode(masks[0], masks[1], masks[2])


def verdict_in(findings: Iterable[Finding], mode: Mode) -> Verdict:
    """Give the worst severity in one mode."""
    return verdicts(findings)[mode]


def reasons_in(findings: Iterable[Finding], mode: Mode) -> tuple[Reason, ...]:
    """Give all reasons that count in a mode, in the order of section 4."""
    bit = MODE_BIT[mode]
    counting = [finding for finding in findings if finding[0].modes & bit]
    if len(counting) > 1:
        counting.sort(key=order)
    return tuple(
        [Reason(code=c.code, severity=c.severity, stage=c.stage, rule=c.rule, detail=detail)
         for c, detail in counting]
    )  # fmt: skip


def to_reasons(findings: Sequence[Finding]) -> tuple[Reason, ...]:
    """Give all of them as reasons, in order, whatever the mode (lints)."""
    return tuple(
        Reason(code=c.code, severity=c.severity, stage=c.stage, rule=c.rule, detail=detail)
        for c, detail in sorted(findings, key=order)
    )


def in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Put reasons that were answered once into the order of section 4 again."""
    return tuple(sorted(reasons, key=_order_of))


def _order_of(reason: Reason) -> tuple[int, str, str, tuple[str, ...]]:
    return order((cause(reason.code, reason.severity, ""), reason.detail))


def worst(found: Iterable[str]) -> Verdict:
    """Give the heaviest of verdicts and severities; ``ok`` if there are none."""
    weight = max((_WEIGHT[one] for one in found), default=0)
    return _VERDICTS[3 - weight]


def is_accepted(verdict: Verdict, policy: Policy) -> bool:
    """Tell whether the caller takes a verdict: always ``ok``, never ``no``."""
    return verdict == "ok" or verdict in policy.accept
