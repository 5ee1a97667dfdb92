"""Says fast whether a value meets a JSON Schema; what is wrong with it, jsonschema says.

A schema is turned into plain functions once.  Only the keywords that this package's schemas
use are known; `Unknown` is raised for any other, so that none is passed over.

Source: JSON Schema 2020-12, as the jsonschema library reads it (a float without a fraction is
an integer, a pattern may match anywhere).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Check = Callable[[Any], bool]
Formats = Mapping[str, Callable[[str], bool]]


class Unknown(Exception):
    """A keyword of JSON Schema that is not known here."""


def compile_schema(schema: Mapping[str, Any], formats: Formats) -> Check:
    """Make a function that says whether a value meets a schema.

    Args:
        formats: what a text of each ``format`` must be.

    Raises:
        Unknown: the schema uses a keyword, type or format that is not known here.
    """
    checks = []
    for keyword, wanted in schema.items():
        if keyword == "format":
            checks.append(_text(formats[_known(formats, wanted)]))
        elif keyword in _NESTED:
            checks.append(_NESTED[keyword](wanted, formats))
        elif keyword not in _OF_NAMES:
            checks.append(_PLAIN[_known(_PLAIN, keyword)](wanted))
    if schema.keys() & _OF_NAMES:
        checks.append(_names(schema, formats))
    return _every(checks)


def _known(table: Mapping[str, Any], key: str) -> str:
    if key not in table:
        raise Unknown(key)
    return key


def _every(checks: Sequence[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    return lambda value: all(check(value) for check in checks)


def _text(check: Callable[[str], bool]) -> Check:
    return lambda value: not isinstance(value, str) or check(value)


def _list(check: Callable[[list[Any]], bool]) -> Check:
    return lambda value: not isinstance(value, list) or check(value)


def _object(check: Callable[[dict[str, Any]], bool]) -> Check:
    return lambda value: not isinstance(value, dict) or check(value)


def _number(check: Callable[[float], bool]) -> Check:
    return lambda value: not _is_number(value) or check(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: Mapping[str, Check] = {
    "array": lambda value: isinstance(value, list),
    "integer": _is_integer,
    "null": lambda value: value is None,
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def _type(wanted: str | Sequence[str]) -> Check:
    if isinstance(wanted, str):
        return _TYPES[_known(_TYPES, wanted)]
    kinds = [_TYPES[_known(_TYPES, kind)] for kind in wanted]
    return lambda value: any(check(value) for check in kinds)


def _pattern(wanted: str) -> Check:
    search = re.compile(wanted).search
    return _text(lambda value: search(value) is not None)


def _required(wanted: Sequence[str]) -> Check:
    names = frozenset(wanted)
    return _object(lambda value: names <= value.keys())


def _unique(wanted: bool) -> Check:
    """Texts alone are compared fast; whatever else a list holds is left to jsonschema."""
    if not wanted:
        return lambda _value: True
    return _list(
        lambda value: all(isinstance(each, str) for each in value) and len(set(value)) == len(value)
    )


_PLAIN: Mapping[str, Callable[[Any], Check]] = {
    "type": _type,
    "pattern": _pattern,
    "required": _required,
    "uniqueItems": _unique,
    "minLength": lambda least: _text(lambda value: len(value) >= least),
    "maxLength": lambda most: _text(lambda value: len(value) <= most),
    "minimum": lambda least: _number(lambda value: value >= least),
    "maximum": lambda most: _number(lambda value: value <= most),
    "minItems": lambda least: _list(lambda value: len(value) >= least),
    "maxItems": lambda most: _list(lambda value: len(value) <= most),
    "minProperties": lambda least: _object(lambda value: len(value) >= least),
}


def _any_of(wanted: Sequence[Mapping[str, Any]], formats: Formats) -> Check:
    ways = [compile_schema(way, formats) for way in wanted]
    return lambda value: any(way(value) for way in ways)


def _items(wanted: Mapping[str, Any], formats: Formats) -> Check:
    check = compile_schema(wanted, formats)
    return _list(lambda value: all(check(each) for each in value))


_NESTED: Mapping[str, Callable[[Any, Formats], Check]] = {"anyOf": _any_of, "items": _items}
_OF_NAMES = frozenset({"properties", "patternProperties", "additionalProperties"})


def _names(schema: Mapping[str, Any], formats: Formats) -> Check:
    """What is asked of an object's values by their names."""
    named = {
        name: compile_schema(wanted, formats)
        for name, wanted in schema.get("properties", {}).items()
    }
    like = [
        (re.compile(pattern).search, compile_schema(wanted, formats))
        for pattern, wanted in schema.get("patternProperties", {}).items()
    ]
    others = schema.get("additionalProperties", True)
    if not isinstance(others, bool):
        raise Unknown("additionalProperties")

    def meets(name: str, value: Any) -> bool:
        one = named.get(name)
        is_known = one is not None
        if one is not None and not one(value):
            return False
        for search, check in like:
            if search(name):
                is_known = True
                if not check(value):
                    return False
        return others or is_known

    return _object(lambda value: all(meets(*item) for item in value.items()))
