"""Reasons and verdicts as pages show them: the sentence, and both values beside it.

The words are those of every other surface; here they are only laid out.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from wherry.compat.settings import NOT_STATED, settings_of
from wherry.model.checks import MappingRow, Reason
from wherry.schedule.reasons import explain, sides


def tell_reason(reason: Reason, slot: str = "") -> dict[str, Any]:
    """Give a reason: severity, code, sentence; wanted and offered, where it compares them."""
    return {
        "slot": slot,
        "severity": reason.severity,
        "code": reason.code,
        "sentence": explain(reason),
        "host": reason.detail.get("host", ""),
        "sides": sides(reason),
    }


def tell_reasons(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """Give reasons, each once, in their order."""
    told = [tell_reason(reason) for reason in reasons]
    return [each for number, each in enumerate(told) if each not in told[:number]]


def tell_row(row: MappingRow) -> dict[str, Any]:
    """Give one slot of a mapping with its reasons and what is set."""
    return {
        "slot": row.slot,
        "mode": row.mode,
        "verdict": row.verdict,
        "reasons": tell_reasons(row.reasons),
        "configure": settings_of(row.configure),
    }


def say(value: Any) -> str:
    """Write a value of a record as text."""
    match value:
        case None | msgspec.UNSET:
            return NOT_STATED
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(say, value)) or "none"
        case dict():
            return ", ".join(f"{key} {say(item)}" for key, item in value.items()) or "nothing"
        case int() | float():
            return str(value)
        case _:
            return say(msgspec.to_builtins(value))
