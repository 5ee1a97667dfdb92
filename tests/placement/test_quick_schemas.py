"""What is let through fast is exactly what jsonschema lets through."""

import copy

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement_wire import U1
from wherry.api.placement import schemas
from wherry.api.placement.quick import Unknown, compile_schema
from wherry.api.placement.refused import Refused
from wherry.api.placement.validation import check_query
from wherry.schedule.candidates.names import is_uuid

FORMATS = jsonschema.FormatChecker()
FORMATS.checks("uuid")(lambda text: not isinstance(text, str) or is_uuid(text))
SCHEMAS = [
    (f"{name} {since[0]}.{since[1]}", schema)
    for name, versions in vars(schemas).items()
    if name.isupper() and not name.startswith("_") and isinstance(versions, tuple)
    for since, schema in versions
] + [("CUSTOM_TRAIT", schemas.CUSTOM_TRAIT)]
UUIDS = ("8c8a1b9e-2d5e-4f0a-9b68-6d5b1f3c7a10", "8C8A1B9E2D5E4F0A9B686D5B1F3C7A10", "x", "")
texts = st.sampled_from([*UUIDS, "VCPU", "CUSTOM_A", "vcpu", "all", "unknown", "a" * 256])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([2**31 - 1, 2**31, 2**70, 1.0, 1.5, -0.0, 1e39]),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def meeting(schema):
    """Values that meet a schema as far as its keywords are looked at; not each does."""
    if "anyOf" in schema:
        return st.one_of([meeting(way) for way in schema["anyOf"]])
    kind = schema.get("type")
    if isinstance(kind, list):
        return st.one_of([meeting({**schema, "type": one}) for one in kind])
    if kind == "object":
        fixed = {name: meeting(one) for name, one in schema.get("properties", {}).items()}
        required = set(schema.get("required", ()))
        whole = st.fixed_dictionaries(
            {name: one for name, one in fixed.items() if name in required},
            optional={name: one for name, one in fixed.items() if name not in required},
        )
        for one in schema.get("patternProperties", {}).values():
            more = st.dictionaries(texts, meeting(one), max_size=2)
            whole = st.tuples(whole, more).map(lambda pair: {**pair[1], **pair[0]})
        return whole
    if kind == "array":
        return st.lists(meeting(schema["items"]), max_size=3)
    if kind in {"integer", "number"}:
        return st.integers(-1, 3) | st.sampled_from([1.0, 2.5, 2**31])
    return texts if kind == "string" else st.none()


def broken(value, data):
    """The value with one thing in it put in another's place."""
    value = copy.deepcopy(value)
    where = value
    while isinstance(where, dict | list) and where:
        keys = list(where) if isinstance(where, dict) else list(range(len(where)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(where[key], dict | list) or data.draw(st.booleans()):
            where[key] = data.draw(values)
            return value
        where = where[key]
    return data.draw(values)


@pytest.mark.parametrize(("name", "schema"), SCHEMAS, ids=[name for name, _ in SCHEMAS])
@given(data=st.data())
def test_fast_and_slow_agree(name, schema, data):
    fast = compile_schema(schema, {"uuid": is_uuid})
    slow = jsonschema.Draft202012Validator(schema, format_checker=FORMATS)
    value = data.draw(meeting(schema))
    if data.draw(st.booleans()):
        value = broken(value, data)

    assert fast(value) == slow.is_valid(value), value


@pytest.mark.parametrize("text", ["xyz", "f9f0f4b8", "", U1.replace("-", "")])
def test_a_query_s_uuid_is_held_to_its_form(text):
    """In a query the library's own form of a uuid counts, which wants its dashes."""
    schema = {"properties": {"uuid": {"type": "string", "format": "uuid"}}}

    check_query([("uuid", U1)], schema)
    with pytest.raises(Refused):
        check_query([("uuid", text)], schema)


def test_lists_of_other_things_than_texts_are_left_to_jsonschema():
    """Never let through what it refuses: 1 and 1.0 are the same, and so are lists of them."""
    unique = compile_schema({"uniqueItems": True}, {})

    assert unique(["a", "b"])
    assert not unique(["a", "a"])
    assert not unique([1, 1.0])


@pytest.mark.parametrize(
    "schema", [{"const": 1}, {"type": "boolean"}, {"format": "date"}, {"additionalProperties": {}}]
)
def test_what_is_not_known_is_said(schema):
    with pytest.raises(Unknown):
        compile_schema(schema, {"uuid": is_uuid})
