"""Structs and JSON Schema give the same verdict on documents, good and bad.

The Schema is what other implementations hold themselves to, the Structs are what Wherry
reads with; a document that one takes and the other refuses would be read in two ways.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from compat import documents
from compat.documents import places, put, spoils
from wherry.compat.answer import parse_request
from wherry.model import checks, device, strictjson
from wherry.model.errors import InvalidRequest

# In JSON Schema and in RFC 3339, the end is the end; Python's $ would let a line feed pass.
SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "src/wherry/compat/data/wherry.device-1.schema.json")
    .read_text(encoding="utf-8")
    .replace('$"', '\\\\Z"')
)
FORMATS = FormatChecker(["date", "date-time"])
is_rfc3339 = FORMATS.checkers["date-time"][0]
FORMATS.checks("date-time")(lambda value: is_rfc3339(value) and not str(value).endswith("\n"))

RECORDS: dict[str, tuple[Any, Any]] = {
    "contract_1": (device.Contract, documents.CONTRACT),
    "offer_1": (device.Offer, documents.OFFER),
    "policy": (checks.Policy, documents.POLICY),
    "pack": (checks.Pack, documents.PACK),
    "needs": (checks.Needs, documents.NEEDS),
    "host": (checks.HostFacts, documents.HOST),
    "probe_outcome": (checks.ProbeOutcome, documents.OUTCOME),
}
DECODERS = {name: msgspec.json.Decoder(type_) for name, (type_, _) in RECORDS.items()}
REQUESTS = {"check": documents.CHECK, "guest": documents.GUEST, "lint": documents.LINT}


def validator(reference: dict[str, Any]) -> Draft202012Validator:
    schema = {**reference, "$defs": SCHEMA["$defs"]}
    return Draft202012Validator(schema, format_checker=FORMATS)


VALIDATORS = {name: validator({"$ref": f"#/$defs/{name}"}) for name in RECORDS}
REQUEST_VALIDATOR = validator({"oneOf": SCHEMA["oneOf"]})


def is_read(name: str, document: Any) -> bool:
    try:
        strictjson.decode(json.dumps(document).encode(), DECODERS[name], RECORDS[name][0])
    except InvalidRequest:
        return False
    return True


def is_request(document: Any) -> bool:
    try:
        parse_request(json.dumps(document).encode())
    except InvalidRequest:
        return False
    return True


def differing(name: str, document: Any) -> list[str]:
    """Name the documents of one record that the two read differently."""
    return [
        json.dumps(bad)[:2000]
        for path in places(document)
        for spoil in spoils(document, path)
        if is_read(name, bad := spoil()) != VALIDATORS[name].is_valid(bad)
    ]


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_documents_hold_every_field_of_the_schema(name):
    """Else a field could be missing in both and nobody would see it."""
    type_, document = RECORDS[name]

    assert is_read(name, document)
    VALIDATORS[name].validate(document)
    fields = {field.encode_name for field in msgspec.structs.fields(type_)}
    assert set(document) == fields
    own = SCHEMA["$defs"][name]
    shared = SCHEMA["$defs"]["identity"]["properties"] if "$ref" in own else {}
    assert fields == {*own["properties"], *shared}


@pytest.mark.parametrize("name", sorted(set(RECORDS) - {"contract_1", "offer_1"}))
def test_every_single_change_of_a_record_is_taken_or_refused_by_both(name):
    assert differing(name, RECORDS[name][1]) == []


@pytest.mark.full
@pytest.mark.parametrize("name", ["contract_1", "offer_1"])
def test_every_single_change_of_contract_and_offer_is_taken_or_refused_by_both(name):
    assert differing(name, RECORDS[name][1]) == []


def a_change(data: st.DataObject, document: Any) -> Any:
    path = data.draw(st.sampled_from(list(places(document))))
    return data.draw(st.sampled_from(list(spoils(document, path))))()


@pytest.mark.parametrize("name", sorted(RECORDS))
@given(data=st.data())
def test_several_changes_of_a_record_are_taken_or_refused_by_both(name, data):
    document = RECORDS[name][1]
    for _ in range(data.draw(st.integers(0, 3))):
        document = a_change(data, document)

    assert is_read(name, document) == VALIDATORS[name].is_valid(document)


@pytest.mark.parametrize("kind", sorted(REQUESTS))
@given(data=st.data())
def test_a_request_is_taken_or_refused_by_both(kind, data):
    document = REQUESTS[kind]
    for _ in range(data.draw(st.integers(0, 2))):
        document = a_change(data, document)

    assert is_request(document) == REQUEST_VALIDATOR.is_valid(document)


@pytest.mark.parametrize("kind", sorted(REQUESTS))
def test_each_key_of_a_request_is_taken_or_refused_by_both(kind):
    """Left out, null, of another kind of request, or a record of another schema."""
    documents_ = [REQUESTS[kind]]
    for other in REQUESTS.values():
        documents_ += [{**REQUESTS[kind], key: value} for key, value in other.items()]
    for key in REQUESTS[kind]:
        documents_ += [{k: v for k, v in REQUESTS[kind].items() if k != key}]
        documents_ += [put(REQUESTS[kind], (key,), value) for value in FOREIGN]

    for document in documents_:
        assert is_request(document) == REQUEST_VALIDATOR.is_valid(document), document


FOREIGN = (
    None, {}, {"schema": "wherry.device/2", "record": "contract"},
    {"schema": "wherry.device/2", "record": "offer", "anything": [1]},
    {"schema": "wherry.device/01", "record": "offer"}, {"schema": "wherry.device/2"},
    {"schema": "wherry.device/2", "record": "other"},
    {"schema": "wherry.device/", "record": "offer"}, {"schema": 2, "record": "offer"},
    {"schema": "wherry.device/2\n", "record": "offer"},
    {"schema": "wherry.device/1", "record": "contract"},
)  # fmt: skip


def test_a_request_is_a_document_and_not_a_list():
    for document in (None, [], [documents.CHECK], "x", 1, True, {}):
        assert not is_request(document)
        assert not REQUEST_VALIDATOR.is_valid(document)
