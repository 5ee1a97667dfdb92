"""Parameters as marks: the values that an offer would take, and the one that a contract has.

A contract does not know the declared type of a parameter, and asks its value under each type
that it could have.

Source: docs/reference/compat.md, section 13, rows R40 to R43.
"""

from collections.abc import Iterator
from typing import Final, get_args

from wherry.compat.query.vocabulary import MOST, Mark, Vocabulary
from wherry.compat.rules.params import only_offered
from wherry.compat.values import Comparable, read, span_of
from wherry.model.device import Param, ParamType, ParamValue

_TYPES: Final[tuple[ParamType, ...]] = get_args(ParamType)


def publish(key: tuple[str, ...], name: str, param: Param) -> Iterator[Mark]:
    """Give the marks of one parameter of an offer."""
    at = ("param", key, name)
    yield from ((*at, *tail) for tail in _values(param))
    if any(cause.severity in {"no", "unknown"} for cause, _ in only_offered(name, param)):
        yield ("fixed", key, name)


def ask(key: tuple[str, ...], name: str, value: ParamValue, known: Vocabulary) -> frozenset[Mark]:
    """Give the marks of which an offer must have one to take a value."""
    at = ("param", key, name)
    found: set[Mark] = {(*at, "any")}
    for kind in _TYPES:
        own = read(kind, value)
        if own is None:
            continue
        found.add((*at, *_is(kind, own)))
        if kind == "int":
            levels = [level for level in known.levels((*at, "ge")) if level >= own]
            many = len(levels) > MOST
            found.update([(*at, "some")] if many else [(*at, "ge", level) for level in levels])
    return frozenset(found)


def _is(kind: ParamType, value: Comparable) -> Mark:
    """Name the class of all values that are equal; a set has one order."""
    return ("is", kind, tuple(sorted(value)) if isinstance(value, frozenset) else value)


def _values(param: Param) -> Iterator[Mark]:
    rule = param.effective_rule
    if rule in {"ignore", "subset"} or param.effective_severity == "warn":
        yield ("any",)
    elif rule == "in":
        yield from _allowed(param)
    else:
        value = read(param.type, param.value)
        if value is None:
            return
        if rule == "ge":
            yield ("ge", value)
            yield ("some",)
        else:
            yield _is(param.type, value)


def _allowed(param: Param) -> Iterator[Mark]:
    """Spell out what is allowed, unless that would be too much."""
    values: list[Comparable] = []
    for item in param.allowed or ():
        own = read(param.type, item)
        span = span_of(item) if param.type == "int" else None
        if own is not None:
            values.append(own)
        elif span is not None and span[1] - span[0] >= MOST:
            yield ("any",)
            return
        elif span is not None:
            values += range(span[0], span[1] + 1)
    yield from (_is(param.type, value) for value in values)
