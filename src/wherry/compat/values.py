"""Values of parameters, read by their declared type so that they can be compared.

A mask is a number of any size, a set has no order and no repetition, and ``True`` is no
integer.  A value that is not of the declared type counts as unreadable.

Source: docs/reference/compat.md, section 6, "Parameters".
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from wherry.model.device import ParamType, Scalar

_MASK = re.compile(r"0x[0-9A-Fa-f]{1,256}")
_SPAN = re.compile(r"(-?[0-9]{1,4000})-(-?[0-9]{1,4000})")

Comparable = bool | int | str | frozenset[str]


def _bool(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _str(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _set(value: object) -> frozenset[str] | None:
    return frozenset(value) if isinstance(value, tuple) else None


def _mask(value: object) -> int | None:
    return int(value, 16) if isinstance(value, str) and _MASK.fullmatch(value) else None


_READERS: Final[Mapping[ParamType, Callable[[object], Comparable | None]]] = {
    "bool": _bool,
    "int": _int,
    "str": _str,
    "set": _set,
    "mask": _mask,
}


def read(kind: ParamType, value: object) -> Comparable | None:
    """Read a value as its declared type; None if missing, null or of another type."""
    return _READERS[kind](value)


def same(left: object, right: object) -> bool:
    """Tell whether two values are equal as JSON has it: ``True`` is not ``1``."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def span_of(item: Scalar) -> tuple[int, int] | None:
    """Read a span ``"lo-hi"``, both ends included; None where it is none."""
    match = _SPAN.fullmatch(item) if isinstance(item, str) else None
    return None if match is None else (int(match[1]), int(match[2]))


def in_span(number: int, item: Scalar) -> bool:
    """Tell whether a number lies in a span."""
    span = span_of(item)
    return span is not None and span[0] <= number <= span[1]


def is_allowed(kind: ParamType, value: Comparable, allowed: Iterable[Scalar]) -> bool:
    """Tell whether a value that was read is among *allowed*; integers know spans."""
    number: Any = value if kind == "int" else None
    for item in allowed:
        if read(kind, item) == value:
            return True
        if number is not None and in_span(number, item):
            return True
    return False
