"""One request in, one response out: the bytes of a line, or the body of a REST call.

The keys tell the kind of a request: contract and offer, guest and target, or before and
after.  A line is read once, whatever its kind.

Source: docs/reference/compat.md, sections 4, 10, 11 and 15.
"""

import re
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.compat.engine import check
from wherry.compat.guest import check_guest
from wherry.compat.lints import lint
from wherry.model import strictjson
from wherry.model.checks import (
    CheckRequest,
    CheckResponse,
    GuestCheckRequest,
    GuestDevices,
    GuestResponse,
    LintRequest,
    LintResponse,
    Policy,
    TargetHost,
)
from wherry.model.device import SCHEMA, Contract, ForeignRecord, Offer, Record
from wherry.model.errors import InvalidRequest

Request = CheckRequest | GuestCheckRequest | LintRequest
Response = CheckResponse | GuestResponse | LintResponse

encode: Final = msgspec.json.Encoder().encode
"""Writes a response as it goes on the wire."""


class _Line(Record, frozen=True, kw_only=True):
    """All keys of all kinds of requests."""

    contract: Contract | UnsetType | None = UNSET
    offer: Offer | UnsetType | None = UNSET
    source_offer: Offer | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    guest: GuestDevices | UnsetType = UNSET
    target: TargetHost | UnsetType = UNSET
    before: Offer | UnsetType = UNSET
    after: Offer | UnsetType = UNSET


_decoder: Final = msgspec.json.Decoder(_Line)
_SCHEMA_NAME: Final = re.compile(r"wherry\.device/[0-9]+")
_SHAPE: Final = "A request has contract and offer, guest and target, or before and after"


def answer_line(line: bytes, number: int | None = None) -> bytes:
    """Answer one request; what is no valid request is answered with an error.

    Args:
        line: the request.
        number: where in a stream it stands, for the error's message.
    """
    try:
        return encode(answer(parse_request(line)))
    except InvalidRequest as error:
        where = "" if number is None else f"line {number}: "
        return encode({"error": {"code": error.code, "message": f"{where}{error}"}})


def answer(request: Request) -> Response:
    """Answer a request of any kind."""
    if isinstance(request, CheckRequest):
        return check(request.contract, request.offer, request.policy, request.source_offer)
    if isinstance(request, GuestCheckRequest):
        guest, target = request.guest, request.target
        return check_guest(guest.contracts, guest.needs, target.offers, target.host, request.policy)
    return lint(request.before, request.after)


def parse_request(data: bytes) -> Request:
    """Read a request of any kind.

    Raises:
        InvalidRequest: it is no strict JSON, or does not meet the Schema.
    """
    try:
        line = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _parse_exactly(strictjson.loads(data))
    strictjson.require_no_key_twice(data, line)
    return _request(line)


def _request(line: _Line) -> Request:
    """Tell the kind by the keys, and hold the keys to the kind."""
    if line.contract is not UNSET and line.offer is not UNSET:
        if (line.guest, line.target, line.before, line.after) != (UNSET,) * 4:
            raise InvalidRequest(_SHAPE)
        return CheckRequest(
            contract=line.contract,
            offer=line.offer,
            source_offer=line.source_offer,
            policy=Policy() if line.policy is UNSET else line.policy,
        )
    return _other_request(line)


def _other_request(line: _Line) -> Request:
    if (line.contract, line.offer, line.source_offer) != (UNSET,) * 3:
        raise InvalidRequest(_SHAPE)
    policy = Policy() if line.policy is UNSET else line.policy
    if line.guest is not UNSET and line.target is not UNSET:
        if line.before is not UNSET or line.after is not UNSET:
            raise InvalidRequest(_SHAPE)
        return _guest_request(line.guest, line.target, policy)
    if line.before is UNSET or line.after is UNSET or line.policy is not UNSET:
        raise InvalidRequest(_SHAPE)
    if line.guest is not UNSET or line.target is not UNSET:
        raise InvalidRequest(_SHAPE)
    return LintRequest(before=line.before, after=line.after)


def _guest_request(guest: GuestDevices, target: TargetHost, policy: Policy) -> GuestCheckRequest:
    try:
        return GuestCheckRequest(guest=guest, target=target, policy=policy)
    except ValueError as error:
        raise InvalidRequest(str(error), path="$.policy.mode") from error


def _parse_exactly(document: Any) -> Request:
    """Read what the fast way refused: records of other schemas, integers written ``1.0``."""
    if not isinstance(document, dict):
        raise InvalidRequest(_SHAPE)
    foreign = {
        key: record
        for key in ("contract", "offer", "source_offer")
        if (record := _foreign(document.get(key), "contract" if key == "contract" else "offer"))
    }
    # A foreign record is not looked into; the rest of the request still has to be valid.
    known = {key: value for key, value in document.items() if key not in foreign}
    absent = {key: None for key in foreign if key != "source_offer"}
    request = _request(strictjson.convert({**known, **absent}, _Line))
    if foreign and not isinstance(request, CheckRequest):
        raise InvalidRequest(_SHAPE)
    return replace(request, **foreign) if foreign else request


def _foreign(value: Any, record: Literal["contract", "offer"]) -> ForeignRecord | None:
    """Take a record of another schema; None where the value is anything else."""
    if not isinstance(value, dict) or value.get("record") != record:
        return None
    schema = value.get("schema")
    if not isinstance(schema, str) or schema == SCHEMA or not _SCHEMA_NAME.fullmatch(schema):
        return None
    return ForeignRecord(schema=schema, record=record)
