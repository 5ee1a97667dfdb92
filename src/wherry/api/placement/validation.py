"""Bodies and queries held against their JSON Schema, with the texts that clients have seen.

The text of a refusal is that of the jsonschema library, as it is at every Placement; what meets
its schema is let through without it.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
from jsonschema.exceptions import best_match

from wherry.api.placement.quick import Check, compile_schema
from wherry.api.placement.refused import Refused
from wherry.schedule.candidates.names import is_uuid

Pairs = Sequence[tuple[str, str]]
Schema = Mapping[str, Any]

_BODY_FORMATS, _QUERY_FORMATS = jsonschema.FormatChecker(), jsonschema.FormatChecker()
_BODY_FORMATS.checks("uuid")(lambda text: not isinstance(text, str) or is_uuid(text))
_validators: dict[tuple[int, bool], tuple[Schema, Any]] = {}
_checks: dict[tuple[int, bool], tuple[Schema, Check]] = {}


def parse_body(data: bytes, schema: Schema) -> Any:
    """Read a body as JSON that meets a schema.

    Raises:
        Refused: it is no JSON, holds text that cannot be kept, or does not meet the schema.
    """
    try:
        text = data.decode()
        body = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise Refused(400, "Malformed JSON: it is nested too deeply") from None
    except ValueError as error:
        raise Refused(400, f"Malformed JSON: {error}") from None
    if "\\u" in text or "\x00" in text:
        _require_text(body)
    complaint = _complaint(body, schema, of_query=False)
    if complaint is not None:
        raise Refused(400, f"JSON does not validate: {complaint}")
    return body


def check_query(query: Pairs, schema: Schema) -> None:
    """Hold a query against a schema; of a key given twice the last value counts.

    Raises:
        Refused: it does not meet the schema.
    """
    error = _complaint(dict(query), schema, of_query=True)
    if error is not None:
        raise Refused(400, f"Invalid query string parameters: {error}")


def check_value(value: Any, schema: Schema) -> bool:
    """Whether a value meets a schema."""
    return _complaint(value, schema, of_query=False) is None


@lru_cache(maxsize=1024)
def parse_query(text: str) -> Pairs:
    """Read a query string; schedulers ask the same again and again.

    Raises:
        Refused: it is not UTF-8, or has too many parameters.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:
        raise Refused(400, f"Invalid query string parameters: {error}") from None
    if any("\x00" in part for pair in pairs for part in pair):
        raise Refused(400, "Invalid query string parameters: a value holds a zero character")
    return tuple(pairs)


def _complaint(value: Any, schema: Schema, *, of_query: bool) -> Any:
    try:
        if _check(schema, of_query=of_query)(value):
            return None
        return best_match(_validator(schema, of_query=of_query).iter_errors(value))
    except RecursionError:
        raise Refused(400, "Malformed JSON: it is nested too deeply") from None


def _check(schema: Schema, *, of_query: bool) -> Check:
    """Make the function once that says whether a value meets a schema."""
    key = (id(schema), of_query)
    if key not in _checks:
        uuid = partial(_QUERY_FORMATS.conforms, format="uuid") if of_query else is_uuid
        _checks[key] = (schema, compile_schema(schema, {"uuid": uuid}))
    return _checks[key][1]


def _validator(schema: Schema, *, of_query: bool) -> Any:
    """Make the validator of a schema once; those of this package live as long as the process."""
    key = (id(schema), of_query)
    if key not in _validators:
        formats = _QUERY_FORMATS if of_query else _BODY_FORMATS
        validator = jsonschema.Draft202012Validator(schema, format_checker=formats)
        _validators[key] = (schema, validator)
    return _validators[key][1]


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _require_text(value: Any) -> None:
    """Refuse text that no database keeps: zero characters, halves of surrogate pairs."""
    if isinstance(value, dict):
        for key, each in value.items():
            _require_text(key)
            _require_text(each)
    elif isinstance(value, list):
        for each in value:
            _require_text(each)
    elif isinstance(value, str) and ("\x00" in value or not _is_unicode(value)):
        raise Refused(400, "Malformed JSON: text holds a character that cannot be kept")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
