"""The JSON Schema of every body and query, by microversion.

Keys stand in the order in which clients have seen them in the text of a refusal.

Source: Placement API reference; texts of Placement 16.0.0, probed.
"""

from collections.abc import Mapping
from typing import Any

from wherry.api.placement.microversions import Microversion
from wherry.model.inventory import MAX_INT

Schema = Mapping[str, Any]
Versions = tuple[tuple[Microversion, Schema], ...]
"""Newest first: a schema holds from its microversion on."""

_CLASS = "^[A-Z0-9_]+$"
_CUSTOM = "^CUSTOM_[A-Z0-9_]+$"
_UUID_KEY = "^[0-9a-fA-F-]{36}$"
_FLOAT_MAX = 3.40282e38

_UUID: Schema = {"type": "string", "format": "uuid"}
_ID: Schema = {"type": "string", "minLength": 1, "maxLength": 255}
_GENERATION: Schema = {"type": "integer"}


def pick(versions: Versions, microversion: Microversion) -> Schema:
    """The schema that holds at a microversion."""
    return next(schema for since, schema in versions if since <= microversion)


def _record(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": dict(properties)}
    if required:
        schema["required"] = list(required)
    return schema | {"additionalProperties": False}


def _closed(properties: Mapping[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    """As `_record`, with its last two keys the other way round."""
    schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return schema | {"required": list(required)}


_NAME = {"name": {"type": "string", "maxLength": 200}}
_PARENT = {"parent_provider_uuid": {"anyOf": [_UUID, {"type": "null"}]}}
POST_PROVIDER: Versions = (
    ((1, 14), _record({**_NAME, "uuid": _UUID, **_PARENT}, ("name",))),
    ((1, 0), _record({**_NAME, "uuid": _UUID}, ("name",))),
)
PUT_PROVIDER: Versions = (
    ((1, 14), _record({**_NAME, **_PARENT}, ("name",))),
    ((1, 0), _record(_NAME, ("name",))),
)

_STRING: Schema = {"type": "string"}
_LIST_0 = {"name": _STRING, "uuid": _UUID}
_LIST_3 = {**_LIST_0, "member_of": _STRING}
_LIST_4 = {**_LIST_3, "resources": _STRING}
_LIST_14 = {**_LIST_4, "in_tree": _UUID}
LIST_PROVIDERS: Versions = (
    ((1, 18), _record({**_LIST_14, "required": _STRING})),
    ((1, 14), _record(_LIST_14)),
    ((1, 4), _record(_LIST_4)),
    ((1, 3), _record(_LIST_3)),
    ((1, 0), _record(_LIST_0)),
)


def _whole(minimum: int) -> Schema:
    return {"type": "integer", "maximum": MAX_INT, "minimum": minimum}


_INVENTORY = {
    "resource_provider_generation": _GENERATION,
    "total": _whole(1),
    "reserved": _whole(0),
    "min_unit": _whole(1),
    "max_unit": _whole(1),
    "step_size": _whole(1),
    "allocation_ratio": {"type": "number", "maximum": _FLOAT_MAX},
}
PUT_INVENTORY: Versions = (
    ((1, 0), _record(_INVENTORY, ("total", "resource_provider_generation"))),
)
POST_INVENTORY: Versions = (
    (
        (1, 0),
        _record(
            {**_INVENTORY, "resource_class": {"type": "string", "pattern": _CLASS}},
            ("total", "resource_class"),
        ),
    ),
)
_PUT_INVENTORIES = _record(
    {
        "resource_provider_generation": _GENERATION,
        "inventories": {
            "type": "object",
            "patternProperties": {_CLASS: _record(_INVENTORY, ("total",))},
        },
    },
    ("resource_provider_generation", "inventories"),
)
PUT_INVENTORIES: Versions = (((1, 0), _PUT_INVENTORIES),)

_AGGREGATES: Schema = {"type": "array", "items": _UUID, "uniqueItems": True}
PUT_AGGREGATES: Versions = (
    (
        (1, 19),
        _record(
            {"aggregates": _AGGREGATES, "resource_provider_generation": _GENERATION},
            ("aggregates", "resource_provider_generation"),
        ),
    ),
    ((1, 1), _AGGREGATES),
)

CUSTOM_TRAIT: Schema = {**_ID, "pattern": _CUSTOM}
PUT_TRAITS: Versions = (
    (
        (1, 6),
        _record(
            {
                "traits": {"type": "array", "items": _ID},
                "resource_provider_generation": _GENERATION,
            },
            ("traits", "resource_provider_generation"),
        ),
    ),
)
LIST_TRAITS: Versions = (((1, 6), _record({"name": _STRING, "associated": _STRING})),)

CLASS: Versions = (
    (
        (1, 2),
        _record({"name": {"type": "string", "pattern": _CUSTOM, "maxLength": 255}}, ("name",)),
    ),
)

_RESOURCES: Schema = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {_CLASS: {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
}
_LISTED: Schema = {
    "type": "array",
    "minItems": 1,
    "items": _record(
        {"resource_provider": _closed({"uuid": _UUID}, ("uuid",)), "resources": _RESOURCES},
        ("resource_provider", "resources"),
    ),
}
_OWNERS = {"project_id": _ID, "user_id": _ID}
_OWNED = ("allocations", "project_id", "user_id")


def _keyed(least: int) -> Schema:
    return {
        "type": "object",
        "minProperties": least,
        "patternProperties": {
            _UUID_KEY: _record({"generation": _GENERATION, "resources": _RESOURCES}, ("resources",))
        },
        "additionalProperties": False,
    }


_MAPPINGS: Schema = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {"[a-zA-Z0-9_-]{1,64}": {"type": "array", "minItems": 1, "items": _UUID}},
}
_TYPE: Schema = {"type": "string", "pattern": _CLASS, "minLength": 1, "maxLength": 255}
_EXPECTED: Schema = {"type": ["integer", "null"], "additionalProperties": False}

_HELD_12 = {"allocations": _keyed(1), **_OWNERS}
_HELD_13 = {"allocations": _keyed(0), **_OWNERS}
_HELD_28 = {**_HELD_13, "consumer_generation": _EXPECTED}
_HELD_34 = {**_HELD_28, "mappings": _MAPPINGS}
_HELD_38 = {**_HELD_34, "consumer_type": _TYPE}
_EXPECTING = (*_OWNED, "consumer_generation")
_RECORD_13 = _closed(_HELD_13, _OWNED)
_RECORD_28 = _closed(_HELD_28, _EXPECTING)
_RECORD_34 = _closed(_HELD_34, _EXPECTING)
_RECORD_38 = _closed(_HELD_38, (*_EXPECTING, "consumer_type"))
PUT_ALLOCATIONS: Versions = (
    ((1, 38), _RECORD_38),
    ((1, 34), _RECORD_34),
    ((1, 28), _RECORD_28),
    ((1, 12), _closed(_HELD_12, _OWNED)),
    ((1, 8), _record({"allocations": _LISTED, **_OWNERS}, _OWNED)),
    ((1, 0), _record({"allocations": _LISTED}, ("allocations",))),
)


def _by_consumer(record: Schema, least: int = 1) -> Schema:
    return {
        "type": "object",
        "minProperties": least,
        "additionalProperties": False,
        "patternProperties": {_UUID_KEY: record},
    }


POST_ALLOCATIONS: Versions = (
    ((1, 38), _by_consumer(_RECORD_38)),
    ((1, 34), _by_consumer(_RECORD_34)),
    ((1, 28), _by_consumer(_RECORD_28)),
    ((1, 13), _by_consumer(_RECORD_13)),
)


def _reshaper(record: Schema) -> Schema:
    return _record(
        {
            "inventories": {
                "type": "object",
                "patternProperties": {_UUID_KEY: _PUT_INVENTORIES},
                "minProperties": 1,
                "additionalProperties": False,
            },
            "allocations": _by_consumer(record, 0),
        },
        ("inventories", "allocations"),
    )


POST_RESHAPER: Versions = (
    ((1, 38), _reshaper(_RECORD_38)),
    ((1, 34), _reshaper(_RECORD_34)),
    ((1, 30), _reshaper(_RECORD_28)),
)

GET_USAGES: Versions = (
    (
        (1, 38),
        _record(
            {**_OWNERS, "consumer_type": {**_TYPE, "pattern": f"{_CLASS}|^all|^unknown$"}},
            ("project_id",),
        ),
    ),
    ((1, 9), _record(_OWNERS, ("project_id",))),
)
