"""Conditions have three values: true, false, and None where nobody can tell.

Source: docs/reference/compat.md, section 6, "Conditions and constraints".
"""

from collections.abc import Iterable

from msgspec import UNSET, UnsetType

from wherry.compat.values import in_span, same
from wherry.model.device import Condition, ParamValue, Scalar
from wherry.model.versions import parse_dotted


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """False if one is false, else None if one cannot tell, else true."""
    told: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            told = None
    return told


def at_least(value: object, bound: object) -> bool | None:
    """Compare two integers, or two texts as dotted numbers; anything else cannot be told."""
    if _is_int(value) and _is_int(bound):
        return value >= bound  # type: ignore[operator,no-any-return]  # both are integers
    if not isinstance(value, str) or not isinstance(bound, str):
        return None
    left, right = parse_dotted(value), parse_dotted(bound)
    return None if left is None or right is None else left >= right


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_among(value: Scalar, items: Iterable[Scalar]) -> bool:
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    return any(
        same(value, item) or (number is not None and in_span(number, item)) for item in items
    )


def holds(condition: Condition, value: ParamValue | UnsetType) -> bool | None:
    """Tell whether a value meets all that a condition states."""
    if value is UNSET or value is None or isinstance(value, tuple):
        return None
    answers: list[bool | None] = []
    if condition.eq is not UNSET:
        answers.append(same(value, condition.eq))
    if condition.in_ is not UNSET:
        answers.append(_is_among(value, condition.in_))
    if condition.ge is not UNSET:
        answers.append(at_least(value, condition.ge))
    if condition.le is not UNSET:
        answers.append(at_least(condition.le, value))
    return all_of(answers)
