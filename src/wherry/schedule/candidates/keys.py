"""Which keys a query may have at a microversion, and what is said of one that it may not.

Source: Placement API reference, "List allocation candidates"; the text around a refusal is
that of the jsonschema library, which clients of Placement have always seen.
"""

import re
from collections.abc import Mapping, Sequence
from pprint import pformat
from textwrap import indent
from typing import Any

from wherry.schedule.candidates.messages import BadQuery, Message
from wherry.schedule.candidates.request import Microversion

Pairs = Sequence[tuple[str, str]]

_LIMIT = "^[1-9][0-9]*$"
_POLICIES = ["none", "isolate"]
_NUMBER, _NAME = "[1-9][0-9]*", "[a-zA-Z0-9_-]{1,64}"
_PLAIN = (("resources", (1, 10)), ("limit", (1, 16)), ("required", (1, 17)), ("member_of", (1, 21)))
_WIDE = (
    ("limit", (1, 16)),
    ("group_policy", (1, 25)),
    ("root_required", (1, 35)),
    ("same_subtree", (1, 36)),
)
_GROUPED = (
    ("resources", (1, 25)),
    ("required", (1, 25)),
    ("member_of", (1, 25)),
    ("in_tree", (1, 31)),
)
_SCHEMA_OF: Mapping[str, Mapping[str, Any]] = {
    "limit": {"type": ["integer", "string"], "pattern": _LIMIT, "minimum": 1, "minLength": 1},
    "group_policy": {"type": "string", "enum": _POLICIES},
    "root_required": {"type": ["string"]},
    "same_subtree": {"type": ["string"]},
    "required": {"type": ["string"]},
    "member_of": {"type": ["string"]},
    "resources": {"type": "string"},
}


def split_key(key: str, microversion: Microversion) -> tuple[str, str] | None:
    """Split a group's key into its name and suffix; None if it belongs to no group."""
    for name, _ in _GROUPED:
        if key.startswith(name) and re.fullmatch(_suffix(microversion), key[len(name) :]):
            return name, key[len(name) :]
    return None


def check_keys(pairs: Pairs, microversion: Microversion) -> None:
    """Refuse keys and values that the microversion does not know.

    Raises:
        BadQuery: a key is unknown or missing, or ``limit`` or ``group_policy`` is not of the
            form asked; of several the one that Placement would name.
    """
    query = dict(pairs)
    schema = schema_of(microversion)
    for keyword in schema.get("required", ()):
        if keyword not in query:
            message = f"{keyword!r} is a required property"
            raise _refuse(message, "required", schema, query)
    extra = sorted(key for key in query if not _is_known(key, schema))
    if extra:
        raise _refuse(_say_extra(extra, schema), "additionalProperties", schema, query)
    for value in (value for name, value in pairs if name == "limit"):
        if not re.fullmatch("[1-9][0-9]*", value):
            message = f"{value!r} does not match {_LIMIT!r}"
            raise _refuse_value(message, "pattern", "limit", value)
    for value in (value for name, value in pairs if name == "group_policy"):
        if value not in _POLICIES:
            message = f"{value!r} is not one of {_POLICIES!r}"
            raise _refuse_value(message, "enum", "group_policy", value)


def schema_of(microversion: Microversion) -> Mapping[str, Any]:
    """The JSON Schema of a query at a microversion, for the text of a refusal."""
    grouped = microversion >= (1, 25)
    names = [name for name, since in (_WIDE if grouped else _PLAIN) if microversion >= since]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _SCHEMA_OF[name] for name in names},
    }
    if not grouped:
        return {**schema, "required": ["resources"], "additionalProperties": False}
    patterns = {
        f"^{name}{_suffix(microversion, '?')}$": {"type": "string"}
        for name, since in _GROUPED
        if microversion >= since
    }
    return {**schema, "additionalProperties": False, "patternProperties": patterns}


def _suffix(microversion: Microversion, may: str = "?") -> str:
    return f"({_NAME if microversion >= (1, 33) else _NUMBER}){may}"


def _is_known(key: str, schema: Mapping[str, Any]) -> bool:
    patterns = schema.get("patternProperties", ())
    return key in schema["properties"] or any(re.fullmatch(each, key) for each in patterns)


def _say_extra(extra: Sequence[str], schema: Mapping[str, Any]) -> str:
    listed = ", ".join(map(repr, extra))
    if "patternProperties" not in schema:
        verb = "was" if len(extra) == 1 else "were"
        return f"Additional properties are not allowed ({listed} {verb} unexpected)"
    verb = "does" if len(extra) == 1 else "do"
    patterns = ", ".join(map(repr, sorted(schema["patternProperties"])))
    return f"{listed} {verb} not match any of the regexes: {patterns}"


def _refuse(
    message: str, keyword: str, schema: Mapping[str, Any], query: Mapping[str, str]
) -> BadQuery:
    return _complain(message, f"{keyword!r} in schema", schema, "instance", query)


def _refuse_value(message: str, keyword: str, name: str, value: str) -> BadQuery:
    where = f"{keyword!r} in schema['properties'][{name!r}]"
    return _complain(message, where, _SCHEMA_OF[name], f"instance[{name!r}]", value)


def _complain(message: str, where: str, schema: object, what: str, value: object) -> BadQuery:
    validating = f"Failed validating {where}:\n{_pretty(schema)}"
    error = f"{message}\n\n{validating}\n\nOn {what}:\n{_pretty(value)}"
    return BadQuery(Message.SCHEMA, error=error)


def _pretty(value: object) -> str:
    return indent(pformat(value, width=72, sort_dicts=False), "    ")
